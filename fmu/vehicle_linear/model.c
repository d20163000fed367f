// A car's front as one linear spring against a rigid wall, by its closed form: no integration, exact at any step.
// Same ports as vehicle_crush. Equations: README.md beside this file.

#include "../common/model.h"

#include <math.h>

#define HALF_PI 1.57079632679489661923

typedef struct {
    // parameters
    double mass, speed, stiffness, restitution;
    // outputs
    double acceleration, velocity, crush, crush_force, peak_crush, rebound_speed;
    double kinetic_energy, absorbed_energy, recovered_energy, energy_error;
    // time of contact [s]
    double contact;
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(mass, "kg", 1719.0, 1.0, 1e9),
    PARAMETER(speed, "m/s", 57.09 / 3.6, 0.0, 1e3),
    PARAMETER(stiffness, "N/m", 787.33e3, 1.0, 1e15),
    PARAMETER(restitution, "1", 0.170, 1e-3, 1.0),
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

static bool check(const void* memory, char* text, size_t room) {
    (void)memory;
    (void)text;
    (void)room;
    return true;  // the ranges in the table say all
}

// Everything at `since` [s] after contact.
static void write_outputs(Self* self, double since) {
    const double m = self->mass, k = self->stiffness, v0 = self->speed, e = self->restitution;
    const double w = sqrt(k / m);
    const double deepest = v0 / w;        // [m]
    const double turn = HALF_PI / w;      // when the car stands still [s]
    const double free = turn + e * turn;  // when it leaves the wall [s]; the way back is 1/e times faster
    if (since < turn) {
        self->crush = deepest * sin(w * since);
        self->velocity = v0 * cos(w * since);
        self->crush_force = k * self->crush;
        self->peak_crush = self->crush;
        self->recovered_energy = 0.0;
    } else if (since < free) {
        const double angle = w / e * (since - turn);
        self->crush = deepest - e * e * deepest * (1.0 - cos(angle));
        self->velocity = -e * v0 * sin(angle);
        self->crush_force = k * deepest * cos(angle);
        self->peak_crush = deepest;
        const double left = self->crush_force * e;  // elastic energy is force^2 e^2 / 2k
        self->recovered_energy = 0.5 * (e * e * k * deepest * deepest - left * left / k);
    } else {
        self->crush = deepest - e * e * deepest - e * v0 * (since - free);
        self->velocity = -e * v0;
        self->crush_force = 0.0;
        self->peak_crush = deepest;
        self->recovered_energy = 0.5 * e * e * k * deepest * deepest;
    }
    self->acceleration = -self->crush_force / m;
    self->rebound_speed = self->velocity < 0.0 ? -self->velocity : 0.0;
    self->kinetic_energy = 0.5 * m * self->velocity * self->velocity;
    self->absorbed_energy = 0.5 * k * self->peak_crush * self->peak_crush;
    const double before = 0.5 * m * v0 * v0;
    const double lost = self->kinetic_energy + self->absorbed_energy - self->recovered_energy - before;
    self->energy_error = before > 0.0 ? fabs(lost) / before : 0.0;
}

static void start(void* memory, double time) {
    Self* self = memory;
    self->contact = time;
    write_outputs(self, 0.0);
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    write_outputs(self, time + length - self->contact);
}

const Model crumple_model = {"{crumple-vehicle_linear-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
