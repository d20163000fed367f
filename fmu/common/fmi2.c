// FMI 2.0 co-simulation over instance.c. Real variables only; no asynchronous steps, no derivatives.

#define CRUMPLE_FMI_PROTOTYPES
#include <fmi/fmi2.h>
#include <stdlib.h>
#include <string.h>

#include "instance.h"

typedef struct {
    Instance instance;  // first: the two are told apart by a cast
    const fmi2CallbackFunctions* callbacks;
    char* name;
} Fmi2;

static Instance* instance_of(fmi2Component c) { return &((Fmi2*)c)->instance; }

static fmi2Status status_of(bool good) { return good ? fmi2OK : fmi2Error; }

// Errors are told even when logging is off: they are no debug output. The text itself is the format: many importers
// show the format and leave out what follows.
static void log_error(Instance* self, const char* text) {
    const Fmi2* f = (const Fmi2*)self;
    if (f->callbacks && f->callbacks->logger)
        f->callbacks->logger(f->callbacks->componentEnvironment, f->name, fmi2Error, "logStatusError", text);
}

const char* fmi2GetTypesPlatform(void) { return fmi2TypesPlatform; }

const char* fmi2GetVersion(void) { return fmi2Version; }

// There is one category, and it is never switched off.
fmi2Status fmi2SetDebugLogging(fmi2Component c, fmi2Boolean loggingOn, size_t nCategories,
                               const fmi2String categories[]) {
    (void)loggingOn;
    if (!c || (nCategories > 0 && !categories)) return fmi2Error;
    for (size_t i = 0; i < nCategories; ++i)
        if (!categories[i] || strcmp(categories[i], "logStatusError") != 0)
            return status_of(instance_fail(instance_of(c), __func__, "the only log category is logStatusError."));
    return fmi2OK;
}

fmi2Component fmi2Instantiate(fmi2String instanceName, fmi2Type fmuType, fmi2String fmuGUID,
                              fmi2String fmuResourceLocation, const fmi2CallbackFunctions* functions,
                              fmi2Boolean visible, fmi2Boolean loggingOn) {
    (void)fmuResourceLocation;
    (void)visible;
    (void)loggingOn;
    const char* name = instanceName ? instanceName : "";
    Fmi2* f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->instance.log = log_error;
    f->callbacks = functions;
    f->name = malloc(strlen(name) + 1);
    if (f->name) strcpy(f->name, name);
    bool good = f->name && instance_open(&f->instance);
    if (good && !*name) good = instance_fail(&f->instance, __func__, "the instance needs a name.");
    if (good && fmuType != fmi2CoSimulation)
        good = instance_fail(&f->instance, __func__, "this FMU is for co-simulation only.");
    if (good && (!fmuGUID || strcmp(fmuGUID, crumple_model.token) != 0))
        good = instance_fail(&f->instance, __func__, "the guid is not the one of this library's modelDescription.xml.");
    if (good) return f;
    fmi2FreeInstance(f);
    return NULL;
}

void fmi2FreeInstance(fmi2Component c) {
    if (!c) return;
    instance_close(instance_of(c));
    free(((Fmi2*)c)->name);
    free(c);
}

fmi2Status fmi2SetupExperiment(fmi2Component c, fmi2Boolean toleranceDefined, fmi2Real tolerance, fmi2Real startTime,
                               fmi2Boolean stopTimeDefined, fmi2Real stopTime) {
    (void)toleranceDefined;  // fixed sub-steps: there is no tolerance to set
    (void)tolerance;
    Instance* self = instance_of(c);
    if (!instance_allowed(self, __func__, INSTANTIATED)) return fmi2Error;
    return status_of(instance_plan(self, __func__, startTime, stopTimeDefined != fmi2False, stopTime));
}

fmi2Status fmi2EnterInitializationMode(fmi2Component c) { return status_of(instance_begin(instance_of(c), __func__)); }

fmi2Status fmi2ExitInitializationMode(fmi2Component c) { return status_of(instance_ready(instance_of(c), __func__)); }

fmi2Status fmi2Terminate(fmi2Component c) { return status_of(instance_end(instance_of(c), __func__)); }

fmi2Status fmi2Reset(fmi2Component c) { return status_of(instance_reset(instance_of(c))); }

fmi2Status fmi2GetReal(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2Real value[]) {
    return status_of(instance_get(instance_of(c), __func__, vr, nvr, value));
}

fmi2Status fmi2SetReal(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2Real value[]) {
    return status_of(instance_set(instance_of(c), __func__, vr, nvr, value));
}

// Types this FMU has no variables of: an empty call is fine, any other is an error.
#define NO_VARIABLES_OF(Type)                                                                                        \
    fmi2Status fmi2Get##Type(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2##Type value[]) {       \
        (void)vr;                                                                                                    \
        (void)value;                                                                                                 \
        return nvr == 0 ? fmi2OK                                                                                     \
                        : status_of(instance_fail(instance_of(c), __func__, "all variables of this FMU are Real.")); \
    }                                                                                                                \
    fmi2Status fmi2Set##Type(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2##Type value[]) { \
        (void)vr;                                                                                                    \
        (void)value;                                                                                                 \
        return nvr == 0 ? fmi2OK                                                                                     \
                        : status_of(instance_fail(instance_of(c), __func__, "all variables of this FMU are Real.")); \
    }

NO_VARIABLES_OF(Integer)
NO_VARIABLES_OF(Boolean)
NO_VARIABLES_OF(String)

fmi2Status fmi2GetFMUstate(fmi2Component c, fmi2FMUstate* FMUstate) {
    return status_of(instance_save(instance_of(c), __func__, (Saved**)FMUstate));
}

fmi2Status fmi2SetFMUstate(fmi2Component c, fmi2FMUstate FMUstate) {
    return status_of(instance_restore(instance_of(c), __func__, FMUstate));
}

fmi2Status fmi2FreeFMUstate(fmi2Component c, fmi2FMUstate* FMUstate) {
    (void)c;
    if (!FMUstate) return fmi2OK;
    free(*FMUstate);
    *FMUstate = NULL;
    return fmi2OK;
}

fmi2Status fmi2SerializedFMUstateSize(fmi2Component c, fmi2FMUstate FMUstate, size_t* size) {
    if (!FMUstate || !size) return status_of(instance_fail(instance_of(c), __func__, "null pointer."));
    *size = instance_serialised_size();
    return fmi2OK;
}

fmi2Status fmi2SerializeFMUstate(fmi2Component c, fmi2FMUstate FMUstate, fmi2Byte serializedState[], size_t size) {
    return status_of(instance_serialise(instance_of(c), __func__, FMUstate, serializedState, size));
}

fmi2Status fmi2DeSerializeFMUstate(fmi2Component c, const fmi2Byte serializedState[], size_t size,
                                   fmi2FMUstate* FMUstate) {
    return status_of(instance_deserialise(instance_of(c), __func__, serializedState, size, (Saved**)FMUstate));
}

fmi2Status fmi2DoStep(fmi2Component c, fmi2Real currentCommunicationPoint, fmi2Real communicationStepSize,
                      fmi2Boolean noSetFMUStatePriorToCurrentPoint) {
    (void)noSetFMUStatePriorToCurrentPoint;
    return status_of(instance_step(instance_of(c), __func__, currentCommunicationPoint, communicationStepSize));
}

// ---- Status: there are no pending steps, so little to tell ---------------------------------------------------------

fmi2Status fmi2GetRealStatus(fmi2Component c, const fmi2StatusKind s, fmi2Real* value) {
    if (s != fmi2LastSuccessfulTime || !value)
        return status_of(instance_fail(instance_of(c), __func__, "only fmi2LastSuccessfulTime is known."));
    *value = instance_of(c)->now.time;
    return fmi2OK;
}

fmi2Status fmi2GetBooleanStatus(fmi2Component c, const fmi2StatusKind s, fmi2Boolean* value) {
    if (s != fmi2Terminated || !value)
        return status_of(instance_fail(instance_of(c), __func__, "only fmi2Terminated is known."));
    *value = fmi2False;  // never asks for the end
    return fmi2OK;
}
