// Every FMI 3.0 type but Clock, each output equal to its input: value reference r in, 100 + r out.
//   type k: Float32 1, Float64 2, Int8 3, UInt8 4, Int16 5, UInt16 6, Int32 7, UInt32 8, Int64 9, UInt64 10, Boolean
//   11,
//           String 12, Binary 13, Enumeration 14
//   r = k: a scalar;  20 + k: an array [3];  40 + k: an array [2, 3];  70 + i: more Float64 scalars (i < 30)
// Structural parameter n (60, UInt64, 1 to 32) sizes Float64 arrays v [n] (61) and grid [2, n] (62); it can be set in
// configuration mode only. 300 + i: 33 more Float64 arrays of 6 elements, 400 + i: the same out, doubled.
// y (163) = gain (63, tunable) * Float64_in + bias (64, fixed);  sum (164) = sum of v.
// Outputs follow in each doStep, and at once before. The XML decides which of these variables exist: all_types3,
// units3, gain3, arrays3 and clock3 are the same library. VOLATILE_STRINGS=1: strings and binaries that a get returned
// are overwritten by the next call, as the standard allows.
// HUGE_INTEGERS=1: Int64_out and UInt64_out are beyond 2^53, whatever the inputs are.
#define CRUMPLE_FMI_PROTOTYPES
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fmi/fmi3.h"

#ifndef VOLATILE_STRINGS
#define VOLATILE_STRINGS 0
#endif
#ifndef HUGE_INTEGERS
#define HUGE_INTEGERS 0
#endif
#define TOKEN "{all_types3}"

enum {
    ITEMS = 10,  // 1 scalar, 3 of the vector, 6 of the matrix
    LENGTH = 512,
    LARGEST = 32,
    MORE = 30,
    BANKS = 33,
    BANK = 6,
    STRING = 12,
    BINARY = 13,
    ENUMERATION = 14,
    OUT = 100,
    VR_N = 60,
    VR_V = 61,
    VR_GRID = 62,
    VR_GAIN = 63,
    VR_BIAS = 64,
    VR_MORE = 70,
    VR_BANK = 300
};

#define NUMBERS(X) \
    X(Float32, 1)  \
    X(Float64, 2)  \
    X(Int8, 3)     \
    X(UInt8, 4)    \
    X(Int16, 5)    \
    X(UInt16, 6)   \
    X(Int32, 7)    \
    X(UInt32, 8)   \
    X(Int64, 9)    \
    X(UInt64, 10)  \
    X(Boolean, 11)

typedef struct {
    size_t size;  // without the 0 that is always put after it
    char bytes[LENGTH];
} Text;

typedef struct {
#define MEMBER(T, k) fmi3##T T[ITEMS];
    NUMBERS(MEMBER)
    fmi3Int64 Enumeration[ITEMS];
    Text string[ITEMS], binary[ITEMS];
    double v[LARGEST], grid[2 * LARGEST], more[MORE], bank[BANKS][BANK];
} Side;

typedef struct {
    Side in, out;
    double gain, bias, y, sum, time;
    fmi3UInt64 n;
    enum { BEFORE, CONFIGURING, INITIALIZING, STEPPING, TERMINATED } state;
} Values;

typedef struct {
    Values v;
    Text handed_out[4 * ITEMS];
    void* environment;
    fmi3LogMessageCallback log;
} Instance;

// What the descriptions give as start values: the scalar, the array [3], the array [2, 3] with the same rows twice.
#define START(one, a, b, c) {one, a, b, c, a, b, c, a, b, c}
#define TEXT(bytes) {sizeof(bytes) - 1, bytes}
static const Side begin = {
    .Float32 = START(1.5f, 0.5f, -1.5f, 2.5f),
    .Float64 = START(1.5, 0.1, -0.2, 0.3),
    .Int8 = START(INT8_MIN, -1, 0, INT8_MAX),
    .UInt8 = START(UINT8_MAX, 0, 1, UINT8_MAX),
    .Int16 = START(INT16_MIN, -1, 0, INT16_MAX),
    .UInt16 = START(UINT16_MAX, 0, 1, UINT16_MAX),
    .Int32 = START(INT32_MIN, -1, 0, INT32_MAX),
    .UInt32 = START(UINT32_MAX, 0, 1, UINT32_MAX),
    .Int64 = START(-9007199254740991, -1, 0, 9007199254740991),
    .UInt64 = START(9007199254740991u, 0, 1, 9007199254740991u),
    .Boolean = START(true, true, false, true),
    .Enumeration = START(3, 1, 2, 5),
    .string = START(TEXT("grüße & <tags>"), TEXT(""), TEXT("two words"), TEXT("ß")),
    .binary = START(TEXT("\x00\xff\x10"), TEXT(""), TEXT("\x00"), TEXT("\xde\xad\xbe\xef")),
    .v = {1, 2, 3},
    .grid = {1, 2, 3, 4, 5, 6},
    .more = {10, 36, 300, 20, 1000, 1, 0, 0, 0.25, 2},
};

static fmi3Status fail(Instance* m, const char* call, const char* why) {
    char text[160];
    snprintf(text, sizeof text, "%s: %s", call, why);
    if (m->log) m->log(m->environment, fmi3Error, "logStatusError", text);
    return fmi3Error;
}

static void follow(Values* v) {
    v->out = v->in;
    for (int i = 0; i < BANKS; ++i)
        for (int j = 0; j < BANK; ++j) v->out.bank[i][j] = 2.0 * v->in.bank[i][j];
    if (HUGE_INTEGERS) {
        v->out.Int64[0] = 9007199254740993;  // 2^53 + 1, which no double is
        v->out.UInt64[0] = UINT64_MAX;
    }
    v->y = v->gain * v->in.Float64[0] + v->bias;
    v->sum = 0.0;
    for (size_t i = 0; i < v->n; ++i) v->sum += v->in.v[i];
}

static void enter(Instance* m) {
    if (VOLATILE_STRINGS)
        for (int i = 0; i < 4 * ITEMS; ++i) memset(m->handed_out[i].bytes, '#', LENGTH - 1);
    if (m->v.state < STEPPING) follow(&m->v);
}

static void start(Instance* m) {
    memset(&m->v, 0, sizeof m->v);
    m->v.n = 3;
    m->v.gain = 1.0;
    m->v.in = begin;
    for (int i = 0; i < BANKS; ++i)
        for (int j = 0; j < BANK; ++j) m->v.in.bank[i][j] = i + j;
    follow(&m->v);
}

fmi3Instance fmi3InstantiateCoSimulation(fmi3String instanceName, fmi3String instantiationToken,
                                         fmi3String resourcePath, fmi3Boolean visible, fmi3Boolean loggingOn,
                                         fmi3Boolean eventModeUsed, fmi3Boolean earlyReturnAllowed,
                                         const fmi3ValueReference requiredIntermediateVariables[],
                                         size_t nRequiredIntermediateVariables,
                                         fmi3InstanceEnvironment instanceEnvironment, fmi3LogMessageCallback logMessage,
                                         fmi3IntermediateUpdateCallback intermediateUpdate) {
    (void)instanceName;
    (void)resourcePath;
    (void)visible;
    (void)loggingOn;
    (void)eventModeUsed;
    (void)earlyReturnAllowed;
    (void)requiredIntermediateVariables;
    (void)nRequiredIntermediateVariables;
    (void)intermediateUpdate;
    if (!instantiationToken || strcmp(instantiationToken, TOKEN)) return NULL;
    Instance* m = calloc(1, sizeof(Instance));
    if (!m) return NULL;
    m->environment = instanceEnvironment;
    m->log = logMessage;
    start(m);
    return m;
}

void fmi3FreeInstance(fmi3Instance instance) { free(instance); }

static fmi3Status move(fmi3Instance instance, const char* call, int from, int to) {
    Instance* m = instance;
    enter(m);
    if ((int)m->v.state != from) return fail(m, call, "not allowed in this state");
    m->v.state = to;
    return fmi3OK;
}

fmi3Status fmi3EnterConfigurationMode(fmi3Instance instance) {
    return move(instance, "fmi3EnterConfigurationMode", BEFORE, CONFIGURING);
}

fmi3Status fmi3ExitConfigurationMode(fmi3Instance instance) {
    return move(instance, "fmi3ExitConfigurationMode", CONFIGURING, BEFORE);
}

fmi3Status fmi3EnterInitializationMode(fmi3Instance instance, fmi3Boolean toleranceDefined, fmi3Float64 tolerance,
                                       fmi3Float64 startTime, fmi3Boolean stopTimeDefined, fmi3Float64 stopTime) {
    (void)toleranceDefined;
    (void)tolerance;
    (void)stopTimeDefined;
    (void)stopTime;
    ((Instance*)instance)->v.time = startTime;
    return move(instance, "fmi3EnterInitializationMode", BEFORE, INITIALIZING);
}

fmi3Status fmi3ExitInitializationMode(fmi3Instance instance) {
    return move(instance, "fmi3ExitInitializationMode", INITIALIZING, STEPPING);
}

fmi3Status fmi3Terminate(fmi3Instance instance) { return move(instance, "fmi3Terminate", STEPPING, TERMINATED); }

fmi3Status fmi3Reset(fmi3Instance instance) {
    start(instance);
    return fmi3OK;
}

fmi3Status fmi3DoStep(fmi3Instance instance, fmi3Float64 currentCommunicationPoint, fmi3Float64 communicationStepSize,
                      fmi3Boolean noSetFMUStatePriorToCurrentPoint, fmi3Boolean* eventHandlingNeeded,
                      fmi3Boolean* terminateSimulation, fmi3Boolean* earlyReturn, fmi3Float64* lastSuccessfulTime) {
    Instance* m = instance;
    (void)noSetFMUStatePriorToCurrentPoint;
    enter(m);
    if (m->v.state != STEPPING) return fail(m, "fmi3DoStep", "not allowed in this state");
    follow(&m->v);
    m->v.time = currentCommunicationPoint + communicationStepSize;
    *eventHandlingNeeded = *terminateSimulation = *earlyReturn = fmi3False;
    *lastSuccessfulTime = m->v.time;
    return fmi3OK;
}

// Which items of a type's ITEMS the reference means: their number (0: none of this type) and the first one.
static size_t items(fmi3ValueReference r, fmi3ValueReference k, size_t* first) {
    *first = r == k ? 0 : r == 20 + k ? 1 : 4;
    return r == k ? 1 : r == 20 + k ? 3 : r == 40 + k ? 6 : 0;
}

// Where a variable lies and how many elements it has; null: no such variable, or it cannot be set now.
#define FIND(T, k)                                                                         \
    static fmi3##T* find_##T(Instance* m, fmi3ValueReference r, bool set, size_t* count) { \
        void* special = find_special(m, r, k, set, count);                                 \
        if (special) return special;                                                       \
        if (set && r >= OUT) return NULL;                                                  \
        size_t first;                                                                      \
        *count = items(r % OUT, k, &first);                                                \
        return *count && r < 2 * OUT ? &(r < OUT ? &m->v.in : &m->v.out)->T[first] : NULL; \
    }

static void* find_special(Instance* m, fmi3ValueReference r, int k, bool set, size_t* count) {
    Values* v = &m->v;
    size_t first;
    *count = 1;
    if (k == 10 && r == VR_N) return set && v->state != CONFIGURING ? NULL : &v->n;
    if (k == 9 && (r < OUT || (!set && r < 2 * OUT)) && (*count = items(r % OUT, ENUMERATION, &first)))
        return &(r < OUT ? &v->in : &v->out)->Enumeration[first];
    *count = 1;
    if (k != 2) return NULL;
    if (r == 0 && !set) return &v->time;
    if (r == VR_GAIN) return &v->gain;
    if (r == VR_BIAS && !(set && v->state >= STEPPING)) return &v->bias;
    if (r == VR_GAIN + OUT && !set) return &v->y;
    if (r == VR_BIAS + OUT && !set) return &v->sum;
    Side* side = r == VR_V || r == VR_GRID || r - VR_MORE < MORE || r - VR_BANK < BANKS ? &v->in : set ? NULL : &v->out;
    if (!side) return NULL;
    if (r - VR_MORE < MORE) return &side->more[r - VR_MORE];
    if (r - VR_MORE - OUT < MORE) return &side->more[r - VR_MORE - OUT];
    *count = BANK;
    if (r - VR_BANK < BANKS) return side->bank[r - VR_BANK];
    if (r - VR_BANK - OUT < BANKS) return side->bank[r - VR_BANK - OUT];
    *count = v->n;
    if (r % OUT == VR_V && r < 2 * OUT) return side->v;
    *count = 2 * v->n;
    if (r % OUT == VR_GRID && r < 2 * OUT) return side->grid;
    return NULL;
}

NUMBERS(FIND)

#define ACCESS(T, k)                                                                                                   \
    fmi3Status fmi3Get##T(fmi3Instance m, const fmi3ValueReference refs[], size_t n, fmi3##T values[], size_t total) { \
        size_t done = 0, count;                                                                                        \
        enter(m);                                                                                                      \
        for (size_t i = 0; i < n; ++i, done += count) {                                                                \
            const fmi3##T* from = find_##T(m, refs[i], false, &count);                                                 \
            if (!from) return fail(m, "fmi3Get" #T, "no such variable");                                               \
            if (done + count > total) return fail(m, "fmi3Get" #T, "nValues is too small");                            \
            memcpy(values + done, from, count * sizeof *from);                                                         \
        }                                                                                                              \
        return done == total ? fmi3OK : fail(m, "fmi3Get" #T, "nValues is too large");                                 \
    }                                                                                                                  \
    fmi3Status fmi3Set##T(fmi3Instance m, const fmi3ValueReference refs[], size_t n, const fmi3##T values[],           \
                          size_t total) {                                                                              \
        size_t done = 0, count;                                                                                        \
        enter(m);                                                                                                      \
        for (size_t i = 0; i < n; ++i, done += count) {                                                                \
            fmi3##T* to = find_##T(m, refs[i], true, &count);                                                          \
            if (!to) return fail(m, "fmi3Set" #T, "no variable that can be set now");                                  \
            if (done + count > total) return fail(m, "fmi3Set" #T, "nValues is too small");                            \
            if (k == 10 && refs[i] == VR_N && ((double)values[done] < 1 || (double)values[done] > LARGEST))            \
                return fail(m, "fmi3Set" #T, "n must lie between 1 and 32");                                           \
            memcpy(to, values + done, count * sizeof *to);                                                             \
        }                                                                                                              \
        return done == total ? fmi3OK : fail(m, "fmi3Set" #T, "nValues is too large");                                 \
    }
NUMBERS(ACCESS)

static Text* find_text(Instance* m, fmi3ValueReference r, int k, bool set, size_t* count) {
    size_t first;
    *count = items(r % OUT, k, &first);
    if (!*count || r >= 2 * OUT || (set && r >= OUT)) return NULL;
    Side* side = r < OUT ? &m->v.in : &m->v.out;
    return &(k == STRING ? side->string : side->binary)[first];
}

static fmi3Status get_texts(Instance* m, const char* call, int k, const fmi3ValueReference refs[], size_t n,
                            size_t sizes[], const void* values[], size_t total) {
    size_t done = 0, count;
    enter(m);
    if (total > 4 * ITEMS) return fail(m, call, "more than 40 at once");
    for (size_t i = 0; i < n; ++i, done += count) {
        const Text* from = find_text(m, refs[i], k, false, &count);
        if (!from) return fail(m, call, "no such variable");
        if (done + count > total) return fail(m, call, "nValues is too small");
        for (size_t j = 0; j < count; ++j) {
            m->handed_out[done + j] = from[j];
            values[done + j] = m->handed_out[done + j].bytes;
            if (sizes) sizes[done + j] = from[j].size;
        }
    }
    return done == total ? fmi3OK : fail(m, call, "nValues is too large");
}

static fmi3Status set_texts(Instance* m, const char* call, int k, const fmi3ValueReference refs[], size_t n,
                            const size_t sizes[], const void* const values[], size_t total) {
    size_t done = 0, count;
    enter(m);
    for (size_t i = 0; i < n; ++i, done += count) {
        Text* to = find_text(m, refs[i], k, true, &count);
        if (!to) return fail(m, call, "no variable that can be set now");
        if (done + count > total) return fail(m, call, "nValues is too small");
        for (size_t j = 0; j < count; ++j) {
            const void* from = values[done + j];
            const size_t size = sizes ? sizes[done + j] : from ? strlen(from) : LENGTH;
            if ((!from && size) || size >= LENGTH) return fail(m, call, "a null, or over 511 bytes");
            if (size) memcpy(to[j].bytes, from, size);
            to[j].bytes[size] = 0;
            to[j].size = size;
        }
    }
    return done == total ? fmi3OK : fail(m, call, "nValues is too large");
}

fmi3Status fmi3GetString(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                         fmi3String values[], size_t nValues) {
    return get_texts(instance, "fmi3GetString", STRING, valueReferences, nValueReferences, NULL, (const void**)values,
                     nValues);
}

fmi3Status fmi3SetString(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                         const fmi3String values[], size_t nValues) {
    return set_texts(instance, "fmi3SetString", STRING, valueReferences, nValueReferences, NULL,
                     (const void* const*)values, nValues);
}

fmi3Status fmi3GetBinary(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                         size_t valueSizes[], fmi3Binary values[], size_t nValues) {
    return get_texts(instance, "fmi3GetBinary", BINARY, valueReferences, nValueReferences, valueSizes,
                     (const void**)values, nValues);
}

fmi3Status fmi3SetBinary(fmi3Instance instance, const fmi3ValueReference valueReferences[], size_t nValueReferences,
                         const size_t valueSizes[], const fmi3Binary values[], size_t nValues) {
    return set_texts(instance, "fmi3SetBinary", BINARY, valueReferences, nValueReferences, valueSizes,
                     (const void* const*)values, nValues);
}

fmi3Status fmi3GetFMUState(fmi3Instance instance, fmi3FMUState* FMUState) {
    if (!*FMUState) *FMUState = malloc(sizeof(Values));
    if (!*FMUState) return fmi3Error;
    memcpy(*FMUState, &((Instance*)instance)->v, sizeof(Values));
    return fmi3OK;
}

fmi3Status fmi3SetFMUState(fmi3Instance instance, fmi3FMUState FMUState) {
    memcpy(&((Instance*)instance)->v, FMUState, sizeof(Values));
    return fmi3OK;
}

fmi3Status fmi3FreeFMUState(fmi3Instance instance, fmi3FMUState* FMUState) {
    (void)instance;
    free(*FMUState);
    *FMUState = NULL;
    return fmi3OK;
}

fmi3Status fmi3SerializedFMUStateSize(fmi3Instance instance, fmi3FMUState FMUState, size_t* size) {
    (void)instance;
    (void)FMUState;
    *size = sizeof(Values);
    return fmi3OK;
}

fmi3Status fmi3SerializeFMUState(fmi3Instance instance, fmi3FMUState FMUState, fmi3Byte serializedState[],
                                 size_t size) {
    if (size != sizeof(Values)) return fail(instance, "fmi3SerializeFMUState", "wrong size");
    memcpy(serializedState, FMUState, size);
    return fmi3OK;
}

fmi3Status fmi3DeserializeFMUState(fmi3Instance instance, const fmi3Byte serializedState[], size_t size,
                                   fmi3FMUState* FMUState) {
    if (size != sizeof(Values)) return fail(instance, "fmi3DeserializeFMUState", "wrong size");
    if (fmi3GetFMUState(instance, FMUState)) return fmi3Error;
    memcpy(*FMUState, serializedState, size);
    return fmi3OK;
}
