// The drive of a washing machine's drum: a speed controller with a torque limit. Equations: README.md beside this file.

#include "../common/model.h"

#include <math.h>

typedef struct {
    // parameters
    double torque_limit, gain, reset_time;
    // inputs
    double request, measured_speed, enable;
    // outputs
    double torque, power;
    // history
    double sum;  // integral part [N m]
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(torque_limit, "N.m", 25.0, 0.0, 1e6),
    PARAMETER(gain, "N.m.s/rad", 50.0, 0.0, 1e6),
    PARAMETER(reset_time, "s", 0.5, 1e-3, 1e6),
    INPUT(request, "rad/s", 0.0),
    INPUT(measured_speed, "rad/s", 0.0),
    INPUT(enable, "1", 1.0),
    OUTPUT(torque, "N.m"),
    OUTPUT(power, "W"),
};

static bool check(const void* memory, char* text, size_t room) {
    (void)memory, (void)text, (void)room;
    return true;
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    self->sum = self->torque = self->power = 0.0;
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    (void)time;
    if (self->enable < 0.5) {
        self->sum = self->torque = self->power = 0.0;
        return;
    }
    const double error = self->request - self->measured_speed, limit = self->torque_limit;
    const double wanted = self->gain * error + self->sum;
    self->torque = fmin(fmax(wanted, -limit), limit);
    if (self->torque == wanted) self->sum += self->gain * error * length / self->reset_time;  // no wind-up at the limit
    self->power = self->torque * self->measured_speed;
}

const Model crumple_model = {"{crumple-washer_motor-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
