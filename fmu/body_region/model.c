// A robot's effective mass against a region of the human body: two masses and a spring, or one against a clamped
// spring. Equations, sources and what is left out: README.md beside this file.

#include "../common/model.h"

#include <math.h>
#include <stdio.h>

#include "../common/integrate.h"

#define TURN 0.005  // sub-steps turn the oscillation by this [rad]: the peak is off by at most 3e-6 of itself
#define LONGEST_SUB_STEP 50e-6  // [s], out of contact
#define STILL 1e-9              // speed that a brake holds [m/s]

typedef struct {
    // inputs
    double drive_force, brake;
    // parameters
    double robot_mass, robot_speed_at_start, gap;
    double region_mass, stiffness, clamped, push, brake_force, contact_area;
    double transient_limit, quasi_static_limit;
    // outputs
    double force, peak_force, pressure, peak_pressure, contact_time, longest_contact, separation, penetration;
    double robot_position, robot_speed, region_position, region_speed, allowed_speed, energy_error;
    // states besides positions and speeds
    double energy;   // kinetic and elastic at the start [J]
    double work;     // of drive and brake [J]
    double held;     // 1: the brake holds the robot still
    double touched;  // 1 from the first touch on
    double slide;    // 1, -1: it slides forward or back in the brake; 0: it does not
} Self;

static const Variable VARIABLES[] = {
    INPUT(drive_force, "N", 0.0),
    INPUT(brake, "1", 0.0),
    PARAMETER(robot_mass, "kg", 10.0, 0.1, 1e4),
    PARAMETER(robot_speed_at_start, "m/s", 0.25, 0.0, 100.0),
    PARAMETER(gap, "m", 0.05, 0.0, 100.0),
    PARAMETER(region_mass, "kg", 40.0, 0.01, 1e4),
    PARAMETER(stiffness, "N/m", 25e3, 1.0, 1e8),
    PARAMETER(clamped, "1", 0.0, 0.0, 1.0),
    PARAMETER(push, "1", 0.0, 0.0, 1.0),
    PARAMETER(brake_force, "N", 1000.0, 0.0, 1e6),
    PARAMETER(contact_area, "m^2", 1e-3, 1e-8, 1.0),
    PARAMETER(transient_limit, "N", 280.0, 0.0, 1e6),
    PARAMETER(quasi_static_limit, "N", 140.0, 0.0, 1e6),
    OUTPUT(force, "N"),
    OUTPUT(peak_force, "N"),
    OUTPUT(pressure, "Pa"),
    OUTPUT(peak_pressure, "Pa"),
    OUTPUT(contact_time, "s"),
    OUTPUT(longest_contact, "s"),
    OUTPUT(separation, "m"),
    OUTPUT(penetration, "m"),
    OUTPUT(robot_position, "m"),
    OUTPUT(robot_speed, "m/s"),
    OUTPUT(region_position, "m"),
    OUTPUT(region_speed, "m/s"),
    OUTPUT(allowed_speed, "m/s"),
    OUTPUT(energy_error, "1"),
};

// The states while a step is integrated, in this order.
enum { ROBOT, ROBOT_SPEED, REGION, REGION_SPEED, WORK, COUNT };

static double spring(const Self* self, const double* y) {
    const double into = y[ROBOT] - y[REGION];
    return into > 0.0 ? self->stiffness * into : 0.0;
}

static double driven(const Self* self) {
    return self->touched != 0.0 ? self->push * self->drive_force : self->drive_force;
}

static double reduced_mass(const Self* self) { return 1.0 / (1.0 / self->region_mass + 1.0 / self->robot_mass); }

static void rates(const void* memory, double time, const double* y, double* dy) {
    const Self* self = memory;
    const double contact = spring(self, y);
    double on_robot = driven(self);
    (void)time;
    on_robot -= self->slide * self->brake_force;
    dy[ROBOT] = self->held != 0.0 ? 0.0 : y[ROBOT_SPEED];
    dy[ROBOT_SPEED] = self->held != 0.0 ? 0.0 : (on_robot - contact) / self->robot_mass;
    dy[REGION] = y[REGION_SPEED];
    dy[REGION_SPEED] = self->clamped >= 0.5 ? 0.0 : contact / self->region_mass;
    dy[WORK] = self->held != 0.0 ? 0.0 : on_robot * y[ROBOT_SPEED];
}

// Before a sub-step: whether the brake holds the robot, lets it slide, and which way. One that stands is let go where
// it is pushed harder than the brake can hold.
static void grip(Self* self, double* y) {
    const double push = driven(self) - spring(self, y), v = y[ROBOT_SPEED];
    self->held = self->slide = 0.0;
    if (self->brake < 0.5) return;
    if (fabs(v) > STILL) {
        self->slide = v > 0.0 ? 1.0 : -1.0;
    } else if (fabs(push) > self->brake_force) {
        self->slide = push > 0.0 ? 1.0 : -1.0;
    } else {
        y[WORK] -= 0.5 * self->robot_mass * v * v;
        y[ROBOT_SPEED] = 0.0;
        self->held = 1.0;
    }
}

// Time until a sliding robot stands, for a constant acceleration; at most `most` [s].
static double until_still(const Self* self, const double* y, double most) {
    double dy[COUNT];
    if (self->slide == 0.0) return most;
    rates(self, 0.0, y, dy);
    const double v = y[ROBOT_SPEED], a = dy[ROBOT_SPEED];
    return v * a < 0.0 && -v / a < most ? -v / a : most;
}

// Time until the bodies touch, for constant speeds and robot acceleration; at most `most` [s].
static double until_touch(const Self* self, const double* y, double most) {
    const double gap = y[REGION] - y[ROBOT];
    if (!(gap > 0.0)) return most;
    double dy[COUNT];
    rates(self, 0.0, y, dy);
    const double v = (self->held != 0.0 ? 0.0 : y[ROBOT_SPEED]) - y[REGION_SPEED], a = dy[ROBOT_SPEED];
    const double root = v * v + 2.0 * a * gap;
    if (!(root > 0.0)) return most;
    const double below = v + sqrt(root);
    const double t = below > 0.0 ? 2.0 * gap / below : most;
    return t > 0.0 && t < most ? t : most;
}

static double energy(const Self* self, const double* y) {
    const double into = y[ROBOT] > y[REGION] ? y[ROBOT] - y[REGION] : 0.0;
    const double region = self->clamped >= 0.5 ? 0.0 : self->region_mass * y[REGION_SPEED] * y[REGION_SPEED];
    return 0.5 * (self->robot_mass * y[ROBOT_SPEED] * y[ROBOT_SPEED] + region + self->stiffness * into * into);
}

static void states(const Self* self, double* y) {
    y[ROBOT] = self->robot_position;
    y[ROBOT_SPEED] = self->robot_speed;
    y[REGION] = self->region_position;
    y[REGION_SPEED] = self->region_speed;
    y[WORK] = self->work;
}

static void write_outputs(Self* self) {
    double y[COUNT];
    states(self, y);
    self->force = spring(self, y);
    self->pressure = self->force / self->contact_area;
    self->peak_pressure = self->peak_force / self->contact_area;
    self->separation = y[REGION] > y[ROBOT] ? y[REGION] - y[ROBOT] : 0.0;
    self->penetration = y[ROBOT] > y[REGION] ? y[ROBOT] - y[REGION] : 0.0;
    self->allowed_speed = self->transient_limit / sqrt(reduced_mass(self) * self->stiffness);
    const double there = self->energy + self->work;
    const double scale = self->energy + fabs(self->work) + 1e-12;
    self->energy_error = fabs(energy(self, y) - there) / scale;
}

static bool check(const void* memory, char* text, size_t room) {
    const Self* self = memory;
    if (self->clamped != 0.0 && self->clamped != 1.0) {
        snprintf(text, room, "clamped = %.9g must be 0 (free) or 1 (before a wall).", self->clamped);
        return false;
    }
    return true;
}

static void start(void* memory, double time) {
    Self* self = memory;
    double y[COUNT];
    (void)time;
    self->robot_position = -self->gap;
    self->robot_speed = self->robot_speed_at_start;
    self->region_position = self->region_speed = 0.0;
    self->work = self->held = self->slide = self->touched = 0.0;
    self->peak_force = self->contact_time = self->longest_contact = 0.0;
    states(self, y);
    self->energy = energy(self, y);
    write_outputs(self);
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    const double mass = self->clamped >= 0.5 ? self->robot_mass : reduced_mass(self);
    const double in_contact = TURN * sqrt(mass / self->stiffness);
    double y[COUNT], done = 0.0;
    states(self, y);
    while (done < length) {
        const double left = length - done, finest = 1e-9 * length;
        const bool touching = y[ROBOT] >= y[REGION];
        const double longest = touching && in_contact < LONGEST_SUB_STEP ? in_contact : LONGEST_SUB_STEP;
        if (touching) self->touched = 1.0;
        grip(self, y);
        double h = until_still(self, y, left / (double)sub_steps(left, longest));
        if (!touching) h = until_touch(self, y, h);
        if (h < finest) h = finest;
        if (left - h < finest) h = left;
        const double way = self->slide;
        runge_kutta(rates, self, time + done, h, COUNT, y);
        if (way * y[ROBOT_SPEED] < 0.0) {  // it came to rest within: a brake does not turn the motion round
            y[WORK] -= 0.5 * self->robot_mass * y[ROBOT_SPEED] * y[ROBOT_SPEED];
            y[ROBOT_SPEED] = 0.0;
        }
        done += h;
        const double force = spring(self, y);
        if (force > self->peak_force) self->peak_force = force;
        // one contact may pause for the bounce of a hard surface; that is counted as two
        self->contact_time = force > 0.0 ? self->contact_time + h : 0.0;
        if (self->contact_time > self->longest_contact) self->longest_contact = self->contact_time;
    }
    self->robot_position = y[ROBOT];
    self->robot_speed = y[ROBOT_SPEED];
    self->region_position = y[REGION];
    self->region_speed = y[REGION_SPEED];
    self->work = y[WORK];
    write_outputs(self);
}

const Model crumple_model = {"{crumple-body_region-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
