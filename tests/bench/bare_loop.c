// The floor of the benchmark: the same FMU library, driven by the least C that steps it.
//
// Per unit and step: gather the inputs from what was published at the last communication point, set, doStep, get.
// All units first, then the outputs change over (Jacobi), so that it ends on the same bits as every engine.
#ifdef __linux__
#define _GNU_SOURCE  // cpu_set_t and what takes it
#endif
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fmi/fmi2.h"
#include "fmi/fmi3.h"

typedef unsigned int Ref;

typedef struct {
    int fmi;               // 2 or 3
    int n_units, n_ports;  // each unit has n_ports inputs and as many outputs
    double h;              // step [s]
    long tick;             // steps taken
    void* library;
    void** units;                // (n_units)
    Ref *in_refs, *out_refs;     // (n_ports)
    int* route;                  // (n_units * n_ports) which output feeds this input
    double* inputs;              // (n_units * n_ports)
    double *published, *latest;  // (n_units * n_ports) outputs of the last and of this communication point
    int failed;                  // a call returned something other than OK
    fmi2SetRealTYPE* set2;
    fmi2GetRealTYPE* get2;
    fmi2DoStepTYPE* step2;
    fmi3SetFloat64TYPE* set3;
    fmi3GetFloat64TYPE* get3;
    fmi3DoStepTYPE* step3;
} Bare;

static void quiet2(fmi2ComponentEnvironment e, fmi2String n, fmi2Status s, fmi2String c, fmi2String m, ...) {
    (void)e, (void)n, (void)s, (void)c, (void)m;
}
static const fmi2CallbackFunctions callbacks2 = {quiet2, calloc, free, NULL, NULL};

static void* copy(const void* from, size_t size) {
    void* to = malloc(size);
    return to == NULL ? NULL : memcpy(to, from, size);
}

#define SYMBOL(name) name##TYPE* name = (name##TYPE*)dlsym(bare->library, #name)

static int start2(Bare* bare, int i, const char* token, const Ref* refs, const double* starts, int n_starts) {
    SYMBOL(fmi2Instantiate);
    SYMBOL(fmi2SetupExperiment);
    SYMBOL(fmi2EnterInitializationMode);
    SYMBOL(fmi2ExitInitializationMode);
    void* c = fmi2Instantiate("bare", fmi2CoSimulation, token, "file:///", &callbacks2, fmi2False, fmi2False);
    if (c == NULL) return 1;
    bare->units[i] = c;
    return bare->set2(c, refs, (size_t)n_starts, starts) | fmi2SetupExperiment(c, fmi2False, 0.0, 0.0, fmi2False, 0.0) |
           fmi2EnterInitializationMode(c) | fmi2ExitInitializationMode(c) |
           bare->get2(c, bare->out_refs, (size_t)bare->n_ports, bare->published + (size_t)i * bare->n_ports);
}

static int start3(Bare* bare, int i, const char* token, const Ref* refs, const double* starts, int n_starts) {
    SYMBOL(fmi3InstantiateCoSimulation);
    SYMBOL(fmi3EnterInitializationMode);
    SYMBOL(fmi3ExitInitializationMode);
    void* c = fmi3InstantiateCoSimulation("bare", token, NULL, false, false, false, false, NULL, 0, NULL, NULL, NULL);
    if (c == NULL) return 1;
    bare->units[i] = c;
    const size_t n = (size_t)bare->n_ports;
    return bare->set3(c, refs, (size_t)n_starts, starts, (size_t)n_starts) |
           fmi3EnterInitializationMode(c, false, 0.0, 0.0, false, 0.0) | fmi3ExitInitializationMode(c) |
           bare->get3(c, bare->out_refs, n, bare->published + (size_t)i * n, n);
}

// Null on failure. starts: (n_units * n_starts), set on `start_refs` before initialization.
Bare* bare_open(const char* library, int fmi, const char* token, int n_units, int n_ports, const Ref* in_refs,
                const Ref* out_refs, const int* route, double h, int n_starts, const Ref* start_refs,
                const double* starts) {
    Bare* bare = calloc(1, sizeof *bare);
    const size_t n = (size_t)n_units * (size_t)n_ports;
    bare->fmi = fmi, bare->n_units = n_units, bare->n_ports = n_ports, bare->h = h;
    bare->units = calloc((size_t)n_units, sizeof(void*));
    bare->in_refs = copy(in_refs, (size_t)n_ports * sizeof(Ref));
    bare->out_refs = copy(out_refs, (size_t)n_ports * sizeof(Ref));
    bare->route = copy(route, n * sizeof(int));
    bare->inputs = calloc(n, sizeof(double));
    bare->published = calloc(n, sizeof(double));
    bare->latest = calloc(n, sizeof(double));
    bare->library = dlopen(library, RTLD_NOW | RTLD_LOCAL);
    if (bare->library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return NULL;
    }
    bare->set2 = (fmi2SetRealTYPE*)dlsym(bare->library, "fmi2SetReal");
    bare->get2 = (fmi2GetRealTYPE*)dlsym(bare->library, "fmi2GetReal");
    bare->step2 = (fmi2DoStepTYPE*)dlsym(bare->library, "fmi2DoStep");
    bare->set3 = (fmi3SetFloat64TYPE*)dlsym(bare->library, "fmi3SetFloat64");
    bare->get3 = (fmi3GetFloat64TYPE*)dlsym(bare->library, "fmi3GetFloat64");
    bare->step3 = (fmi3DoStepTYPE*)dlsym(bare->library, "fmi3DoStep");
    for (int i = 0; i < n_units; ++i) {
        const double* own = starts + (size_t)i * (size_t)n_starts;
        if ((fmi == 2 ? start2 : start3)(bare, i, token, start_refs, own, n_starts) != 0) return NULL;
    }
    return bare;
}

// Units first .. last-1 take one step: gather, set, doStep, get into `latest`.
static inline int units2(Bare* bare, int first, int last, double t) {
    const size_t n = (size_t)bare->n_ports;
    int failed = 0;
    for (int i = first; i < last; ++i) {
        const int* from = bare->route + (size_t)i * n;
        double* in = bare->inputs + (size_t)i * n;
        in[0] = bare->published[from[0]];
        for (size_t k = 1; k < n; ++k) in[k] = bare->published[from[k]];
        failed |= bare->set2(bare->units[i], bare->in_refs, n, in);
        failed |= bare->step2(bare->units[i], t, bare->h, fmi2True);
        failed |= bare->get2(bare->units[i], bare->out_refs, n, bare->latest + (size_t)i * n);
    }
    return failed;
}

static inline int units3(Bare* bare, int first, int last, double t) {
    const size_t n = (size_t)bare->n_ports;
    int failed = 0;
    for (int i = first; i < last; ++i) {
        const int* from = bare->route + (size_t)i * n;
        double* in = bare->inputs + (size_t)i * n;
        in[0] = bare->published[from[0]];
        for (size_t k = 1; k < n; ++k) in[k] = bare->published[from[k]];
        fmi3Boolean event = false, terminate = false, early = false;
        fmi3Float64 reached = 0.0;
        failed |= bare->set3(bare->units[i], bare->in_refs, n, in, n);
        failed |= bare->step3(bare->units[i], t, bare->h, true, &event, &terminate, &early, &reached);
        failed |= bare->get3(bare->units[i], bare->out_refs, n, bare->latest + (size_t)i * n, n);
        failed |= terminate | early;
    }
    return failed;
}

static inline void commit(Bare* bare) {
    double* const last = bare->published;
    bare->published = bare->latest;
    bare->latest = last;
    ++bare->tick;
}

// `rows`: (steps, n_units * n_ports) of memory for every output after every step, or null. Returns 0 when all is OK.
int bare_step(Bare* bare, long steps, double* rows) {
    const size_t n_out = (size_t)bare->n_units * (size_t)bare->n_ports;
    for (long s = 0; s < steps; ++s) {
        const double t = (double)bare->tick * bare->h;
        bare->failed |= bare->fmi == 2 ? units2(bare, 0, bare->n_units, t) : units3(bare, 0, bare->n_units, t);
        commit(bare);
        if (rows != NULL) memcpy(rows + (size_t)s * n_out, bare->published, n_out * sizeof(double));
    }
    return bare->failed;
}

// What two threads can reach on this machine: half of the units each, meeting twice a step. The second thread lives as
// long as the ring and sleeps between the calls.
typedef struct {
    Bare* bare;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t work;
    long until;                // steps that the second thread is to take in all; -1: end
    atomic_long begun, ended;  // steps that it may take, and has taken
    int failed;                // a call of the second thread returned something other than OK
#ifdef __linux__
    cpu_set_t cores;  // that the first thread might use before
#endif
} Pair;

// A core each: two threads that spin may share one for many milliseconds before the scheduler parts them.
static void part(Pair* pair) {
#ifdef __linux__
    if (sched_getaffinity(0, sizeof pair->cores, &pair->cores) != 0 || CPU_COUNT(&pair->cores) < 2) return;
    cpu_set_t first, second;
    CPU_ZERO(&first);
    CPU_ZERO(&second);
    for (size_t core = 0; core < CPU_SETSIZE && CPU_COUNT(&second) == 0; ++core)
        if (CPU_ISSET(core, &pair->cores)) CPU_SET(core, CPU_COUNT(&first) == 0 ? &first : &second);
    sched_setaffinity(0, sizeof first, &first);
    pthread_setaffinity_np(pair->thread, sizeof second, &second);
#else
    (void)pair;
#endif
}

static void unpart(Pair* pair) {
#ifdef __linux__
    sched_setaffinity(0, sizeof pair->cores, &pair->cores);
#else
    (void)pair;
#endif
}

// Spins first, as the other thread is microseconds away; then gives the core up, as it may be waiting for this one.
static inline void await(atomic_long* counter, long value) {
    for (long spins = 0; atomic_load_explicit(counter, memory_order_acquire) < value; ++spins)
        if (spins > 20000) sched_yield();
}

static inline int some(Bare* bare, int first, int last) {
    const double t = (double)bare->tick * bare->h;
    return bare->fmi == 2 ? units2(bare, first, last, t) : units3(bare, first, last, t);
}

static void* second_half(void* argument) {
    Pair* pair = argument;
    for (long s = 1;;) {
        pthread_mutex_lock(&pair->mutex);
        while (pair->until >= 0 && pair->until < s) pthread_cond_wait(&pair->work, &pair->mutex);
        const long until = pair->until;
        pthread_mutex_unlock(&pair->mutex);
        if (until < 0) return NULL;
        for (; s <= until; ++s) {
            await(&pair->begun, s);
            pair->failed |= some(pair->bare, pair->bare->n_units / 2, pair->bare->n_units);
            atomic_store_explicit(&pair->ended, s, memory_order_release);
        }
    }
}

static void tell(Pair* pair, long until) {
    pthread_mutex_lock(&pair->mutex);
    pair->until = until;
    pthread_cond_signal(&pair->work);
    pthread_mutex_unlock(&pair->mutex);
}

// Null on failure.
Pair* bare_pair(Bare* bare) {
    Pair* pair = calloc(1, sizeof *pair);
    pair->bare = bare;
    pthread_mutex_init(&pair->mutex, NULL);
    pthread_cond_init(&pair->work, NULL);
    if (pthread_create(&pair->thread, NULL, second_half, pair) != 0) return NULL;
    part(pair);
    return pair;
}

int bare_step_two(Pair* pair, long steps) {
    Bare* bare = pair->bare;
    const long last = bare->tick + steps;
    tell(pair, last);
    while (bare->tick < last) {
        const long s = bare->tick + 1;
        atomic_store_explicit(&pair->begun, s, memory_order_release);
        bare->failed |= some(bare, 0, bare->n_units / 2);
        await(&pair->ended, s);
        commit(bare);
    }
    bare->failed |= pair->failed;
    return bare->failed;
}

void bare_end_pair(Pair* pair) {
    tell(pair, -1);
    pthread_join(pair->thread, NULL);
    unpart(pair);
    free(pair);
}

void bare_outputs(const Bare* bare, double* values) {
    memcpy(values, bare->published, (size_t)bare->n_units * (size_t)bare->n_ports * sizeof(double));
}

void bare_close(Bare* bare) {
    fmi2FreeInstanceTYPE* release2 = (fmi2FreeInstanceTYPE*)dlsym(bare->library, "fmi2FreeInstance");
    fmi3FreeInstanceTYPE* release3 = (fmi3FreeInstanceTYPE*)dlsym(bare->library, "fmi3FreeInstance");
    for (int i = 0; i < bare->n_units; ++i) (bare->fmi == 2 ? release2 : release3)(bare->units[i]);
    free(bare->units), free(bare->in_refs), free(bare->out_refs), free(bare->route);
    free(bare->inputs), free(bare->published), free(bare->latest);
    free(bare);
}
