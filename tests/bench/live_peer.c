/* The rig of the benchmark of live runs, without Python.
 *
 *   live_peer sensor LIBZMQ ADDRESS RATE            publishes one channel "x" at RATE [Hz] until it is killed
 *   live_peer loop LIBZMQ SENSOR ACTUATOR RATE      the same, and listens: round trips [ns] go to stdout at the end
 *   live_peer lockstep LIBZMQ ADDRESS STEPS         paces a run
 *   live_peer bare LIBZMQ ADDRESS STEPS             no run at all: two such programs and libzmq between them; steps
 *                                                   a second go to stdout
 */
#include <dlfcn.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "crumple_wire.h"

static void* (*ctx_new)(void);
static void* (*make_socket)(void*, int);
static int (*set_context)(void*, int, int);
static int (*set_option)(void*, int, const void*, size_t);
static int (*bind_to)(void*, const char*);
static int (*connect_to)(void*, const char*);
static int (*send_frame)(void*, const void*, size_t, int);
static int (*receive)(void*, void*, size_t, int);

enum {
    THREAD_PRIORITY = 3,
    THREAD_SCHED_POLICY = 4,
    PUB = 1,
    SUB = 2,
    DEALER = 5,
    SUBSCRIBE = 6,
    DONTWAIT = 1,
    RCVTIMEO = 27
};

static void* find(void* library, const char* name) {
    void* found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "%s is missing\n", name);
        exit(2);
    }
    return found;
}

/* As a rig in C would: real-time priority below the loop's, also for libzmq's thread, where the system allows it. */
static void* prompt_context(void) {
    struct sched_param wanted = {.sched_priority = 70};
    void* context = ctx_new();
    prctl(PR_SET_TIMERSLACK, 1UL, 0, 0, 0);
    if (sched_setscheduler(0, SCHED_FIFO, &wanted) != 0) return context;
    set_context(context, THREAD_SCHED_POLICY, SCHED_FIFO);
    set_context(context, THREAD_PRIORITY, 70);
    return context;
}

static void load(const char* file) {
    void* library = dlopen(file, RTLD_NOW);
    if (!library) {
        fprintf(stderr, "%s\n", dlerror());
        exit(2);
    }
    *(void**)&ctx_new = find(library, "zmq_ctx_new");
    *(void**)&set_context = find(library, "zmq_ctx_set");
    *(void**)&make_socket = find(library, "zmq_socket");
    *(void**)&set_option = find(library, "zmq_setsockopt");
    *(void**)&bind_to = find(library, "zmq_bind");
    *(void**)&connect_to = find(library, "zmq_connect");
    *(void**)&send_frame = find(library, "zmq_send");
    *(void**)&receive = find(library, "zmq_recv");
}

static int64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sleep_until(int64_t moment) {
    struct timespec t = {(time_t)(moment / 1000000000), (long)(moment % 1000000000)};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static const crumple_channel sent[] = {{"x", CRUMPLE_REAL, "1"}};
static const crumple_channel heard[] = {{"y", CRUMPLE_REAL, "1"}};

static void post(void* socket, crumple_header header, double value) {
    const crumple_layout layout = crumple_layout_of(sent, 1);
    uint8_t frame[CRUMPLE_FRAME_SIZE(1)];
    size_t length = 0;
    header.source_ns = now();
    if (crumple_encode(&header, &layout, &value, frame, sizeof frame, &length) != CRUMPLE_OK) exit(3);
    send_frame(socket, frame, length, DONTWAIT);
}

static void publish(char** argv, int listens) {
    void* context = prompt_context();
    void* out = make_socket(context, PUB);
    void* in = NULL;
    const double rate = atof(argv[listens ? 5 : 4]);
    const crumple_layout layout = crumple_layout_of(heard, 1);
    static int64_t trips[2000000];
    size_t n = 0;
    crumple_header header = {CRUMPLE_SAMPLE, 0, 0, 0, CRUMPLE_TIME_UNKNOWN, 0, 0, 0};
    header.session = crumple_session_of((uint64_t)now() ^ (uint64_t)getpid() << 40);
    if (bind_to(out, argv[3]) != 0) exit(4);
    if (listens) {
        in = make_socket(context, SUB);
        set_option(in, SUBSCRIBE, "", 0);
        connect_to(in, argv[4]);
    }
    puts("ready");
    fflush(stdout);
    uint64_t answered = 0;
    for (int64_t k = 0, start = now();; ++k) {
        ++header.sequence;
        header.sim_ns = (int64_t)((double)k / rate * 1e9);
        post(out, header, (double)(k % 100));
        const int64_t next = start + (int64_t)((double)(k + 1) / rate * 1e9);
        if (!listens) {
            sleep_until(next);
            continue;
        }
        while (now() < next) {
            uint8_t frame[256];
            crumple_header answer;
            double y;
            const int length = receive(in, frame, sizeof frame, DONTWAIT);
            if (length < 0) {
                sleep_until(now() + 20000); /* at real-time priority nobody may hold a core for good */
                continue;
            }
            if (crumple_decode(frame, (size_t)length, &layout, &answer, &y) != CRUMPLE_OK) continue;
            if (answer.flags & CRUMPLE_FINAL) goto over;
            if (answer.echo_sequence == answered || n == sizeof trips / sizeof *trips) continue;
            answered = answer.echo_sequence;
            trips[n++] = now() - answer.echo_ns;
        }
    }
over:
    for (size_t i = 0; i < n; ++i) printf("%lld\n", (long long)trips[i]);
}

static void lockstep(char** argv) {
    const crumple_layout layout = crumple_layout_of(heard, 1);
    const crumple_layout mine = crumple_layout_of(sent, 1);
    const uint64_t steps = (uint64_t)atoll(argv[4]);
    const int patience = 20000; /* [ms] */
    void* socket = make_socket(ctx_new(), DEALER);
    uint8_t frame[256];
    size_t length = 0;
    crumple_header header = {CRUMPLE_HELLO, 0, 0, 0, CRUMPLE_TIME_UNKNOWN, 0, 0, 0}, answer;
    double y = 0;
    header.session = crumple_session_of((uint64_t)now() ^ (uint64_t)getpid() << 40);
    set_option(socket, RCVTIMEO, &patience, sizeof patience);
    connect_to(socket, argv[3]);
    if (crumple_encode(&header, &mine, NULL, frame, sizeof frame, &length) != CRUMPLE_OK) exit(3);
    send_frame(socket, frame, length, 0);
    header.type = CRUMPLE_SAMPLE;
    while (header.sequence <= steps) {
        const int got = receive(socket, frame, sizeof frame, 0);
        if (got < 0) exit(5);
        if (crumple_decode(frame, (size_t)got, &layout, &answer, &y) != CRUMPLE_OK) exit(6);
        if (answer.type == CRUMPLE_READY) continue;
        if (answer.type == CRUMPLE_BYE || (answer.flags & CRUMPLE_FINAL)) return;
        if (answer.sequence != header.sequence) continue;
        ++header.sequence;
        post(socket, header, y + 1.0);
    }
}

/* What libzmq alone comes to: frames of the same size back and forth between two processes. */
static void bare(char** argv) {
    const long steps = atol(argv[4]), early = steps / 10;
    const pid_t other = fork(); /* before there is a context */
    void* socket = make_socket(ctx_new(), DEALER);
    uint8_t frame[CRUMPLE_FRAME_SIZE(1)] = {0};
    int64_t start = 0;
    if (other == 0) {
        if (bind_to(socket, argv[3]) != 0) exit(4);
        for (long k = 0; k < steps + early; ++k) {
            if (receive(socket, frame, sizeof frame, 0) < 0) exit(5);
            send_frame(socket, frame, sizeof frame, 0);
        }
        usleep(200000); /* the last one has to leave */
        exit(0);
    }
    usleep(200000);
    connect_to(socket, argv[3]);
    for (long k = 0; k < steps + early; ++k) {
        if (k == early) start = now();
        send_frame(socket, frame, sizeof frame, 0);
        if (receive(socket, frame, sizeof frame, 0) < 0) exit(5);
    }
    printf("%.0f\n", (double)steps / ((double)(now() - start) * 1e-9));
}

int main(int argc, char** argv) {
    if (argc < 5) return 2;
    load(argv[2]);
    if (strcmp(argv[1], "sensor") == 0) publish(argv, 0);
    if (strcmp(argv[1], "loop") == 0) publish(argv, 1);
    if (strcmp(argv[1], "lockstep") == 0) lockstep(argv);
    if (strcmp(argv[1], "bare") == 0) bare(argv);
    return 0;
}
