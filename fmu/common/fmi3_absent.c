// The rest of FMI 3.0: what modelDescription.xml says this FMU cannot do. Every call is refused with a message, and
// model exchange and scheduled execution are there in name because some importers look up every symbol first.

#define CRUMPLE_FMI_PROTOTYPES
#include <fmi/fmi3.h>

#include "instance.h"

static fmi3Status cannot(fmi3Instance instance, const char* call) {
    instance_fail(instance, call, "not supported, see modelDescription.xml.");  // an instance begins with its Instance
    return fmi3Error;
}

// Types this FMU has no variables of: an empty call is fine, any other is an error.
static fmi3Status no_variables(fmi3Instance instance, const char* call, size_t count) {
    if (count == 0) return fmi3OK;
    instance_fail(instance, call, "this FMU has no variables of this type.");
    return fmi3Error;
}

#define NO_VARIABLES_OF(Type)                                                                      \
    fmi3Status fmi3Get##Type(fmi3Instance instance, const fmi3ValueReference valueReferences[],    \
                             size_t nValueReferences, fmi3##Type values[], size_t nValues) {       \
        (void)valueReferences, (void)values, (void)nValues;                                        \
        return no_variables(instance, __func__, nValueReferences);                                 \
    }                                                                                              \
    fmi3Status fmi3Set##Type(fmi3Instance instance, const fmi3ValueReference valueReferences[],    \
                             size_t nValueReferences, const fmi3##Type values[], size_t nValues) { \
        (void)valueReferences, (void)values, (void)nValues;                                        \
        return no_variables(instance, __func__, nValueReferences);                                 \
    }

NO_VARIABLES_OF(Float32)
NO_VARIABLES_OF(Int8)
NO_VARIABLES_OF(UInt8)
NO_VARIABLES_OF(Int16)
NO_VARIABLES_OF(UInt16)
NO_VARIABLES_OF(Int32)
NO_VARIABLES_OF(UInt32)
NO_VARIABLES_OF(Int64)
NO_VARIABLES_OF(Boolean)
NO_VARIABLES_OF(String)

fmi3Status fmi3GetBinary(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                         size_t valueSizes[], fmi3Binary values[], size_t nValues) {
    (void)valueReferences, (void)valueSizes, (void)values, (void)nValues;
    return no_variables(instance, __func__, nValueReferences);
}

fmi3Status fmi3SetBinary(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                         const size_t valueSizes[], const fmi3Binary values[], size_t nValues) {
    (void)valueReferences, (void)valueSizes, (void)values, (void)nValues;
    return no_variables(instance, __func__, nValueReferences);
}

fmi3Status fmi3GetClock(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                        fmi3Clock values[]) {
    (void)valueReferences, (void)values;
    return no_variables(instance, __func__, nValueReferences);
}

fmi3Status fmi3SetClock(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                        const fmi3Clock values[]) {
    (void)valueReferences, (void)values;
    return no_variables(instance, __func__, nValueReferences);
}

fmi3Status fmi3GetNumberOfVariableDependencies(fmi3Instance instance, fmi3ValueReference valueReference,
                                               size_t* nDependencies) {
    (void)valueReference, (void)nDependencies;
    return cannot(instance, __func__);
}

fmi3Status fmi3GetVariableDependencies(fmi3Instance instance, fmi3ValueReference dependent,
                                       size_t elementIndicesOfDependent[], fmi3ValueReference independents[],
                                       size_t elementIndicesOfIndependents[], fmi3DependencyKind dependencyKinds[],
                                       size_t nDependencies) {
    (void)dependent, (void)elementIndicesOfDependent, (void)independents, (void)elementIndicesOfIndependents;
    (void)dependencyKinds, (void)nDependencies;
    return cannot(instance, __func__);
}

#define NO_DERIVATIVES(name)                                                                                   \
    fmi3Status name(fmi3Instance instance, const fmi3ValueReference unknowns[], size_t nUnknowns,              \
                    const fmi3ValueReference knowns[], size_t nKnowns, const fmi3Float64 seed[], size_t nSeed, \
                    fmi3Float64 sensitivity[], size_t nSensitivity) {                                          \
        (void)unknowns, (void)nUnknowns, (void)knowns, (void)nKnowns, (void)seed, (void)nSeed;                 \
        (void)sensitivity, (void)nSensitivity;                                                                 \
        return cannot(instance, __func__);                                                                     \
    }

NO_DERIVATIVES(fmi3GetDirectionalDerivative)
NO_DERIVATIVES(fmi3GetAdjointDerivative)

fmi3Status fmi3GetOutputDerivatives(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                    size_t nValueReferences, const fmi3Int32 orders[], fmi3Float64 values[],
                                    size_t nValues) {
    (void)valueReferences, (void)nValueReferences, (void)orders, (void)values, (void)nValues;
    return cannot(instance, __func__);
}

fmi3Status fmi3EnterEventMode(fmi3Instance instance) { return cannot(instance, __func__); }

fmi3Status fmi3EnterStepMode(fmi3Instance instance) { return cannot(instance, __func__); }

fmi3Status fmi3EvaluateDiscreteStates(fmi3Instance instance) { return cannot(instance, __func__); }

fmi3Status fmi3UpdateDiscreteStates(fmi3Instance instance, fmi3Boolean* discreteStatesNeedUpdate,
                                    fmi3Boolean* terminateSimulation, fmi3Boolean* nominalsOfContinuousStatesChanged,
                                    fmi3Boolean* valuesOfContinuousStatesChanged, fmi3Boolean* nextEventTimeDefined,
                                    fmi3Float64* nextEventTime) {
    (void)discreteStatesNeedUpdate, (void)terminateSimulation, (void)nominalsOfContinuousStatesChanged;
    (void)valuesOfContinuousStatesChanged, (void)nextEventTimeDefined, (void)nextEventTime;
    return cannot(instance, __func__);
}

// Clocks: this FMU has none.

fmi3Status fmi3GetIntervalDecimal(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                  size_t nValueReferences, fmi3Float64 intervals[],
                                  fmi3IntervalQualifier qualifiers[]) {
    (void)valueReferences, (void)intervals, (void)qualifiers;
    return no_variables(instance, __func__, nValueReferences);
}

fmi3Status fmi3GetIntervalFraction(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                   size_t nValueReferences, fmi3UInt64 counters[], fmi3UInt64 resolutions[],
                                   fmi3IntervalQualifier qualifiers[]) {
    (void)valueReferences, (void)counters, (void)resolutions, (void)qualifiers;
    return no_variables(instance, __func__, nValueReferences);
}

fmi3Status fmi3GetShiftDecimal(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                               size_t nValueReferences, fmi3Float64 shifts[]) {
    (void)valueReferences, (void)shifts;
    return no_variables(instance, __func__, nValueReferences);
}

fmi3Status fmi3GetShiftFraction(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                size_t nValueReferences, fmi3UInt64 counters[], fmi3UInt64 resolutions[]) {
    (void)valueReferences, (void)counters, (void)resolutions;
    return no_variables(instance, __func__, nValueReferences);
}

fmi3Status fmi3SetIntervalDecimal(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                  size_t nValueReferences, const fmi3Float64 intervals[]) {
    (void)valueReferences, (void)intervals;
    return no_variables(instance, __func__, nValueReferences);
}

fmi3Status fmi3SetIntervalFraction(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                   size_t nValueReferences, const fmi3UInt64 counters[],
                                   const fmi3UInt64 resolutions[]) {
    (void)valueReferences, (void)counters, (void)resolutions;
    return no_variables(instance, __func__, nValueReferences);
}

fmi3Status fmi3SetShiftDecimal(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                               size_t nValueReferences, const fmi3Float64 shifts[]) {
    (void)valueReferences, (void)shifts;
    return no_variables(instance, __func__, nValueReferences);
}

fmi3Status fmi3SetShiftFraction(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                size_t nValueReferences, const fmi3UInt64 counters[], const fmi3UInt64 resolutions[]) {
    (void)valueReferences, (void)counters, (void)resolutions;
    return no_variables(instance, __func__, nValueReferences);
}

// ---- Model exchange and scheduled execution ------------------------------------------------------------------------

fmi3Instance fmi3InstantiateModelExchange(fmi3String instanceName, fmi3String instantiationToken,
                                          fmi3String resourcePath, fmi3Boolean visible, fmi3Boolean loggingOn,
                                          fmi3InstanceEnvironment instanceEnvironment,
                                          fmi3LogMessageCallback logMessage) {
    (void)instanceName, (void)instantiationToken, (void)resourcePath, (void)visible, (void)loggingOn;
    if (logMessage)
        logMessage(instanceEnvironment, fmi3Error, "logStatusError",
                   "fmi3InstantiateModelExchange: this FMU is for co-simulation only.");
    return NULL;
}

fmi3Instance fmi3InstantiateScheduledExecution(fmi3String instanceName, fmi3String instantiationToken,
                                               fmi3String resourcePath, fmi3Boolean visible, fmi3Boolean loggingOn,
                                               fmi3InstanceEnvironment instanceEnvironment,
                                               fmi3LogMessageCallback logMessage, fmi3ClockUpdateCallback clockUpdate,
                                               fmi3LockPreemptionCallback lockPreemption,
                                               fmi3UnlockPreemptionCallback unlockPreemption) {
    (void)instanceName, (void)instantiationToken, (void)resourcePath, (void)visible, (void)loggingOn;
    (void)clockUpdate, (void)lockPreemption, (void)unlockPreemption;
    if (logMessage)
        logMessage(instanceEnvironment, fmi3Error, "logStatusError",
                   "fmi3InstantiateScheduledExecution: this FMU is for co-simulation only.");
    return NULL;
}

fmi3Status fmi3EnterContinuousTimeMode(fmi3Instance instance) { return cannot(instance, __func__); }

fmi3Status fmi3CompletedIntegratorStep(fmi3Instance instance, fmi3Boolean noSetFMUStatePriorToCurrentPoint,
                                       fmi3Boolean* enterEventMode, fmi3Boolean* terminateSimulation) {
    (void)noSetFMUStatePriorToCurrentPoint, (void)enterEventMode, (void)terminateSimulation;
    return cannot(instance, __func__);
}

fmi3Status fmi3SetTime(fmi3Instance instance, fmi3Float64 time) {
    (void)time;
    return cannot(instance, __func__);
}

fmi3Status fmi3SetContinuousStates(fmi3Instance instance, const fmi3Float64 continuousStates[],
                                   size_t nContinuousStates) {
    (void)continuousStates, (void)nContinuousStates;
    return cannot(instance, __func__);
}

#define NO_VECTOR(name)                                                      \
    fmi3Status name(fmi3Instance instance, fmi3Float64 values[], size_t n) { \
        (void)values, (void)n;                                               \
        return cannot(instance, __func__);                                   \
    }

NO_VECTOR(fmi3GetContinuousStateDerivatives)
NO_VECTOR(fmi3GetEventIndicators)
NO_VECTOR(fmi3GetContinuousStates)
NO_VECTOR(fmi3GetNominalsOfContinuousStates)

fmi3Status fmi3GetNumberOfEventIndicators(fmi3Instance instance, size_t* nEventIndicators) {
    (void)nEventIndicators;
    return cannot(instance, __func__);
}

fmi3Status fmi3GetNumberOfContinuousStates(fmi3Instance instance, size_t* nContinuousStates) {
    (void)nContinuousStates;
    return cannot(instance, __func__);
}

fmi3Status fmi3ActivateModelPartition(fmi3Instance instance, fmi3ValueReference clockReference,
                                      fmi3Float64 activationTime) {
    (void)clockReference, (void)activationTime;
    return cannot(instance, __func__);
}
