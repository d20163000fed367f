#pragma once
// What odd2.c and odd3.c share: an integrator x' = k u, y = x, stepped by forward Euler, that misbehaves in the one way
// ODD names, in its doStep call number `at` (counted from 1), or wherever the behaviour lives. All else is correct.
// STRICT=1 adds the checker of call sequences: each call that the standard's state machine forbids is answered with an
// error and a message, and written as one line to the file named by the environment variable CRUMPLE_TEST_FMU_REPORT.
// POSIX only.

#include <fenv.h>
#include <math.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __SSE__
#include <xmmintrin.h>
#endif

enum {
    ODD_PLAIN,
    // what doStep number `at` does
    ODD_ERROR,
    ODD_WARNING,
    ODD_DISCARD,
    ODD_TERMINATE,
    ODD_FATAL,
    ODD_PENDING,
    ODD_NAN,
    ODD_INF,
    ODD_EARLY,
    ODD_EARLY_RUDE,
    ODD_EXIT,
    ODD_ABORT,
    ODD_SEGFAULT,
    ODD_HANG,
    ODD_ROUNDING,
    ODD_FLUSH,
    ODD_TRAPS,
    ODD_CHDIR,
    ODD_GET_ERROR,
    ODD_EVENT,
    // what it logs in doStep number `at`, or after free
    ODD_LOG_NULL_MESSAGE,
    ODD_LOG_NULL_CATEGORY,
    ODD_LOG_NULL_NAME,
    ODD_LOG_FOREIGN,
    ODD_LOG_THREAD,
    ODD_LOG_AFTER_FREE,
    ODD_LOG_STORM,
    ODD_LOG_LONG,
    ODD_LOG_BYTES,
    ODD_LOG_FORMAT,
    ODD_LOG_STATUS,
    // what it demands or is
    ODD_NO_ZERO_LENGTH,
    ODD_CONSTANT_STEP,
    ODD_SAME_STEP,
    ODD_MULTIPLE_STEP,
    ODD_ONCE,
    ODD_SHARED,
    ODD_LYING_STATE,
    ODD_RESOURCE,
    ODD_NO_INSTANCE,
    ODD_INIT_ERROR,
    ODD_SHY,
    ODD_UNSURE,
    ODD_PRINTS,
    ODD_TAKES_GIL,
};

#ifndef ODD
#define ODD ODD_PLAIN
#endif
#ifndef STRICT
#define STRICT 0
#endif
#ifndef NO_END
#define NO_END 0
#endif

// There only where a Python interpreter runs this.
int PyGILState_Ensure(void) __attribute__((weak));
void PyGILState_Release(int state) __attribute__((weak));

// The first five statuses have the same numbers in FMI 2 and FMI 3; "pending" is FMI 2 only.
enum { OK, WARNING, DISCARD, ERROR, FATAL, PENDING };

// States of the standard's machine, as bits, so that a call can name all that allow it.
enum {
    INSTANTIATED = 1,
    INITIALIZATION = 2,
    STEP = 4,
    EVENT = 8,
    FAILED = 16,   // FMI 2: after a discarded or cancelled step
    WAITING = 32,  // FMI 2: a step is pending
    TERMINATED = 64,
    BROKEN = 128,  // after an error
    DEAD = 256,    // after a fatal error: no call at all is allowed
    ALIVE = BROKEN - 1
};

enum { VR_TIME, VR_U, VR_Y, VR_X0, VR_AT, VR_N, VR_K };

typedef struct {
    double u, k;   // input [1]; tunable gain [1/s]
    double x, y;   // state; output at the last communication point
    double x0;     // start of x, fixed
    double at;     // doStep call that misbehaves, from 1, fixed
    double n;      // doStep calls so far
    double time;   // [s]
    double first;  // size of the first step [s], 0 before it
} Values;

typedef struct {
    Values own;
    Values* v;  // &own, or one for all instances (ODD_SHARED, ODD_ONCE)
    int state;
    bool prepared;  // FMI 2: setupExperiment was called
    bool stop_defined;
    double stop;            // [s]
    double offset;          // added to y; read from a resource by ODD_RESOURCE
    double reached;         // how far the last step came [s]
    double pending_h;       // [s]
    int polls;              // of a pending step
    bool event_mode;        // FMI 3: the importer handles events
    bool may_return_early;  // FMI 3
    bool discrete_done;     // FMI 3: updateDiscreteStates was called in this event mode
    bool getting_fails;
    char name[64];
    const void* callbacks;  // FMI 2: fmi2CallbackFunctions
    void* environment;
} Odd;

static void say(const Odd* o, int status, const char* category, const char* text);
static void log_oddly(Odd* o);

static const Values odd_start = {.u = 1.0, .k = 1.0, .at = 3.0};
static Values odd_shared;
static int odd_instances;

static const char* state_name(int state) {
    switch (state) {
        case INSTANTIATED:
            return "instantiated";
        case INITIALIZATION:
            return "initialization mode";
        case STEP:
            return "step mode";
        case EVENT:
            return "event mode";
        case FAILED:
            return "step failed";
        case WAITING:
            return "step in progress";
        case TERMINATED:
            return "terminated";
        case BROKEN:
            return "error";
        case DEAD:
            return "fatal";
    }
    return "unknown";
}

static void report(const char* line) {
    const char* path = getenv("CRUMPLE_TEST_FMU_REPORT");
    FILE* file = path ? fopen(path, "a") : NULL;
    if (!file) return;
    fprintf(file, "%s\n", line);
    fclose(file);
}

// Logs why a call fails and returns the error status.
static int fail(Odd* o, const char* call, const char* why) {
    char text[256];
    snprintf(text, sizeof text, "%s: %s", call, why);
    say(o, ERROR, "logStatusError", text);
    if (STRICT && o->state != DEAD) o->state = BROKEN;
    return ERROR;
}

static int forbid(Odd* o, const char* call, const char* why) {
    char text[256];
    snprintf(text, sizeof text, "%s: %s", call, why);
    report(text);
    return fail(o, call, why);
}

// True when `call` is legal now: o->state is one of `states`. Always true for those who are not strict.
static bool allowed(Odd* o, const char* call, int states) {
    if (!STRICT || (o->state & states)) return true;
    char why[128];
    snprintf(why, sizeof why, "not allowed in state \"%s\"", state_name(o->state));
    forbid(o, call, why);
    return false;
}

static void odd_reset(Odd* o) {
    *o->v = odd_start;
    o->state = INSTANTIATED;
    o->prepared = o->stop_defined = o->getting_fails = o->discrete_done = false;
    o->polls = 0;
}

static void odd_begin(Odd* o, const char* name, bool shared) {
    o->v = shared ? &odd_shared : &o->own;
    snprintf(o->name, sizeof o->name, "%s", name ? name : "");
    odd_reset(o);
}

// Reads the number in `path` into the offset of y; false when it cannot.
static bool odd_read(Odd* o, const char* path) {
    FILE* file = fopen(path, "r");
    const bool good = file && fscanf(file, "%lf", &o->offset) == 1;
    if (file) fclose(file);
    return good;
}

// Outputs follow the parameters until initialization ends.
static void odd_initial(Odd* o) {
    o->v->x = o->v->x0;
    o->v->y = o->v->x + o->offset;
}

static int odd_get(Odd* o, const char* call, unsigned vr, double* value) {
    const Values* v = o->v;
    if (o->getting_fails) return fail(o, call, "this value cannot be had after the step that failed");
    if (o->state & (INSTANTIATED | INITIALIZATION)) {
        if (ODD == ODD_SHY) return fail(o, call, "no value is known before the first step");
        odd_initial(o);
        if (ODD == ODD_UNSURE) o->v->y = NAN;
    }
    switch (vr) {
        case VR_TIME:
            *value = v->time;
            return OK;
        case VR_U:
            *value = v->u;
            return OK;
        case VR_Y:
            *value = v->y;
            return OK;
        case VR_X0:
            *value = v->x0;
            return OK;
        case VR_AT:
            *value = v->at;
            return OK;
        case VR_N:
            *value = v->n;
            return OK;
        case VR_K:
            *value = v->k;
            return OK;
    }
    return fail(o, call, "no such value reference");
}

static int odd_set(Odd* o, const char* call, unsigned vr, double value) {
    const bool early = o->state & (INSTANTIATED | INITIALIZATION);
    if (STRICT && !early && (vr == VR_X0 || vr == VR_AT)) return forbid(o, call, "a fixed parameter cannot change now");
    switch (vr) {
        case VR_U:
            o->v->u = value;
            return OK;
        case VR_K:
            o->v->k = value;
            return OK;
        case VR_X0:
            o->v->x0 = value;
            return OK;
        case VR_AT:
            o->v->at = value;
            return OK;
    }
    return forbid(
        o, call,
        vr == VR_Y || vr == VR_N || vr == VR_TIME ? "an output or the time cannot be set" : "no such value reference");
}

static bool near(double a, double b) { return fabs(a - b) <= 1e-12 * fmax(1.0, fmax(fabs(a), fabs(b))); }

static void odd_advance(Odd* o, double t, double h) {
    Values* v = o->v;
    v->x += v->k * v->u * h;
    v->y = v->x + o->offset;
    v->time = o->reached = t + h;
}

static void leave_floating_point_changed(void) {
    if (ODD == ODD_ROUNDING) fesetround(FE_UPWARD);
#if defined(__SSE__)
    if (ODD == ODD_FLUSH) _mm_setcsr(_mm_getcsr() | 0x8040u);              // flush to zero, denormals are zero
    if (ODD == ODD_TRAPS) _mm_setcsr((_mm_getcsr() & ~0x3fu) & ~0x0280u);  // invalid and division by zero now trap
#elif defined(__aarch64__)
    unsigned long fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    if (ODD == ODD_FLUSH) fpcr |= 1ul << 24;
    if (ODD == ODD_TRAPS) fpcr |= 3ul << 8;
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
#endif
}

// Steps from t by h [s] and misbehaves when it is time to; returns a status, and o->reached says how far it came.
static int odd_step(Odd* o, const char* call, double t, double h) {
    Values* v = o->v;
    char text[160];
    if (STRICT) {
        if (!(h > 0.0)) return forbid(o, call, "the step must be longer than nothing");
        if (!near(t, v->time)) {
            snprintf(text, sizeof text, "the step begins at %.17g s, but the last one ended at %.17g s", t, v->time);
            return forbid(o, call, text);
        }
        if (o->stop_defined && t + h > o->stop && !near(t + h, o->stop))
            return forbid(o, call, "the step ends after the stop time");
    }
    if (v->first == 0.0) v->first = h;
    if ((ODD == ODD_CONSTANT_STEP && fabs(h - 0.01) > 1e-9) || (ODD == ODD_SAME_STEP && fabs(h - v->first) > 1e-9) ||
        (ODD == ODD_MULTIPLE_STEP && fabs(h / 0.001 - round(h / 0.001)) > 1e-6)) {
        snprintf(text, sizeof text, "this step size is not supported: %g s", h);
        return fail(o, call, text);
    }

    if (ODD == ODD_TAKES_GIL && PyGILState_Ensure) PyGILState_Release(PyGILState_Ensure());

    v->n += 1.0;
    if (v->n != v->at) {
        odd_advance(o, t, h);
        return OK;
    }
    snprintf(text, sizeof text, "odd: step %g at %g s went wrong on purpose", v->at, t);
    o->reached = t;
    switch (ODD) {
        case ODD_ERROR:
            return fail(o, call, text);
        case ODD_FATAL:
            say(o, FATAL, "logStatusFatal", text);
            o->state = DEAD;
            return FATAL;
        case ODD_PENDING:
            o->pending_h = h;
            return PENDING;
        case ODD_EXIT:
            exit(0);
        case ODD_ABORT:
            abort();
        case ODD_SEGFAULT: {
            volatile int* volatile nowhere = NULL;  // volatile twice, or compilers drop the store
            *nowhere = 1;
            break;
        }
        case ODD_HANG:
            for (;;) sleep(1);
        default:
            break;
    }
    const bool half = ODD == ODD_DISCARD || ODD == ODD_EARLY_RUDE || (ODD == ODD_EARLY && o->may_return_early);
    odd_advance(o, t, half ? h / 2 : h);
    switch (ODD) {
        case ODD_WARNING:
            say(o, WARNING, "logStatusWarning", text);
            return WARNING;
        case ODD_DISCARD:
            say(o, DISCARD, "logStatusDiscard", text);
            return DISCARD;
        case ODD_NAN:
            v->y = NAN;
            break;
        case ODD_PRINTS:
            printf("a word on standard output\n");
            break;
        case ODD_INF:
            v->y = INFINITY;
            break;
        case ODD_CHDIR:
            if (chdir("/")) return fail(o, call, "cannot change directory");
            break;
        case ODD_GET_ERROR:
            o->getting_fails = true;
            break;
        default:
            break;
    }
    leave_floating_point_changed();
    log_oddly(o);
    return OK;
}

// State: everything in Values, unless this FMU lies; then the count of steps, the gain and the time stay as they are.
static inline void odd_restore(Odd* o, const Values* saved) {
    if (ODD == ODD_LYING_STATE) {
        o->v->x = saved->x;
        o->v->y = saved->y;
        o->v->u = saved->u;
    } else {
        *o->v = *saved;
    }
}
