// A driver of two masses, torso and head on a neck, moved by the restraints' forces in a cabin that slows down.
// Equations, sources and the fit: README.md beside this file.

#include "../common/model.h"

#include <math.h>
#include <stdio.h>

#include "../common/integrate.h"

#define LONGEST_SUB_STEP 10e-6  // [s]

typedef struct {
    // inputs: the cabin over ground, forward positive; forces that push the body back, >= 0
    double cabin_acceleration, cabin_velocity, cabin_displacement;
    double torso_force, head_force, belt_force;
    // parameters
    double torso_mass, head_mass, neck_stiffness, neck_damping, chest_stiffness, chest_damping;
    // outputs
    double head_acceleration, head_acceleration_x, chest_acceleration, chest_acceleration_x;
    double torso_displacement, torso_velocity, head_displacement, head_velocity;  // against the cabin
    double chest_deflection, neck_force;
    double kinetic_energy, neck_energy, restraint_work, cabin_work, energy_error;
    // states besides chest_deflection and the works: over ground
    double torso_position, torso_speed, head_position, head_speed;
    // history
    double kinetic_energy_before;                                          // at the start [J]
    double neck_work;                                                      // [J]
    double last_step, last_torso_force, last_head_force, last_belt_force;  // of the step before; step 0: none
} Self;

static const Variable VARIABLES[] = {
    INPUT(cabin_acceleration, "m/s^2", 0.0),
    INPUT(cabin_velocity, "m/s", 0.0),
    INPUT(cabin_displacement, "m", 0.0),
    INPUT(torso_force, "N", 0.0),
    INPUT(head_force, "N", 0.0),
    INPUT(belt_force, "N", 0.0),
    PARAMETER(torso_mass, "kg", 37.0, 0.1, 1e6),
    PARAMETER(head_mass, "kg", 4.54, 0.1, 1e6),
    PARAMETER(neck_stiffness, "N/m", 2500.0, 0.0, 1e9),
    PARAMETER(neck_damping, "N.s/m", 125.0, 0.0, 1e6),
    PARAMETER(chest_stiffness, "N/m", 322e3, 1.0, 1e12),
    PARAMETER(chest_damping, "N.s/m", 3870.0, 1.0, 1e12),
    OUTPUT(head_acceleration, "m/s^2"),
    OUTPUT(head_acceleration_x, "m/s^2"),
    OUTPUT(chest_acceleration, "m/s^2"),
    OUTPUT(chest_acceleration_x, "m/s^2"),
    OUTPUT(torso_displacement, "m"),
    OUTPUT(torso_velocity, "m/s"),
    OUTPUT(head_displacement, "m"),
    OUTPUT(head_velocity, "m/s"),
    OUTPUT(chest_deflection, "m"),
    OUTPUT(neck_force, "N"),
    OUTPUT(kinetic_energy, "J"),
    OUTPUT(neck_energy, "J"),
    OUTPUT(restraint_work, "J"),
    OUTPUT(cabin_work, "J"),
    OUTPUT(energy_error, "1"),
};

static bool check(const void* memory, char* text, size_t room) {
    const Self* self = memory;
    const double least = 0.5 * LONGEST_SUB_STEP * self->chest_stiffness;  // Runge-Kutta stays stable
    if (self->chest_damping >= least) return true;
    snprintf(text, room, "chest_damping = %.9g N.s/m must be at least %.9g N.s/m with chest_stiffness = %.9g N/m.",
             self->chest_damping, least, self->chest_stiffness);
    return false;
}

// A force within a step: its value at the begin and the slope that the last two values show. It never turns negative.
typedef struct {
    double value, slope;
} Course;

static Course course(double now, double before, double last_step) {
    const Course c = {now, last_step > 0.0 ? (now - before) / last_step : 0.0};
    return c;
}

static double along(Course c, double t) {
    const double force = c.value + c.slope * t;
    return force > 0.0 || c.value < 0.0 ? force : 0.0;
}

typedef struct {
    const Self* self;
    double begin;  // [s]
    Course torso, head, belt;
} Push;

// The states while a step is integrated; positions and speeds over ground.
enum { TORSO, TORSO_SPEED, HEAD, HEAD_SPEED, DEFLECTION, RESTRAINT_WORK, CABIN_WORK, NECK_WORK, COUNT };

static double neck(const Self* self, const double* y) {
    return self->neck_stiffness * (y[HEAD] - y[TORSO]) + self->neck_damping * (y[HEAD_SPEED] - y[TORSO_SPEED]);
}

static void rates(const void* memory, double time, const double* y, double* dy) {
    const Push* push = memory;
    const Self* self = push->self;
    const double t = time - push->begin;
    const double torso = along(push->torso, t), head = along(push->head, t);
    const double pull = neck(self, y);  // the head is ahead: it pulls the torso forward
    const double cabin = self->cabin_velocity + self->cabin_acceleration * t;
    dy[TORSO] = y[TORSO_SPEED];
    dy[TORSO_SPEED] = (pull - torso) / self->torso_mass;
    dy[HEAD] = y[HEAD_SPEED];
    dy[HEAD_SPEED] = (-pull - head) / self->head_mass;
    dy[DEFLECTION] = (along(push->belt, t) - self->chest_stiffness * y[DEFLECTION]) / self->chest_damping;
    dy[RESTRAINT_WORK] = torso * (y[TORSO_SPEED] - cabin) + head * (y[HEAD_SPEED] - cabin);
    dy[CABIN_WORK] = (torso + head) * cabin;
    dy[NECK_WORK] = pull * (y[HEAD_SPEED] - y[TORSO_SPEED]);
}

// Outputs at `t` [s] into the step that `push` describes.
static void write_outputs(Self* self, const Push* push, double t) {
    const double y[COUNT] = {self->torso_position, self->torso_speed, self->head_position, self->head_speed};
    const double pull = neck(self, y);
    const double cabin_speed = self->cabin_velocity + self->cabin_acceleration * t;
    const double cabin_position =
        self->cabin_displacement + t * (self->cabin_velocity + 0.5 * self->cabin_acceleration * t);
    self->neck_force = pull;
    self->chest_acceleration_x = (pull - along(push->torso, t)) / self->torso_mass;
    self->head_acceleration_x = (-pull - along(push->head, t)) / self->head_mass;
    self->chest_acceleration = fabs(self->chest_acceleration_x);
    self->head_acceleration = fabs(self->head_acceleration_x);
    self->torso_displacement = self->torso_position - cabin_position;
    self->torso_velocity = self->torso_speed - cabin_speed;
    self->head_displacement = self->head_position - cabin_position;
    self->head_velocity = self->head_speed - cabin_speed;
    self->kinetic_energy = 0.5 * self->torso_mass * self->torso_speed * self->torso_speed +
                           0.5 * self->head_mass * self->head_speed * self->head_speed;
    self->neck_energy = self->neck_work;
    const double lost = self->kinetic_energy + self->neck_energy + self->restraint_work + self->cabin_work -
                        self->kinetic_energy_before;
    self->energy_error = self->kinetic_energy_before > 0.0 ? fabs(lost) / self->kinetic_energy_before : 0.0;
}

static void start(void* memory, double time) {
    Self* self = memory;
    self->torso_position = self->head_position = self->cabin_displacement;  // seated, and as fast as the cabin
    self->torso_speed = self->head_speed = self->cabin_velocity;
    self->chest_deflection = self->restraint_work = self->cabin_work = self->neck_work = 0.0;
    self->last_step = self->last_torso_force = self->last_head_force = self->last_belt_force = 0.0;
    self->kinetic_energy_before =
        0.5 * (self->torso_mass + self->head_mass) * self->cabin_velocity * self->cabin_velocity;
    const Push push = {self, time, {self->torso_force, 0.0}, {self->head_force, 0.0}, {self->belt_force, 0.0}};
    write_outputs(self, &push, 0.0);
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    const Push push = {self, time, course(self->torso_force, self->last_torso_force, self->last_step),
                       course(self->head_force, self->last_head_force, self->last_step),
                       course(self->belt_force, self->last_belt_force, self->last_step)};
    const long count = sub_steps(length, LONGEST_SUB_STEP);
    const double h = length / (double)count;
    double y[COUNT] = {self->torso_position,   self->torso_speed,    self->head_position, self->head_speed,
                       self->chest_deflection, self->restraint_work, self->cabin_work,    self->neck_work};
    for (long i = 0; i < count; ++i) runge_kutta(rates, &push, time + (double)i * h, h, COUNT, y);
    self->torso_position = y[TORSO];
    self->torso_speed = y[TORSO_SPEED];
    self->head_position = y[HEAD];
    self->head_speed = y[HEAD_SPEED];
    self->chest_deflection = y[DEFLECTION];
    self->restraint_work = y[RESTRAINT_WORK];
    self->cabin_work = y[CABIN_WORK];
    self->neck_work = y[NECK_WORK];
    self->last_step = length;
    self->last_torso_force = self->torso_force;
    self->last_head_force = self->head_force;
    self->last_belt_force = self->belt_force;
    write_outputs(self, &push, length);
}

const Model crumple_model = {"{crumple-occupant-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
