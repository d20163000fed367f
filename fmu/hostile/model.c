// An FMU that misbehaves on command, for the tests of importers; README.md has the table. FMI=2 (default) or FMI=3.
// While it behaves it is a lag with a counter: y' = (u - y) / tau by its closed form, n counts the steps.

#ifndef FMI
#define FMI 2
#endif

#include "behaviour.h"

enum { TIME_REF, U_REF, Y_REF, N_REF, TAU_REF, X0_REF, AT_REF, BEHAVIOUR_REF, MOMENT_REF, TEXT_REF, DELAY_REF };

static const Values start_values = {.u = 1.0, .tau = 1.0, .at = 3, .delay = 1.0};

// CRUMPLE_HOSTILE=behaviour:moment:at, where moment and at may be missing.
static void read_command(Hostile* h) {
    const char* text = getenv("CRUMPLE_HOSTILE");
    if (!text || !*text) return;
    char at[16] = "";
    snprintf(h->moment, sizeof h->moment, "step");
    sscanf(text, "%63[^:]:%63[^:]:%15[^:]", h->behaviour, h->moment, at);
    if (*at) h->v.at = atoi(at);
}

static bool is(const Hostile* h, const char* behaviour) { return strcmp(h->behaviour, behaviour) == 0; }

// Does what was commanded, if this is the moment. Returns `status` unless the behaviour has another.
static int perhaps(Hostile* h, const char* moment, int status) {
    if (!*h->behaviour || strcmp(h->moment, moment) != 0) return status;
    const bool counted = strcmp(moment, "step") == 0 || strcmp(moment, "get") == 0 || strcmp(moment, "set") == 0;
    for (size_t i = 0; i < sizeof behaviours / sizeof *behaviours; ++i) {
        if (!is(h, behaviours[i].name)) continue;
        if (counted && h->v.n < h->v.at) return status;
        if (h->done && !behaviours[i].again) return status;
        h->done = true;
        const int other = behaviours[i].act(h);
        return other == OK ? status : other;
    }
    return status;
}

__attribute__((constructor)) static void loaded(void) {
    static Hostile nobody;
    read_command(&nobody);
    for (size_t i = 0; i < sizeof behaviours / sizeof *behaviours; ++i)
        if (is(&nobody, behaviours[i].name) && strcmp(nobody.moment, "load") == 0) behaviours[i].act(NULL);
}

static void begin(Hostile* h) {
    memset(h->behaviour, 0, sizeof h->behaviour);
    snprintf(h->moment, sizeof h->moment, "step");
    h->v = start_values;
    h->done = false;
    read_command(h);
    strcpy(h->text, "step 0");
}

static Hostile* create(const char* name, void* environment, void (*logger)(void)) {
    Hostile* h = calloc(1, sizeof *h);
    if (!h) return NULL;
    snprintf(h->name, sizeof h->name, "%s", name ? name : "");
    h->environment = environment;
    h->logger = logger;
    begin(h);
    if (perhaps(h, "instantiate", OK) <= WARNING) return h;
    free(h);
    return NULL;
}

static void destroy(Hostile* h) {
    if (!h) return;
    perhaps(h, "free", OK);
    free(h->oversized);
    free(h);
}

static int refuse(Hostile* h, const char* call, const char* why) {
    char text[128];
    snprintf(text, sizeof text, "%s: %s", call, why);
    say(h->logger, h->environment, h->name, ERROR, "logStatusError", text);
    return ERROR;
}

static int initialise(Hostile* h) {
    h->v.y = h->v.x0;
    return perhaps(h, "init", OK);
}

static int step(Hostile* h, double time, double size) {
    h->v.y = h->v.u + (h->v.y - h->v.u) * exp(-size / h->v.tau);
    h->v.n += 1.0;
    h->v.time = time + size;
    snprintf(h->text, sizeof h->text, "step %.0f", h->v.n);
    const int status = perhaps(h, "step", OK);
    if (status > WARNING && status != PENDING) refuse(h, "step", "went wrong on purpose");
    return status;
}

static double* number_of(Hostile* h, unsigned ref) {
    switch (ref) {
        case TIME_REF:
            return &h->v.time;
        case U_REF:
            return &h->v.u;
        case Y_REF:
            return &h->v.y;
        case N_REF:
            return &h->v.n;
        case TAU_REF:
            return &h->v.tau;
        case X0_REF:
            return &h->v.x0;
        case DELAY_REF:
            return &h->v.delay;
        default:
            return NULL;
    }
}

static int get_numbers(Hostile* h, const unsigned* refs, size_t count, double* values) {
    const int status = perhaps(h, "get", OK);
    for (size_t i = 0; i < count; ++i) {
        const double* number = number_of(h, refs[i]);
        if (!number) return refuse(h, "get", "no such number");
        values[i] = *number;
    }
    return status;
}

static int set_numbers(Hostile* h, const unsigned* refs, size_t count, const double* values) {
    for (size_t i = 0; i < count; ++i) {
        double* number = number_of(h, refs[i]);
        if (!number || refs[i] == TIME_REF || refs[i] == Y_REF || refs[i] == N_REF)
            return refuse(h, "set", "no such number to be set");
        *number = values[i];
    }
    return perhaps(h, "set", OK);
}

// The command comes as parameters too; what the environment says counts where they are empty.
static int set_texts(Hostile* h, const unsigned* refs, size_t count, const char* const* values) {
    for (size_t i = 0; i < count; ++i) {
        char* to = refs[i] == BEHAVIOUR_REF ? h->behaviour : refs[i] == MOMENT_REF ? h->moment : NULL;
        if (!to) return refuse(h, "set", "no such text to be set");
        if (values[i] && *values[i]) snprintf(to, sizeof h->behaviour, "%s", values[i]);
    }
    return OK;
}

static int get_texts(Hostile* h, const unsigned* refs, size_t count, const char** values) {
    const bool now = h->v.n >= h->v.at;
    for (size_t i = 0; i < count; ++i) {
        const unsigned ref = refs[i];
        if (ref == TEXT_REF && now && is(h, "null_string"))
            values[i] = NULL;
        else if (ref == TEXT_REF && now && is(h, "bad_string"))
            values[i] = "\xff\xfe\xc3(";
        else if (ref == TEXT_REF && h->oversized && h->v.n == h->v.at)
            values[i] = h->oversized;
        else if (ref == TEXT_REF)
            values[i] = h->text;
        else if (ref == BEHAVIOUR_REF || ref == MOMENT_REF)
            values[i] = ref == BEHAVIOUR_REF ? h->behaviour : h->moment;
        else
            return refuse(h, "get", "no such text");
    }
    return OK;
}

// ---- State ---------------------------------------------------------------------------------------------------------

static int save(Hostile* h, void** state) {
    const int status = perhaps(h, "save", OK);
    if (is(h, "state_null")) return *state = NULL, OK;
    Values* saved = *state ? *state : calloc(1, sizeof *saved);
    if (!saved) return ERROR;
    *saved = h->v;
    *state = saved;
    return status;
}

static int restore(Hostile* h, const void* state) {
    const Values* saved = state;
    if (is(h, "state_forgets")) return OK;
    const double n = h->v.n;
    if (saved) h->v = *saved;
    if (is(h, "state_partial")) h->v.n = n;
    snprintf(h->text, sizeof h->text, "step %.0f", h->v.n);
    return OK;
}

static size_t state_size(const Hostile* h) {
    return is(h, "state_huge") ? (size_t)1 << 62 : is(h, "state_size") ? 8 : sizeof(Values);
}

// One that lies about the size writes more than there is room for.
static int serialise(Hostile* h, const void* state, void* bytes, size_t size) {
    if (is(h, "state_huge")) return ERROR;
    if (size != state_size(h)) return refuse(h, "serialize", "wrong size");
    memcpy(bytes, state, sizeof(Values));
    return OK;
}

static int deserialise(Hostile* h, const void* bytes, size_t size, void** state) {
    if (size != state_size(h)) return refuse(h, "deserialize", "wrong size");
    if (!*state) *state = calloc(1, sizeof(Values));
    if (!*state) return ERROR;
    memcpy(*state, bytes, size < sizeof(Values) ? size : sizeof(Values));
    return OK;
}

#if FMI == 3
#include "face3.h"
#else
#include "face2.h"
#endif
