#pragma once
// What a model.c gives to the FMI adapters: one struct of doubles, a table of its variables, three functions.
// The adapters (fmi2.c, fmi3.c over instance.c) do all the rest: states of the instance, set and get by the table,
// saving, serialising, messages.

#include <float.h>
#include <stdbool.h>
#include <stddef.h>

typedef enum { PARAMETER_ROLE, INPUT_ROLE, OUTPUT_ROLE, SIZE_ROLE } Role;  // SIZE_ROLE: a structural parameter, FMI 3

// One FMI variable. Its value reference is its place in the table plus one (0 is FMI 3's time), so the order of the
// table is the order of modelDescription.xml; tests/test_fmu_physics.py holds the two against each other.
typedef struct {
    const char* name;
    const char* si;  // unit of measure, for messages
    Role role;
    size_t offset;       // of the double in the model's struct
    double start;        // parameters and inputs
    double least, most;  // parameters: what is accepted, both ends included
    size_t room;         // 0: a scalar; else an array (FMI 3) with room for so many doubles in the struct
    size_t length;       // of an array: offset of the double that says how many of them there are, at most `room`
} Variable;

typedef struct {
    const char* token;  // guid (FMI 2) or instantiationToken (FMI 3)
    size_t size;        // of the struct [bytes]; it must be plain (no pointers): saving it is copying it
    const Variable* variables;
    size_t count;

    // Relations between parameters. False with a message in `text` [room bytes] that says what is wrong and what would
    // do.
    bool (*check)(const void* self, char* text, size_t room);
    // From parameters and inputs to the states and outputs at `time` [s]. May run more than once.
    void (*start)(void* self, double time);
    // From `time` to `time + step` [s], step > 0, inputs as set at `time`; ends with the outputs at `time + step`.
    void (*step)(void* self, double time, double step);
} Model;

extern const Model crumple_model;  // the one of this library, defined in its model.c

// Rows of the table; the struct of the model is called Self. A SIZE is a structural parameter: the number of elements
// of the arrays that name it. It is a UInt64 in modelDescription.xml, and a double in the struct like everything else.
#define PARAMETER(field, si, start, least, most) \
    {#field, si, PARAMETER_ROLE, offsetof(Self, field), start, least, most, 0, 0}
#define INPUT(field, si, start) {#field, si, INPUT_ROLE, offsetof(Self, field), start, -DBL_MAX, DBL_MAX, 0, 0}
#define OUTPUT(field, si) {#field, si, OUTPUT_ROLE, offsetof(Self, field), 0.0, -DBL_MAX, DBL_MAX, 0, 0}
#define SIZE(field, start, least, most) {#field, "1", SIZE_ROLE, offsetof(Self, field), start, least, most, 0, 0}
#define ROOM(field) (sizeof(((Self*)0)->field) / sizeof(double))
#define INPUT_ARRAY(field, si, start, size) \
    {#field, si, INPUT_ROLE, offsetof(Self, field), start, -DBL_MAX, DBL_MAX, ROOM(field), offsetof(Self, size)}
#define OUTPUT_ARRAY(field, si, size) \
    {#field, si, OUTPUT_ROLE, offsetof(Self, field), 0.0, -DBL_MAX, DBL_MAX, ROOM(field), offsetof(Self, size)}
#define TABLE(variables) variables, sizeof(variables) / sizeof((variables)[0])
