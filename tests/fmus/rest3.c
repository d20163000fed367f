// Every FMI 3.0 function, weak: an FMU defines what it has, and this fills in the rest, so that importers which look
// for all symbols are content. A function that is not there says so by its status.
#define CRUMPLE_FMI_PROTOTYPES
#include "fmi/fmi3.h"

#pragma GCC diagnostic ignored "-Wunused-parameter"
#define WEAK __attribute__((weak))
#define REFERENCES const fmi3ValueReference refs[], size_t n

WEAK const char* fmi3GetVersion(void) { return fmi3Version; }

WEAK fmi3Status fmi3SetDebugLogging(fmi3Instance i, fmi3Boolean on, size_t n, const fmi3String categories[]) {
    return fmi3OK;
}

WEAK fmi3Instance fmi3InstantiateModelExchange(fmi3String name, fmi3String token, fmi3String path, fmi3Boolean visible,
                                               fmi3Boolean loggingOn, fmi3InstanceEnvironment environment,
                                               fmi3LogMessageCallback log) {
    return 0;
}

WEAK fmi3Instance fmi3InstantiateScheduledExecution(fmi3String name, fmi3String token, fmi3String path,
                                                    fmi3Boolean visible, fmi3Boolean loggingOn,
                                                    fmi3InstanceEnvironment environment, fmi3LogMessageCallback log,
                                                    fmi3ClockUpdateCallback clockUpdate,
                                                    fmi3LockPreemptionCallback lock,
                                                    fmi3UnlockPreemptionCallback unlock) {
    return 0;
}

// Nothing asked of variables that do not exist is granted.
#define VALUES(T)                                                                                  \
    WEAK fmi3Status fmi3Get##T(fmi3Instance i, REFERENCES, fmi3##T values[], size_t count) {       \
        return count == 0 ? fmi3OK : fmi3Error;                                                    \
    }                                                                                              \
    WEAK fmi3Status fmi3Set##T(fmi3Instance i, REFERENCES, const fmi3##T values[], size_t count) { \
        return count == 0 ? fmi3OK : fmi3Error;                                                    \
    }
VALUES(Float32)
VALUES(Float64)
VALUES(Int8)
VALUES(UInt8)
VALUES(Int16)
VALUES(UInt16)
VALUES(Int32)
VALUES(UInt32)
VALUES(Int64)
VALUES(UInt64)
VALUES(Boolean)
VALUES(String)

WEAK fmi3Status fmi3GetBinary(fmi3Instance i, REFERENCES, size_t sizes[], fmi3Binary values[], size_t count) {
    return count == 0 ? fmi3OK : fmi3Error;
}
WEAK fmi3Status fmi3SetBinary(fmi3Instance i, REFERENCES, const size_t sizes[], const fmi3Binary values[],
                              size_t count) {
    return count == 0 ? fmi3OK : fmi3Error;
}
WEAK fmi3Status fmi3GetClock(fmi3Instance i, REFERENCES, fmi3Clock values[]) { return n == 0 ? fmi3OK : fmi3Error; }
WEAK fmi3Status fmi3SetClock(fmi3Instance i, REFERENCES, const fmi3Clock values[]) {
    return n == 0 ? fmi3OK : fmi3Error;
}

#define INSTANCE(name) \
    WEAK fmi3Status name(fmi3Instance i) { return fmi3Error; }
INSTANCE(fmi3EnterEventMode)
INSTANCE(fmi3Reset)
INSTANCE(fmi3EnterConfigurationMode)
INSTANCE(fmi3ExitConfigurationMode)
INSTANCE(fmi3EvaluateDiscreteStates)
INSTANCE(fmi3EnterStepMode)
INSTANCE(fmi3EnterContinuousTimeMode)

#define ONE(name, T) \
    WEAK fmi3Status name(fmi3Instance i, T p) { return fmi3Error; }
ONE(fmi3GetFMUState, fmi3FMUState*)
ONE(fmi3SetFMUState, fmi3FMUState)
ONE(fmi3FreeFMUState, fmi3FMUState*)
ONE(fmi3SetTime, fmi3Float64)
ONE(fmi3GetNumberOfEventIndicators, size_t*)
ONE(fmi3GetNumberOfContinuousStates, size_t*)

WEAK fmi3Status fmi3SerializedFMUStateSize(fmi3Instance i, fmi3FMUState state, size_t* size) { return fmi3Error; }
WEAK fmi3Status fmi3SerializeFMUState(fmi3Instance i, fmi3FMUState state, fmi3Byte bytes[], size_t size) {
    return fmi3Error;
}
WEAK fmi3Status fmi3DeserializeFMUState(fmi3Instance i, const fmi3Byte bytes[], size_t size, fmi3FMUState* state) {
    return fmi3Error;
}

WEAK fmi3Status fmi3GetNumberOfVariableDependencies(fmi3Instance i, fmi3ValueReference ref, size_t* n) {
    return fmi3Error;
}
WEAK fmi3Status fmi3GetVariableDependencies(fmi3Instance i, fmi3ValueReference ref, size_t elements[],
                                            fmi3ValueReference independents[], size_t indices[],
                                            fmi3DependencyKind kinds[], size_t n) {
    return fmi3Error;
}

#define DERIVATIVE(name)                                                                                 \
    WEAK fmi3Status name(fmi3Instance i, const fmi3ValueReference unknowns[], size_t nu, REFERENCES,     \
                         const fmi3Float64 seed[], size_t ns, fmi3Float64 sensitivity[], size_t count) { \
        return fmi3Error;                                                                                \
    }
DERIVATIVE(fmi3GetDirectionalDerivative)
DERIVATIVE(fmi3GetAdjointDerivative)

#define REALS(name, T) \
    WEAK fmi3Status name(fmi3Instance i, REFERENCES, T values[]) { return fmi3Error; }
REALS(fmi3GetShiftDecimal, fmi3Float64)
REALS(fmi3SetShiftDecimal, const fmi3Float64)
REALS(fmi3SetIntervalDecimal, const fmi3Float64)

#define FRACTIONS(name, T) \
    WEAK fmi3Status name(fmi3Instance i, REFERENCES, T counters[], T resolutions[]) { return fmi3Error; }
FRACTIONS(fmi3GetShiftFraction, fmi3UInt64)
FRACTIONS(fmi3SetShiftFraction, const fmi3UInt64)
FRACTIONS(fmi3SetIntervalFraction, const fmi3UInt64)

WEAK fmi3Status fmi3GetIntervalDecimal(fmi3Instance i, REFERENCES, fmi3Float64 values[], fmi3IntervalQualifier q[]) {
    return fmi3Error;
}
WEAK fmi3Status fmi3GetIntervalFraction(fmi3Instance i, REFERENCES, fmi3UInt64 counters[], fmi3UInt64 resolutions[],
                                        fmi3IntervalQualifier q[]) {
    return fmi3Error;
}
WEAK fmi3Status fmi3UpdateDiscreteStates(fmi3Instance i, fmi3Boolean* again, fmi3Boolean* end, fmi3Boolean* nominals,
                                         fmi3Boolean* states, fmi3Boolean* defined, fmi3Float64* next) {
    return fmi3Error;
}
WEAK fmi3Status fmi3GetOutputDerivatives(fmi3Instance i, REFERENCES, const fmi3Int32 orders[], fmi3Float64 values[],
                                         size_t count) {
    return fmi3Error;
}
WEAK fmi3Status fmi3CompletedIntegratorStep(fmi3Instance i, fmi3Boolean noSet, fmi3Boolean* event, fmi3Boolean* end) {
    return fmi3Error;
}

#define VECTOR(name, T) \
    WEAK fmi3Status name(fmi3Instance i, T values[], size_t count) { return count == 0 ? fmi3OK : fmi3Error; }
VECTOR(fmi3SetContinuousStates, const fmi3Float64)
VECTOR(fmi3GetContinuousStateDerivatives, fmi3Float64)
VECTOR(fmi3GetEventIndicators, fmi3Float64)
VECTOR(fmi3GetContinuousStates, fmi3Float64)
VECTOR(fmi3GetNominalsOfContinuousStates, fmi3Float64)

WEAK fmi3Status fmi3ActivateModelPartition(fmi3Instance i, fmi3ValueReference clock, fmi3Float64 time) {
    return fmi3Error;
}
