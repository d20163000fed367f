// The cabinet of a washing machine on its feet: it stands as long as friction holds it, else it walks.
// Equations and sources: README.md beside this file.

#include "../common/model.h"

#include <math.h>
#include <stdio.h>

#include "../common/integrate.h"

#define LONGEST_SUB_STEP 1e-4  // [s]
#define GRAVITY 9.80665

typedef struct {
    // parameters
    double mass, tub_mass, static_friction, sliding_friction;
    // inputs
    double force_x, force_y;
    // outputs
    double x, velocity, walked, load, use, friction, sliding, lifted;
    // history
    double last_x, last_y;  // forces at the begin of the last step [N]
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(mass, "kg", 30.0, 0.1, 1e6),
    PARAMETER(tub_mass, "kg", 40.0, 0.0, 1e6),
    PARAMETER(static_friction, "1", 0.4, 0.0, 10.0),
    PARAMETER(sliding_friction, "1", 0.3, 0.0, 10.0),
    INPUT(force_x, "N", 0.0),
    INPUT(force_y, "N", 0.0),
    OUTPUT(x, "m"),
    OUTPUT(velocity, "m/s"),
    OUTPUT(walked, "m"),
    OUTPUT(load, "N"),
    OUTPUT(use, "1"),
    OUTPUT(friction, "N"),
    OUTPUT(sliding, "1"),
    OUTPUT(lifted, "1"),
};

static bool check(const void* memory, char* text, size_t room) {
    const Self* self = memory;
    if (self->sliding_friction <= self->static_friction) return true;
    snprintf(text, room, "sliding_friction = %.9g must not be above static_friction = %.9g.", self->sliding_friction,
             self->static_friction);
    return false;
}

static double pressed(const Self* self, double up) {  // on the floor [N]; `up`: force of the springs on the cabinet
    return (self->mass + self->tub_mass) * GRAVITY - up;
}

static void write_outputs(Self* self, double fx, double fy) {
    const double load = pressed(self, fy);
    self->load = fmax(load, 0.0);
    self->lifted = load <= 0.0 ? 1.0 : self->lifted;
    const double most = self->static_friction * self->load;
    self->use = most > 0.0 ? fmin(fabs(fx) / most, 1e3) : fabs(fx) > 0.0 ? 1e3 : 0.0;
    self->sliding = self->velocity != 0.0 ? 1.0 : 0.0;
    self->friction = self->velocity != 0.0 ? -copysign(self->sliding_friction * self->load, self->velocity) : -fx;
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    self->x = self->velocity = self->walked = self->lifted = 0.0;
    self->last_x = self->force_x;
    self->last_y = self->force_y;
    write_outputs(self, self->force_x, self->force_y);
}

// One sub-step under a steady force: at rest until the force breaks it loose, then slowed by friction until it rests.
static void advance(Self* self, double fx, double load, double h) {
    if (self->velocity == 0.0) {
        if (fabs(fx) <= self->static_friction * load) return;
        const double pull = fx - copysign(self->sliding_friction * load, fx);
        self->velocity = pull / self->mass * h;
        self->x += 0.5 * self->velocity * h;
        self->walked += fabs(0.5 * self->velocity * h);
        return;
    }
    const double before = self->velocity;
    const double after = before + (fx - copysign(self->sliding_friction * load, before)) / self->mass * h;
    if (after * before > 0.0) {
        self->velocity = after;
        self->x += 0.5 * (before + after) * h;
        self->walked += fabs(0.5 * (before + after) * h);
    } else {  // it came to rest on the way; whether it breaks loose again is for the next sub-step to see
        const double share = before / (before - after);
        self->x += 0.5 * before * share * h;
        self->walked += fabs(0.5 * before * share * h);
        self->velocity = 0.0;
    }
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    (void)time;
    const long count = sub_steps(length, LONGEST_SUB_STEP);
    const double h = length / (double)count;
    for (long i = 0; i < count; ++i) {  // forces go on along their last two values
        const double ahead = ((double)i + 0.5) / (double)count;
        const double fx = self->force_x + (self->force_x - self->last_x) * ahead;
        const double fy = self->force_y + (self->force_y - self->last_y) * ahead;
        advance(self, fx, fmax(pressed(self, fy), 0.0), h);
    }
    self->last_x = self->force_x;
    self->last_y = self->force_y;
    write_outputs(self, self->force_x, self->force_y);
}

const Model crumple_model = {"{crumple-washer_cabinet-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
