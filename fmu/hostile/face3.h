// FMI 3.0 co-simulation face of model.c, which includes this at its end. The build adds the functions that are not
// here.

#define CRUMPLE_FMI_PROTOTYPES
#include "fmi/fmi3.h"

#define CALL(name) fmi3Status fmi3##name
#define STATUS (fmi3Status)

static void say(void (*logger)(void), void* environment, const char* name, int status, const char* category,
                const char* text) {
    (void)name;
    if (logger) ((fmi3LogMessageCallback)logger)(environment, STATUS status, category, text);
}

fmi3Instance fmi3InstantiateCoSimulation(fmi3String instanceName, fmi3String instantiationToken,
                                         fmi3String resourcePath, fmi3Boolean visible, fmi3Boolean loggingOn,
                                         fmi3Boolean eventModeUsed, fmi3Boolean earlyReturnAllowed,
                                         const fmi3ValueReference requiredIntermediateVariables[],
                                         size_t nRequiredIntermediateVariables,
                                         fmi3InstanceEnvironment instanceEnvironment, fmi3LogMessageCallback logMessage,
                                         fmi3IntermediateUpdateCallback intermediateUpdate) {
    (void)instantiationToken, (void)resourcePath, (void)visible, (void)loggingOn, (void)eventModeUsed;
    (void)earlyReturnAllowed, (void)requiredIntermediateVariables, (void)nRequiredIntermediateVariables;
    (void)intermediateUpdate;
    return create(instanceName, instanceEnvironment, (void (*)(void))logMessage);
}

void fmi3FreeInstance(fmi3Instance instance) { destroy(instance); }

CALL(EnterInitializationMode)(fmi3Instance instance, fmi3Boolean toleranceDefined, fmi3Float64 tolerance,
                              fmi3Float64 startTime, fmi3Boolean stopTimeDefined, fmi3Float64 stopTime) {
    (void)toleranceDefined, (void)tolerance, (void)stopTimeDefined, (void)stopTime;
    ((Hostile*)instance)->v.time = startTime;
    return STATUS perhaps(instance, "setup", OK);
}

CALL(ExitInitializationMode)(fmi3Instance instance) { return STATUS initialise(instance); }
CALL(Terminate)(fmi3Instance instance) { return STATUS perhaps(instance, "terminate", OK); }
CALL(Reset)(fmi3Instance instance) { return begin(instance), fmi3OK; }

CALL(DoStep)(fmi3Instance instance, fmi3Float64 currentCommunicationPoint, fmi3Float64 communicationStepSize,
             fmi3Boolean noSetFMUStatePriorToCurrentPoint, fmi3Boolean* eventHandlingNeeded,
             fmi3Boolean* terminateSimulation, fmi3Boolean* earlyReturn, fmi3Float64* lastSuccessfulTime) {
    (void)noSetFMUStatePriorToCurrentPoint;
    *eventHandlingNeeded = *terminateSimulation = *earlyReturn = false;
    *lastSuccessfulTime = currentCommunicationPoint + communicationStepSize;
    return STATUS step(instance, currentCommunicationPoint, communicationStepSize);
}

#define REFERENCES fmi3Instance instance, const fmi3ValueReference refs[], size_t n

CALL(GetFloat64)(REFERENCES, fmi3Float64 values[], size_t count) {
    return count == n ? STATUS get_numbers(instance, refs, n, values) : fmi3Error;
}

CALL(SetFloat64)(REFERENCES, const fmi3Float64 values[], size_t count) {
    return count == n ? STATUS set_numbers(instance, refs, n, values) : fmi3Error;
}

CALL(GetInt32)(REFERENCES, fmi3Int32 values[], size_t count) {
    for (size_t i = 0; i < n && i < count; ++i) {
        if (refs[i] != AT_REF) return fmi3Error;
        values[i] = ((Hostile*)instance)->v.at;
    }
    return fmi3OK;
}

CALL(SetInt32)(REFERENCES, const fmi3Int32 values[], size_t count) {
    for (size_t i = 0; i < n && i < count; ++i) {
        if (refs[i] != AT_REF) return fmi3Error;
        ((Hostile*)instance)->v.at = values[i];
    }
    return fmi3OK;
}

CALL(GetString)(REFERENCES, fmi3String values[], size_t count) {
    return count == n ? STATUS get_texts(instance, refs, n, values) : fmi3Error;
}

CALL(SetString)(REFERENCES, const fmi3String values[], size_t count) {
    return count == n ? STATUS set_texts(instance, refs, n, values) : fmi3Error;
}

CALL(GetFMUState)(fmi3Instance instance, fmi3FMUState* FMUState) { return STATUS save(instance, FMUState); }
CALL(SetFMUState)(fmi3Instance instance, fmi3FMUState FMUState) { return STATUS restore(instance, FMUState); }

CALL(FreeFMUState)(fmi3Instance instance, fmi3FMUState* FMUState) {
    (void)instance;
    free(*FMUState);
    *FMUState = NULL;
    return fmi3OK;
}

CALL(SerializedFMUStateSize)(fmi3Instance instance, fmi3FMUState FMUState, size_t* size) {
    (void)FMUState;
    *size = state_size(instance);
    return fmi3OK;
}

CALL(SerializeFMUState)(fmi3Instance instance, fmi3FMUState FMUState, fmi3Byte serializedState[], size_t size) {
    return STATUS serialise(instance, FMUState, serializedState, size);
}

CALL(DeserializeFMUState)(fmi3Instance instance, const fmi3Byte serializedState[], size_t size,
                          fmi3FMUState* FMUState) {
    return STATUS deserialise(instance, serializedState, size, FMUState);
}
