// FMI 3.0 co-simulation face of odd.h. REAL_ONLY=1 exports nothing but what a simple run with Float64 needs.
#define CRUMPLE_FMI_PROTOTYPES
#include "fmi/fmi3.h"
#include "odd.h"

#ifndef REAL_ONLY
#define REAL_ONLY 0
#endif
#define TOKEN "{odd3}"

typedef struct {
    Odd odd;  // first, so that both pointers are the same
    fmi3LogMessageCallback log;
} Instance;

typedef struct {
    Values values;
    int state;
} Saved;

static void say(const Odd* o, int status, const char* category, const char* text) {
    const Instance* i = (const Instance*)o;
    if (i->log) i->log(o->environment, (fmi3Status)status, category, text);
}

static void* log_from_thread(void* odd) {
    say(odd, OK, "logEvents", "a word from another thread");
    return NULL;
}

#if !NO_END
// All that a thread needs after its instance is gone.
static struct {
    fmi3LogMessageCallback log;
    void* environment;
} orphan;

static void* log_from_beyond(void* unused) {
    (void)unused;
    usleep(20000);
    if (orphan.log) orphan.log(orphan.environment, fmi3Warning, "logEvents", "a word after free");
    return NULL;
}
#endif

static void log_oddly(Odd* o) {
    const fmi3LogMessageCallback log = ((Instance*)o)->log;
    pthread_t thread;
    if (!log) return;
    switch (ODD) {
        case ODD_LOG_NULL_MESSAGE:
            log(o->environment, fmi3OK, "logEvents", NULL);
            break;
        case ODD_LOG_NULL_CATEGORY:
            log(o->environment, fmi3OK, NULL, "no category");
            break;
        case ODD_LOG_FOREIGN:
            log((void*)16, fmi3OK, "logEvents", "foreign environment");
            break;
        case ODD_LOG_STATUS:
            log(o->environment, (fmi3Status)42, "logEvents", "status 42");
            break;
        case ODD_LOG_BYTES:
            log(o->environment, fmi3OK, "logEvents", "not UTF-8: \xff\xfe \xe9");
            break;
        case ODD_LOG_FORMAT:
            log(o->environment, fmi3OK, "logEvents", "100 % sure: %s %n %d");
            break;
        case ODD_LOG_LONG: {
            char* text = malloc(100001);
            memset(text, 'x', 100000);
            text[100000] = 0;
            log(o->environment, fmi3OK, "logEvents", text);
            free(text);
            break;
        }
        case ODD_LOG_STORM:
            for (int i = 0; i < 10000; ++i) {
                char text[32];
                snprintf(text, sizeof text, "message %d", i);
                log(o->environment, fmi3OK, "logEvents", text);
            }
            break;
        case ODD_LOG_THREAD:
            if (!pthread_create(&thread, NULL, log_from_thread, o)) pthread_join(thread, NULL);
            break;
        default:
            break;
    }
}

fmi3Instance fmi3InstantiateCoSimulation(fmi3String instanceName, fmi3String instantiationToken,
                                         fmi3String resourcePath, fmi3Boolean visible, fmi3Boolean loggingOn,
                                         fmi3Boolean eventModeUsed, fmi3Boolean earlyReturnAllowed,
                                         const fmi3ValueReference requiredIntermediateVariables[],
                                         size_t nRequiredIntermediateVariables,
                                         fmi3InstanceEnvironment instanceEnvironment, fmi3LogMessageCallback logMessage,
                                         fmi3IntermediateUpdateCallback intermediateUpdate) {
    (void)visible;
    (void)loggingOn;
    (void)requiredIntermediateVariables;
    (void)intermediateUpdate;
    Instance* instance = calloc(1, sizeof(Instance));
    if (!instance) return NULL;
    Odd* o = &instance->odd;
    instance->log = logMessage;
    o->environment = instanceEnvironment;
    o->event_mode = eventModeUsed;
    o->may_return_early = earlyReturnAllowed;
    const size_t length = resourcePath ? strlen(resourcePath) : 0;
    const char* why = NULL;
    char path[1024];
    odd_begin(o, instanceName, ODD == ODD_SHARED || ODD == ODD_ONCE);
    if (!instantiationToken || strcmp(instantiationToken, TOKEN)) why = "the token is not that of this FMU";
    if (STRICT && (!instanceName || !*instanceName)) why = "an instance needs a name";
    if (STRICT && resourcePath && (!length || resourcePath[length - 1] != '/')) why = "no separator ends resourcePath";
    if (STRICT && resourcePath && resourcePath[0] != '/') why = "resourcePath is no absolute path";
    if (STRICT && nRequiredIntermediateVariables) why = "there are no intermediate variables";
    if (STRICT && ODD != ODD_EVENT && eventModeUsed) why = "this FMU has no event mode";
    if (ODD == ODD_NO_INSTANCE) why = "no licence today";
    if (ODD == ODD_ONCE && odd_instances++) why = "only one instance can exist in a process";
    if (ODD == ODD_RESOURCE && !why) {
        snprintf(path, sizeof path, "%snumber.txt", resourcePath ? resourcePath : "");
        if (!odd_read(o, path)) why = "number.txt cannot be read from the resources";
    }
    if (!why) return instance;
    if (STRICT) report(why);
    fail(o, "fmi3InstantiateCoSimulation", why);
    free(instance);
    return NULL;
}

#if !NO_END
void fmi3FreeInstance(fmi3Instance instance) {
    Odd* o = instance;
    if (!o) return;
    if (STRICT && (o->state & (STEP | EVENT))) report("fmi3FreeInstance: fmi3Terminate was not called");
    if (STRICT && o->state == DEAD) report("fmi3FreeInstance: not allowed in state \"fatal\"");
    if (ODD == ODD_LOG_AFTER_FREE) {
        pthread_t thread;
        orphan.log = ((Instance*)o)->log;
        orphan.environment = o->environment;
        if (!pthread_create(&thread, NULL, log_from_beyond, NULL)) pthread_detach(thread);
    }
    free(instance);
}
#endif

fmi3Status fmi3EnterInitializationMode(fmi3Instance instance, fmi3Boolean toleranceDefined, fmi3Float64 tolerance,
                                       fmi3Float64 startTime, fmi3Boolean stopTimeDefined, fmi3Float64 stopTime) {
    Odd* o = instance;
    (void)toleranceDefined;
    (void)tolerance;
    if (!allowed(o, "fmi3EnterInitializationMode", INSTANTIATED)) return fmi3Error;
    if (stopTimeDefined && stopTime < startTime)
        return (fmi3Status)forbid(o, "fmi3EnterInitializationMode", "the stop lies before the start");
    o->v->time = startTime;
    o->stop_defined = stopTimeDefined;
    o->stop = stopTime;
    o->state = INITIALIZATION;
    return fmi3OK;
}

fmi3Status fmi3ExitInitializationMode(fmi3Instance instance) {
    Odd* o = instance;
    if (!allowed(o, "fmi3ExitInitializationMode", INITIALIZATION)) return fmi3Error;
    if (ODD == ODD_INIT_ERROR)
        return (fmi3Status)fail(o, "fmi3ExitInitializationMode", "no consistent start can be found");
    odd_initial(o);
    o->state = o->event_mode ? EVENT : STEP;
    o->discrete_done = false;
    return fmi3OK;
}

#if !NO_END
fmi3Status fmi3Terminate(fmi3Instance instance) {
    Odd* o = instance;
    if (!allowed(o, "fmi3Terminate", STEP | EVENT)) return fmi3Error;
    o->state = TERMINATED;
    return fmi3OK;
}
#endif

fmi3Status fmi3GetFloat64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          fmi3Float64 values[], size_t nValues) {
    Odd* o = instance;
    if (!allowed(o, "fmi3GetFloat64", INITIALIZATION | STEP | EVENT | TERMINATED)) return fmi3Error;
    if (nValues != nValueReferences) return (fmi3Status)forbid(o, "fmi3GetFloat64", "nValues is not the sum of sizes");
    if (ODD == ODD_NO_ZERO_LENGTH && nValues == 0)
        return (fmi3Status)fail(o, "fmi3GetFloat64", "nValueReferences is 0");
    for (size_t i = 0; i < nValues; ++i)
        if (odd_get(o, "fmi3GetFloat64", valueReferences[i], &values[i])) return fmi3Error;
    return fmi3OK;
}

fmi3Status fmi3SetFloat64(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                          const fmi3Float64 values[], size_t nValues) {
    Odd* o = instance;
    if (!allowed(o, "fmi3SetFloat64", INSTANTIATED | INITIALIZATION | STEP | EVENT)) return fmi3Error;
    if (nValues != nValueReferences) return (fmi3Status)forbid(o, "fmi3SetFloat64", "nValues is not the sum of sizes");
    if (ODD == ODD_NO_ZERO_LENGTH && nValues == 0)
        return (fmi3Status)fail(o, "fmi3SetFloat64", "nValueReferences is 0");
    for (size_t i = 0; i < nValues; ++i)
        if (odd_set(o, "fmi3SetFloat64", valueReferences[i], values[i])) return fmi3Error;
    return fmi3OK;
}

fmi3Status fmi3DoStep(fmi3Instance instance, fmi3Float64 currentCommunicationPoint, fmi3Float64 communicationStepSize,
                      fmi3Boolean noSetFMUStatePriorToCurrentPoint, fmi3Boolean* eventHandlingNeeded,
                      fmi3Boolean* terminateSimulation, fmi3Boolean* earlyReturn, fmi3Float64* lastSuccessfulTime) {
    Odd* o = instance;
    const double t = currentCommunicationPoint;
    (void)noSetFMUStatePriorToCurrentPoint;
    if (!allowed(o, "fmi3DoStep", STEP)) return fmi3Error;
    if (!eventHandlingNeeded || !terminateSimulation || !earlyReturn || !lastSuccessfulTime)
        return (fmi3Status)forbid(o, "fmi3DoStep", "a result pointer is null");
    const Values before = *o->v;
    const int status = odd_step(o, "fmi3DoStep", t, communicationStepSize);
    if (status == DISCARD) {  // in FMI 3 a discarded step has not happened
        const double calls = o->v->n;
        *o->v = before;
        o->v->n = calls;
        o->reached = t;
    }
    const bool odd_now = status == OK && o->v->n == o->v->at;
    *lastSuccessfulTime = o->reached;
    *earlyReturn = status == OK && o->reached < t + communicationStepSize;
    *terminateSimulation = odd_now && ODD == ODD_TERMINATE;
    *eventHandlingNeeded = odd_now && ODD == ODD_EVENT && o->event_mode;
    return (fmi3Status)status;
}

#if !REAL_ONLY

const char* fmi3GetVersion(void) { return fmi3Version; }

fmi3Status fmi3SetDebugLogging(fmi3Instance instance, fmi3Boolean loggingOn, size_t nCategories,
                               const fmi3String categories[]) {
    Odd* o = instance;
    (void)loggingOn;
    if (!allowed(o, "fmi3SetDebugLogging", ALIVE)) return fmi3Error;
    for (size_t i = 0; STRICT && i < nCategories; ++i)
        if (strncmp(categories[i], "log", 3)) return (fmi3Status)forbid(o, "fmi3SetDebugLogging", "unknown category");
    return fmi3OK;
}

fmi3Status fmi3Reset(fmi3Instance instance) {
    Odd* o = instance;
    if (!allowed(o, "fmi3Reset", ALIVE | BROKEN)) return fmi3Error;
    odd_reset(o);
    return fmi3OK;
}

fmi3Status fmi3EnterEventMode(fmi3Instance instance) {
    Odd* o = instance;
    if (!allowed(o, "fmi3EnterEventMode", STEP)) return fmi3Error;
    if (!o->event_mode) return (fmi3Status)forbid(o, "fmi3EnterEventMode", "eventModeUsed was false");
    o->state = EVENT;
    o->discrete_done = false;
    return fmi3OK;
}

fmi3Status fmi3UpdateDiscreteStates(fmi3Instance instance, fmi3Boolean* discreteStatesNeedUpdate,
                                    fmi3Boolean* terminateSimulation, fmi3Boolean* nominalsOfContinuousStatesChanged,
                                    fmi3Boolean* valuesOfContinuousStatesChanged, fmi3Boolean* nextEventTimeDefined,
                                    fmi3Float64* nextEventTime) {
    Odd* o = instance;
    if (!allowed(o, "fmi3UpdateDiscreteStates", EVENT)) return fmi3Error;
    o->discrete_done = true;
    *discreteStatesNeedUpdate = *terminateSimulation = *nominalsOfContinuousStatesChanged = false;
    *valuesOfContinuousStatesChanged = *nextEventTimeDefined = false;
    *nextEventTime = 0.0;
    return fmi3OK;
}

fmi3Status fmi3EnterStepMode(fmi3Instance instance) {
    Odd* o = instance;
    if (!allowed(o, "fmi3EnterStepMode", EVENT)) return fmi3Error;
    if (STRICT && !o->discrete_done)
        return (fmi3Status)forbid(o, "fmi3EnterStepMode", "fmi3UpdateDiscreteStates was not called");
    o->state = STEP;
    return fmi3OK;
}

fmi3Status fmi3EnterConfigurationMode(fmi3Instance instance) {
    return (fmi3Status)forbid(instance, "fmi3EnterConfigurationMode", "there is no structural parameter");
}

fmi3Status fmi3GetFMUState(fmi3Instance instance, fmi3FMUState* FMUState) {
    Odd* o = instance;
    if (!allowed(o, "fmi3GetFMUState", ALIVE)) return fmi3Error;
    Saved* saved = *FMUState ? *FMUState : calloc(1, sizeof(Saved));
    if (!saved) return (fmi3Status)fail(o, "fmi3GetFMUState", "out of memory");
    saved->values = *o->v;
    saved->state = o->state;
    *FMUState = saved;
    return fmi3OK;
}

fmi3Status fmi3SetFMUState(fmi3Instance instance, fmi3FMUState FMUState) {
    Odd* o = instance;
    if (!allowed(o, "fmi3SetFMUState", ALIVE | BROKEN)) return fmi3Error;
    const Saved* saved = FMUState;
    odd_restore(o, &saved->values);
    o->state = saved->state;
    return fmi3OK;
}

fmi3Status fmi3FreeFMUState(fmi3Instance instance, fmi3FMUState* FMUState) {
    Odd* o = instance;
    if (!allowed(o, "fmi3FreeFMUState", ALIVE | BROKEN)) return fmi3Error;
    free(*FMUState);
    *FMUState = NULL;
    return fmi3OK;
}

fmi3Status fmi3SerializedFMUStateSize(fmi3Instance instance, fmi3FMUState FMUState, size_t* size) {
    (void)instance;
    (void)FMUState;
    *size = sizeof(Saved);
    return fmi3OK;
}

fmi3Status fmi3SerializeFMUState(fmi3Instance instance, fmi3FMUState FMUState, fmi3Byte serializedState[],
                                 size_t size) {
    if (size != sizeof(Saved)) return (fmi3Status)fail(instance, "fmi3SerializeFMUState", "wrong size");
    memcpy(serializedState, FMUState, size);
    return fmi3OK;
}

fmi3Status fmi3DeserializeFMUState(fmi3Instance instance, const fmi3Byte serializedState[], size_t size,
                                   fmi3FMUState* FMUState) {
    if (size != sizeof(Saved)) return (fmi3Status)fail(instance, "fmi3DeserializeFMUState", "wrong size");
    if (!*FMUState) *FMUState = calloc(1, sizeof(Saved));
    memcpy(*FMUState, serializedState, size);
    return fmi3OK;
}

#endif
