// The car ahead: it stands, drives evenly, or brakes at a given time down to a given speed. All by closed form.
// Equations and sources: README.md beside this file.

#include "../common/model.h"

#include <math.h>
#include <stdio.h>

typedef struct {
    // parameters
    double initial_position, initial_speed, lateral_offset, brake_time, deceleration, ramp_time, final_speed;
    // outputs
    double position, speed, acceleration, lateral, lateral_speed;
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(initial_position, "m", 0.0, -1e6, 1e6),
    PARAMETER(initial_speed, "m/s", 0.0, 0.0, 150.0),
    PARAMETER(lateral_offset, "m", 0.0, -100.0, 100.0),
    PARAMETER(brake_time, "s", 0.0, 0.0, 1e6),
    PARAMETER(deceleration, "m/s^2", 0.0, 0.0, 20.0),
    PARAMETER(ramp_time, "s", 0.0, 0.0, 10.0),
    PARAMETER(final_speed, "m/s", 0.0, 0.0, 150.0),
    OUTPUT(position, "m"),
    OUTPUT(speed, "m/s"),
    OUTPUT(acceleration, "m/s^2"),
    OUTPUT(lateral, "m"),
    OUTPUT(lateral_speed, "m/s"),
};

static bool check(const void* memory, char* text, size_t room) {
    const Self* self = memory;
    if (self->deceleration == 0.0 || self->final_speed <= self->initial_speed) return true;
    snprintf(text, room, "final_speed = %.9g m/s is above initial_speed = %.9g m/s, but braking makes no car faster.",
             self->final_speed, self->initial_speed);
    return false;
}

static double least_of(double a, double b) { return a < b ? a : b; }

static void write_outputs(Self* self, double time) {
    const double v0 = self->initial_speed, a = self->deceleration, since = time - self->brake_time;
    self->lateral = self->lateral_offset;
    self->lateral_speed = 0.0;
    self->position = self->initial_position + v0 * time;
    self->speed = v0;
    self->acceleration = 0.0;
    const double loss = v0 - self->final_speed;  // [m/s], by braking
    if (a <= 0.0 || since <= 0.0 || loss <= 0.0) return;

    const double jerk = self->ramp_time > 0.0 ? a / self->ramp_time : HUGE_VAL;
    const double ramp = least_of(self->ramp_time, jerk < HUGE_VAL ? sqrt(2.0 * loss / jerk) : 0.0);
    const double at_ramp = jerk < HUGE_VAL ? 0.5 * jerk * ramp * ramp : 0.0;  // speed lost on the ramp
    const double even = (loss - at_ramp) / a;                                 // time of even braking behind the ramp
    const double on_ramp = least_of(since, ramp);
    double travel = v0 * on_ramp;  // since braking began
    double speed = v0;
    if (jerk < HUGE_VAL) {
        travel -= jerk * on_ramp * on_ramp * on_ramp / 6.0;
        speed -= 0.5 * jerk * on_ramp * on_ramp;
        self->acceleration = -jerk * on_ramp;
    }
    if (since > ramp || jerk == HUGE_VAL) {
        const double t = least_of(since - ramp, even);
        travel += t * (speed - 0.5 * a * t);
        speed -= a * t;
        self->acceleration = -a;
    }
    if (since >= ramp + even) {
        speed = self->final_speed;
        travel += speed * (since - ramp - even);
        self->acceleration = 0.0;
    }
    self->position = self->initial_position + v0 * self->brake_time + travel;
    self->speed = speed;
}

static void start(void* memory, double time) { write_outputs(memory, time); }

static void step(void* memory, double time, double length) { write_outputs(memory, time + length); }

const Model crumple_model = {"{crumple-target_car-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
