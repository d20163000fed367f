// FMI 2.0 co-simulation face of odd.h. REAL_ONLY=1 exports nothing but what a simple run with Reals needs.
#define CRUMPLE_FMI_PROTOTYPES
#include "fmi/fmi2.h"
#include "odd.h"

#ifndef REAL_ONLY
#define REAL_ONLY 0
#endif
#define TOKEN "{odd2}"

typedef struct {
    Values values;
    int state;
} Saved;

static void say(const Odd* o, int status, const char* category, const char* text) {
    const fmi2CallbackFunctions* f = o->callbacks;
    f->logger(o->environment, o->name, (fmi2Status)status, category, "%s", text);
}

static void* log_from_thread(void* odd) {
    say(odd, OK, "logEvents", "a word from another thread");
    return NULL;
}

#if !NO_END
// All that a thread needs after its instance is gone.
static struct {
    fmi2CallbackLogger logger;
    void* environment;
} orphan;

static void* log_from_beyond(void* unused) {
    (void)unused;
    usleep(20000);
    orphan.logger(orphan.environment, "gone", fmi2Warning, "logEvents", "a word after %s", "free");
    return NULL;
}
#endif

static void log_oddly(Odd* o) {
    const fmi2CallbackFunctions* f = o->callbacks;
    pthread_t thread;
    switch (ODD) {
        case ODD_LOG_NULL_MESSAGE:
            f->logger(o->environment, o->name, fmi2OK, "logEvents", NULL);
            break;
        case ODD_LOG_NULL_CATEGORY:
            f->logger(o->environment, o->name, fmi2OK, NULL, "no category");
            break;
        case ODD_LOG_NULL_NAME:
            f->logger(o->environment, NULL, fmi2OK, "logEvents", "no name");
            break;
        case ODD_LOG_FOREIGN:
            f->logger((void*)16, o->name, fmi2OK, "logEvents", "foreign environment");
            break;
        case ODD_LOG_STATUS:
            f->logger(o->environment, o->name, (fmi2Status)42, "logEvents", "status 42");
            break;
        case ODD_LOG_BYTES:
            f->logger(o->environment, o->name, fmi2OK, "logEvents", "not UTF-8: \xff\xfe \xe9");
            break;
        case ODD_LOG_FORMAT:
            f->logger(o->environment, o->name, fmi2OK, "logEvents", "%s: %d of %5.2f %% at %p", "format", 7, 12.5,
                      NULL);
            break;
        case ODD_LOG_LONG: {
            char* text = malloc(100001);
            memset(text, 'x', 100000);
            text[100000] = 0;
            f->logger(o->environment, o->name, fmi2OK, "logEvents", "%s", text);
            free(text);
            break;
        }
        case ODD_LOG_STORM:
            for (int i = 0; i < 10000; ++i) f->logger(o->environment, o->name, fmi2OK, "logEvents", "message %d", i);
            break;
        case ODD_LOG_THREAD:
            if (!pthread_create(&thread, NULL, log_from_thread, o)) pthread_join(thread, NULL);
            break;
        default:
            break;
    }
}

// "file:///a%20b/resources" -> "/a b/resources/number.txt"; false when it is no such URI or does not fit.
static bool resource_path(const char* uri, char* path, size_t size) {
    if (!uri || strncmp(uri, "file:", 5)) return false;
    const char* from = uri + 5;
    if (!strncmp(from, "//", 2)) from = strchr(from + 2, '/');
    if (!from || strlen(from) + sizeof "/number.txt" > size) return false;
    while (*from) {
        unsigned code = 0;
        if (*from == '%' && sscanf(from + 1, "%2x", &code) == 1) {
            *path++ = (char)code;
            from += 3;
        } else {
            *path++ = *from++;
        }
    }
    strcpy(path, "/number.txt");
    return true;
}

fmi2Component fmi2Instantiate(fmi2String instanceName, fmi2Type fmuType, fmi2String fmuGUID,
                              fmi2String fmuResourceLocation, const fmi2CallbackFunctions* functions,
                              fmi2Boolean visible, fmi2Boolean loggingOn) {
    (void)visible;
    (void)loggingOn;
    if (!functions || !functions->logger || !functions->allocateMemory || !functions->freeMemory) {
        report("fmi2Instantiate: logger, allocateMemory and freeMemory must be given");
        return NULL;
    }
    // Memory from the importer, and its table kept by pointer: both are an FMU's right.
    Odd* o = functions->allocateMemory(1, sizeof(Odd));
    if (!o) return NULL;
    o->callbacks = functions;
    o->environment = functions->componentEnvironment;
    const char* why = NULL;
    char path[1024];
    const bool shared = ODD == ODD_SHARED || ODD == ODD_ONCE;
    odd_begin(o, instanceName, shared);
    if (fmuType != fmi2CoSimulation) why = "this FMU knows co-simulation only";
    if (!fmuGUID || strcmp(fmuGUID, TOKEN)) why = "the GUID is not that of this FMU";
    if (STRICT && (!instanceName || !*instanceName)) why = "an instance needs a name";
    if (STRICT && (!fmuResourceLocation || strncmp(fmuResourceLocation, "file:///", 8))) why = "no resource URI";
    if (ODD == ODD_NO_INSTANCE) why = "no licence today";
    if (ODD == ODD_ONCE && odd_instances++) why = "only one instance can exist in a process";
    if (ODD == ODD_RESOURCE && !why && !(resource_path(fmuResourceLocation, path, sizeof path) && odd_read(o, path)))
        why = "resources/number.txt cannot be read";
    if (!why) return o;
    if (STRICT) report(why);
    fail(o, "fmi2Instantiate", why);
    functions->freeMemory(o);
    return NULL;
}

#if !NO_END
void fmi2FreeInstance(fmi2Component c) {
    Odd* o = c;
    if (!o) return;
    const fmi2CallbackFunctions* f = o->callbacks;
    if (STRICT && (o->state & (STEP | FAILED | WAITING))) report("fmi2FreeInstance: fmi2Terminate was not called");
    if (STRICT && o->state == DEAD) report("fmi2FreeInstance: not allowed in state \"fatal\"");
    if (ODD == ODD_LOG_AFTER_FREE) {
        pthread_t thread;
        orphan.logger = f->logger;
        orphan.environment = o->environment;
        if (!pthread_create(&thread, NULL, log_from_beyond, NULL)) pthread_detach(thread);
    }
    f->freeMemory(o);
}
#endif

fmi2Status fmi2SetupExperiment(fmi2Component c, fmi2Boolean toleranceDefined, fmi2Real tolerance, fmi2Real startTime,
                               fmi2Boolean stopTimeDefined, fmi2Real stopTime) {
    Odd* o = c;
    (void)toleranceDefined;
    (void)tolerance;
    if (!allowed(o, "fmi2SetupExperiment", INSTANTIATED)) return fmi2Error;
    if (stopTimeDefined && stopTime < startTime)
        return (fmi2Status)forbid(o, "fmi2SetupExperiment", "the stop lies before the start");
    o->v->time = startTime;
    o->stop_defined = stopTimeDefined;
    o->stop = stopTime;
    o->prepared = true;
    return fmi2OK;
}

fmi2Status fmi2EnterInitializationMode(fmi2Component c) {
    Odd* o = c;
    if (!allowed(o, "fmi2EnterInitializationMode", INSTANTIATED)) return fmi2Error;
    if (STRICT && !o->prepared)
        return (fmi2Status)forbid(o, "fmi2EnterInitializationMode", "fmi2SetupExperiment was not called");
    o->state = INITIALIZATION;
    return fmi2OK;
}

fmi2Status fmi2ExitInitializationMode(fmi2Component c) {
    Odd* o = c;
    if (!allowed(o, "fmi2ExitInitializationMode", INITIALIZATION)) return fmi2Error;
    if (ODD == ODD_INIT_ERROR)
        return (fmi2Status)fail(o, "fmi2ExitInitializationMode", "no consistent start can be found");
    odd_initial(o);
    o->state = STEP;
    return fmi2OK;
}

#if !NO_END
fmi2Status fmi2Terminate(fmi2Component c) {
    Odd* o = c;
    if (!allowed(o, "fmi2Terminate", STEP | FAILED)) return fmi2Error;
    o->state = TERMINATED;
    return fmi2OK;
}
#endif

fmi2Status fmi2GetReal(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, fmi2Real value[]) {
    Odd* o = c;
    if (!allowed(o, "fmi2GetReal", INITIALIZATION | STEP | FAILED | TERMINATED)) return fmi2Error;
    if (ODD == ODD_NO_ZERO_LENGTH && nvr == 0) return (fmi2Status)fail(o, "fmi2GetReal", "nvr is 0");
    for (size_t i = 0; i < nvr; ++i)
        if (odd_get(o, "fmi2GetReal", vr[i], &value[i])) return fmi2Error;
    return fmi2OK;
}

fmi2Status fmi2SetReal(fmi2Component c, const fmi2ValueReference vr[], size_t nvr, const fmi2Real value[]) {
    Odd* o = c;
    if (!allowed(o, "fmi2SetReal", INSTANTIATED | INITIALIZATION | STEP)) return fmi2Error;
    if (ODD == ODD_NO_ZERO_LENGTH && nvr == 0) return (fmi2Status)fail(o, "fmi2SetReal", "nvr is 0");
    for (size_t i = 0; i < nvr; ++i)
        if (odd_set(o, "fmi2SetReal", vr[i], value[i])) return fmi2Error;
    return fmi2OK;
}

fmi2Status fmi2DoStep(fmi2Component c, fmi2Real currentCommunicationPoint, fmi2Real communicationStepSize,
                      fmi2Boolean noSetFMUStatePriorToCurrentPoint) {
    Odd* o = c;
    (void)noSetFMUStatePriorToCurrentPoint;
    if (!allowed(o, "fmi2DoStep", STEP)) return fmi2Error;
    int status = odd_step(o, "fmi2DoStep", currentCommunicationPoint, communicationStepSize);
    if (ODD == ODD_TERMINATE && status == OK && o->v->n == o->v->at) {
        say(o, OK, "logEvents", "odd: this simulation should end here");
        status = DISCARD;
    }
    if (status == DISCARD) o->state = FAILED;
    if (status == PENDING) o->state = WAITING;
    return (fmi2Status)status;
}

#if !REAL_ONLY

const char* fmi2GetTypesPlatform(void) { return fmi2TypesPlatform; }
const char* fmi2GetVersion(void) { return fmi2Version; }

fmi2Status fmi2SetDebugLogging(fmi2Component c, fmi2Boolean loggingOn, size_t nCategories,
                               const fmi2String categories[]) {
    Odd* o = c;
    (void)loggingOn;
    if (!allowed(o, "fmi2SetDebugLogging", ALIVE)) return fmi2Error;
    for (size_t i = 0; STRICT && i < nCategories; ++i)
        if (strncmp(categories[i], "log", 3)) return (fmi2Status)forbid(o, "fmi2SetDebugLogging", "unknown category");
    return fmi2OK;
}

fmi2Status fmi2Reset(fmi2Component c) {
    Odd* o = c;
    if (!allowed(o, "fmi2Reset", ALIVE | BROKEN)) return fmi2Error;
    odd_reset(o);
    return fmi2OK;
}

fmi2Status fmi2GetFMUstate(fmi2Component c, fmi2FMUstate* FMUstate) {
    Odd* o = c;
    if (!allowed(o, "fmi2GetFMUstate", ALIVE & ~WAITING)) return fmi2Error;
    Saved* saved = *FMUstate ? *FMUstate : calloc(1, sizeof(Saved));
    if (!saved) return (fmi2Status)fail(o, "fmi2GetFMUstate", "out of memory");
    saved->values = *o->v;
    saved->state = o->state;
    *FMUstate = saved;
    return fmi2OK;
}

fmi2Status fmi2SetFMUstate(fmi2Component c, fmi2FMUstate FMUstate) {
    Odd* o = c;
    if (!allowed(o, "fmi2SetFMUstate", (ALIVE & ~WAITING) | BROKEN)) return fmi2Error;
    const Saved* saved = FMUstate;
    odd_restore(o, &saved->values);
    o->state = saved->state;
    return fmi2OK;
}

fmi2Status fmi2FreeFMUstate(fmi2Component c, fmi2FMUstate* FMUstate) {
    Odd* o = c;
    if (!allowed(o, "fmi2FreeFMUstate", ALIVE | BROKEN)) return fmi2Error;
    free(*FMUstate);
    *FMUstate = NULL;
    return fmi2OK;
}

fmi2Status fmi2SerializedFMUstateSize(fmi2Component c, fmi2FMUstate FMUstate, size_t* size) {
    (void)c;
    (void)FMUstate;
    *size = sizeof(Saved);
    return fmi2OK;
}

fmi2Status fmi2SerializeFMUstate(fmi2Component c, fmi2FMUstate FMUstate, fmi2Byte serializedState[], size_t size) {
    if (size != sizeof(Saved)) return (fmi2Status)fail(c, "fmi2SerializeFMUstate", "wrong size");
    memcpy(serializedState, FMUstate, size);
    return fmi2OK;
}

fmi2Status fmi2DeSerializeFMUstate(fmi2Component c, const fmi2Byte serializedState[], size_t size,
                                   fmi2FMUstate* FMUstate) {
    if (size != sizeof(Saved)) return (fmi2Status)fail(c, "fmi2DeSerializeFMUstate", "wrong size");
    if (!*FMUstate) *FMUstate = calloc(1, sizeof(Saved));
    memcpy(*FMUstate, serializedState, size);
    return fmi2OK;
}

// A pending step is asked three times before it is done.
fmi2Status fmi2GetStatus(fmi2Component c, const fmi2StatusKind s, fmi2Status* value) {
    Odd* o = c;
    if (!allowed(o, "fmi2GetStatus", WAITING | FAILED)) return fmi2Error;
    if (s != fmi2DoStepStatus) return fmi2Discard;
    *value = fmi2OK;
    if (o->state == WAITING) {
        *value = fmi2Pending;
        if (++o->polls > 3) {
            odd_advance(o, o->v->time, o->pending_h);
            o->state = STEP;
            *value = fmi2OK;
        }
    }
    return fmi2OK;
}

fmi2Status fmi2GetRealStatus(fmi2Component c, const fmi2StatusKind s, fmi2Real* value) {
    Odd* o = c;
    if (!allowed(o, "fmi2GetRealStatus", WAITING | FAILED)) return fmi2Error;
    if (s != fmi2LastSuccessfulTime) return fmi2Discard;
    *value = o->reached;
    return fmi2OK;
}

fmi2Status fmi2GetBooleanStatus(fmi2Component c, const fmi2StatusKind s, fmi2Boolean* value) {
    Odd* o = c;
    if (!allowed(o, "fmi2GetBooleanStatus", WAITING | FAILED)) return fmi2Error;
    if (s != fmi2Terminated) return fmi2Discard;
    *value = ODD == ODD_TERMINATE;
    return fmi2OK;
}

fmi2Status fmi2GetStringStatus(fmi2Component c, const fmi2StatusKind s, fmi2String* value) {
    Odd* o = c;
    if (!allowed(o, "fmi2GetStringStatus", WAITING | FAILED)) return fmi2Error;
    if (s != fmi2PendingStatus) return fmi2Discard;
    *value = "integrating on another core";
    return fmi2OK;
}

fmi2Status fmi2CancelStep(fmi2Component c) {
    Odd* o = c;
    if (!allowed(o, "fmi2CancelStep", WAITING)) return fmi2Error;
    o->state = FAILED;
    return fmi2OK;
}

#endif
