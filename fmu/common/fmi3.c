// FMI 3.0 co-simulation over instance.c. Float64 scalars only; no events, clocks, early return or derivatives.

#define CRUMPLE_FMI_PROTOTYPES
#include <fmi/fmi3.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"

typedef struct {
    Instance instance;  // first: the two are told apart by a cast
    fmi3LogMessageCallback log_message;
    fmi3InstanceEnvironment environment;
} Fmi3;

static Instance* instance_of(fmi3Instance instance) { return &((Fmi3*)instance)->instance; }

static fmi3Status status_of(bool good) { return good ? fmi3OK : fmi3Error; }

static fmi3Status cannot(fmi3Instance instance, const char* call) {
    return status_of(instance_fail(instance_of(instance), call, "not supported, see modelDescription.xml."));
}

// Errors are told even when logging is off: they are no debug output.
static void log_error(Instance* self, const char* text) {
    const Fmi3* f = (const Fmi3*)self;
    if (f->log_message) f->log_message(f->environment, fmi3Error, "logStatusError", text);
}

const char* fmi3GetVersion(void) { return fmi3Version; }

// There is one category, and it is never switched off.
fmi3Status fmi3SetDebugLogging(fmi3Instance instance, fmi3Boolean loggingOn, size_t nCategories,
                               const fmi3String categories[]) {
    (void)loggingOn;
    if (!instance || (nCategories > 0 && !categories)) return fmi3Error;
    for (size_t i = 0; i < nCategories; ++i)
        if (!categories[i] || strcmp(categories[i], "logStatusError") != 0)
            return status_of(
                instance_fail(instance_of(instance), __func__, "the only log category is logStatusError."));
    return fmi3OK;
}

// ---- Life of an instance -------------------------------------------------------------------------------------------

fmi3Instance fmi3InstantiateCoSimulation(fmi3String instanceName, fmi3String instantiationToken,
                                         fmi3String resourcePath, fmi3Boolean visible, fmi3Boolean loggingOn,
                                         fmi3Boolean eventModeUsed, fmi3Boolean earlyReturnAllowed,
                                         const fmi3ValueReference requiredIntermediateVariables[],
                                         size_t nRequiredIntermediateVariables,
                                         fmi3InstanceEnvironment instanceEnvironment, fmi3LogMessageCallback logMessage,
                                         fmi3IntermediateUpdateCallback intermediateUpdate) {
    (void)resourcePath, (void)visible, (void)loggingOn, (void)intermediateUpdate;
    (void)earlyReturnAllowed;  // may be allowed; it is never made use of
    (void)requiredIntermediateVariables;
    Fmi3* f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->instance.log = log_error;
    f->log_message = logMessage;
    f->environment = instanceEnvironment;
    bool good = instance_open(&f->instance);
    if (good && (!instanceName || !*instanceName))
        good = instance_fail(&f->instance, __func__, "the instance needs a name.");
    if (good && (!instantiationToken || strcmp(instantiationToken, crumple_model.token) != 0))
        good = instance_fail(&f->instance, __func__,
                             "the instantiationToken is not the one of this library's modelDescription.xml.");
    if (good && eventModeUsed) good = instance_fail(&f->instance, __func__, "this FMU has no event mode.");
    if (good && nRequiredIntermediateVariables > 0)
        good = instance_fail(&f->instance, __func__, "this FMU has no intermediate update.");
    if (good) return f;
    fmi3FreeInstance(f);
    return NULL;
}

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

void fmi3FreeInstance(fmi3Instance instance) {
    if (!instance) return;
    instance_close(instance_of(instance));
    free(instance);
}

fmi3Status fmi3EnterInitializationMode(fmi3Instance instance, fmi3Boolean toleranceDefined, fmi3Float64 tolerance,
                                       fmi3Float64 startTime, fmi3Boolean stopTimeDefined, fmi3Float64 stopTime) {
    (void)toleranceDefined;  // fixed sub-steps: there is no tolerance to set
    (void)tolerance;
    Instance* self = instance_of(instance);
    return status_of(instance_begin(self, __func__) &&
                     instance_plan(self, __func__, startTime, stopTimeDefined, stopTime));
}

fmi3Status fmi3ExitInitializationMode(fmi3Instance instance) {
    return status_of(instance_ready(instance_of(instance), __func__));
}

fmi3Status fmi3Terminate(fmi3Instance instance) { return status_of(instance_end(instance_of(instance), __func__)); }

fmi3Status fmi3Reset(fmi3Instance instance) { return status_of(instance_reset(instance_of(instance))); }

fmi3Status fmi3DoStep(fmi3Instance instance, fmi3Float64 currentCommunicationPoint, fmi3Float64 communicationStepSize,
                      fmi3Boolean noSetFMUStatePriorToCurrentPoint, fmi3Boolean* eventHandlingNeeded,
                      fmi3Boolean* terminateSimulation, fmi3Boolean* earlyReturn, fmi3Float64* lastSuccessfulTime) {
    (void)noSetFMUStatePriorToCurrentPoint;
    Instance* self = instance_of(instance);
    const bool good = instance_step(self, __func__, currentCommunicationPoint, communicationStepSize);
    if (eventHandlingNeeded) *eventHandlingNeeded = fmi3False;
    if (terminateSimulation) *terminateSimulation = fmi3False;
    if (earlyReturn) *earlyReturn = fmi3False;
    if (lastSuccessfulTime) *lastSuccessfulTime = self->now.time;
    return status_of(good);
}

// ---- Values --------------------------------------------------------------------------------------------------------

#define VALUE_REFERENCE_OF_TIME 0

fmi3Status fmi3GetFloat64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          fmi3Float64 values[], size_t nValues) {
    Instance* self = instance_of(instance);
    if (nValues != nValueReferences)
        return status_of(instance_fail(self, __func__, "%zu values for %zu scalars.", nValues, nValueReferences));
    if (nValueReferences > 0 && (!valueReferences || !values))
        return status_of(instance_fail(self, __func__, "null pointer for %zu values.", nValues));
    size_t from = 0;  // what lies between two asks for the time is got in one call
    for (size_t i = 0; i < nValueReferences; ++i) {
        if (valueReferences[i] != VALUE_REFERENCE_OF_TIME) continue;
        if (!instance_get(self, __func__, valueReferences + from, i - from, values + from)) return fmi3Error;
        values[i] = self->now.time;
        from = i + 1;
    }
    return status_of(
        instance_get(self, __func__, valueReferences + from, nValueReferences - from, values + from));
}

fmi3Status fmi3SetFloat64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          const fmi3Float64 values[], size_t nValues) {
    Instance* self = instance_of(instance);
    if (nValues != nValueReferences)
        return status_of(instance_fail(self, __func__, "%zu values for %zu scalars.", nValues, nValueReferences));
    return status_of(instance_set(self, __func__, valueReferences, nValueReferences, values));
}

// Types this FMU has no variables of: an empty call is fine, any other is an error.
static fmi3Status no_variables(fmi3Instance instance, const char* call, size_t count) {
    if (count == 0) return fmi3OK;
    return status_of(instance_fail(instance_of(instance), call, "all variables of this FMU are Float64."));
}

#define NO_VARIABLES_OF(Type)                                                                                     \
    fmi3Status fmi3Get##Type(fmi3Instance instance, const fmi3ValueReference valueReferences[],                   \
                             size_t nValueReferences, fmi3##Type values[], size_t nValues) {                      \
        (void)valueReferences, (void)values, (void)nValues;                                                       \
        return no_variables(instance, __func__, nValueReferences);                                                \
    }                                                                                                             \
    fmi3Status fmi3Set##Type(fmi3Instance instance, const fmi3ValueReference valueReferences[],                   \
                             size_t nValueReferences, const fmi3##Type values[], size_t nValues) {                \
        (void)valueReferences, (void)values, (void)nValues;                                                       \
        return no_variables(instance, __func__, nValueReferences);                                                \
    }

NO_VARIABLES_OF(Float32)
NO_VARIABLES_OF(Int8)
NO_VARIABLES_OF(UInt8)
NO_VARIABLES_OF(Int16)
NO_VARIABLES_OF(UInt16)
NO_VARIABLES_OF(Int32)
NO_VARIABLES_OF(UInt32)
NO_VARIABLES_OF(Int64)
NO_VARIABLES_OF(UInt64)
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

// ---- State ---------------------------------------------------------------------------------------------------------

fmi3Status fmi3GetFMUState(fmi3Instance instance, fmi3FMUState* FMUState) {
    return status_of(instance_save(instance_of(instance), __func__, (Saved**)FMUState));
}

fmi3Status fmi3SetFMUState(fmi3Instance instance, fmi3FMUState FMUState) {
    return status_of(instance_restore(instance_of(instance), __func__, FMUState));
}

fmi3Status fmi3FreeFMUState(fmi3Instance instance, fmi3FMUState* FMUState) {
    (void)instance;
    if (!FMUState) return fmi3OK;
    free(*FMUState);
    *FMUState = NULL;
    return fmi3OK;
}

fmi3Status fmi3SerializedFMUStateSize(fmi3Instance instance, fmi3FMUState FMUState, size_t* size) {
    if (!FMUState || !size) return status_of(instance_fail(instance_of(instance), __func__, "null pointer."));
    *size = instance_serialised_size();
    return fmi3OK;
}

fmi3Status fmi3SerializeFMUState(fmi3Instance instance, fmi3FMUState FMUState, fmi3Byte serializedState[],
                                 size_t size) {
    return status_of(instance_serialise(instance_of(instance), __func__, FMUState, serializedState, size));
}

fmi3Status fmi3DeserializeFMUState(fmi3Instance instance, const fmi3Byte serializedState[], size_t size,
                                   fmi3FMUState* FMUState) {
    return status_of(
        instance_deserialise(instance_of(instance), __func__, serializedState, size, (Saved**)FMUState));
}

// ---- What modelDescription.xml says this FMU cannot do -------------------------------------------------------------

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

#define NO_DERIVATIVES(name)                                                                                  \
    fmi3Status name(fmi3Instance instance, const fmi3ValueReference unknowns[], size_t nUnknowns,             \
                    const fmi3ValueReference knowns[], size_t nKnowns, const fmi3Float64 seed[],              \
                    size_t nSeed, fmi3Float64 sensitivity[], size_t nSensitivity) {                           \
        (void)unknowns, (void)nUnknowns, (void)knowns, (void)nKnowns, (void)seed, (void)nSeed;                \
        (void)sensitivity, (void)nSensitivity;                                                                \
        return cannot(instance, __func__);                                                                    \
    }

NO_DERIVATIVES(fmi3GetDirectionalDerivative)
NO_DERIVATIVES(fmi3GetAdjointDerivative)

fmi3Status fmi3GetOutputDerivatives(fmi3Instance instance, const fmi3ValueReference valueReferences[],
                                    size_t nValueReferences, const fmi3Int32 orders[], fmi3Float64 values[],
                                    size_t nValues) {
    (void)valueReferences, (void)nValueReferences, (void)orders, (void)values, (void)nValues;
    return cannot(instance, __func__);
}

fmi3Status fmi3EnterConfigurationMode(fmi3Instance instance) { return cannot(instance, __func__); }

fmi3Status fmi3ExitConfigurationMode(fmi3Instance instance) { return cannot(instance, __func__); }

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
