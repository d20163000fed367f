// The car under test in its lane: it drives straight on, and can only brake.
// Equations and sources: README.md beside this file.

#include "../common/model.h"

#include "../cut_in_vehicle/path.h"

typedef struct {
    // parameters
    double speed_kmh, rate;
    // inputs
    double deceleration, lead_in;
    // outputs; x and speed are the states
    double x, speed, acceleration;
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(speed_kmh, "km/h", 50.0, 0.0, 500.0),
    PARAMETER(rate, "1/s", 10.0, 1.0, 1e4),
    INPUT(deceleration, "m/s^2", 0.0),
    INPUT(lead_in, "s", 0.0),
    OUTPUT(x, "m"),
    OUTPUT(speed, "m/s"),
    OUTPUT(acceleration, "m/s^2"),
};

static bool check(const void* memory, char* text, size_t room) {
    (void)memory;
    (void)text;
    (void)room;
    return true;  // the ranges in the table say all
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    self->speed = self->speed_kmh / 3.6;
    self->x = path_start_of(self->speed, rint(self->lead_in * self->rate), self->rate);
    self->acceleration = 0.0;
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    (void)time;
    // divided by steps a second, not multiplied by the step: 0.1 s is no binary number, and whether a grid's case
    // crashes can hang on the last bit
    const double rate = 1.0 / length;
    const double before = self->speed;
    const double braked = self->deceleration > 0.0 ? self->deceleration : 0.0;
    self->speed = before - braked / rate;
    if (self->speed < 0.0) self->speed = 0.0;
    self->x += self->speed / rate;
    self->acceleration = (self->speed - before) * rate;
}

const Model crumple_model = {"{crumple-alks_ego-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
