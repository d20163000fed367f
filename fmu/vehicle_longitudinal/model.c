// A car that is braked on a straight road: dead time, ramp and lag of its brakes, grip of the road, drag.
// Equations, sources and how exact it is: README.md beside this file.

#include "../common/model.h"

#include <math.h>
#include <string.h>

#include "../common/integrate.h"

#define G 9.80665
#define LONGEST_SUB_STEP 1e-3  // [s]; what is not a polynomial (drag, lag) is integrated this finely
#define MOST_REQUESTS 1024     // that can be under way within the dead time
#define NO_TIME 1e-12          // [s]; shorter pieces of a step are rounding

typedef struct {
    // inputs
    double brake_request, friction, efficiency;
    // parameters
    double mass, initial_position, initial_speed, dead_time, ramp_time, lag, deceleration_max;
    double drag_area, air_density, rolling;
    // outputs; position and speed are states
    double position, speed, acceleration, brake_deceleration, distance, stopped;
    // states of the brakes: what they are told [m/s^2], where the ramp is [m/s^2], what acts on the wheels [m/s^2]
    double told, ramp, braking;
    double braked;  // 1 once a brake request has arrived: the driver's foot is off the pedal from then on
    // requests under way: when they arrive [s] and what they ask for [m/s^2], the oldest first
    double count, last_request;
    double arrival[MOST_REQUESTS], asked[MOST_REQUESTS];
} Self;

static const Variable VARIABLES[] = {
    INPUT(brake_request, "m/s^2", 0.0),
    INPUT(friction, "1", 1.0),
    INPUT(efficiency, "1", 1.0),
    PARAMETER(mass, "kg", 1500.0, 100.0, 1e5),
    PARAMETER(initial_position, "m", 0.0, -1e6, 1e6),
    PARAMETER(initial_speed, "m/s", 50.0 / 3.6, 0.0, 150.0),
    PARAMETER(dead_time, "s", 0.1, 0.0, 2.0),
    PARAMETER(ramp_time, "s", 0.3, 0.0, 5.0),
    PARAMETER(lag, "s", 0.0, 0.0, 1.0),
    PARAMETER(deceleration_max, "m/s^2", 9.0, 0.1, 20.0),
    PARAMETER(drag_area, "m^2", 0.65, 0.0, 20.0),
    PARAMETER(air_density, "kg/m^3", 1.2, 0.0, 2.0),
    PARAMETER(rolling, "1", 0.01, 0.0, 0.2),
    OUTPUT(position, "m"),
    OUTPUT(speed, "m/s"),
    OUTPUT(acceleration, "m/s^2"),
    OUTPUT(brake_deceleration, "m/s^2"),
    OUTPUT(distance, "m"),
    OUTPUT(stopped, "1"),
};

static bool check(const void* memory, char* text, size_t room) {
    (void)memory;
    (void)text;
    (void)room;
    return true;  // the ranges in the table say all
}

static double least(double a, double b) { return a < b ? a : b; }

// What the road holds of what the brakes would do.
static double gripped(const Self* self, double braking) {
    const double grip = self->friction > 0.0 ? self->friction * G : 0.0;
    const double efficiency = self->efficiency > 0.0 ? self->efficiency : 0.0;
    return least(braking * efficiency, grip);
}

static double resistance(const Self* self, double speed) {  // [m/s^2], of a car that rolls
    return self->braked * (0.5 * self->air_density * self->drag_area * speed * speed / self->mass + self->rolling * G);
}

// ---- the brakes' states over a piece of a step in which the ramp runs evenly

enum { POSITION, SPEED, BRAKING, COUNT };

typedef struct {
    const Self* self;
    double begin, ramp, slope;  // [s], [m/s^2], [m/s^3]
} Piece;

static double braking_at(const Piece* piece, double time, const double* y) {
    return piece->self->lag > 0.0 ? y[BRAKING] : piece->ramp + piece->slope * (time - piece->begin);
}

static void rates(const void* memory, double time, const double* y, double* dy) {
    const Piece* piece = memory;
    const Self* self = piece->self;
    const double ramp = piece->ramp + piece->slope * (time - piece->begin);
    dy[POSITION] = y[SPEED];
    dy[SPEED] = -gripped(self, braking_at(piece, time, y)) - resistance(self, y[SPEED]);
    dy[BRAKING] = self->lag > 0.0 ? (ramp - y[BRAKING]) / self->lag : 0.0;
}

// One sub-step; a car that comes to rest in it stays there: the moment is found by halving, to the last bit.
static void advance(const Piece* piece, double time, double h, double* y) {
    double after[COUNT];
    memcpy(after, y, sizeof after);
    runge_kutta(rates, piece, time, h, COUNT, after);
    if (after[SPEED] < 0.0) {
        double low = 0.0, high = h;
        for (int i = 0; i < 60 && high - low > 0.0; ++i) {
            const double middle = 0.5 * (low + high);
            double probe[COUNT];
            memcpy(probe, y, sizeof probe);
            runge_kutta(rates, piece, time, middle, COUNT, probe);
            if (probe[SPEED] < 0.0)
                high = middle;
            else
                low = middle;
        }
        double probe[COUNT];
        memcpy(probe, y, sizeof probe);
        runge_kutta(rates, piece, time, low, COUNT, probe);
        after[POSITION] = probe[POSITION];
        after[SPEED] = 0.0;
    }
    memcpy(y, after, sizeof after);
}

// ---- requests under way

static void take_request(Self* self, double time) {
    double asked = -self->brake_request;
    if (!(asked > 0.0)) asked = 0.0;
    asked = least(asked, self->deceleration_max);
    if (asked == self->last_request) return;
    self->last_request = asked;
    size_t n = (size_t)self->count;
    if (n == MOST_REQUESTS) --n;  // the newest gives way: what comes last is what counts
    self->arrival[n] = time + self->dead_time;
    self->asked[n] = asked;
    self->count = (double)(n + 1);
}

// Takes what has arrived; returns when the next one does.
static double next_arrival(Self* self, double time) {
    size_t gone = 0;
    const size_t n = (size_t)self->count;
    while (gone < n && self->arrival[gone] <= time + NO_TIME) self->told = self->asked[gone++];
    if (gone > 0) {
        memmove(self->arrival, self->arrival + gone, (n - gone) * sizeof(double));
        memmove(self->asked, self->asked + gone, (n - gone) * sizeof(double));
        self->count = (double)(n - gone);
    }
    if (self->told > 0.0) self->braked = 1.0;
    return self->count > 0.0 ? self->arrival[0] : HUGE_VAL;
}

static void write_outputs(Self* self) {
    const double braking = self->lag > 0.0 ? self->braking : self->ramp;
    const bool rolls = self->speed > 0.0;
    self->brake_deceleration = gripped(self, braking);
    self->acceleration = rolls ? -self->brake_deceleration - resistance(self, self->speed) : 0.0;
    self->distance = self->position - self->initial_position;
    self->stopped = rolls ? 0.0 : 1.0;
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    self->position = self->initial_position;
    self->speed = self->initial_speed;
    self->told = self->ramp = self->braking = self->braked = 0.0;
    self->count = self->last_request = 0.0;
    write_outputs(self);
}

// When the ramp meets `level` [m/s^2], if it does before `end`: a kink there would cost the integration its order.
static double kink(double time, double ramp, double slope, double level, double end) {
    if (slope == 0.0) return end;
    const double meets = time + (level - ramp) / slope;
    return meets > time + NO_TIME && meets < end ? meets : end;
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    const double stop = time + length;
    take_request(self, time);
    double t = time;
    while (stop - t > NO_TIME) {
        double end = least(stop, next_arrival(self, t));
        const double way = self->told - self->ramp;
        double slope = 0.0;
        if (way != 0.0 && self->ramp_time <= 0.0) {
            self->ramp = self->told;
        } else if (way != 0.0) {
            const double rate = self->deceleration_max / self->ramp_time;
            slope = way > 0.0 ? rate : -rate;
            const double arrives = t + way / slope;
            if (arrives - t <= NO_TIME) {
                self->ramp = self->told;
                slope = 0.0;
            } else {
                end = least(end, arrives);
            }
        }
        if (self->lag <= 0.0 && self->efficiency > 0.0)
            end = kink(t, self->ramp, slope, self->friction * G / self->efficiency, end);
        const Piece piece = {self, t, self->ramp, slope};
        const long count = sub_steps(end - t, LONGEST_SUB_STEP);
        const double h = (end - t) / (double)count;
        double y[COUNT] = {self->position, self->speed, self->braking};
        for (long i = 0; i < count; ++i) advance(&piece, t + (double)i * h, h, y);
        self->position = y[POSITION];
        self->speed = y[SPEED];
        self->braking = y[BRAKING];
        self->ramp += slope * (end - t);
        if (fabs(self->told - self->ramp) < 1e-12) self->ramp = self->told;
        t = end;
    }
    next_arrival(self, stop);
    write_outputs(self);
}

const Model crumple_model = {"{crumple-vehicle_longitudinal-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
