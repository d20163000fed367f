// First-order lags, FMI 2.0: x' = (u - x) / tau by forward Euler, y = x, in PORTS copies that share tau and x0.
// Well behaved and lean, for benchmarks. A ring of these keeps the sum of its states, so nothing decays to subnormals.
// `substeps` Euler steps are made in each communication step: a dial for how much a step costs.
#define CRUMPLE_FMI_PROTOTYPES
#include <stdlib.h>
#include <string.h>

#include "fmi/fmi2.h"

#ifndef PORTS
#define PORTS 1
#endif
#define TOKEN "{lag2}"

enum { VR_TIME = 0, VR_TAU = 1, VR_X0 = 2, VR_SUBSTEPS = 3, VR_U = 100, VR_Y = 200 };

typedef struct {
    double u[PORTS], x[PORTS];
    double tau, x0, substeps, time;  // [s], [1], [1], [s]
} Lag;

static void start(Lag* lag) {
    memset(lag, 0, sizeof *lag);
    lag->tau = lag->x0 = lag->substeps = 1.0;
    for (int i = 0; i < PORTS; ++i) lag->x[i] = lag->x0;
}

fmi2Component fmi2Instantiate(fmi2String instanceName, fmi2Type fmuType, fmi2String fmuGUID,
                              fmi2String fmuResourceLocation, const fmi2CallbackFunctions* functions,
                              fmi2Boolean visible, fmi2Boolean loggingOn) {
    (void)instanceName;
    (void)fmuResourceLocation;
    (void)functions;
    (void)visible;
    (void)loggingOn;
    if (fmuType != fmi2CoSimulation || !fmuGUID || strcmp(fmuGUID, TOKEN)) return NULL;
    Lag* lag = malloc(sizeof(Lag));
    if (lag) start(lag);
    return lag;
}

void fmi2FreeInstance(fmi2Component c) { free(c); }

fmi2Status fmi2SetupExperiment(fmi2Component c, fmi2Boolean toleranceDefined, fmi2Real tolerance, fmi2Real startTime,
                               fmi2Boolean stopTimeDefined, fmi2Real stopTime) {
    (void)toleranceDefined;
    (void)tolerance;
    (void)stopTimeDefined;
    (void)stopTime;
    ((Lag*)c)->time = startTime;
    return fmi2OK;
}

fmi2Status fmi2EnterInitializationMode(fmi2Component c) {
    (void)c;
    return fmi2OK;
}

fmi2Status fmi2ExitInitializationMode(fmi2Component c) {
    (void)c;
    return fmi2OK;
}

fmi2Status fmi2Terminate(fmi2Component c) {
    (void)c;
    return fmi2OK;
}

fmi2Status fmi2Reset(fmi2Component c) {
    start(c);
    return fmi2OK;
}

fmi2Status fmi2GetReal(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2Real value[]) {
    const Lag* lag = c;
    for (size_t i = 0; i < nvr; ++i) {
        if (vr[i] - VR_Y < PORTS) {
            value[i] = lag->x[vr[i] - VR_Y];
        } else if (vr[i] - VR_U < PORTS) {
            value[i] = lag->u[vr[i] - VR_U];
        } else {
            switch (vr[i]) {
                case VR_TIME:
                    value[i] = lag->time;
                    break;
                case VR_TAU:
                    value[i] = lag->tau;
                    break;
                case VR_X0:
                    value[i] = lag->x0;
                    break;
                case VR_SUBSTEPS:
                    value[i] = lag->substeps;
                    break;
                default:
                    return fmi2Error;
            }
        }
    }
    return fmi2OK;
}

fmi2Status fmi2SetReal(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2Real value[]) {
    Lag* lag = c;
    for (size_t i = 0; i < nvr; ++i) {
        if (vr[i] - VR_U < PORTS) {
            lag->u[vr[i] - VR_U] = value[i];
        } else {
            switch (vr[i]) {
                case VR_TAU:
                    lag->tau = value[i];
                    break;
                case VR_SUBSTEPS:
                    lag->substeps = value[i];
                    break;
                case VR_X0:
                    lag->x0 = value[i];
                    for (int j = 0; j < PORTS; ++j) lag->x[j] = value[i];
                    break;
                default:
                    return fmi2Error;
            }
        }
    }
    return fmi2OK;
}

fmi2Status fmi2DoStep(fmi2Component c, fmi2Real currentCommunicationPoint, fmi2Real communicationStepSize,
                      fmi2Boolean noSetFMUStatePriorToCurrentPoint) {
    Lag* lag = c;
    (void)noSetFMUStatePriorToCurrentPoint;
    const int substeps = (int)lag->substeps;
    const double part = communicationStepSize / (lag->tau * lag->substeps);
    for (int s = 0; s < substeps; ++s)
        for (int i = 0; i < PORTS; ++i) lag->x[i] += (lag->u[i] - lag->x[i]) * part;
    lag->time = currentCommunicationPoint + communicationStepSize;
    return fmi2OK;
}

fmi2Status fmi2GetFMUstate(fmi2Component c, fmi2FMUstate* FMUstate) {
    if (!*FMUstate) *FMUstate = malloc(sizeof(Lag));
    if (!*FMUstate) return fmi2Error;
    memcpy(*FMUstate, c, sizeof(Lag));
    return fmi2OK;
}

fmi2Status fmi2SetFMUstate(fmi2Component c, fmi2FMUstate FMUstate) {
    memcpy(c, FMUstate, sizeof(Lag));
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
    *size = sizeof(Lag);
    return fmi2OK;
}

fmi2Status fmi2SerializeFMUstate(fmi2Component c, fmi2FMUstate FMUstate, fmi2Byte serializedState[], size_t size) {
    (void)c;
    if (size != sizeof(Lag)) return fmi2Error;
    memcpy(serializedState, FMUstate, size);
    return fmi2OK;
}

fmi2Status fmi2DeSerializeFMUstate(fmi2Component c, const fmi2Byte serializedState[], size_t size,
                                   fmi2FMUstate* FMUstate) {
    if (size != sizeof(Lag)) return fmi2Error;
    if (fmi2GetFMUstate(c, FMUstate)) return fmi2Error;
    memcpy(*FMUstate, serializedState, size);
    return fmi2OK;
}
