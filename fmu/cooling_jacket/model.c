// Cooling jacket of a stirred vessel: a valve that takes time to move, and the conductance that its water gives.
// Equations and sources: README.md beside this file.

#include "../common/model.h"

typedef struct {
    // inputs
    double valve, force_open, cooling_water, agitator;
    // parameters
    double full_conductance, water_temperature, travel_time, start_position, still_share;
    // outputs; position is the state
    double position, flow, conductance, coolant_temperature;
} Self;

static const Variable VARIABLES[] = {
    INPUT(valve, "1", 0.0),
    INPUT(force_open, "1", 0.0),
    INPUT(cooling_water, "1", 1.0),
    INPUT(agitator, "1", 1.0),
    PARAMETER(full_conductance, "kcal/(min.K)", 35.83, 0.0, 1e6),
    PARAMETER(water_temperature, "K", 298.0, 273.15, 373.15),
    PARAMETER(travel_time, "s", 10.0, 0.0, 1e5),
    PARAMETER(start_position, "1", 0.0, 0.0, 1.0),
    PARAMETER(still_share, "1", 0.2, 0.0, 1.0),
    OUTPUT(position, "1"),
    OUTPUT(flow, "1"),
    OUTPUT(conductance, "kcal/(min.K)"),
    OUTPUT(coolant_temperature, "K"),
};

static double share(double x) { return x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x; }

static void write_outputs(Self* self) {
    self->flow = self->position * share(self->cooling_water);
    const double stirred = share(self->agitator);
    self->conductance = self->full_conductance * self->flow * (stirred + (1.0 - stirred) * self->still_share);
    self->coolant_temperature = self->water_temperature;
}

static bool check(const void* memory, char* text, size_t room) {
    (void)memory, (void)text, (void)room;
    return true;
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    // as commissioned: inputs count from the first step on
    self->position = self->start_position;
    self->flow = self->position;
    self->conductance = self->full_conductance * self->flow;
    self->coolant_temperature = self->water_temperature;
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    (void)time;
    const double wanted = self->force_open >= 0.5 ? 1.0 : share(self->valve);
    const double most = self->travel_time > 0.0 ? length / self->travel_time : 1.0;
    const double move = wanted - self->position;
    self->position += move > most ? most : move < -most ? -most : move;
    write_outputs(self);
}

const Model crumple_model = {"{crumple-cooling_jacket-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
