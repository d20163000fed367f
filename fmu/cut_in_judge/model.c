// What became of a cut-in: whether the cars touched, how near it was, and when nothing can change it any more.
// Equations and sources: README.md beside this file.

#include "../common/model.h"

#include <math.h>

#define NEVER 1e3  // time to collision of cars that do not come nearer [s]

typedef struct {
    // parameters
    double length, width, critical_ttc, calm_ends, horizon;
    // inputs
    double ego_x, ego_speed, x, y, speed, settled;
    // outputs
    double gap, clearance, time_to_collision, crash, impact_speed, decided;
    // when it is over in any case [s]
    double end;
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(length, "m", 4.3, 0.1, 100.0),
    PARAMETER(width, "m", 1.9, 0.1, 10.0),
    PARAMETER(critical_ttc, "s", 2.0, 0.0, 100.0),
    PARAMETER(calm_ends, "1", 0.0, 0.0, 1.0),
    PARAMETER(horizon, "s", 37.0, 0.0, 1e6),
    INPUT(ego_x, "m", 0.0),
    INPUT(ego_speed, "m/s", 0.0),
    INPUT(x, "m", 100.0),
    INPUT(y, "m", 3.5),
    INPUT(speed, "m/s", 0.0),
    INPUT(settled, "1", 0.0),
    OUTPUT(gap, "m"),
    OUTPUT(clearance, "m"),
    OUTPUT(time_to_collision, "s"),
    OUTPUT(crash, "1"),
    OUTPUT(impact_speed, "m/s"),
    OUTPUT(decided, "1"),
};

static bool check(const void* memory, char* text, size_t room) {
    (void)memory;
    (void)text;
    (void)room;
    return true;  // the ranges in the table say all
}

// The car under test never speeds up and the other keeps its speed: that is what "no more" rests on.
static bool over(const Self* self, double left, double ahead, double closing) {
    // behind it and not faster, or too little so to come up with it in the time left
    if (self->gap >= 0.0 && ahead >= 0.0 && closing * left <= self->gap) return true;
    if (self->gap > 0.0 && ahead < 0.0 && closing >= 0.0) return true;  // past it and not slower
    if (self->settled >= 0.5 && self->clearance > 0.0) return true;     // beside it, and nobody turns
    if (self->calm_ends < 0.5 || self->clearance > 0.0 || ahead < 0.0) return false;
    return fabs(self->gap / closing) > self->critical_ttc;  // a cut-in that is none to react to
}

static void write_outputs(Self* self, double time) {
    const double ahead = self->x - self->ego_x;  // of the other car
    const double closing = self->ego_speed - self->speed;
    self->gap = fabs(ahead) - self->length / 2.0 - self->length / 2.0;
    self->clearance = fabs(self->y) - self->width / 2.0 - self->width / 2.0;
    self->time_to_collision = NEVER;
    if (closing > 0.0 && ahead > 0.0 && self->gap < NEVER * closing)
        self->time_to_collision = self->gap > 0.0 ? self->gap / closing : 0.0;
    if (self->crash < 0.5 && self->clearance < 0.0 && self->gap < 0.0) {
        self->crash = 1.0;
        self->impact_speed = fabs(closing);
    }
    if (self->crash >= 0.5 || over(self, self->end - time, ahead, closing)) self->decided = 1.0;
}

static void start(void* memory, double time) {
    Self* self = memory;
    self->end = time + self->horizon;
    self->crash = self->impact_speed = self->decided = 0.0;
    write_outputs(self, time);
}

static void step(void* memory, double time, double length) { write_outputs(memory, time + length); }

const Model crumple_model = {"{crumple-cut_in_judge-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
