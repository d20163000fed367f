// A car that cuts in from the lane on the left, at constant speed: pure kinematics.
// Equations and sources: README.md beside this file.

#include "../common/model.h"

#include "path.h"

typedef struct {
    // parameters
    double speed_kmh, gap, lateral_speed, lateral_rise, clearance, length, width, rate;
    // outputs
    double x, y, speed, sideways, lead_in, settled;
    // since when [s]
    double begin;
    Path path;
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(speed_kmh, "km/h", 20.0, 0.0, 500.0),
    PARAMETER(gap, "m", 20.0, 0.0, 1e4),
    PARAMETER(lateral_speed, "m/s", 1.0, 0.0, 10.0),
    PARAMETER(lateral_rise, "m/s^2", 1.5, 1e-2, 1e3),
    PARAMETER(clearance, "m", 1.6, 0.0, 100.0),
    PARAMETER(length, "m", 4.3, 0.1, 100.0),
    PARAMETER(width, "m", 1.9, 0.1, 10.0),
    PARAMETER(rate, "1/s", 10.0, 1.0, 1e4),
    OUTPUT(x, "m"),
    OUTPUT(y, "m"),
    OUTPUT(speed, "m/s"),
    OUTPUT(sideways, "m/s"),
    OUTPUT(lead_in, "s"),
    OUTPUT(settled, "1"),
};

static bool check(const void* memory, char* text, size_t room) {
    (void)memory;
    (void)text;
    (void)room;
    return true;  // the ranges in the table say all
}

static void write_outputs(Self* self, double since) {
    const Place place = path_place(&self->path, since);
    self->x = place.x;
    self->y = place.y;
    self->sideways = place.lateral_speed;
    self->settled = since * self->rate >= self->path.lead + self->path.crossed ? 1.0 : 0.0;
}

static void start(void* memory, double time) {
    Self* self = memory;
    self->begin = time;
    // km/h, so that 50 is 50 / 3.6 m/s and not the product with a rounded factor
    self->speed = self->speed_kmh / 3.6;
    self->path = (Path){.rate = self->rate,
                        .gap = self->gap,
                        .speed = self->speed,
                        .lateral_speed = self->lateral_speed,
                        .lateral_rise = self->lateral_rise,
                        .clearance = self->clearance,
                        .length = self->length,
                        .width = self->width};
    path_prepare(&self->path);
    self->lead_in = self->path.lead / self->rate;
    write_outputs(self, 0.0);
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    write_outputs(self, time + length - self->begin);
}

const Model crumple_model = {"{crumple-cut_in_vehicle-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
