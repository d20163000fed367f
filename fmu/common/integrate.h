#pragma once
// A communication step is cut into equal sub-steps no longer than `longest`, so that results hardly depend on how the
// importer steps. Between sub-steps the model updates its history (deepest crush and the like).

#include <math.h>
#include <stddef.h>

#define MOST_STATES 12

// dy[] = d(y)/dt at `time`; `self` is not changed.
typedef void Rates(const void* self, double time, const double* y, double* dy);

// Sub-steps of a communication step. The small allowance keeps 100 us / 10 us at ten in spite of rounding.
static inline long sub_steps(double step, double longest) {
    const double n = ceil(step / longest - 1e-6);
    return n < 1.0 ? 1 : (long)n;
}

// One classical Runge-Kutta step of order four, in place. count <= MOST_STATES.
static inline void runge_kutta(Rates* rates, const void* self, double time, double h, size_t count, double* y) {
    double a[MOST_STATES], b[MOST_STATES], c[MOST_STATES], d[MOST_STATES], probe[MOST_STATES];
    rates(self, time, y, a);
    for (size_t i = 0; i < count; ++i) probe[i] = y[i] + 0.5 * h * a[i];
    rates(self, time + 0.5 * h, probe, b);
    for (size_t i = 0; i < count; ++i) probe[i] = y[i] + 0.5 * h * b[i];
    rates(self, time + 0.5 * h, probe, c);
    for (size_t i = 0; i < count; ++i) probe[i] = y[i] + h * c[i];
    rates(self, time + h, probe, d);
    for (size_t i = 0; i < count; ++i) y[i] += h / 6.0 * (a[i] + 2.0 * (b[i] + c[i]) + d[i]);
}
