// A car's front crushing against a rigid wall: one mass behind a piecewise linear crush force with an unloading law.
// Equations, sources and how near it comes to the crash test: README.md beside this file.

#include "../common/model.h"

#include <stdio.h>

#include "../common/crush_law.h"
#include "../common/integrate.h"

#define LONGEST_SUB_STEP 10e-6  // [s]; the stiff way back turns at 129 rad/s, so this is far finer than it needs

typedef struct {
    // parameters
    double mass, speed;
    double crush_1, force_1, crush_2, force_2, crush_3, force_3;  // points of the loading curve after (0, 0)
    double unload_stiffness;
    // outputs
    double acceleration, velocity, crush, crush_force, peak_crush, rebound_speed;
    double kinetic_energy, absorbed_energy, recovered_energy, energy_error;
    // history and law; crush and velocity above are the states
    double kinetic_energy_before;  // at the start [J]
    CrushLaw law;
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(mass, "kg", 1719.0, 1.0, 1e9),
    PARAMETER(speed, "m/s", 57.09 / 3.6, 0.0, 1e3),
    PARAMETER(crush_1, "m", 0.12, 1e-6, 1e3),
    PARAMETER(force_1, "N", 200e3, 1e-3, 1e12),
    PARAMETER(crush_2, "m", 0.50, 1e-6, 1e3),
    PARAMETER(force_2, "N", 300e3, 1e-3, 1e12),
    PARAMETER(crush_3, "m", 0.80, 1e-6, 1e3),
    PARAMETER(force_3, "N", 680.46e3, 1e-3, 1e12),
    PARAMETER(unload_stiffness, "N/m", 28.8e6, 1.0, 1e15),
    OUTPUT(acceleration, "m/s^2"),
    OUTPUT(velocity, "m/s"),
    OUTPUT(crush, "m"),
    OUTPUT(crush_force, "N"),
    OUTPUT(peak_crush, "m"),
    OUTPUT(rebound_speed, "m/s"),
    OUTPUT(kinetic_energy, "J"),
    OUTPUT(absorbed_energy, "J"),
    OUTPUT(recovered_energy, "J"),
    OUTPUT(energy_error, "1"),
};

static CrushLaw law_of(const Self* self) {
    const CrushLaw law = {4.0,
                          {0.0, self->crush_1, self->crush_2, self->crush_3},
                          {0.0, self->force_1, self->force_2, self->force_3},
                          self->unload_stiffness,
                          0.0};
    return law;
}

static bool check(const void* memory, char* text, size_t room) {
    const Self* self = memory;
    const CrushLaw law = law_of(self);
    const double stiffest = 4.0 * self->mass / (LONGEST_SUB_STEP * LONGEST_SUB_STEP);  // Runge-Kutta stays stable
    if (law.unload > stiffest) {
        snprintf(text, room, "unload_stiffness = %.9g N/m is too stiff for mass = %.9g kg; at most %.9g N/m.",
                 law.unload, self->mass, stiffest);
        return false;
    }
    for (int i = 1; i < LAW_POINTS; ++i) {
        if (!(law.x[i] > law.x[i - 1])) {
            snprintf(text, room, "crush_%d = %.9g m must be above the point before it, %.9g m.", i, law.x[i],
                     law.x[i - 1]);
            return false;
        }
        const double slope = (law.f[i] - law.f[i - 1]) / (law.x[i] - law.x[i - 1]);
        if (!(law.unload > slope)) {
            snprintf(text, room,
                     "unload_stiffness = %.9g N/m must be above every slope of the crush curve; up to crush_%d it is "
                     "%.9g N/m.",
                     law.unload, i, slope);
            return false;
        }
        if (i == LAW_POINTS - 1 && slope < 0.0) {
            snprintf(text, room,
                     "force_3 = %.9g N must not be below force_2 = %.9g N: the curve goes on with this slope.",
                     law.f[i], law.f[i - 1]);
            return false;
        }
    }
    return true;
}

static void rates(const void* memory, double time, const double* y, double* dy) {
    const Self* self = memory;
    (void)time;
    dy[0] = y[1];
    dy[1] = -law_force(&self->law, y[0], self->peak_crush) / self->mass;
}

static void write_outputs(Self* self) {
    const double v = self->velocity;
    self->crush_force = law_force(&self->law, self->crush, self->peak_crush);
    self->acceleration = -self->crush_force / self->mass;
    self->rebound_speed = v < 0.0 ? -v : 0.0;
    self->kinetic_energy = 0.5 * self->mass * v * v;
    self->absorbed_energy = law_absorbed(&self->law, self->peak_crush);
    self->recovered_energy = law_returned(&self->law, self->crush, self->peak_crush);
    // the curve's own areas against the motion: what the integration loses shows here
    const double lost =
        self->kinetic_energy + self->absorbed_energy - self->recovered_energy - self->kinetic_energy_before;
    self->energy_error = self->kinetic_energy_before > 0.0 ? fabs(lost) / self->kinetic_energy_before : 0.0;
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    self->law = law_of(self);
    self->crush = 0.0;  // touching the wall
    self->peak_crush = 0.0;
    self->velocity = self->speed;
    self->kinetic_energy_before = 0.5 * self->mass * self->speed * self->speed;
    write_outputs(self);
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    const long count = sub_steps(length, LONGEST_SUB_STEP);
    const double h = length / (double)count;
    double y[2] = {self->crush, self->velocity};
    for (long i = 0; i < count; ++i) {
        runge_kutta(rates, self, time + (double)i * h, h, 2, y);
        if (y[0] > self->peak_crush) self->peak_crush = y[0];
    }
    self->crush = y[0];
    self->velocity = y[1];
    write_outputs(self);
}

const Model crumple_model = {"{crumple-vehicle_crush-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
