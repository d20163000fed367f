// FMI 2.0 co-simulation face of model.c, which includes this at its end. The build adds the functions that are not
// here.

#define CRUMPLE_FMI_PROTOTYPES
#include "fmi/fmi2.h"

#define CALL(name) fmi2Status fmi2##name
#define STATUS (fmi2Status)

static void say(void (*logger)(void), void* environment, const char* name, int status, const char* category,
                const char* text) {
    if (logger) ((fmi2CallbackLogger)logger)(environment, name, STATUS status, category, text);
}

fmi2Component fmi2Instantiate(fmi2String instanceName, fmi2Type fmuType, fmi2String fmuGUID,
                              fmi2String fmuResourceLocation, const fmi2CallbackFunctions* functions,
                              fmi2Boolean visible, fmi2Boolean loggingOn) {
    (void)fmuGUID, (void)fmuResourceLocation, (void)visible, (void)loggingOn;
    if (fmuType != fmi2CoSimulation) return NULL;
    return create(instanceName, functions ? functions->componentEnvironment : NULL,
                  functions ? (void (*)(void))functions->logger : NULL);
}

void fmi2FreeInstance(fmi2Component c) { destroy(c); }

CALL(SetupExperiment)(fmi2Component c, fmi2Boolean toleranceDefined, fmi2Real tolerance, fmi2Real startTime,
                      fmi2Boolean stopTimeDefined, fmi2Real stopTime) {
    (void)toleranceDefined, (void)tolerance, (void)stopTimeDefined, (void)stopTime;
    ((Hostile*)c)->v.time = startTime;
    return STATUS perhaps(c, "setup", OK);
}

CALL(EnterInitializationMode)(fmi2Component c) { return (void)c, fmi2OK; }
CALL(ExitInitializationMode)(fmi2Component c) { return STATUS initialise(c); }
CALL(Terminate)(fmi2Component c) { return STATUS perhaps(c, "terminate", OK); }
CALL(Reset)(fmi2Component c) { return begin(c), fmi2OK; }

CALL(DoStep)(fmi2Component c, fmi2Real currentCommunicationPoint, fmi2Real communicationStepSize,
             fmi2Boolean noSetFMUStatePriorToCurrentPoint) {
    (void)noSetFMUStatePriorToCurrentPoint;
    return STATUS step(c, currentCommunicationPoint, communicationStepSize);
}

CALL(GetReal)(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2Real value[]) {
    return STATUS get_numbers(c, vr, nvr, value);
}

CALL(SetReal)(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2Real value[]) {
    return STATUS set_numbers(c, vr, nvr, value);
}

CALL(GetInteger)(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2Integer value[]) {
    for (size_t i = 0; i < nvr; ++i) {
        if (vr[i] != AT_REF) return fmi2Error;
        value[i] = ((Hostile*)c)->v.at;
    }
    return fmi2OK;
}

CALL(SetInteger)(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2Integer value[]) {
    for (size_t i = 0; i < nvr; ++i) {
        if (vr[i] != AT_REF) return fmi2Error;
        ((Hostile*)c)->v.at = value[i];
    }
    return fmi2OK;
}

CALL(GetString)(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2String value[]) {
    return STATUS get_texts(c, vr, nvr, value);
}

CALL(SetString)(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2String value[]) {
    return STATUS set_texts(c, vr, nvr, value);
}

CALL(GetFMUstate)(fmi2Component c, fmi2FMUstate* FMUstate) { return STATUS save(c, FMUstate); }
CALL(SetFMUstate)(fmi2Component c, fmi2FMUstate FMUstate) { return STATUS restore(c, FMUstate); }

CALL(FreeFMUstate)(fmi2Component c, fmi2FMUstate* FMUstate) {
    (void)c;
    free(*FMUstate);
    *FMUstate = NULL;
    return fmi2OK;
}

CALL(SerializedFMUstateSize)(fmi2Component c, fmi2FMUstate FMUstate, size_t* size) {
    (void)FMUstate;
    *size = state_size(c);
    return fmi2OK;
}

CALL(SerializeFMUstate)(fmi2Component c, fmi2FMUstate FMUstate, fmi2Byte serializedState[], size_t size) {
    return STATUS serialise(c, FMUstate, serializedState, size);
}

CALL(DeSerializeFMUstate)(fmi2Component c, const fmi2Byte serializedState[], size_t size, fmi2FMUstate* FMUstate) {
    return STATUS deserialise(c, serializedState, size, FMUstate);
}
