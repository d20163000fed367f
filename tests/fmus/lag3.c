// First-order lags, FMI 3.0: x' = (u - x) / tau by forward Euler, y = x, in PORTS copies that share tau and x0.
// The twin of lag2.c: same equations, same value references, same bits.
#define CRUMPLE_FMI_PROTOTYPES
#include <stdlib.h>
#include <string.h>

#include "fmi/fmi3.h"

#ifndef PORTS
#define PORTS 1
#endif
#define TOKEN "{lag3}"

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

fmi3Instance fmi3InstantiateCoSimulation(fmi3String instanceName, fmi3String instantiationToken,
                                         fmi3String resourcePath, fmi3Boolean visible, fmi3Boolean loggingOn,
                                         fmi3Boolean eventModeUsed, fmi3Boolean earlyReturnAllowed,
                                         const fmi3ValueReference requiredIntermediateVariables[],
                                         size_t nRequiredIntermediateVariables,
                                         fmi3InstanceEnvironment instanceEnvironment, fmi3LogMessageCallback logMessage,
                                         fmi3IntermediateUpdateCallback intermediateUpdate) {
    (void)instanceName;
    (void)resourcePath;
    (void)visible;
    (void)loggingOn;
    (void)eventModeUsed;
    (void)earlyReturnAllowed;
    (void)requiredIntermediateVariables;
    (void)nRequiredIntermediateVariables;
    (void)instanceEnvironment;
    (void)logMessage;
    (void)intermediateUpdate;
    if (!instantiationToken || strcmp(instantiationToken, TOKEN)) return NULL;
    Lag* lag = malloc(sizeof(Lag));
    if (lag) start(lag);
    return lag;
}

void fmi3FreeInstance(fmi3Instance instance) { free(instance); }

fmi3Status fmi3EnterInitializationMode(fmi3Instance instance, fmi3Boolean toleranceDefined, fmi3Float64 tolerance,
                                       fmi3Float64 startTime, fmi3Boolean stopTimeDefined, fmi3Float64 stopTime) {
    (void)toleranceDefined;
    (void)tolerance;
    (void)stopTimeDefined;
    (void)stopTime;
    ((Lag*)instance)->time = startTime;
    return fmi3OK;
}

fmi3Status fmi3ExitInitializationMode(fmi3Instance instance) {
    (void)instance;
    return fmi3OK;
}

fmi3Status fmi3Terminate(fmi3Instance instance) {
    (void)instance;
    return fmi3OK;
}

fmi3Status fmi3Reset(fmi3Instance instance) {
    start(instance);
    return fmi3OK;
}

fmi3Status fmi3GetFloat64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          fmi3Float64 values[], size_t nValues) {
    const Lag* lag = instance;
    if (nValues != nValueReferences) return fmi3Error;
    for (size_t i = 0; i < nValues; ++i) {
        const fmi3ValueReference vr = valueReferences[i];
        if (vr - VR_Y < PORTS) {
            values[i] = lag->x[vr - VR_Y];
        } else if (vr - VR_U < PORTS) {
            values[i] = lag->u[vr - VR_U];
        } else {
            switch (vr) {
                case VR_TIME:
                    values[i] = lag->time;
                    break;
                case VR_TAU:
                    values[i] = lag->tau;
                    break;
                case VR_X0:
                    values[i] = lag->x0;
                    break;
                case VR_SUBSTEPS:
                    values[i] = lag->substeps;
                    break;
                default:
                    return fmi3Error;
            }
        }
    }
    return fmi3OK;
}

fmi3Status fmi3SetFloat64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          const fmi3Float64 values[], size_t nValues) {
    Lag* lag = instance;
    if (nValues != nValueReferences) return fmi3Error;
    for (size_t i = 0; i < nValues; ++i) {
        const fmi3ValueReference vr = valueReferences[i];
        if (vr - VR_U < PORTS) {
            lag->u[vr - VR_U] = values[i];
        } else {
            switch (vr) {
                case VR_TAU:
                    lag->tau = values[i];
                    break;
                case VR_SUBSTEPS:
                    lag->substeps = values[i];
                    break;
                case VR_X0:
                    lag->x0 = values[i];
                    for (int j = 0; j < PORTS; ++j) lag->x[j] = values[i];
                    break;
                default:
                    return fmi3Error;
            }
        }
    }
    return fmi3OK;
}

fmi3Status fmi3DoStep(fmi3Instance instance, fmi3Float64 currentCommunicationPoint, fmi3Float64 communicationStepSize,
                      fmi3Boolean noSetFMUStatePriorToCurrentPoint, fmi3Boolean* eventHandlingNeeded,
                      fmi3Boolean* terminateSimulation, fmi3Boolean* earlyReturn, fmi3Float64* lastSuccessfulTime) {
    Lag* lag = instance;
    (void)noSetFMUStatePriorToCurrentPoint;
    const int substeps = (int)lag->substeps;
    const double part = communicationStepSize / (lag->tau * lag->substeps);
    for (int s = 0; s < substeps; ++s)
        for (int i = 0; i < PORTS; ++i) lag->x[i] += (lag->u[i] - lag->x[i]) * part;
    lag->time = currentCommunicationPoint + communicationStepSize;
    *eventHandlingNeeded = *terminateSimulation = *earlyReturn = fmi3False;
    *lastSuccessfulTime = lag->time;
    return fmi3OK;
}

fmi3Status fmi3GetFMUState(fmi3Instance instance, fmi3FMUState* FMUState) {
    if (!*FMUState) *FMUState = malloc(sizeof(Lag));
    if (!*FMUState) return fmi3Error;
    memcpy(*FMUState, instance, sizeof(Lag));
    return fmi3OK;
}

fmi3Status fmi3SetFMUState(fmi3Instance instance, fmi3FMUState FMUState) {
    memcpy(instance, FMUState, sizeof(Lag));
    return fmi3OK;
}

fmi3Status fmi3FreeFMUState(fmi3Instance instance, fmi3FMUState* FMUState) {
    (void)instance;
    free(*FMUState);
    *FMUState = NULL;
    return fmi3OK;
}

fmi3Status fmi3SerializedFMUStateSize(fmi3Instance instance, fmi3FMUState FMUState, size_t* size) {
    (void)instance;
    (void)FMUState;
    *size = sizeof(Lag);
    return fmi3OK;
}

fmi3Status fmi3SerializeFMUState(fmi3Instance instance, fmi3FMUState FMUState, fmi3Byte serializedState[],
                                 size_t size) {
    (void)instance;
    if (size != sizeof(Lag)) return fmi3Error;
    memcpy(serializedState, FMUState, size);
    return fmi3OK;
}

fmi3Status fmi3DeserializeFMUState(fmi3Instance instance, const fmi3Byte serializedState[], size_t size,
                                   fmi3FMUState* FMUState) {
    if (size != sizeof(Lag)) return fmi3Error;
    if (fmi3GetFMUState(instance, FMUState)) return fmi3Error;
    memcpy(*FMUState, serializedState, size);
    return fmi3OK;
}
