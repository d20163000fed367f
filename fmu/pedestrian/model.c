// A pedestrian who crosses: from rest to walking speed over a given distance, timed so as to be at the impact location
// when the car would be; on demand he stops at the kerb. By closed form. Equations and sources: README.md.

#include "../common/model.h"

#include <math.h>
#include <stdio.h>

#define TAU 6.28318530717958647693
#define STRIDE 1.4  // [m], two steps: for the picture only

typedef struct {
    // parameters; distances along the way he goes
    double direction, plane, start_distance, acceleration_distance, walking_speed, impact_offset, impact_time;
    double stops, stop_offset, stop_deceleration;
    // outputs
    double position, lateral, speed, lateral_speed, walked, stride, start_time;
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(direction, "1", 1.0, -1.0, 1.0),
    PARAMETER(plane, "m", 0.0, -1e6, 1e6),
    PARAMETER(start_distance, "m", 4.0, 0.0, 100.0),
    PARAMETER(acceleration_distance, "m", 1.0, 1e-3, 100.0),
    PARAMETER(walking_speed, "m/s", 5.0 / 3.6, 1e-3, 20.0),
    PARAMETER(impact_offset, "m", 0.0, -10.0, 10.0),
    PARAMETER(impact_time, "s", 6.0, 0.0, 1e6),
    PARAMETER(stops, "1", 0.0, 0.0, 1.0),
    PARAMETER(stop_offset, "m", -2.0, -100.0, 100.0),
    PARAMETER(stop_deceleration, "m/s^2", 1.5, 0.1, 20.0),
    OUTPUT(position, "m"),
    OUTPUT(lateral, "m"),
    OUTPUT(speed, "m/s"),
    OUTPUT(lateral_speed, "m/s"),
    OUTPUT(walked, "m"),
    OUTPUT(stride, "rad"),
    OUTPUT(start_time, "s"),
};

// Time from the first move to the impact location [s].
static double way_time(const Self* self) {
    const double v = self->walking_speed, even = self->start_distance + self->impact_offset;
    return 2.0 * self->acceleration_distance / v + (even - self->acceleration_distance) / v;
}

static double stopping_distance(const Self* self) {
    return self->walking_speed * self->walking_speed / (2.0 * self->stop_deceleration);
}

static bool check(const void* memory, char* text, size_t room) {
    const Self* self = memory;
    if (fabs(self->direction) != 1.0) {
        snprintf(text, room,
                 "direction = %.9g must be 1 (towards the left, from the nearside) or -1 (towards the right).",
                 self->direction);
        return false;
    }
    if (self->start_distance + self->impact_offset < self->acceleration_distance) {
        snprintf(text, room,
                 "start_distance + impact_offset = %.9g m: the impact location must lie behind the "
                 "acceleration_distance of %.9g m.",
                 self->start_distance + self->impact_offset, self->acceleration_distance);
        return false;
    }
    if (way_time(self) > self->impact_time) {
        snprintf(text, room, "impact_time = %.9g s is too early: he needs %.9g s to the impact location.",
                 self->impact_time, way_time(self));
        return false;
    }
    const double until_stop = self->start_distance + self->stop_offset;
    if (self->stops > 0.5 && until_stop < self->acceleration_distance + stopping_distance(self)) {
        snprintf(text, room,
                 "stop_offset = %.9g m leaves %.9g m of way; to walk up and to stop takes %.9g m. Start farther away "
                 "or stop harder.",
                 self->stop_offset, until_stop, self->acceleration_distance + stopping_distance(self));
        return false;
    }
    return true;
}

static void write_outputs(Self* self, double time) {
    const double v = self->walking_speed, gain = self->acceleration_distance;
    const double up = 2.0 * gain / v;  // time to walking speed
    const double since = time - self->start_time;
    double way = 0.0, speed = 0.0;
    if (since > 0.0 && since < up) {
        way = 0.5 * v / up * since * since;
        speed = v / up * since;
    } else if (since >= up) {
        way = gain + v * (since - up);
        speed = v;
    }
    if (self->stops > 0.5 && since > up) {
        const double a = self->stop_deceleration, stop = self->start_distance + self->stop_offset;
        const double from = stop - stopping_distance(self);  // where he begins to stop
        const double t = since - up - (from - gain) / v;     // since then
        if (t > 0.0) {
            const double slowing = t < v / a ? t : v / a;
            way = from + slowing * (v - 0.5 * a * slowing);
            speed = v - a * slowing;
            if (t >= v / a) speed = 0.0;
        }
    }
    self->position = self->plane;
    self->speed = 0.0;
    self->walked = way;
    self->lateral = self->direction * (way - self->start_distance);
    self->lateral_speed = self->direction * speed;
    self->stride = TAU * way / STRIDE;
}

static void start(void* memory, double time) {
    Self* self = memory;
    self->start_time = self->impact_time - way_time(self);
    write_outputs(self, time);
}

static void step(void* memory, double time, double length) { write_outputs(memory, time + length); }

const Model crumple_model = {"{crumple-pedestrian-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
