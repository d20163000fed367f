// Drive and brake of a robot's axis, seen at the tool: a position loop of limited force, a stop with a dead time.
// Equations and sources: README.md beside this file.

#include "../common/model.h"

typedef struct {
    // inputs
    double speed_command, stop, position, speed;
    // parameters
    double mass, bandwidth, damping, force_limit, dead_time, start_position;
    // outputs
    double drive_force, brake, following_error;
    // states besides brake
    double wanted;   // position that the loop follows [m]
    double stopped;  // since when it is to stop [s]
    double command;  // speed that it was asked for last, before it was to stop [m/s]
} Self;

static const Variable VARIABLES[] = {
    INPUT(speed_command, "m/s", 0.0),
    INPUT(stop, "1", 0.0),
    INPUT(position, "m", 0.0),
    INPUT(speed, "m/s", 0.0),
    PARAMETER(mass, "kg", 10.0, 0.1, 1e4),
    PARAMETER(bandwidth, "1/s", 120.0, 0.0, 1e4),
    PARAMETER(damping, "1", 0.7, 0.0, 10.0),
    PARAMETER(force_limit, "N", 500.0, 0.0, 1e6),
    PARAMETER(dead_time, "s", 0.1, 0.0, 10.0),
    PARAMETER(start_position, "m", -0.05, -1e3, 1e3),
    OUTPUT(drive_force, "N"),
    OUTPUT(brake, "1"),
    OUTPUT(following_error, "m"),
};

static bool check(const void* memory, char* text, size_t room) {
    (void)memory, (void)text, (void)room;
    return true;
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    self->wanted = self->start_position;
    self->command = self->stopped = self->drive_force = self->brake = self->following_error = 0.0;
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    (void)time;
    // the small allowance keeps 100 ms / 1 ms at a hundred steps in spite of rounding
    self->brake = self->stop >= 0.5 && self->stopped >= self->dead_time - 1e-6 * length ? 1.0 : 0.0;
    self->stopped = self->stop >= 0.5 ? self->stopped + length : 0.0;
    if (self->brake != 0.0) {
        self->wanted = self->position;
        self->drive_force = self->following_error = 0.0;
        return;
    }
    if (self->stop < 0.5) self->command = self->speed_command;  // nothing changes before the dead time is over
    const double w = self->bandwidth;
    self->following_error = self->wanted - self->position;
    const double force =
        self->mass * (w * w * self->following_error + 2.0 * self->damping * w * (self->command - self->speed));
    const double most = self->force_limit;
    self->drive_force = force > most ? most : force < -most ? -most : force;
    self->wanted += self->command * length;  // at the end of the step
}

const Model crumple_model = {"{crumple-robot_axis-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
