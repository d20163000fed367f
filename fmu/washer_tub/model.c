// The tub of a washing machine on its springs: two directions, and the drum that turns in it with an unbalanced load.
// Equations, sources and how near it comes to the closed form: README.md beside this file.

#include "../common/model.h"

#include <math.h>
#include <stdio.h>

#include "../common/integrate.h"

#define LONGEST_SUB_STEP 1e-4  // [s]; a drum of 2000 rpm turns by 1.2 degrees in it
#define GRAVITY 9.80665
#define TURN 6.28318530717958647692

enum { X, VX, Y, VY, ANGLE, SPEED, DRIVEN, DAMPED, CARRIED, STATES };

typedef struct {
    // parameters
    double mass, radius, frequency, inertia, bearing;
    double steady_speed, settling;
    // inputs
    double unbalance, damping, torque, base, base_velocity;
    // outputs
    double x, y, displacement, acceleration, angle, speed;
    double force_x, force_y;
    double amplitude, transmitted, mean_speed, steady_amplitude, steady_force, energy_error;
    // history
    double state[STATES];
    double stored, turned;  // energy when the unbalance last changed, and what was turned over since [J]
    double last_unbalance;  // [kg]
    double last_base;       // where the base was thought to be at the end of the last step [m]
    double low, high, low_force, high_force;  // within this turn
    double turn, turn_began, steady_since;    // number of the turn; [s]
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(mass, "kg", 40.0, 0.1, 1e6),
    PARAMETER(radius, "m", 0.24, 1e-3, 100.0),
    PARAMETER(frequency, "Hz", 2.5, 0.01, 1e3),
    PARAMETER(inertia, "kg.m^2", 0.9, 1e-6, 1e9),
    PARAMETER(bearing, "N.m.s/rad", 0.005, 0.0, 1e6),
    PARAMETER(steady_speed, "rad/s", 83.7758040957278, 0.0, 1e5),
    PARAMETER(settling, "s", 8.0, 0.0, 1e6),
    INPUT(unbalance, "kg", 0.3),
    INPUT(damping, "1", 0.15),
    INPUT(torque, "N.m", 0.0),
    INPUT(base, "m", 0.0),
    INPUT(base_velocity, "m/s", 0.0),
    OUTPUT(x, "m"),
    OUTPUT(y, "m"),
    OUTPUT(displacement, "m"),
    OUTPUT(acceleration, "m/s^2"),
    OUTPUT(angle, "rad"),
    OUTPUT(speed, "rad/s"),
    OUTPUT(force_x, "N"),
    OUTPUT(force_y, "N"),
    OUTPUT(amplitude, "m"),
    OUTPUT(transmitted, "N"),
    OUTPUT(mean_speed, "rad/s"),
    OUTPUT(steady_amplitude, "m"),
    OUTPUT(steady_force, "N"),
    OUTPUT(energy_error, "1"),
};

static bool check(const void* memory, char* text, size_t room) {
    const Self* self = memory;
    const double product = self->unbalance * self->radius;
    if (self->unbalance >= 0.0 && product * product < 0.5 * self->inertia * self->mass) return true;
    snprintf(
        text, room,
        "unbalance = %.9g kg is too much for mass = %.9g kg and inertia = %.9g kg m^2, or negative; at most %.9g kg.",
        self->unbalance, self->mass, self->inertia, sqrt(0.5 * self->inertia * self->mass) / self->radius);
    return false;
}

static double stiffness(const Self* self) {
    const double w = TURN * self->frequency;
    return self->mass * w * w;
}

static double damper(const Self* self) { return 2.0 * self->damping * self->mass * TURN * self->frequency; }

// What springs and dampers do to the tub.
static double held_x(const Self* self, const double* s, double base) {
    return -stiffness(self) * (s[X] - base) - damper(self) * (s[VX] - self->base_velocity);
}

static double held_y(const Self* self, const double* s) { return -stiffness(self) * s[Y] - damper(self) * s[VY]; }

// Within a step the base goes on with its velocity; time counts from the begin of the step.
static void rates(const void* memory, double time, const double* s, double* ds) {
    const Self* self = memory;
    const double product = self->unbalance * self->radius, sine = sin(s[ANGLE]), cosine = cos(s[ANGLE]);
    const double base = self->base + self->base_velocity * time;
    const double fx = held_x(self, s, base) + product * s[SPEED] * s[SPEED] * cosine;
    const double fy = held_y(self, s) + product * s[SPEED] * s[SPEED] * sine;
    const double moment = self->torque - self->bearing * s[SPEED] - product * GRAVITY * cosine +
                          product / self->mass * (fx * sine - fy * cosine);
    const double turning = moment / (self->inertia - product * product / self->mass);
    ds[X] = s[VX];
    ds[VX] = (fx + product * turning * sine) / self->mass;
    ds[Y] = s[VY];
    ds[VY] = (fy - product * turning * cosine) / self->mass;
    ds[ANGLE] = s[SPEED];
    ds[SPEED] = turning;
    const double slide = s[VX] - self->base_velocity;
    ds[DRIVEN] = self->torque * s[SPEED];
    ds[DAMPED] = damper(self) * (slide * slide + s[VY] * s[VY]) + self->bearing * s[SPEED] * s[SPEED];
    ds[CARRIED] = held_x(self, s, base) * self->base_velocity;
}

static double energy(const Self* self) {  // kinetic, of the springs, and of the unbalance's height
    const double* s = self->state;
    const double product = self->unbalance * self->radius, sine = sin(s[ANGLE]), cosine = cos(s[ANGLE]);
    const double stretch = s[X] - self->base;
    return 0.5 * self->mass * (s[VX] * s[VX] + s[VY] * s[VY]) + 0.5 * self->inertia * s[SPEED] * s[SPEED] +
           product * s[SPEED] * (s[VY] * cosine - s[VX] * sine) + product * GRAVITY * sine +
           0.5 * stiffness(self) * (stretch * stretch + s[Y] * s[Y]);
}

// Laundry moves within the drum: the centre of mass of all stays where it is and keeps its velocity, so the tub gives
// way.
static void rearrange(Self* self) {
    double* s = self->state;
    const double share = (self->unbalance - self->last_unbalance) * self->radius / self->mass;
    const double sine = sin(s[ANGLE]), cosine = cos(s[ANGLE]);
    s[X] -= share * cosine;
    s[Y] -= share * sine;
    s[VX] += share * s[SPEED] * sine;
    s[VY] -= share * s[SPEED] * cosine;
}

static void begin_account(Self* self) {
    self->last_unbalance = self->unbalance;
    self->state[DRIVEN] = self->state[DAMPED] = self->state[CARRIED] = 0.0;
    self->stored = energy(self);
    self->turned = 0.0;
}

static void begin_turn(Self* self, double time) {
    self->low = self->high = self->state[X] - self->base;
    self->low_force = self->high_force = self->force_x;
    self->turn = floor(self->state[ANGLE] / TURN);
    self->turn_began = time;
}

static void write_outputs(Self* self) {
    const double* s = self->state;
    double ds[STATES];
    rates(self, 0.0, s, ds);
    self->x = s[X];
    self->y = s[Y];
    self->displacement = hypot(s[X] - self->base, s[Y]);
    self->acceleration = ds[VX];
    self->angle = s[ANGLE];
    self->speed = s[SPEED];
    self->force_x = -held_x(self, s, self->base);
    self->force_y = -held_y(self, s);
}

static void start(void* memory, double time) {
    Self* self = memory;
    for (int i = 0; i < STATES; ++i) self->state[i] = 0.0;
    self->state[X] = self->base;
    self->amplitude = self->transmitted = self->mean_speed = 0.0;
    self->steady_amplitude = self->steady_force = self->energy_error = 0.0;
    self->steady_since = HUGE_VAL;
    self->last_base = self->base;
    write_outputs(self);
    begin_account(self);
    begin_turn(self, time);
}

// A turn is complete: what was its amplitude, and has the speed been the one that is asked for long enough?
static void end_turn(Self* self, double now) {
    const double* s = self->state;
    const double time = now - (s[ANGLE] - TURN * floor(s[ANGLE] / TURN)) / s[SPEED];  // between two sub-steps
    const double amplitude = self->amplitude, transmitted = self->transmitted;        // of the turn before
    self->amplitude = 0.5 * (self->high - self->low);
    self->transmitted = 0.5 * (self->high_force - self->low_force);
    self->mean_speed = TURN / (time - self->turn_began);
    if (fabs(self->mean_speed - self->steady_speed) > 1e-3 * self->steady_speed)
        self->steady_since = HUGE_VAL;
    else if (self->steady_since == HUGE_VAL)
        self->steady_since = time;
    if (time - self->steady_since >= self->settling) {
        self->steady_amplitude = amplitude;  // a turn that has just begun to slow down is steady still, by its mean
        self->steady_force = transmitted;
    }
    begin_turn(self, time);
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    const long count = sub_steps(length, LONGEST_SUB_STEP);
    const double h = length / (double)count, base = self->base;
    if (self->unbalance != self->last_unbalance) {
        rearrange(self);
        begin_account(self);
    }
    if (base != self->last_base) {  // not where its velocity has led: work done on the springs
        const double ahead = self->state[X] - base, behind = self->state[X] - self->last_base;
        self->state[CARRIED] += 0.5 * stiffness(self) * (ahead * ahead - behind * behind);
    }
    for (long i = 0; i < count; ++i) {
        self->base = base;  // as it was when the step began: rates() carries it on
        runge_kutta(rates, self, (double)i * h, h, STATES, self->state);
        const double now = (double)(i + 1) * h;
        self->base = base + self->base_velocity * now;
        const double stretch = self->state[X] - self->base, force = -held_x(self, self->state, self->base);
        self->low = fmin(self->low, stretch);
        self->high = fmax(self->high, stretch);
        self->low_force = fmin(self->low_force, force);
        self->high_force = fmax(self->high_force, force);
        if (floor(self->state[ANGLE] / TURN) != self->turn) end_turn(self, time + now);
    }
    self->last_base = self->base;
    // a drum at rest makes no turns
    if (time + length - self->turn_began > 3.0) {
        self->amplitude = 0.5 * (self->high - self->low);
        self->transmitted = 0.5 * (self->high_force - self->low_force);
        self->mean_speed = 0.0;
        self->steady_since = HUGE_VAL;
        begin_turn(self, time + length);
    }
    write_outputs(self);
    const double* s = self->state;
    const double balance = energy(self) - self->stored - s[DRIVEN] + s[DAMPED] - s[CARRIED];
    self->turned = fmax(self->turned, fabs(s[DRIVEN]) + fabs(s[DAMPED]) + fabs(s[CARRIED]) + fabs(self->stored));
    self->energy_error = fabs(balance) / (self->turned + 1.0);
}

const Model crumple_model = {"{crumple-washer_tub-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
