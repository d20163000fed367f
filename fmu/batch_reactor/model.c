// A batch of o-nitrochlorobenzene and ammonia in a closed vessel: one second-order exothermic reaction, one
// temperature. Equations, sources and what is left out: README.md beside this file.

#include "../common/model.h"

#include <math.h>
#include <stdio.h>

#include "../common/integrate.h"

#define LONGEST_SUB_STEP 1.0        // [s]; the fastest growth, just before 800 K, has a time constant of 30 s
#define MINUTE 60.0                 // [s]
#define GAS_CONSTANT 1.987          // [kcal/(kmol*K)], as in the source
#define RATE_TEMPERATURE 461.0      // at which rate_constant holds [K]
#define WATER_HEAT 1.0              // heat capacity of water [kcal/(kg*K)]: 18 kcal/(kmol*K) in the source
#define WATER_MOLE 18.0             // [kg/kmol]
#define WATER_VOLUME 1e-3           // of added or lost water [m^3/kg]
#define CRITICAL 647.096            // of water [K]
#define CRITICAL_PRESSURE 22.064e6  // [Pa]
#define BOILING 373.15              // at one atmosphere [K]
#define BOILING_HEAT 539.4          // heat of vaporisation there [kcal/kg]: 2257 kJ/kg
#define WATSON 0.38                 // exponent of its fall towards the critical point
#define AMMONIA 43.0                // free ammonia for which other_pressure holds [kmol]
#define TEMPERATURE_OF_OTHER 448.0  // and its temperature [K]
#define HEEL 0.01                   // share of the charge that a dump leaves in the vessel

typedef struct {
    // inputs
    double conductance, coolant_temperature, vent_flow, quench, dump;
    // parameters
    double nitrochlorobenzene, ammonia, water, volume, heat_capacity, start_temperature;
    double rate_constant, activation_energy, reaction_enthalpy;
    double other_pressure, quench_flow, quench_mass, quench_temperature, dump_time, end_temperature;
    // outputs
    double temperature, temperature_rate, conversion, heat_generated, heat_removed, heat_vented;
    double pressure, level, liquid_volume, quenched, inventory, burst;
    // states besides temperature, conversion, quenched and inventory
    double vented;  // water lost through the relief [kg]
} Self;

static const Variable VARIABLES[] = {
    INPUT(conductance, "kcal/(min.K)", 0.0),
    INPUT(coolant_temperature, "K", 298.0),
    INPUT(vent_flow, "kg/min", 0.0),
    INPUT(quench, "1", 0.0),
    INPUT(dump, "1", 0.0),
    PARAMETER(nitrochlorobenzene, "kmol", 9.0448, 0.01, 1e3),
    PARAMETER(ammonia, "kmol", 33.0, 0.01, 1e3),
    PARAMETER(water, "kmol", 103.7, 0.01, 1e4),
    PARAMETER(volume, "m^3", 5.119, 0.01, 1e3),
    PARAMETER(heat_capacity, "kcal/K", 2504.0, 1.0, 1e6),
    PARAMETER(start_temperature, "K", 448.0, 273.15, 640.0),
    PARAMETER(rate_constant, "m^3/(kmol.min)", 0.00017, 0.0, 1.0),
    PARAMETER(activation_energy, "kcal/kmol", 11273.0, 0.0, 1e6),
    PARAMETER(reaction_enthalpy, "kcal/kmol", -5.9e5, -1e7, 0.0),
    PARAMETER(other_pressure, "Pa", 2.554e6, 0.0, 1e8),
    PARAMETER(quench_flow, "kg/min", 300.0, 0.0, 1e5),
    PARAMETER(quench_mass, "kg", 1500.0, 0.0, 1e6),
    PARAMETER(quench_temperature, "K", 298.0, 273.15, 373.15),
    PARAMETER(dump_time, "s", 120.0, 1.0, 1e5),
    PARAMETER(end_temperature, "K", 800.0, 300.0, 2000.0),
    OUTPUT(temperature, "K"),
    OUTPUT(temperature_rate, "K/min"),
    OUTPUT(conversion, "1"),
    OUTPUT(heat_generated, "kcal/min"),
    OUTPUT(heat_removed, "kcal/min"),
    OUTPUT(heat_vented, "kcal/min"),
    OUTPUT(pressure, "Pa"),
    OUTPUT(level, "1"),
    OUTPUT(liquid_volume, "m^3"),
    OUTPUT(quenched, "kg"),
    OUTPUT(inventory, "1"),
    OUTPUT(burst, "1"),
};

// The states while a step is integrated, in this order.
enum { TEMPERATURE, CONVERSION, QUENCHED, VENTED, INVENTORY, COUNT };

// Of the whole charge, as if nothing had been dumped: a dump takes all parts of it alike.
typedef struct {
    double volume;                              // [m^3]
    double capacity;                            // [kcal/K]
    double rate;                                // of the reaction [kmol/min]
    double generated, removed, vented, warmed;  // [kcal/min]
    double vent, quench;                        // [kg/min]
} Balance;

// Vapour pressure of water [Pa]: Wagner and Pruss, J. Phys. Chem. Ref. Data 22 (1993) 783, equation 1. Above the
// critical point there is none; the critical pressure stands for it, which is too low.
static double vapour_pressure(double temperature) {
    if (temperature >= CRITICAL) return CRITICAL_PRESSURE;
    const double x = 1.0 - temperature / CRITICAL, r = sqrt(x);
    const double sum = -7.85951783 * x + 1.84408259 * x * r - 11.7866497 * x * x * x + 22.6807411 * x * x * x * r -
                       15.9618719 * x * x * x * x + 1.80122502 * x * x * x * x * x * x * x * r;
    return CRITICAL_PRESSURE * exp(CRITICAL / temperature * sum);
}

static double vaporisation_heat(double temperature) {  // [kcal/kg]
    const double left = (CRITICAL - temperature) / (CRITICAL - BOILING);
    return left > 0.0 ? BOILING_HEAT * pow(left, WATSON) : 0.0;
}

static Balance balance(const Self* self, const double* y) {
    Balance b = {0};
    const double t = y[TEMPERATURE], x = y[CONVERSION], inventory = y[INVENTORY];
    const double added = y[QUENCHED] - y[VENTED];  // [kg]
    const double least = 0.05 * self->volume;      // a charge that boiled dry keeps the volume of what does not boil
    b.volume = self->volume + WATER_VOLUME * added;
    if (b.volume < least) b.volume = least;
    b.capacity = self->heat_capacity + WATER_HEAT * added;
    const double k =
        self->rate_constant * exp(self->activation_energy / GAS_CONSTANT * (1.0 / RATE_TEMPERATURE - 1.0 / t));
    const double a = self->nitrochlorobenzene * (1.0 - x);
    const double ammonia = self->ammonia - 2.0 * self->nitrochlorobenzene * x;
    // what a dump leaves only wets the wall, whose steel takes its heat
    const bool reacts = a > 0.0 && ammonia > 0.0 && inventory > HEEL;
    b.rate = reacts ? k * a * ammonia / b.volume : 0.0;
    b.generated = -self->reaction_enthalpy * b.rate;
    b.removed = self->conductance * (t - self->coolant_temperature);
    if (self->quench >= 0.5 && y[QUENCHED] < self->quench_mass) b.quench = self->quench_flow;
    b.warmed = b.quench * WATER_HEAT * (t - self->quench_temperature);
    const double water = self->water * WATER_MOLE + added;
    if (self->vent_flow > 0.0 && water > 0.0) b.vent = self->vent_flow / inventory;
    b.vented = b.vent * vaporisation_heat(t);
    return b;
}

static void rates(const void* memory, double time, const double* y, double* dy) {
    const Self* self = memory;
    const Balance b = balance(self, y);
    (void)time;
    dy[TEMPERATURE] = (b.generated - b.removed - b.warmed - b.vented) / b.capacity / MINUTE;
    dy[CONVERSION] = b.rate / self->nitrochlorobenzene / MINUTE;
    dy[QUENCHED] = b.quench / MINUTE;
    dy[VENTED] = b.vent / MINUTE;
    dy[INVENTORY] = self->dump >= 0.5 && y[INVENTORY] > HEEL ? -1.0 / self->dump_time : 0.0;
}

static void states(const Self* self, double* y) {
    y[TEMPERATURE] = self->temperature;
    y[CONVERSION] = self->conversion;
    y[QUENCHED] = self->quenched;
    y[VENTED] = self->vented;
    y[INVENTORY] = self->inventory;
}

static void write_outputs(Self* self) {
    double y[COUNT];
    states(self, y);
    const Balance b = balance(self, y);
    const double share = self->inventory;
    const double ammonia = self->ammonia - 2.0 * self->nitrochlorobenzene * self->conversion;
    self->heat_generated = share * b.generated;
    self->heat_removed = share * b.removed;
    self->heat_vented = share * b.vented;
    self->temperature_rate = (b.generated - b.removed - b.warmed - b.vented) / b.capacity;
    self->liquid_volume = share * b.volume;
    self->level = self->liquid_volume / self->volume;
    // once the disk has burst the gas above the liquid is gone, and the water's own vapour remains
    const double other = self->vented > 0.0 || ammonia < 0.0 ? 0.0 : self->other_pressure * ammonia / AMMONIA;
    self->pressure = vapour_pressure(self->temperature) + other * self->temperature / TEMPERATURE_OF_OTHER;
    if (self->burst != 0.0)
        self->heat_generated = self->heat_removed = self->heat_vented = self->temperature_rate = 0.0;
}

static bool check(const void* memory, char* text, size_t room) {
    const Self* self = memory;
    if (self->ammonia < 2.0 * self->nitrochlorobenzene) {
        snprintf(text, room, "ammonia = %.9g kmol must be at least twice nitrochlorobenzene = %.9g kmol.",
                 self->ammonia, self->nitrochlorobenzene);
        return false;
    }
    if (!(self->heat_capacity > self->water * WATER_MOLE * WATER_HEAT)) {
        snprintf(text, room, "heat_capacity = %.9g kcal/K must be above that of its water, %.9g kcal/K.",
                 self->heat_capacity, self->water * WATER_MOLE * WATER_HEAT);
        return false;
    }
    if (!(self->end_temperature > self->start_temperature)) {
        snprintf(text, room, "end_temperature = %.9g K must be above start_temperature = %.9g K.",
                 self->end_temperature, self->start_temperature);
        return false;
    }
    return true;
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    self->temperature = self->start_temperature;
    self->conversion = self->quenched = self->vented = self->burst = 0.0;
    self->inventory = 1.0;
    write_outputs(self);
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    const long count = sub_steps(length, LONGEST_SUB_STEP);
    const double h = length / (double)count;
    double y[COUNT];
    states(self, y);
    for (long i = 0; i < count && self->burst == 0.0; ++i) {
        runge_kutta(rates, self, time + (double)i * h, h, COUNT, y);
        if (y[INVENTORY] < HEEL) y[INVENTORY] = HEEL;
        if (y[QUENCHED] > self->quench_mass) y[QUENCHED] = self->quench_mass;
        if (y[VENTED] > self->water * WATER_MOLE + y[QUENCHED]) y[VENTED] = self->water * WATER_MOLE + y[QUENCHED];
        if (y[TEMPERATURE] >= self->end_temperature) {  // the vessel is gone: nothing beyond is computed
            y[TEMPERATURE] = self->end_temperature;
            self->burst = 1.0;
        }
    }
    self->temperature = y[TEMPERATURE];
    self->conversion = y[CONVERSION] < 1.0 ? y[CONVERSION] : 1.0;
    self->quenched = y[QUENCHED];
    self->vented = y[VENTED];
    self->inventory = y[INVENTORY];
    write_outputs(self);
}

const Model crumple_model = {"{crumple-batch_reactor-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
