/* An airbag controller on the bench, in C: the rule of plugins/airbag_controller, outside, on a wire.
 *
 *   gcc -std=c11 -O2 -I"$(python -c 'import crumple.live as l; print(l.include_dir())')" controller.c -o controller
 * -ldl
 *   ./controller lockstep tcp://127.0.0.1:5600                            with airbag_bench.toml
 *   ./controller realtime tcp://127.0.0.1:5555 tcp://127.0.0.1:5556      with airbag_realtime.toml
 *
 * It needs no header of ZeroMQ: the few functions are declared below and found in libzmq.so.5, or in the file that the
 * environment variable CRUMPLE_LIBZMQ names. A rig with <zmq.h> includes it and links with -lzmq instead.
 */
#define _POSIX_C_SOURCE 200809L

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "crumple_wire.h"

/* -- ZeroMQ -------------------------------------------------------------------------------------------------------- */

enum { ZMQ_PUB = 1, ZMQ_SUB = 2, ZMQ_DEALER = 5 };
enum { ZMQ_SUBSCRIBE = 6, ZMQ_LINGER = 17, ZMQ_RCVTIMEO = 27, ZMQ_IMMEDIATE = 39, ZMQ_DONTWAIT = 1 };

static struct {
    void* (*ctx_new)(void);
    int (*ctx_term)(void*);
    void* (*socket)(void*, int);
    int (*close)(void*);
    int (*setsockopt)(void*, int, const void*, size_t);
    int (*bind)(void*, const char*);
    int (*connect)(void*, const char*);
    int (*send)(void*, const void*, size_t, int);
    int (*recv)(void*, void*, size_t, int);
} zmq;

static void find(void* library, const char* name, void* function) {
    void* found = dlsym(library, name);
    if (found == NULL) {
        fprintf(stderr, "controller: libzmq has no %s\n", name);
        exit(2);
    }
    memcpy(function, &found, sizeof found);
}

static void load_zmq(void) {
    const char* named = getenv("CRUMPLE_LIBZMQ");
    void* library = dlopen(named != NULL ? named : "libzmq.so.5", RTLD_NOW);
    if (library == NULL) {
        fprintf(stderr, "controller: %s. Install libzmq, or name its file in CRUMPLE_LIBZMQ.\n", dlerror());
        exit(2);
    }
    find(library, "zmq_ctx_new", &zmq.ctx_new);
    find(library, "zmq_ctx_term", &zmq.ctx_term);
    find(library, "zmq_socket", &zmq.socket);
    find(library, "zmq_close", &zmq.close);
    find(library, "zmq_setsockopt", &zmq.setsockopt);
    find(library, "zmq_bind", &zmq.bind);
    find(library, "zmq_connect", &zmq.connect);
    find(library, "zmq_send", &zmq.send);
    find(library, "zmq_recv", &zmq.recv);
}

static void* open_socket(void* context, int kind, const char* address, int wait_there, int patience_ms) {
    void* made = zmq.socket(context, kind);
    const int linger_ms = 200, yes = 1;
    if (made == NULL) return NULL;
    zmq.setsockopt(made, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq.setsockopt(made, ZMQ_RCVTIMEO, &patience_ms, sizeof patience_ms);
    if (kind == ZMQ_DEALER)
        zmq.setsockopt(made, ZMQ_IMMEDIATE, &yes, sizeof yes); /* nothing waits for an absent peer */
    if (kind == ZMQ_SUB) zmq.setsockopt(made, ZMQ_SUBSCRIBE, "", 0);
    if ((wait_there ? zmq.bind(made, address) : zmq.connect(made, address)) != 0) {
        fprintf(stderr, "controller: %s cannot be used\n", address);
        exit(2);
    }
    return made;
}

/* -- the rule ------------------------------------------------------------------------------------------------------ */

enum { CYCLE_NS = 500000, WINDOW = 20 }; /* 0.5 ms; 10 ms of them */
static const double threshold = 1.1;     /* [m/s] velocity lost over the window at which to fire */

typedef struct controller {
    double lost[WINDOW]; /* [m/s] a cycle, oldest at `next` once it is full */
    unsigned count, next;
    double fire, velocity_lost;
} controller;

static void decide(controller* c, double acceleration) {
    c->lost[c->next] = -acceleration * (CYCLE_NS * 1e-9);
    c->next = (c->next + 1) % WINDOW;
    if (c->count < WINDOW) ++c->count;
    c->velocity_lost = 0.0;
    for (unsigned i = 0; i < c->count; ++i) /* oldest first */
        c->velocity_lost += c->lost[(c->next + WINDOW - c->count + i) % WINDOW];
    if (c->velocity_lost > threshold) c->fire = 1.0;
}

/* -- messages ------------------------------------------------------------------------------------------------------ */

static const crumple_channel sends_channels[] = {{"fire", CRUMPLE_REAL, "1"}, {"velocity_lost", CRUMPLE_REAL, "m/s"}};
static const crumple_channel receives_channels[] = {{"acceleration", CRUMPLE_REAL, "m/s^2"}};
static const double safe_acceleration = 0.0; /* who hears nothing of a crash assumes that there is none */

static crumple_layout sends, receives;
static uint64_t session;
static volatile sig_atomic_t stopped;

static void stop(int number) {
    (void)number;
    stopped = 1;
}

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void send_message(void* socket, crumple_type type, uint16_t flags, uint64_t sequence, int64_t sim_ns,
                         int64_t source_ns, const double* values) {
    const crumple_header header = {type, flags, session, sequence, sim_ns, source_ns, 0, 0};
    uint8_t frame[CRUMPLE_FRAME_SIZE(2)];
    size_t length;
    if (crumple_encode(&header, &sends, values, frame, sizeof frame, &length) == CRUMPLE_OK)
        zmq.send(socket, frame, length, ZMQ_DONTWAIT);
}

static int report(uint64_t samples, const controller* c) {
    printf("over after %" PRIu64 " samples, %s\n", samples, c->fire > 0.0 ? "fired" : "not fired");
    return 0;
}

/* -- lockstep: each exchange is one cycle of the controller ---------------------------------------------------------
 */

static int lockstep(void* context, const char* address) {
    const int64_t patience_ns = INT64_C(60) * 1000000000, timeout_ns = INT64_C(10) * 1000000000;
    const int part_ms = 100; /* a sample without an answer is sent again after each of these */
    void* socket = open_socket(context, ZMQ_DEALER, address, 0, part_ms);
    controller c = {0};
    uint8_t frame[CRUMPLE_FRAME_SIZE(1)];
    crumple_header header;
    double acceleration = safe_acceleration;
    uint64_t core = 0, sequence = 0; /* the core's session; 0: not ready yet */
    double answer[2] = {0.0, 0.0};
    int64_t heard_ns = now_ns(), made_ns = heard_ns;
    int started = 0, over = 0;
    if (socket == NULL) return 2;
    send_message(socket, CRUMPLE_HELLO, 0, 0, CRUMPLE_TIME_UNKNOWN, made_ns, NULL);
    while (!over && !stopped && now_ns() - heard_ns < (started ? timeout_ns : patience_ns)) {
        const int size = zmq.recv(socket, frame, sizeof frame, 0);
        if (size < 0) { /* the core did not hear us, or we did not hear it: the same once more */
            if (core == 0)
                send_message(socket, CRUMPLE_HELLO, 0, 0, CRUMPLE_TIME_UNKNOWN, now_ns(), NULL);
            else if (sequence > 0)
                send_message(socket, CRUMPLE_SAMPLE, CRUMPLE_RESENT, sequence, CRUMPLE_TIME_UNKNOWN, made_ns, answer);
            continue;
        }
        double value = 0.0;
        /* what is longer than the buffer was cut off by ZeroMQ, and size tells */
        if (crumple_decode(frame, (size_t)size, &receives, &header, &value) != CRUMPLE_OK) continue;
        if (header.type == CRUMPLE_READY && core == 0) core = header.session;
        if (header.session != core) continue;
        over = header.type == CRUMPLE_BYE || (header.flags & CRUMPLE_FINAL) != 0;
        if ((header.flags & CRUMPLE_PAUSED) != 0) heard_ns = now_ns(); /* somebody holds the run: it lives */
        if (over || header.type != CRUMPLE_OUTPUT || header.sequence != sequence || header.echo_sequence != sequence)
            continue;
        acceleration = header.flags & (CRUMPLE_SAFE | CRUMPLE_PAUSED) ? safe_acceleration : value;
        started = sequence > 0;
        heard_ns = now_ns();
        /* what is read in one cycle is answered in the next: deciding takes that long */
        answer[0] = c.fire;
        answer[1] = c.velocity_lost;
        decide(&c, acceleration);
        made_ns = now_ns();
        send_message(socket, CRUMPLE_SAMPLE, 0, ++sequence, CRUMPLE_TIME_UNKNOWN, made_ns, answer);
    }
    if (!over) {
        send_message(socket, CRUMPLE_BYE, 0, 1, CRUMPLE_TIME_UNKNOWN, now_ns(), NULL);
        if (!stopped) fprintf(stderr, "controller: %s is silent\n", address);
    }
    zmq.close(socket);
    return over ? report(sequence, &c) : 1;
}

/* -- real time: each output is answered at once ---------------------------------------------------------------------
 */

static int realtime(void* context, const char* samples, const char* outputs) {
    const int64_t patience_ns = INT64_C(60) * 1000000000;
    const int keep_alive_ms = 10; /* between two samples where no output asks for one */
    void* to = open_socket(context, ZMQ_PUB, samples, 1, 0);
    void* from = open_socket(context, ZMQ_SUB, outputs, 0, keep_alive_ms);
    controller c = {0};
    crumple_watchdog watchdog;
    uint8_t frame[CRUMPLE_FRAME_SIZE(1)];
    crumple_header header;
    double acceleration = safe_acceleration;
    uint64_t run = 0, sequence = 0;
    int64_t last_ns = 0;
    const int64_t began_ns = now_ns();
    if (to == NULL || from == NULL) return 2;
    crumple_watchdog_start(&watchdog, INT64_C(500) * 1000000);
    /* a subscriber that comes later knows by this that we are there; nobody answers */
    send_message(to, CRUMPLE_HELLO, 0, 0, CRUMPLE_TIME_UNKNOWN, began_ns, NULL);
    while (!stopped && (run != 0 || now_ns() - began_ns < patience_ns)) {
        const int size = zmq.recv(from, frame, sizeof frame, 0);
        if (size < 0 && errno == EINTR) continue;
        int64_t sim_ns = CRUMPLE_TIME_UNKNOWN;
        const int64_t now = now_ns();
        const int taken = size >= 0 && crumple_watchdog_offer(&watchdog, &receives, frame, (size_t)size, now, &header,
                                                              &acceleration) == CRUMPLE_OK;
        const crumple_state state = crumple_watchdog_state(&watchdog, now);
        if (state == CRUMPLE_ENDED) break;
        if (taken && header.type == CRUMPLE_OUTPUT && state == CRUMPLE_LIVE) {
            if (header.session != run) { /* a run begins */
                memset(&c, 0, sizeof c);
                run = header.session;
                last_ns = header.sim_ns - CYCLE_NS;
            }
            /* by the clock of the run: a cycle that was missed had the value that is known now */
            for (int i = 0; i < WINDOW && last_ns + CYCLE_NS / 2 < header.sim_ns; ++i, last_ns += CYCLE_NS)
                decide(&c, acceleration);
            sim_ns = last_ns = header.sim_ns;
        }
        const double answer[2] = {c.fire, c.velocity_lost};
        send_message(to, CRUMPLE_SAMPLE, 0, ++sequence, sim_ns, now_ns(), answer);
    }
    const double answer[2] = {c.fire, c.velocity_lost};
    send_message(to, CRUMPLE_BYE, 0, 1, CRUMPLE_TIME_UNKNOWN, now_ns(), answer);
    zmq.close(to);
    zmq.close(from);
    return run != 0 ? report(sequence, &c) : 1;
}

int main(int count, char** words) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = stop;
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sends = crumple_layout_of(sends_channels, 2);
    receives = crumple_layout_of(receives_channels, 1);
    session = crumple_session_of((uint64_t)now_ns() ^ (uint64_t)getpid() << 40);
    const int paces = count == 3 && strcmp(words[1], "lockstep") == 0;
    if (!paces && !(count == 4 && strcmp(words[1], "realtime") == 0)) {
        fprintf(stderr, "usage: controller lockstep ADDRESS | controller realtime SAMPLES OUTPUTS\n");
        return 2;
    }
    load_zmq();
    void* context = zmq.ctx_new();
    const int code = paces ? lockstep(context, words[2]) : realtime(context, words[2], words[3]);
    zmq.ctx_term(context);
    return code;
}
