#include "instance.h"

#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// A saved state: the moment, then the values. Serialised, a header goes in front.
struct Saved {
    Moment now;
    double values[];  // crumple_model.size bytes
};

typedef struct {
    char magic[8];     // "CRFMUST1"
    uint64_t token;    // hash of the model's token: a state of another model is refused
    uint64_t size;     // bytes after the header
    uint64_t content;  // their hash: a damaged state is refused
} Header;

static const char MAGIC[8] = {'C', 'R', 'F', 'M', 'U', 'S', 'T', '1'};

static uint64_t hash(const void* bytes, size_t size) {  // FNV-1a, 64 bit
    const unsigned char* b = bytes;
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < size; ++i) h = (h ^ b[i]) * 1099511628211u;
    return h;
}

static double* value_of(const Instance* self, const Variable* variable) {
    return (double*)(void*)((char*)self->values + variable->offset);
}

static size_t length_of(const Instance* self, const Variable* variable) {
    return variable->room ? (size_t)*(double*)(void*)((char*)self->values + variable->length) : 1;
}

static Phase phase_of(const Instance* self) { return (Phase)self->now.phase; }

static const char* phase_text(Phase phase) {
    switch (phase) {
        case INSTANTIATED:
            return "before initialisation mode";
        case INITIALISING:
            return "in initialisation mode";
        case STEPPING:
            return "after initialisation mode";
        case TERMINATED:
            return "after terminate";
        case CONFIGURING:
            return "in configuration mode";
        default:
            return "after an error; reset or free this instance";
    }
}

static void set_start_values(Instance* self) {
    memset(self->values, 0, crumple_model.size);
    for (size_t i = 0; i < crumple_model.count; ++i) {
        const Variable* v = &crumple_model.variables[i];
        double* values = value_of(self, v);
        for (size_t k = 0; k < (v->room ? v->room : 1); ++k) values[k] = v->start;
    }
    self->now = (Moment){INSTANTIATED, 0.0, HUGE_VAL, 1.0};
}

bool instance_open(Instance* self) {
    self->values = calloc(1, crumple_model.size);
    if (!self->values) return false;
    set_start_values(self);
    return true;
}

void instance_close(Instance* self) {
    free(self->values);
    self->values = NULL;
}

bool instance_fail(Instance* self, const char* call, const char* format, ...) {
    char text[512];
    const int used = snprintf(text, sizeof text, "%s: ", call);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text + used, sizeof text - (size_t)used, format, arguments);
    va_end(arguments);
    self->now.phase = FAILED;
    self->log(self, text);
    return false;
}

bool instance_allowed(Instance* self, const char* call, unsigned phases) {
    if (phases & (unsigned)phase_of(self)) return true;
    return instance_fail(self, call, "not allowed %s.", phase_text(phase_of(self)));
}

// In initialisation mode the outputs follow parameters and inputs, but are worked out only when somebody looks.
static bool refresh(Instance* self, const char* call) {
    char text[384];
    if (self->now.stale == 0.0) return true;
    if (!crumple_model.check(self->values, text, sizeof text)) return instance_fail(self, call, "%s", text);
    crumple_model.start(self->values, self->now.time);
    self->now.stale = 0.0;
    return true;
}

static bool outputs_finite(Instance* self, const char* call) {
    for (size_t i = 0; i < crumple_model.count; ++i) {
        const Variable* v = &crumple_model.variables[i];
        if (v->role != OUTPUT_ROLE) continue;
        const double* values = value_of(self, v);
        const size_t length = length_of(self, v);
        for (size_t k = 0; k < length; ++k)
            if (!isfinite(values[k]))
                return instance_fail(self, call, "output %s is no longer a finite number at t = %.9g s.", v->name,
                                     self->now.time);
    }
    return true;
}

bool instance_plan(Instance* self, const char* call, double start, bool has_stop, double stop) {
    if (!isfinite(start)) return instance_fail(self, call, "the start time is not a finite number.");
    if (has_stop && !(stop >= start))
        return instance_fail(self, call, "the stop time %.9g s lies before the start time %.9g s.", stop, start);
    self->now.time = start;
    self->now.stop = has_stop ? stop : HUGE_VAL;
    return true;
}

bool instance_configure(Instance* self, const char* call) {
    bool sizes = false;
    for (size_t i = 0; i < crumple_model.count; ++i) sizes |= crumple_model.variables[i].role == SIZE_ROLE;
    if (!sizes) return instance_fail(self, call, "not supported, see modelDescription.xml.");
    if (!instance_allowed(self, call, INSTANTIATED)) return false;
    self->now.phase = CONFIGURING;
    return true;
}

bool instance_configured(Instance* self, const char* call) {
    if (!instance_allowed(self, call, CONFIGURING)) return false;
    self->now.phase = INSTANTIATED;
    return true;
}

bool instance_begin(Instance* self, const char* call) {
    if (!instance_allowed(self, call, INSTANTIATED)) return false;
    self->now.stale = 1.0;
    self->now.phase = INITIALISING;
    return true;
}

bool instance_ready(Instance* self, const char* call) {
    if (!instance_allowed(self, call, INITIALISING) || !refresh(self, call) || !outputs_finite(self, call))
        return false;
    self->now.phase = STEPPING;
    return true;
}

bool instance_step(Instance* self, const char* call, double time, double step) {
    if (!instance_allowed(self, call, STEPPING)) return false;
    if (!(step > 0.0) || !isfinite(step))
        return instance_fail(self, call, "the step size is %.9g s; it must be above 0.", step);
    const double slack = 1e-6 * step + 1e-12 * fabs(self->now.time);  // importers round their times differently
    if (!(fabs(time - self->now.time) <= slack))
        return instance_fail(self, call, "the step begins at %.12g s, but this instance stands at %.12g s.", time,
                             self->now.time);
    if (time + step > self->now.stop + slack)
        return instance_fail(self, call, "the step ends at %.12g s, after the stop time %.12g s.", time + step,
                             self->now.stop);
    crumple_model.step(self->values, time, step);
    self->now.time = time + step;
    return outputs_finite(self, call);
}

bool instance_end(Instance* self, const char* call) {
    if (!instance_allowed(self, call, STEPPING)) return false;
    self->now.phase = TERMINATED;
    return true;
}

bool instance_reset(Instance* self) {
    set_start_values(self);
    return true;
}

static const Variable* find(unsigned ref) {
    return ref >= 1 && ref <= crumple_model.count ? &crumple_model.variables[ref - 1] : NULL;
}

size_t instance_room(const Instance* self, const unsigned* refs, size_t count) {
    size_t room = 0;
    for (size_t i = 0; i < count; ++i) {
        const Variable* v = find(refs[i]);
        room += v ? length_of(self, v) : 1;
    }
    return room;
}

// One number of a variable that may be set now.
static bool set_number(Instance* self, const char* call, const Variable* v, double* to, double value) {
    if (!isfinite(value)) return instance_fail(self, call, "%s must be a finite number.", v->name);
    if (value < v->least)
        return instance_fail(self, call, "%s = %.9g %s is below its least value, %.9g %s.", v->name, value, v->si,
                             v->least, v->si);
    if (value > v->most)
        return instance_fail(self, call, "%s = %.9g %s is above its greatest value, %.9g %s.", v->name, value, v->si,
                             v->most, v->si);
    *to = value;
    return true;
}

bool instance_set(Instance* self, const char* call, const unsigned* refs, size_t count, const double* values) {
    if (!instance_allowed(self, call, INSTANTIATED | INITIALISING | STEPPING)) return false;
    if (count > 0 && (!refs || !values)) return instance_fail(self, call, "null pointer for %zu values.", count);
    for (size_t i = 0; i < count; ++i) {
        const Variable* v = find(refs[i]);
        if (!v) return instance_fail(self, call, "no variable has the value reference %u that can be set.", refs[i]);
        if (v->role == OUTPUT_ROLE) return instance_fail(self, call, "%s is an output; it cannot be set.", v->name);
        if (v->role == SIZE_ROLE)
            return instance_fail(self, call, "%s is the size of arrays; it is a UInt64, set in configuration mode.",
                                 v->name);
        if (v->role == PARAMETER_ROLE && phase_of(self) == STEPPING)
            return instance_fail(self, call, "%s is a fixed parameter; set it before initialisation ends.", v->name);
        double* to = value_of(self, v);
        const size_t length = length_of(self, v);
        for (size_t k = 0; k < length; ++k)
            if (!set_number(self, call, v, to + k, *values++)) return false;
    }
    if (phase_of(self) != STEPPING) self->now.stale = 1.0;
    return true;
}

bool instance_get(Instance* self, const char* call, const unsigned* refs, size_t count, double* values) {
    if (!instance_allowed(self, call, INITIALISING | STEPPING | TERMINATED | FAILED)) return false;
    if (count > 0 && (!refs || !values)) return instance_fail(self, call, "null pointer for %zu values.", count);
    if (phase_of(self) == INITIALISING && !refresh(self, call)) return false;
    for (size_t i = 0; i < count; ++i) {
        const Variable* v = find(refs[i]);
        if (!v || v->role == SIZE_ROLE)
            return instance_fail(self, call, "no variable has the value reference %u.", refs[i]);
        const double* from = value_of(self, v);
        const size_t length = length_of(self, v);
        for (size_t k = 0; k < length; ++k) *values++ = from[k];
    }
    return true;
}

static const Variable* find_size(Instance* self, const char* call, unsigned ref) {
    const Variable* v = find(ref);
    if (v && v->role == SIZE_ROLE) return v;
    instance_fail(self, call, "no size of an array has the value reference %u.", ref);
    return NULL;
}

bool instance_set_sizes(Instance* self, const char* call, const unsigned* refs, size_t count, const double* values) {
    if (!instance_allowed(self, call, CONFIGURING)) return false;
    for (size_t i = 0; i < count; ++i) {
        const Variable* v = find_size(self, call, refs[i]);
        if (!v || !set_number(self, call, v, value_of(self, v), values[i])) return false;
    }
    return true;
}

bool instance_get_sizes(Instance* self, const char* call, const unsigned* refs, size_t count, double* values) {
    if (!instance_allowed(self, call, ANY_PHASE)) return false;
    for (size_t i = 0; i < count; ++i) {
        const Variable* v = find_size(self, call, refs[i]);
        if (!v) return false;
        values[i] = *value_of(self, v);
    }
    return true;
}

static size_t saved_size(void) { return sizeof(struct Saved) + crumple_model.size; }

bool instance_save(Instance* self, const char* call, Saved** saved) {
    if (!instance_allowed(self, call, ANY_PHASE & ~(unsigned)FAILED)) return false;
    if (!saved) return instance_fail(self, call, "null pointer for the state.");
    if (!*saved) *saved = calloc(1, saved_size());
    if (!*saved) return instance_fail(self, call, "no memory for a state.");
    (*saved)->now = self->now;
    memcpy((*saved)->values, self->values, crumple_model.size);
    return true;
}

bool instance_restore(Instance* self, const char* call, const Saved* saved) {
    if (!saved) return instance_fail(self, call, "null pointer for the state.");
    self->now = saved->now;
    memcpy(self->values, saved->values, crumple_model.size);
    return true;
}

size_t instance_serialised_size(void) { return sizeof(Header) + saved_size(); }

bool instance_serialise(Instance* self, const char* call, const Saved* saved, void* bytes, size_t size) {
    if (!saved || !bytes) return instance_fail(self, call, "null pointer for the state or its bytes.");
    if (size != instance_serialised_size())
        return instance_fail(self, call, "room for %zu bytes; a state takes %zu.", size, instance_serialised_size());
    Header header;
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    header.token = hash(crumple_model.token, strlen(crumple_model.token));
    header.size = saved_size();
    header.content = hash(saved, saved_size());
    memcpy(bytes, &header, sizeof header);
    memcpy((char*)bytes + sizeof header, saved, saved_size());
    return true;
}

bool instance_deserialise(Instance* self, const char* call, const void* bytes, size_t size, Saved** saved) {
    if (!saved || !bytes) return instance_fail(self, call, "null pointer for the state or its bytes.");
    Header header;
    if (size != instance_serialised_size())
        return instance_fail(self, call, "%zu bytes are not a state of this model; that takes %zu.", size,
                             instance_serialised_size());
    memcpy(&header, bytes, sizeof header);
    const char* content = (const char*)bytes + sizeof header;
    if (memcmp(header.magic, MAGIC, sizeof MAGIC) != 0 || header.size != saved_size() ||
        header.token != hash(crumple_model.token, strlen(crumple_model.token)))
        return instance_fail(self, call, "these bytes are not a state of this model.");
    if (header.content != hash(content, saved_size())) return instance_fail(self, call, "the state is damaged.");
    if (!*saved) *saved = calloc(1, saved_size());
    if (!*saved) return instance_fail(self, call, "no memory for a state.");
    memcpy(*saved, content, saved_size());
    return true;
}
