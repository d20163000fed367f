// Engine, torque converter, gearbox, final drive and vehicle of the automatic-transmission benchmark.
// Equations, tables and sources: README.md beside this file. In the units of the benchmark: rpm, lbf ft, mph.

#include "../common/model.h"

#include "../common/integrate.h"

#define LONGEST_SUB_STEP 10e-3  // [s]
#define PI 3.14159265358979323846
#define MPH 0.44704     // [m/s]
#define SLOWEST 600.0   // of the engine [rpm]
#define FASTEST 6000.0  // of the engine [rpm]

typedef struct {
    // parameters
    double engine_inertia, vehicle_inertia, final_drive, drag, rolling, wheel_radius, first_engine_speed;
    // inputs
    double throttle, brake, gear;
    // outputs
    double speed, engine_speed, shaft_speed, impeller_torque, output_torque, acceleration, distance;
    // state besides engine_speed [rpm]
    double wheel_speed;
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(engine_inertia, "1", 0.021991488, 1e-6, 1e3),
    PARAMETER(vehicle_inertia, "1", 12.0941, 1e-3, 1e6),
    PARAMETER(final_drive, "1", 3.23, 0.1, 100.0),
    PARAMETER(rolling, "lbf*ft", 40.0, 0.0, 1e6),
    PARAMETER(drag, "1", 0.02, 0.0, 1e3),
    PARAMETER(wheel_radius, "ft", 1.0, 1e-3, 100.0),
    PARAMETER(first_engine_speed, "rpm", 1000.0, SLOWEST, FASTEST),
    INPUT(throttle, "%", 0.0),
    INPUT(brake, "lbf*ft", 0.0),
    INPUT(gear, "1", 1.0),
    OUTPUT(speed, "mph"),
    OUTPUT(engine_speed, "rpm"),
    OUTPUT(shaft_speed, "rpm"),
    OUTPUT(impeller_torque, "lbf*ft"),
    OUTPUT(output_torque, "lbf*ft"),
    OUTPUT(acceleration, "m/s^2"),
    OUTPUT(distance, "m"),
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static const double THROTTLE[] = {0, 20, 30, 40, 50, 60, 70, 80, 90, 100};
static const double ENGINE_SPEED[] = {799.99,  1200.0,  1599.99, 1999.99, 2400.0, 2800.0,
                                      3199.99, 3599.99, 3999.99, 4400.0,  4800.0};
static const double ENGINE_TORQUE[COUNT(THROTTLE)][COUNT(ENGINE_SPEED)] = {
    {-40, -44, -49, -53, -57, -61, -65, -70, -74, -78, -82}, {215, 117, 85, 66, 44, 29, 10, -2, -13, -22, -32},
    {245, 208, 178, 148, 122, 104, 85, 66, 48, 33, 18},      {264, 260, 241, 219, 193, 167, 152, 133, 119, 96, 85},
    {264, 279, 282, 275, 260, 238, 223, 208, 189, 171, 152}, {267, 290, 293, 297, 290, 275, 260, 256, 234, 212, 193},
    {267, 297, 305, 305, 305, 301, 293, 282, 267, 249, 226}, {267, 301, 308, 312, 319, 323, 319, 316, 297, 279, 253},
    {267, 301, 312, 319, 327, 327, 327, 327, 312, 293, 267}, {267, 301, 312, 319, 327, 334, 334, 334, 319, 305, 275},
};

// Of the torque converter, over turbine speed by engine speed.
static const double SPEED_RATIO[] = {0.0,  0.1,  0.2,  0.3,  0.4,  0.5,  0.6,  0.7,  0.8,  0.81, 0.82,
                                     0.83, 0.84, 0.85, 0.86, 0.87, 0.88, 0.89, 0.90, 0.92, 0.94};
static const double CAPACITY[COUNT(SPEED_RATIO)] = {
    // K factor [rpm / sqrt(lbf ft)]
    137.465208993806, 137.065019156852, 135.864449645989, 135.664354727512, 137.565256453045, 140.366585311725,
    145.268910814415, 152.872517716547, 162.977311099644, 164.277928069745, 166.178829795278, 167.979684061573,
    170.080680705583, 172.781962105024, 175.383196045227, 179.585189333248, 183.587087702791, 189.890077634821,
    197.693779455430, 215.902417036852, 244.515990379085};
static const double TORQUE_RATIO[COUNT(SPEED_RATIO)] = {2.232, 2.075, 1.975, 1.846, 1.720, 1.564, 1.409,
                                                        1.254, 1.096, 1.080, 1.061, 1.043, 1.028, 1.012,
                                                        1.002, 1.002, 1.001, 0.998, 0.999, 1.001, 1.002};

static const double GEAR_RATIO[] = {2.393, 1.450, 1.000, 0.677};

static bool check(const void* memory, char* text, size_t room) {
    (void)memory;
    (void)text;
    (void)room;
    return true;  // the ranges in the table say all
}

// The segment of an axis in which x lies; the first or last one for what lies outside.
static size_t segment(const double* axis, size_t count, double x) {
    size_t i = 0;
    while (i + 2 < count && x >= axis[i + 1]) ++i;
    return i;
}

static double share(const double* axis, size_t i, double x) { return (x - axis[i]) / (axis[i + 1] - axis[i]); }

static double line(const double* axis, const double* values, size_t count, double x) {
    const size_t i = segment(axis, count, x);
    return values[i] + share(axis, i, x) * (values[i + 1] - values[i]);
}

static double engine_torque(double throttle, double speed) {
    const size_t i = segment(THROTTLE, COUNT(THROTTLE), throttle);
    const size_t j = segment(ENGINE_SPEED, COUNT(ENGINE_SPEED), speed);
    const double a = share(THROTTLE, i, throttle), b = share(ENGINE_SPEED, j, speed);
    const double* below = ENGINE_TORQUE[i];
    const double* above = ENGINE_TORQUE[i + 1];
    return (1.0 - a) * (below[j] + b * (below[j + 1] - below[j])) + a * (above[j] + b * (above[j + 1] - above[j]));
}

static double ratio_of(double gear) {
    const long i = lround(gear);
    return GEAR_RATIO[i < 1 ? 0 : i > 4 ? 3 : i - 1];
}

static double mph_of(const Self* self, double wheel_speed) {
    return wheel_speed * 2.0 * PI * self->wheel_radius * 60.0 / 5280.0;
}

typedef struct {
    double impeller, output, load;
} Torques;

static Torques torques_of(const Self* self, double engine_speed, double wheel_speed) {
    const double ratio = ratio_of(self->gear);
    const double slip = ratio * self->final_drive * wheel_speed / engine_speed;
    const double pumped = engine_speed / line(SPEED_RATIO, CAPACITY, COUNT(SPEED_RATIO), slip);
    const double speed = mph_of(self, wheel_speed);
    Torques torques;
    torques.impeller = pumped * pumped;
    torques.output = ratio * torques.impeller * line(SPEED_RATIO, TORQUE_RATIO, COUNT(SPEED_RATIO), slip);
    torques.load = speed > 0.0 ? self->rolling + self->drag * speed * speed + self->brake : 0.0;
    return torques;
}

static void rates(const void* memory, double time, const double* y, double* dy) {
    const Self* self = memory;
    (void)time;
    const Torques torques = torques_of(self, y[0], y[1]);
    dy[0] = (engine_torque(self->throttle, y[0]) - torques.impeller) / self->engine_inertia;
    dy[1] = (self->final_drive * torques.output - torques.load) / self->vehicle_inertia;
}

static void write_outputs(Self* self) {
    const Torques torques = torques_of(self, self->engine_speed, self->wheel_speed);
    self->speed = mph_of(self, self->wheel_speed);
    self->shaft_speed = self->final_drive * self->wheel_speed;
    self->impeller_torque = torques.impeller;
    self->output_torque = torques.output;
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    self->engine_speed = self->first_engine_speed;
    self->wheel_speed = 0.0;
    self->acceleration = self->distance = 0.0;
    write_outputs(self);
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    const long count = sub_steps(length, LONGEST_SUB_STEP);
    const double h = length / (double)count;
    const double before = self->speed;
    for (long i = 0; i < count; ++i) {
        double y[2] = {self->engine_speed, self->wheel_speed};
        runge_kutta(rates, self, time + (double)i * h, h, 2, y);
        self->engine_speed = y[0] < SLOWEST ? SLOWEST : y[0] > FASTEST ? FASTEST : y[0];
        self->wheel_speed = y[1] < 0.0 ? 0.0 : y[1];  // brakes hold; they do not push backwards
    }
    write_outputs(self);
    self->acceleration = (self->speed - before) * MPH / length;
    self->distance += 0.5 * (before + self->speed) * MPH * length;
}

const Model crumple_model = {"{crumple-powertrain-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
