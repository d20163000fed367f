// Every FMI 2.0 type, each output equal to its input: value reference r in, 100 + r out. The four types number their
// variables independently, so one value reference means up to four variables (the standard allows it).
// Also y = gain * Real 0 + bias, with gain tunable and bias fixed.
// Outputs follow in each doStep, and at once during initialization. The XML decides which of these variables exist:
// all_types2, units2 and gain2 are the same library.
// VOLATILE_STRINGS=1: strings that a get returned are overwritten by the next call, as the standard allows.
#define CRUMPLE_FMI_PROTOTYPES
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fmi/fmi2.h"

#ifndef VOLATILE_STRINGS
#define VOLATILE_STRINGS 0
#endif
#define TOKEN "{all_types2}"

enum { COUNT = 32, TEXTS = 8, LENGTH = 512, OUT = 100, VR_GAIN = 50, VR_BIAS = 51, VR_Y = 150 };

typedef struct {
    fmi2Real real[COUNT];
    fmi2Integer integer[COUNT];  // enumerations too
    fmi2Boolean boolean[COUNT];
    char string[TEXTS][LENGTH];
} Side;

typedef struct {
    Side in, out;
    double gain, bias, y, time;
    bool stepping;  // initialization is over
} Values;

typedef struct {
    Values v;
    char handed_out[TEXTS][LENGTH];
    char name[64];
    fmi2CallbackLogger logger;
    void* environment;
} Instance;

// What the descriptions give as start values.
static const Side begin = {
    .real = {1.5, 0, 10, 36, 300, 20, 1000, 1, 0, 0, 0.25, 2},
    .integer = {-7, 3},
    .boolean = {fmi2True},
    .string = {"grüße & <tags>"},
};

static fmi2Status fail(Instance* m, const char* call, const char* why) {
    m->logger(m->environment, m->name, fmi2Error, "logStatusError", "%s: %s", call, why);
    return fmi2Error;
}

static void follow(Values* v) {
    v->out = v->in;
    v->y = v->gain * v->in.real[0] + v->bias;
}

static void enter(Instance* m) {
    if (VOLATILE_STRINGS) memset(m->handed_out, '#', sizeof m->handed_out - 1);
    if (!m->v.stepping) follow(&m->v);
}

static void start(Instance* m) {
    memset(&m->v, 0, sizeof m->v);
    m->v.in = begin;
    m->v.gain = 1.0;
    follow(&m->v);
}

fmi2Component fmi2Instantiate(fmi2String instanceName, fmi2Type fmuType, fmi2String fmuGUID,
                              fmi2String fmuResourceLocation, const fmi2CallbackFunctions* functions,
                              fmi2Boolean visible, fmi2Boolean loggingOn) {
    (void)fmuResourceLocation;
    (void)visible;
    (void)loggingOn;
    if (fmuType != fmi2CoSimulation || !fmuGUID || strcmp(fmuGUID, TOKEN)) return NULL;
    Instance* m = calloc(1, sizeof(Instance));
    if (!m) return NULL;
    m->logger = functions->logger;
    m->environment = functions->componentEnvironment;
    snprintf(m->name, sizeof m->name, "%s", instanceName);
    start(m);
    return m;
}

void fmi2FreeInstance(fmi2Component c) { free(c); }

fmi2Status fmi2SetupExperiment(fmi2Component c, fmi2Boolean toleranceDefined, fmi2Real tolerance, fmi2Real startTime,
                               fmi2Boolean stopTimeDefined, fmi2Real stopTime) {
    (void)toleranceDefined;
    (void)tolerance;
    (void)stopTimeDefined;
    (void)stopTime;
    ((Instance*)c)->v.time = startTime;
    return fmi2OK;
}

fmi2Status fmi2EnterInitializationMode(fmi2Component c) {
    enter(c);
    return fmi2OK;
}

fmi2Status fmi2ExitInitializationMode(fmi2Component c) {
    enter(c);
    ((Instance*)c)->v.stepping = true;
    return fmi2OK;
}

fmi2Status fmi2Terminate(fmi2Component c) {
    enter(c);
    return fmi2OK;
}

fmi2Status fmi2Reset(fmi2Component c) {
    start(c);
    return fmi2OK;
}

fmi2Status fmi2DoStep(fmi2Component c, fmi2Real currentCommunicationPoint, fmi2Real communicationStepSize,
                      fmi2Boolean noSetFMUStatePriorToCurrentPoint) {
    Instance* m = c;
    (void)noSetFMUStatePriorToCurrentPoint;
    enter(m);
    follow(&m->v);
    m->v.time = currentCommunicationPoint + communicationStepSize;
    return fmi2OK;
}

// Where a variable of `count` inputs is; null: there is none. Only inputs can be set.
#define PLACE(member, count) \
    (r < (count) ? &m->v.in.member[r] : !set && r - OUT < (count) ? &m->v.out.member[r - OUT] : NULL)

static fmi2Real* real_at(Instance* m, fmi2ValueReference r, bool set) {
    if (r == VR_GAIN) return &m->v.gain;
    if (r == VR_BIAS) return set && m->v.stepping ? NULL : &m->v.bias;
    if (r == VR_Y) return set ? NULL : &m->v.y;
    return PLACE(real, COUNT);
}
static fmi2Integer* integer_at(Instance* m, fmi2ValueReference r, bool set) { return PLACE(integer, COUNT); }
static fmi2Boolean* boolean_at(Instance* m, fmi2ValueReference r, bool set) { return PLACE(boolean, COUNT); }
static char (*string_at(Instance* m, fmi2ValueReference r, bool set)) [LENGTH] { return PLACE(string, TEXTS); }
#define ACCESS(Type, at)                                                                                         \
    fmi2Status fmi2Get##Type(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2##Type v[]) {       \
        enter(c);                                                                                                \
        for (size_t i = 0; i < nvr; ++i) {                                                                       \
            const fmi2##Type* from = at(c, vr[i], false);                                                        \
            if (!from) return fail(c, "fmi2Get" #Type, "no such variable");                                      \
            v[i] = *from;                                                                                        \
        }                                                                                                        \
        return fmi2OK;                                                                                           \
    }                                                                                                            \
    fmi2Status fmi2Set##Type(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2##Type v[]) { \
        enter(c);                                                                                                \
        for (size_t i = 0; i < nvr; ++i) {                                                                       \
            fmi2##Type* to = at(c, vr[i], true);                                                                 \
            if (!to) return fail(c, "fmi2Set" #Type, "no variable that can be set now");                         \
            *to = v[i];                                                                                          \
        }                                                                                                        \
        return fmi2OK;                                                                                           \
    }
ACCESS(Real, real_at) ACCESS(Integer, integer_at) ACCESS(Boolean, boolean_at)

    fmi2Status fmi2GetString(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2String value[]) {
    Instance* m = c;
    enter(m);
    if (nvr > TEXTS) return fail(m, "fmi2GetString", "too many at once");
    for (size_t i = 0; i < nvr; ++i) {
        char (*from)[LENGTH] = string_at(m, vr[i], false);
        if (!from) return fail(m, "fmi2GetString", "no such variable");
        memcpy(m->handed_out[i], *from, LENGTH);
        value[i] = m->handed_out[i];
    }
    return fmi2OK;
}

fmi2Status fmi2SetString(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2String value[]) {
    Instance* m = c;
    enter(m);
    for (size_t i = 0; i < nvr; ++i) {
        char (*to)[LENGTH] = string_at(m, vr[i], true);
        if (!to) return fail(m, "fmi2SetString", "no variable that can be set now");
        if (!value[i] || strlen(value[i]) >= LENGTH) return fail(m, "fmi2SetString", "no string, or over 511 bytes");
        strcpy(*to, value[i]);
    }
    return fmi2OK;
}

fmi2Status fmi2GetFMUstate(fmi2Component c, fmi2FMUstate* FMUstate) {
    if (!*FMUstate) *FMUstate = malloc(sizeof(Values));
    if (!*FMUstate) return fmi2Error;
    memcpy(*FMUstate, &((Instance*)c)->v, sizeof(Values));
    return fmi2OK;
}

fmi2Status fmi2SetFMUstate(fmi2Component c, fmi2FMUstate FMUstate) {
    memcpy(&((Instance*)c)->v, FMUstate, sizeof(Values));
    return fmi2OK;
}

fmi2Status fmi2FreeFMUstate(fmi2Component c, fmi2FMUstate* FMUstate) {
    (void)c;
    free(*FMUstate);
    *FMUstate = NULL;
    return fmi2OK;
}

fmi2Status fmi2SerializedFMUstateSize(fmi2Component c, fmi2FMUstate FMUstate, size_t* size) {
    (void)c;
    (void)FMUstate;
    *size = sizeof(Values);
    return fmi2OK;
}

fmi2Status fmi2SerializeFMUstate(fmi2Component c, fmi2FMUstate FMUstate, fmi2Byte serializedState[], size_t size) {
    if (size != sizeof(Values)) return fail(c, "fmi2SerializeFMUstate", "wrong size");
    memcpy(serializedState, FMUstate, size);
    return fmi2OK;
}

fmi2Status fmi2DeSerializeFMUstate(fmi2Component c, const fmi2Byte serializedState[], size_t size,
                                   fmi2FMUstate* FMUstate) {
    if (size != sizeof(Values)) return fail(c, "fmi2DeSerializeFMUstate", "wrong size");
    if (fmi2GetFMUstate(c, FMUstate)) return fmi2Error;
    memcpy(*FMUstate, serializedState, size);
    return fmi2OK;
}
