// Every FMI 2.0 function, weak: an FMU defines what it has, and this fills in the rest, so that importers which look
// for all symbols are content. A function that is not there says so by its status.
#define CRUMPLE_FMI_PROTOTYPES
#include "fmi/fmi2.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"
#define WEAK __attribute__((weak))

WEAK const char* fmi2GetTypesPlatform(void) { return fmi2TypesPlatform; }
WEAK const char* fmi2GetVersion(void) { return fmi2Version; }

WEAK fmi2Status fmi2SetDebugLogging(fmi2Component c, fmi2Boolean on, size_t n, const fmi2String categories[]) {
    return fmi2OK;
}

// Nothing asked of variables that do not exist is granted.
#define VALUES(name, T)                                                                           \
    WEAK fmi2Status name(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, T value[]) { \
        return nvr == 0 ? fmi2OK : fmi2Error;                                                     \
    }
VALUES(fmi2GetReal, fmi2Real)
VALUES(fmi2GetInteger, fmi2Integer)
VALUES(fmi2GetBoolean, fmi2Boolean)
VALUES(fmi2GetString, fmi2String)
VALUES(fmi2SetReal, const fmi2Real)
VALUES(fmi2SetInteger, const fmi2Integer)
VALUES(fmi2SetBoolean, const fmi2Boolean)
VALUES(fmi2SetString, const fmi2String)

#define INSTANCE(name) \
    WEAK fmi2Status name(fmi2Component c) { return fmi2Error; }
INSTANCE(fmi2Reset)
INSTANCE(fmi2CancelStep)
INSTANCE(fmi2EnterEventMode)
INSTANCE(fmi2EnterContinuousTimeMode)

#define POINTER(name, T) \
    WEAK fmi2Status name(fmi2Component c, T p) { return fmi2Error; }
POINTER(fmi2GetFMUstate, fmi2FMUstate*)
POINTER(fmi2SetFMUstate, fmi2FMUstate)
POINTER(fmi2FreeFMUstate, fmi2FMUstate*)
POINTER(fmi2NewDiscreteStates, fmi2EventInfo*)
POINTER(fmi2SetTime, fmi2Real)

#define STATUS(name, T) \
    WEAK fmi2Status name(fmi2Component c, const fmi2StatusKind s, T* value) { return fmi2Discard; }
STATUS(fmi2GetStatus, fmi2Status)
STATUS(fmi2GetRealStatus, fmi2Real)
STATUS(fmi2GetIntegerStatus, fmi2Integer)
STATUS(fmi2GetBooleanStatus, fmi2Boolean)
STATUS(fmi2GetStringStatus, fmi2String)

#define VECTOR(name, T) \
    WEAK fmi2Status name(fmi2Component c, T values[], size_t count) { return count == 0 ? fmi2OK : fmi2Error; }
VECTOR(fmi2SetContinuousStates, const fmi2Real)
VECTOR(fmi2GetDerivatives, fmi2Real)
VECTOR(fmi2GetEventIndicators, fmi2Real)
VECTOR(fmi2GetContinuousStates, fmi2Real)
VECTOR(fmi2GetNominalsOfContinuousStates, fmi2Real)

WEAK fmi2Status fmi2SerializedFMUstateSize(fmi2Component c, fmi2FMUstate state, size_t* size) { return fmi2Error; }
WEAK fmi2Status fmi2SerializeFMUstate(fmi2Component c, fmi2FMUstate state, fmi2Byte bytes[], size_t size) {
    return fmi2Error;
}
WEAK fmi2Status fmi2DeSerializeFMUstate(fmi2Component c, const fmi2Byte bytes[], size_t size, fmi2FMUstate* state) {
    return fmi2Error;
}
WEAK fmi2Status fmi2GetDirectionalDerivative(fmi2Component c, const fmi2ValueReference unknown[], size_t nUnknowns,
                                             const fmi2ValueReference known[], size_t nKnowns, const fmi2Real dvKnown[],
                                             fmi2Real dvUnknown[]) {
    return fmi2Error;
}
WEAK fmi2Status fmi2SetRealInputDerivatives(fmi2Component c, const fmi2ValueReference vr[], size_t nvr,
                                            const fmi2Integer order[], const fmi2Real value[]) {
    return fmi2Error;
}
WEAK fmi2Status fmi2GetRealOutputDerivatives(fmi2Component c, const fmi2ValueReference vr[], size_t nvr,
                                             const fmi2Integer order[], fmi2Real value[]) {
    return fmi2Error;
}
WEAK fmi2Status fmi2CompletedIntegratorStep(fmi2Component c, fmi2Boolean noSet, fmi2Boolean* event, fmi2Boolean* end) {
    return fmi2Error;
}
