// A driver's restraints as forces on torso and head: belt with pretensioner and load limiter, airbag, steering wheel.
// Equations, sources and the fit: README.md beside this file.

#include "../common/model.h"

#include <math.h>
#include <stdio.h>

#include "../common/crush_law.h"
#include "../common/integrate.h"

#define LONGEST_SUB_STEP 10e-6   // [s]
#define ATMOSPHERE 101325.0      // [Pa]
#define GAMMA 1.4                // of the bag's gas [1]
#define VENT_COEFFICIENT 0.65    // discharge [1]
#define GAS_DENSITY 0.8          // of the hot gas in the vents [kg/m^3]
#define SOFT_PRESSURE 500.0      // below this overpressure the vent flow fades linearly, not as a root [Pa]
#define RAMP 4e-3                // inflator rises and falls in this time [s]
#define LEAST_VOLUME 0.05        // share of the bag's volume that cannot be pressed out [1]
#define PRETENSIONER_BURN 12e-3  // how long the pretensioner can pull [s]
#define BELT_REMAIN 0.3          // belt force left on the way back: a drop of 70 per cent

typedef struct {
    double fired, time;  // 0 or 1; [s]
} Squib;

typedef struct {
    // inputs: torso and head from where they sat, against the cabin, forward positive
    double fire, torso_displacement, torso_velocity, head_displacement, head_velocity;
    double fire_pretensioner, fire_stage1, fire_stage2;  // one squib each; `fire` is all of them at once
    // parameters
    double slack, belt_stiffness, limiter_force, belt_unload_stiffness;
    double pretensioner_delay, pretensioner_speed, pretensioner_force, pretensioner_stroke;
    double bag_volume, ignition_delay, fill_delay, gas_ratio, stage1_share, vent_area;
    double bag_torso_distance, bag_torso_area, bag_torso_depth, bag_head_distance, bag_head_area, bag_head_depth;
    double wheel_distance, wheel_stiffness, wheel_yield, wheel_unload_stiffness;
    double column_distance, column_stiffness, column_yield, column_unload_stiffness;
    // outputs
    double torso_force, head_force, belt_force, bag_force, wheel_force, column_force;
    double bag_pressure, bag_fill, pretensioner_travel, gas_share;
    double belt_energy, pretensioner_energy, bag_energy, wheel_energy, absorbed_energy, energy_error;
    // states besides pretensioner_travel and the energies
    double gas;  // what the bag's gas would fill at atmospheric pressure with the same energy [m^3]
    // history
    Squib pretensioner, stage1, stage2;
    double deepest_belt, deepest_wheel, deepest_column;         // [m]
    double last_step, last_torso_velocity, last_head_velocity;  // of the step before, for extrapolation; step 0: none
    CrushLaw belt, wheel, column;
} Self;

static const Variable VARIABLES[] = {
    INPUT(fire, "1", 0.0),
    INPUT(torso_displacement, "m", 0.0),
    INPUT(torso_velocity, "m/s", 0.0),
    INPUT(head_displacement, "m", 0.0),
    INPUT(head_velocity, "m/s", 0.0),
    PARAMETER(slack, "m", 0.02, 0.0, 1.0),
    PARAMETER(belt_stiffness, "N/m", 75e3, 1.0, 1e9),
    PARAMETER(limiter_force, "N", 7450.0, 1.0, 1e9),
    PARAMETER(belt_unload_stiffness, "N/m", 330e3, 1.0, 1e12),
    PARAMETER(pretensioner_delay, "s", 0.004, 0.0, 1e3),
    PARAMETER(pretensioner_speed, "m/s", 10.0, 0.0, 1e3),
    PARAMETER(pretensioner_force, "N", 5500.0, 1.0, 1e9),
    PARAMETER(pretensioner_stroke, "m", 0.06, 0.0, 1.0),
    PARAMETER(bag_volume, "m^3", 0.06, 1e-3, 10.0),
    PARAMETER(ignition_delay, "s", 0.005, 0.0, 1e3),
    PARAMETER(fill_delay, "s", 0.030, 1e-3, 1e3),
    PARAMETER(gas_ratio, "1", 1.43, 0.0, 100.0),
    PARAMETER(vent_area, "m^2", 3.9e-3, 0.0, 1.0),
    PARAMETER(bag_torso_distance, "m", 0.085, 0.0, 10.0),
    PARAMETER(bag_torso_area, "m^2", 0.171, 0.0, 10.0),
    PARAMETER(bag_torso_depth, "m", 0.14, 1e-3, 10.0),
    PARAMETER(bag_head_distance, "m", 0.11, 0.0, 10.0),
    PARAMETER(bag_head_area, "m^2", 0.028, 0.0, 10.0),
    PARAMETER(bag_head_depth, "m", 0.12, 1e-3, 10.0),
    PARAMETER(wheel_distance, "m", 0.46, 0.0, 10.0),
    PARAMETER(wheel_stiffness, "N/m", 100e3, 1.0, 1e9),
    PARAMETER(wheel_yield, "N", 4e3, 1.0, 1e9),
    PARAMETER(wheel_unload_stiffness, "N/m", 1e6, 1.0, 1e12),
    PARAMETER(column_distance, "m", 0.30, 0.0, 10.0),
    PARAMETER(column_stiffness, "N/m", 200e3, 1.0, 1e9),
    PARAMETER(column_yield, "N", 8e3, 1.0, 1e9),
    PARAMETER(column_unload_stiffness, "N/m", 1e6, 1.0, 1e12),
    OUTPUT(torso_force, "N"),
    OUTPUT(head_force, "N"),
    OUTPUT(belt_force, "N"),
    OUTPUT(bag_force, "N"),
    OUTPUT(wheel_force, "N"),
    OUTPUT(column_force, "N"),
    OUTPUT(bag_pressure, "Pa"),
    OUTPUT(bag_fill, "1"),
    OUTPUT(pretensioner_travel, "m"),
    OUTPUT(belt_energy, "J"),
    OUTPUT(pretensioner_energy, "J"),
    OUTPUT(bag_energy, "J"),
    OUTPUT(wheel_energy, "J"),
    OUTPUT(absorbed_energy, "J"),
    OUTPUT(energy_error, "1"),
    INPUT(fire_pretensioner, "1", 0.0),
    INPUT(fire_stage1, "1", 0.0),
    INPUT(fire_stage2, "1", 0.0),
    PARAMETER(stage1_share, "1", 0.7, 0.0, 1.0),
    OUTPUT(gas_share, "1"),
};

// Where torso and head are, against the cabin [m, m/s].
typedef struct {
    double torso, torso_speed, head, head_speed;
} Motion;

typedef struct {
    double belt, bag_torso, bag_head, wheel, column;  // [N]
    double pressure;                                  // over the atmosphere [Pa]
    double room;                                      // left in the bag [m^3]
    double gas_rate;                                  // [m^3/s]
    double pretensioner_rate;                         // [m/s]
} Forces;

// The states while a step is integrated, in this order.
enum { GAS, TRAVEL, BELT_WORK, PRETENSIONER_WORK, BAG_WORK, WHEEL_WORK, COUNT };

// Motion within a step: inputs at its begin, and the acceleration that the last two inputs show.
typedef struct {
    const Self* self;
    double begin;  // [s]
    Motion at;
    double torso_acceleration, head_acceleration;
} Course;

static Motion motion(const Course* course, double time) {
    const double t = time - course->begin;
    const double a = course->torso_acceleration, b = course->head_acceleration;
    const Motion m = {course->at.torso + t * (course->at.torso_speed + 0.5 * a * t), course->at.torso_speed + a * t,
                      course->at.head + t * (course->at.head_speed + 0.5 * b * t), course->at.head_speed + b * t};
    return m;
}

static double belt_stretch(const Self* self, double torso, double travel) { return torso - self->slack + travel; }

static bool check(const void* memory, char* text, size_t room) {
    const Self* self = memory;
    const struct {
        const char* name;
        double unload, load;
    } pairs[] = {{"belt", self->belt_unload_stiffness, self->belt_stiffness},
                 {"wheel", self->wheel_unload_stiffness, self->wheel_stiffness},
                 {"column", self->column_unload_stiffness, self->column_stiffness}};
    for (int i = 0; i < 3; ++i) {
        if (pairs[i].unload > pairs[i].load) continue;
        snprintf(text, room, "%s_unload_stiffness = %.9g N/m must be above %s_stiffness = %.9g N/m.", pairs[i].name,
                 pairs[i].unload, pairs[i].name, pairs[i].load);
        return false;
    }
    if (!(self->fill_delay > self->ignition_delay + RAMP)) {
        snprintf(text, room, "fill_delay = %.9g s must be more than %.9g s above ignition_delay = %.9g s.",
                 self->fill_delay, RAMP, self->ignition_delay);
        return false;
    }
    return true;
}

// Area a body presses on and the volume it takes from the bag: the area grows with depth, then stays.
static double pressed_area(double into, double depth, double area, double* volume) {
    if (into <= 0.0) {
        *volume = 0.0;
        return 0.0;
    }
    if (into < depth) {
        *volume = 0.5 * area * into * into / depth;
        return area * into / depth;
    }
    *volume = area * (into - 0.5 * depth);
    return area;
}

// Gas of both stages together [m^3/s at atmospheric pressure], `since` [s] after fire: rises, stays, falls. Its level
// is such that the bag is just full at fill_delay; the inflator burns on until it has given gas_ratio times the volume.
static double inflow(const Self* self, double since) {
    const double t = since - self->ignition_delay;
    const double level = self->bag_volume / (self->fill_delay - self->ignition_delay - 0.5 * RAMP);
    const double end = self->gas_ratio * self->bag_volume / level + RAMP;
    if (t <= 0.0 || t >= end) return 0.0;
    const double rise = t / RAMP, fall = (end - t) / RAMP;
    const double share = rise < fall ? rise : fall;
    return share < 1.0 ? share * level : level;
}

// Each stage gives its share, on its own time.
static double gas_in(const Self* self, double time) {
    const double first = self->stage1.fired != 0.0 ? inflow(self, time - self->stage1.time) : 0.0;
    const double second = self->stage2.fired != 0.0 ? inflow(self, time - self->stage2.time) : 0.0;
    return self->stage1_share * first + (1.0 - self->stage1_share) * second;
}

static Forces forces(const Self* self, const Motion* m, double time, double gas, double travel) {
    Forces f = {0};
    f.belt = law_force(&self->belt, belt_stretch(self, m->torso, travel), self->deepest_belt);
    f.wheel = law_force(&self->wheel, m->head - self->wheel_distance, self->deepest_wheel);
    f.column = law_force(&self->column, m->torso - self->column_distance, self->deepest_column);

    double torso_volume, head_volume;
    const double torso_area =
        pressed_area(m->torso - self->bag_torso_distance, self->bag_torso_depth, self->bag_torso_area, &torso_volume);
    const double head_area =
        pressed_area(m->head - self->bag_head_distance, self->bag_head_depth, self->bag_head_area, &head_volume);
    f.room = self->bag_volume - torso_volume - head_volume;
    const double least = LEAST_VOLUME * self->bag_volume;
    if (f.room < least) f.room = least;

    const double in = gas_in(self, time);
    if (gas <= f.room) {
        f.gas_rate = in;  // not yet taut: the bag unfolds at atmospheric pressure
    } else {
        const double ratio = gas / f.room;
        f.pressure = ATMOSPHERE * (ratio - 1.0);
        const double out = VENT_COEFFICIENT * self->vent_area * sqrt(2.0 / GAS_DENSITY) * f.pressure /
                           sqrt(f.pressure + SOFT_PRESSURE);
        const double squeeze = torso_area * m->torso_speed + head_area * m->head_speed;
        f.gas_rate = GAMMA * (in - ratio * out) + (GAMMA - 1.0) * ratio * squeeze;
    }
    f.bag_torso = f.pressure * torso_area;
    f.bag_head = f.pressure * head_area;

    const double pulling = time - self->pretensioner.time - self->pretensioner_delay;
    if (self->pretensioner.fired != 0.0 && pulling > 0.0 && pulling < PRETENSIONER_BURN &&
        travel < self->pretensioner_stroke && f.belt < self->pretensioner_force)
        f.pretensioner_rate = self->pretensioner_speed * (1.0 - f.belt / self->pretensioner_force);
    return f;
}

static void rates(const void* memory, double time, const double* y, double* dy) {
    const Course* course = memory;
    const Motion m = motion(course, time);
    const Forces f = forces(course->self, &m, time, y[GAS], y[TRAVEL]);
    dy[GAS] = f.gas_rate;
    dy[TRAVEL] = f.pretensioner_rate;
    dy[BELT_WORK] = f.belt * (m.torso_speed + f.pretensioner_rate);
    dy[PRETENSIONER_WORK] = f.belt * f.pretensioner_rate;
    dy[BAG_WORK] = f.bag_torso * m.torso_speed + f.bag_head * m.head_speed;
    dy[WHEEL_WORK] = f.wheel * m.head_speed + f.column * m.torso_speed;
}

// Work that a law holds or has used up [J], from its curve alone.
static double law_energy(const CrushLaw* law, double x, double deepest) {
    return law_absorbed(law, deepest) - law_returned(law, x, deepest);
}

static void write_outputs(Self* self, const Motion* m, double time) {
    const Forces f = forces(self, m, time, self->gas, self->pretensioner_travel);
    self->belt_force = f.belt;
    self->bag_force = f.bag_torso + f.bag_head;
    self->wheel_force = f.wheel;
    self->column_force = f.column;
    self->torso_force = f.belt + f.bag_torso + f.column;
    self->head_force = f.bag_head + f.wheel;
    self->bag_pressure = f.pressure;
    self->bag_fill = self->gas < f.room ? self->gas / f.room : 1.0;
    self->gas_share = self->stage1.fired * self->stage1_share + self->stage2.fired * (1.0 - self->stage1_share);
    self->absorbed_energy = self->belt_energy - self->pretensioner_energy + self->bag_energy + self->wheel_energy;
    // work by integration against the areas of the curves; the bag has no such second way
    const double by_curve =
        law_energy(&self->belt, belt_stretch(self, m->torso, self->pretensioner_travel), self->deepest_belt) +
        law_energy(&self->wheel, m->head - self->wheel_distance, self->deepest_wheel) +
        law_energy(&self->column, m->torso - self->column_distance, self->deepest_column);
    const double by_work = self->belt_energy + self->wheel_energy;
    self->energy_error = fabs(by_work - by_curve) / (fabs(by_work) + fabs(self->bag_energy) + 1.0);
}

static void keep_deepest(Self* self, const Motion* m, double travel) {
    const double belt = belt_stretch(self, m->torso, travel);
    const double wheel = m->head - self->wheel_distance, column = m->torso - self->column_distance;
    if (belt > self->deepest_belt) self->deepest_belt = belt;
    if (wheel > self->deepest_wheel) self->deepest_wheel = wheel;
    if (column > self->deepest_column) self->deepest_column = column;
}

static void start(void* memory, double time) {
    Self* self = memory;
    self->belt = elastic_plastic(self->belt_stiffness, self->limiter_force, self->belt_unload_stiffness, BELT_REMAIN);
    self->wheel = elastic_plastic(self->wheel_stiffness, self->wheel_yield, self->wheel_unload_stiffness, 0.0);
    self->column = elastic_plastic(self->column_stiffness, self->column_yield, self->column_unload_stiffness, 0.0);
    self->gas = self->pretensioner_travel = 0.0;
    self->belt_energy = self->pretensioner_energy = self->bag_energy = self->wheel_energy = 0.0;
    const Squib unlit = {0.0, 0.0};
    self->pretensioner = self->stage1 = self->stage2 = unlit;
    self->deepest_belt = self->deepest_wheel = self->deepest_column = 0.0;
    self->last_step = self->last_torso_velocity = self->last_head_velocity = 0.0;
    const Motion seated = {0.0, 0.0, 0.0, 0.0};  // inputs count from the first step on
    write_outputs(self, &seated, time);
}

// A squib cannot be unlit: the first command counts.
static void light(Squib* squib, double command, double time) {
    if (squib->fired != 0.0 || command < 0.5) return;
    squib->fired = 1.0;
    squib->time = time;
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    light(&self->pretensioner, fmax(self->fire, self->fire_pretensioner), time);
    light(&self->stage1, fmax(self->fire, self->fire_stage1), time);
    light(&self->stage2, fmax(self->fire, self->fire_stage2), time);
    Course course = {self,
                     time,
                     {self->torso_displacement, self->torso_velocity, self->head_displacement, self->head_velocity},
                     0.0,
                     0.0};
    if (self->last_step > 0.0) {
        course.torso_acceleration = (self->torso_velocity - self->last_torso_velocity) / self->last_step;
        course.head_acceleration = (self->head_velocity - self->last_head_velocity) / self->last_step;
    }
    const long count = sub_steps(length, LONGEST_SUB_STEP);
    const double h = length / (double)count;
    double y[COUNT] = {self->gas,        self->pretensioner_travel, self->belt_energy, self->pretensioner_energy,
                       self->bag_energy, self->wheel_energy};
    for (long i = 0; i < count; ++i) {
        runge_kutta(rates, &course, time + (double)i * h, h, COUNT, y);
        const Motion m = motion(&course, time + (double)(i + 1) * h);
        keep_deepest(self, &m, y[TRAVEL]);
    }
    self->gas = y[GAS];
    self->pretensioner_travel = y[TRAVEL];
    self->belt_energy = y[BELT_WORK];
    self->pretensioner_energy = y[PRETENSIONER_WORK];
    self->bag_energy = y[BAG_WORK];
    self->wheel_energy = y[WHEEL_WORK];
    self->last_step = length;
    self->last_torso_velocity = self->torso_velocity;
    self->last_head_velocity = self->head_velocity;
    const Motion m = motion(&course, time + length);
    write_outputs(self, &m, time + length);
}

const Model crumple_model = {"{crumple-restraint-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
