#pragma once
// One FMU instance without FMI's names: its phase, its time, its values. fmi2.c and fmi3.c put the names on.
// Every function that returns bool has said why through `log` before it returns false, and the instance has failed:
// only reset and free may follow.

#include "model.h"

typedef enum {
    INSTANTIATED = 1,
    INITIALISING = 2,
    STEPPING = 4,
    TERMINATED = 8,
    FAILED = 16,
    CONFIGURING = 32,  // FMI 3: sizes of arrays are being set
    ANY_PHASE = 63,
} Phase;

// What is saved besides the values.
typedef struct {
    double phase;  // Phase
    double time;   // [s]
    double stop;   // [s]; HUGE_VAL: none
    double stale;  // 1: parameters or inputs were set in initialisation mode, outputs not yet worked out
} Moment;

typedef struct Instance Instance;
struct Instance {
    Moment now;
    void* values;                                   // the model's struct
    void (*log)(Instance* self, const char* text);  // never null; `text` has no percent sign
};

typedef struct Saved Saved;  // a saved state

bool instance_open(Instance* self);  // allocates and sets start values; false when there is no memory
void instance_close(Instance* self);

bool instance_fail(Instance* self, const char* call, const char* format, ...);
bool instance_allowed(Instance* self, const char* call, unsigned phases);

bool instance_plan(Instance* self, const char* call, double start, bool has_stop, double stop);  // times [s]
bool instance_configure(Instance* self, const char* call);   // begins configuration mode
bool instance_configured(Instance* self, const char* call);  // ends it
bool instance_begin(Instance* self, const char* call);       // begins initialisation mode
bool instance_ready(Instance* self, const char* call);       // ends initialisation mode
bool instance_step(Instance* self, const char* call, double time, double step);
bool instance_end(Instance* self, const char* call);
bool instance_reset(Instance* self);

// How many numbers these variables have together; a reference that is not known counts as one.
size_t instance_room(const Instance* self, const unsigned* refs, size_t count);
// `values` are as many as instance_room says, array after array. Sizes of arrays have calls of their own, as they
// have a type of their own in FMI 3.
bool instance_set_sizes(Instance* self, const char* call, const unsigned* refs, size_t count, const double* values);
bool instance_get_sizes(Instance* self, const char* call, const unsigned* refs, size_t count, double* values);
bool instance_set(Instance* self, const char* call, const unsigned* refs, size_t count, const double* values);
bool instance_get(Instance* self, const char* call, const unsigned* refs, size_t count, double* values);

bool instance_save(Instance* self, const char* call, Saved** saved);
bool instance_restore(Instance* self, const char* call, const Saved* saved);
size_t instance_serialised_size(void);
bool instance_serialise(Instance* self, const char* call, const Saved* saved, void* bytes, size_t size);
bool instance_deserialise(Instance* self, const char* call, const void* bytes, size_t size, Saved** saved);
