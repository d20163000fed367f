// FMI 3.0 co-simulation over instance.c. Float64 scalars and arrays, UInt64 for their sizes; no events, clocks, early
// return or derivatives.

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

// Whether `given` values are what these variables take: one for a scalar, the length of an array.
static bool right_count(Instance* self, const char* call, const fmi3ValueReference refs[], size_t count, size_t given,
                        const void* values) {
    if (count > 0 && (!refs || !values)) return instance_fail(self, call, "null pointer for %zu values.", given);
    const size_t wanted = instance_room(self, refs, count);
    return given == wanted || instance_fail(self, call, "%zu values for %zu scalars.", given, wanted);
}

fmi3Status fmi3GetFloat64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          fmi3Float64 values[], size_t nValues) {
    Instance* self = instance_of(instance);
    if (!right_count(self, __func__, valueReferences, nValueReferences, nValues, values)) return fmi3Error;
    size_t from = 0;  // what lies between two asks for the time is got in one call
    for (size_t i = 0; i < nValueReferences; ++i) {
        if (valueReferences[i] != VALUE_REFERENCE_OF_TIME) continue;
        if (!instance_get(self, __func__, valueReferences + from, i - from, values)) return fmi3Error;
        values += instance_room(self, valueReferences + from, i - from);
        *values++ = self->now.time;
        from = i + 1;
    }
    return status_of(instance_get(self, __func__, valueReferences + from, nValueReferences - from, values));
}

fmi3Status fmi3SetFloat64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          const fmi3Float64 values[], size_t nValues) {
    Instance* self = instance_of(instance);
    return status_of(right_count(self, __func__, valueReferences, nValueReferences, nValues, values) &&
                     instance_set(self, __func__, valueReferences, nValueReferences, values));
}

// ---- Sizes of arrays -----------------------------------------------------------------------------------------------

fmi3Status fmi3EnterConfigurationMode(fmi3Instance instance) {
    return status_of(instance_configure(instance_of(instance), __func__));
}

fmi3Status fmi3ExitConfigurationMode(fmi3Instance instance) {
    return status_of(instance_configured(instance_of(instance), __func__));
}

fmi3Status fmi3GetUInt64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                         fmi3UInt64 values[], size_t nValues) {
    Instance* self = instance_of(instance);
    if (nValues != nValueReferences || (nValues > 0 && (!valueReferences || !values)))
        return status_of(instance_fail(self, __func__, "%zu values for %zu scalars.", nValues, nValueReferences));
    for (size_t i = 0; i < nValues; ++i) {
        double value;
        if (!instance_get_sizes(self, __func__, valueReferences + i, 1, &value)) return fmi3Error;
        values[i] = (fmi3UInt64)value;
    }
    return fmi3OK;
}

fmi3Status fmi3SetUInt64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                         const fmi3UInt64 values[], size_t nValues) {
    Instance* self = instance_of(instance);
    if (nValues != nValueReferences || (nValues > 0 && (!valueReferences || !values)))
        return status_of(instance_fail(self, __func__, "%zu values for %zu scalars.", nValues, nValueReferences));
    for (size_t i = 0; i < nValues; ++i) {
        const double value = (double)values[i];
        if (!instance_set_sizes(self, __func__, valueReferences + i, 1, &value)) return fmi3Error;
    }
    return fmi3OK;
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
    return status_of(instance_deserialise(instance_of(instance), __func__, serializedState, size, (Saved**)FMUState));
}
