#pragma once
// The path of a car that moves over from the lane on the left: lateral speed rises by steps, then stays, until the car
// is in the middle of the lane. Given by samples, as the grid of published verdicts is; between two samples the car
// moves on a straight line. Equations and sources: README.md beside this file.

#include <math.h>

typedef struct {
    // what is set
    double rate;           // samples a second
    double gap;            // between the bumpers when the lateral speed is reached [m]
    double speed;          // of the cut-in car [m/s]
    double lateral_speed;  // towards the lane [m/s]
    double lateral_rise;   // of the lateral speed [m/s^2]
    double clearance;      // between the sides at that moment [m]
    double length, width;  // of both cars [m]
    // what follows
    double lead;     // samples before the lateral speed is reached
    double crossed;  // samples from there until the car is in the middle of the lane
    double step;     // by which the lateral speed rises from sample to sample [m/s]
    double across;   // y when the lateral speed is reached [m]
    // sum of the lateral speeds of the first `summed` samples after it [m/s]: summed up rather than multiplied, so that
    // a side that comes to touch the lane within a rounding error does so in the sample in which it does in the grid
    double sum, summed;
} Path;

typedef struct {
    double x, y, lateral_speed;
} Place;

// The published grid counts lateral speeds as i * 0.1 m/s, in binary: 0.3, 0.6 and 1.2 are then larger than the decimal
// number by one rounding error, and their rise takes a sample more. The same case must be the same case here.
static inline double grid_speed(double speed) {
    const double grid = rint(speed * 10.0) * 0.1;
    return fabs(speed - grid) < 1e-9 ? grid : speed;
}

static inline void path_prepare(Path* self) {
    self->lateral_speed = grid_speed(self->lateral_speed);
    self->step = self->lateral_rise / self->rate;
    self->across = self->clearance + self->width;
    self->lead = ceil(self->lateral_speed / self->step);
    self->crossed = 0.0;
    if (self->lateral_speed > 0.0) self->crossed = floor(self->rate * self->across / self->lateral_speed) + 1.0;
    self->sum = self->summed = 0.0;
}

// y at a sample, counted from the start of the path [m]
static inline double path_across(Path* self, double sample) {
    if (sample < self->lead) {
        double sum = 0.0;
        for (double j = self->lead - 1.0; j >= sample; j -= 1.0) sum += j * self->step / self->rate;
        return sum + self->across;
    }
    double count = sample - self->lead;
    if (count > self->crossed) count = self->crossed;
    if (count < self->summed) self->sum = self->summed = 0.0;
    for (; self->summed < count; self->summed += 1.0) self->sum -= self->lateral_speed;
    return self->sum / self->rate + self->across;
}

static inline double path_lateral_speed(const Path* self, double sample) {
    if (sample < self->lead) return sample * self->step;
    return sample - self->lead <= self->crossed ? self->lateral_speed : 0.0;
}

// Where the car is `time` [s] after the start of the path.
static inline Place path_place(Path* self, double time) {
    double at = time * self->rate;
    const double sample = floor(at + 1e-6);
    const double beyond = at - sample;
    const int between = beyond > 1e-6;
    if (!between) at = sample;
    Place place;
    place.x = (at - self->lead) * self->speed / self->rate + (self->gap + self->length);
    place.y = path_across(self, sample);
    place.lateral_speed = path_lateral_speed(self, sample);
    // before the lateral speed is reached a sample's speed is that of the way to the next, afterwards of the way to it
    if (between) place.y -= beyond * path_lateral_speed(self, sample < self->lead ? sample : sample + 1.0) / self->rate;
    return place;
}

// Where a car is that drives at `speed` [m/s] and comes to x = 0 when the lateral speed is reached: driven backwards
// sample by sample, as it will be driven forwards.
static inline double path_start_of(double speed, double lead, double rate) {
    double x = 0.0;
    for (double j = 0.0; j < lead; j += 1.0) x -= speed / rate;
    return x;
}
