// First-order lags for the benchmark, as lean as an FMU can be, so that what is measured is the engine.
//
//   x[k] += h * RATE * (0.5 * u[k] + e - x[k]),   y[k] = x[k],   k = 0 .. PORTS-1
//
// e is 1.0 for 64 steps and 1.5 for the next 64: the signals stay between 1 and 4, neither settling nor turning
// subnormal. h [s] is the step, RATE = 8 [1/s]; a step of 1/512 s makes every factor exact, so that all engines must
// agree bit for bit. Start: x[k] = x0 + k / PORTS.
//
// Switches: FMI (2 or 3), PORTS (inputs, and as many outputs), BUSY (burn `work` rounds of arithmetic a step; the
// outputs do not depend on how many).
// Value references: u at 0, y at PORTS, then x0, work and (FMI 3) time.
#include <stdlib.h>
#include <string.h>

#ifndef FMI
#define FMI 2
#endif
#ifndef PORTS
#define PORTS 1
#endif

enum { X0 = 2 * PORTS, WORK, TIME, COUNT };
#define RATE 8.0

typedef struct {
    double value[COUNT];  // by value reference; the outputs are the state
    unsigned steps;       // taken since the start [1]
    int running;          // initialization mode has ended
} Lag;

// The outputs follow x0 until initialization mode ends.
static void begin(Lag* lag) {
    for (int k = 0; k < PORTS; ++k) lag->value[PORTS + k] = lag->value[X0] + (double)k / PORTS;
    lag->steps = 0;
}

static void restart(Lag* lag) {
    memset(lag, 0, sizeof *lag);
    lag->value[X0] = 1.0;
    lag->value[WORK] = 1000.0;
    begin(lag);
}

static inline void advance(Lag* lag, double h) {
    const double e = lag->steps & 64u ? 1.5 : 1.0;
    const double a = h * RATE;
    double* const x = lag->value + PORTS;
    for (int k = 0; k < PORTS; ++k) x[k] = x[k] + a * (0.5 * lag->value[k] + e - x[k]);
#ifdef BUSY
    double z = 0.5;
    for (long left = (long)lag->value[WORK]; left > 0; --left) z = z * 0.999 + 0.001;
    x[0] += 0.0 * z;  // z is finite: adds nothing, and no compiler may drop the loop
#endif
    ++lag->steps;
}

#if FMI == 2
#define CRUMPLE_FMI_PROTOTYPES
#include "fmi/fmi2.h"

const char* fmi2GetTypesPlatform(void) { return fmi2TypesPlatform; }
const char* fmi2GetVersion(void) { return fmi2Version; }

fmi2Component fmi2Instantiate(fmi2String name, fmi2Type type, fmi2String guid, fmi2String resources,
                              const fmi2CallbackFunctions* functions, fmi2Boolean visible, fmi2Boolean logging) {
    (void)name, (void)resources, (void)functions, (void)visible, (void)logging;
    if (type != fmi2CoSimulation || strcmp(guid, TOKEN) != 0) return NULL;
    Lag* lag = malloc(sizeof *lag);
    if (lag != NULL) restart(lag);
    return lag;
}
void fmi2FreeInstance(fmi2Component c) { free(c); }
fmi2Status fmi2SetDebugLogging(fmi2Component c, fmi2Boolean on, size_t n, const fmi2String categories[]) {
    (void)c, (void)on, (void)n, (void)categories;
    return fmi2OK;
}
fmi2Status fmi2SetupExperiment(fmi2Component c, fmi2Boolean tolerance_defined, fmi2Real tolerance, fmi2Real start,
                               fmi2Boolean stop_defined, fmi2Real stop) {
    (void)c, (void)tolerance_defined, (void)tolerance, (void)start, (void)stop_defined, (void)stop;
    return fmi2OK;
}
fmi2Status fmi2EnterInitializationMode(fmi2Component c) {
    (void)c;
    return fmi2OK;
}
fmi2Status fmi2ExitInitializationMode(fmi2Component c) {
    ((Lag*)c)->running = 1;
    return fmi2OK;
}
fmi2Status fmi2Terminate(fmi2Component c) {
    (void)c;
    return fmi2OK;
}
fmi2Status fmi2Reset(fmi2Component c) {
    restart(c);
    return fmi2OK;
}

fmi2Status fmi2SetReal(fmi2Component c, const fmi2ValueReference vr[], size_t n, const fmi2Real value[]) {
    Lag* lag = c;
    for (size_t i = 0; i < n; ++i) {
        if (vr[i] >= TIME) return fmi2Error;
        lag->value[vr[i]] = value[i];
    }
    if (!lag->running) begin(lag);
    return fmi2OK;
}
fmi2Status fmi2GetReal(fmi2Component c, const fmi2ValueReference vr[], size_t n, fmi2Real value[]) {
    const Lag* lag = c;
    for (size_t i = 0; i < n; ++i) {
        if (vr[i] >= TIME) return fmi2Error;
        value[i] = lag->value[vr[i]];
    }
    return fmi2OK;
}

fmi2Status fmi2DoStep(fmi2Component c, fmi2Real t, fmi2Real h, fmi2Boolean no_set_state) {
    (void)t, (void)no_set_state;
    advance(c, h);
    return fmi2OK;
}

// Some importers get and set every type, also where a model has no variable of it.
#define EMPTY2(name, type)                                                                \
    fmi2Status name(fmi2Component c, const fmi2ValueReference vr[], size_t n, type v[]) { \
        (void)c, (void)vr, (void)v;                                                       \
        return n == 0 ? fmi2OK : fmi2Error;                                               \
    }
EMPTY2(fmi2GetInteger, fmi2Integer)
EMPTY2(fmi2GetBoolean, fmi2Boolean)
EMPTY2(fmi2GetString, fmi2String)
EMPTY2(fmi2SetInteger, const fmi2Integer)
EMPTY2(fmi2SetBoolean, const fmi2Boolean)
EMPTY2(fmi2SetString, const fmi2String)

#else
#define CRUMPLE_FMI_PROTOTYPES
#include "fmi/fmi3.h"

const char* fmi3GetVersion(void) { return fmi3Version; }

fmi3Instance fmi3InstantiateCoSimulation(fmi3String name, fmi3String token, fmi3String resources, fmi3Boolean visible,
                                         fmi3Boolean logging, fmi3Boolean event_mode, fmi3Boolean early_return,
                                         const fmi3ValueReference required[], size_t n_required,
                                         fmi3InstanceEnvironment environment, fmi3LogMessageCallback log,
                                         fmi3IntermediateUpdateCallback update) {
    (void)name, (void)resources, (void)visible, (void)logging, (void)event_mode, (void)early_return;
    (void)required, (void)n_required, (void)environment, (void)log, (void)update;
    if (strcmp(token, TOKEN) != 0) return NULL;
    Lag* lag = malloc(sizeof *lag);
    if (lag != NULL) restart(lag);
    return lag;
}
void fmi3FreeInstance(fmi3Instance c) { free(c); }
fmi3Status fmi3SetDebugLogging(fmi3Instance c, fmi3Boolean on, size_t n, const fmi3String categories[]) {
    (void)c, (void)on, (void)n, (void)categories;
    return fmi3OK;
}
fmi3Status fmi3EnterInitializationMode(fmi3Instance c, fmi3Boolean tolerance_defined, fmi3Float64 tolerance,
                                       fmi3Float64 start, fmi3Boolean stop_defined, fmi3Float64 stop) {
    (void)c, (void)tolerance_defined, (void)tolerance, (void)start, (void)stop_defined, (void)stop;
    return fmi3OK;
}
fmi3Status fmi3ExitInitializationMode(fmi3Instance c) {
    ((Lag*)c)->running = 1;
    return fmi3OK;
}
fmi3Status fmi3Terminate(fmi3Instance c) {
    (void)c;
    return fmi3OK;
}
fmi3Status fmi3Reset(fmi3Instance c) {
    restart(c);
    return fmi3OK;
}

fmi3Status fmi3SetFloat64(fmi3Instance c, const fmi3ValueReference vr[], size_t n, const fmi3Float64 value[],
                          size_t n_values) {
    Lag* lag = c;
    if (n != n_values) return fmi3Error;
    for (size_t i = 0; i < n; ++i) {
        if (vr[i] >= TIME) return fmi3Error;
        lag->value[vr[i]] = value[i];
    }
    if (!lag->running) begin(lag);
    return fmi3OK;
}
fmi3Status fmi3GetFloat64(fmi3Instance c, const fmi3ValueReference vr[], size_t n, fmi3Float64 value[],
                          size_t n_values) {
    const Lag* lag = c;
    if (n != n_values) return fmi3Error;
    for (size_t i = 0; i < n; ++i) {
        if (vr[i] >= COUNT) return fmi3Error;
        value[i] = lag->value[vr[i]];
    }
    return fmi3OK;
}

fmi3Status fmi3DoStep(fmi3Instance c, fmi3Float64 t, fmi3Float64 h, fmi3Boolean no_set_state,
                      fmi3Boolean* event_handling_needed, fmi3Boolean* terminate, fmi3Boolean* early_return,
                      fmi3Float64* last_successful_time) {
    (void)no_set_state;
    advance(c, h);
    ((Lag*)c)->value[TIME] = t + h;
    *event_handling_needed = false;
    *terminate = false;
    *early_return = false;
    *last_successful_time = t + h;
    return fmi3OK;
}
#endif
