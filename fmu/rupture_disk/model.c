// A rupture disk before a vent pipe. It latches: once burst it stays open, whatever the pressure does.
// Equations and sources: README.md beside this file.

#include "../common/model.h"

#include <math.h>

#define ATMOSPHERE 101325.0   // [Pa]
#define STEAM_CONSTANT 461.5  // of water vapour [J/(kg*K)]
#define STEAM_RATIO 1.3       // of its heat capacities [1]
#define CRITICAL_RATIO 0.546  // outer to inner pressure below which the flow is choked, for that ratio [1]

typedef struct {
    // inputs
    double pressure, temperature, blockage;
    // parameters
    double burst_pressure, diameter, discharge;
    // outputs; open is the state
    double open, flow;
} Self;

static const Variable VARIABLES[] = {
    INPUT(pressure, "Pa", ATMOSPHERE),
    INPUT(temperature, "K", 298.0),
    INPUT(blockage, "1", 0.0),
    PARAMETER(burst_pressure, "Pa", 4826330.0, 1.0, 1e9),
    PARAMETER(diameter, "m", 0.0508, 1e-3, 2.0),
    PARAMETER(discharge, "1", 0.62, 0.01, 1.0),
    OUTPUT(open, "1"),
    OUTPUT(flow, "kg/min"),
};

// Mass flow of vapour through the pipe's narrowest place [kg/s], choked up to the critical ratio and falling to nothing
// at the pressure of the atmosphere.
static double vent(const Self* self) {
    const double p = self->pressure, t = self->temperature, g = STEAM_RATIO;
    if (!(p > ATMOSPHERE) || !(t > 0.0)) return 0.0;
    const double area = 0.25 * 3.14159265358979323846 * self->diameter * self->diameter * self->discharge;
    const double choked = area * p * sqrt(g / (STEAM_CONSTANT * t)) * pow(2.0 / (g + 1.0), 0.5 * (g + 1.0) / (g - 1.0));
    const double fade = (1.0 - ATMOSPHERE / p) / (1.0 - CRITICAL_RATIO);
    return fade < 1.0 ? choked * sqrt(fade) : choked;
}

static bool check(const void* memory, char* text, size_t room) {
    (void)memory, (void)text, (void)room;
    return true;
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    self->open = self->flow = 0.0;
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    (void)time, (void)length;
    const double free = self->blockage > 0.0 ? 1.0 - fmin(self->blockage, 1.0) : 1.0;
    if (self->pressure >= self->burst_pressure && free > 0.0) self->open = 1.0;
    self->flow = self->open * free * vent(self) * 60.0;
}

const Model crumple_model = {"{crumple-rupture_disk-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
