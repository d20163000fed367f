// One lithium-ion cell that can run away: four decomposition reactions, heat capacity, exchange with the surroundings.
// Equations, sources and how near it comes to published figures: README.md beside this file.

#include "../common/model.h"

#include <math.h>

#define GAS_CONSTANT 8.314               // [J/(mol K)], as the source of the kinetics takes it
#define STEFAN_BOLTZMANN 5.670374419e-8  // [W/(m^2 K^4)]
#define PI 3.14159265358979323846
#define MOST_HALVINGS 20  // of a step: below that no sub-step is cut, whatever the inputs do

typedef struct {
    // parameters
    double start_temperature, diameter, length, density, specific_heat;
    double film_coefficient, emissivity, exposed_share;
    double energy_scale, electrolyte_threshold;
    double sei_factor, sei_energy, negative_factor, negative_energy;
    double positive_factor, positive_energy, electrolyte_factor, electrolyte_energy;
    double vent_temperature, runaway_rate, runaway_temperature, largest_change;
    // inputs
    double ambient, conducted, heater, joule;
    // outputs
    double temperature, rate, self_heating, reaction_power, lost_power;
    double sei, negative, sei_thickness, positive, electrolyte;  // what is left, but for the two that grow
    double released_energy, received_energy, lost_energy, energy_error;
    double vented, runaway, sub_steps;
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(start_temperature, "K", 301.15, 200.0, 500.0),
    PARAMETER(diameter, "m", 0.018, 1e-4, 1.0),
    PARAMETER(length, "m", 0.065, 1e-4, 10.0),
    PARAMETER(density, "kg/m^3", 2580.0, 1.0, 1e5),
    PARAMETER(specific_heat, "J/(kg.K)", 830.0, 1.0, 1e5),
    PARAMETER(film_coefficient, "W/(m^2.K)", 7.17, 0.0, 1e6),
    PARAMETER(emissivity, "1", 0.8, 0.0, 1.0),
    PARAMETER(exposed_share, "1", 1.0, 0.0, 1.0),
    PARAMETER(energy_scale, "1", 1.0, 0.0, 100.0),
    PARAMETER(electrolyte_threshold, "K", 0.0, 0.0, 2000.0),
    PARAMETER(sei_factor, "1/s", 1.667e15, 0.0, 1e40),
    PARAMETER(sei_energy, "J/mol", 1.3508e5, 1e3, 1e6),
    PARAMETER(negative_factor, "1/s", 2.5e13, 0.0, 1e40),
    PARAMETER(negative_energy, "J/mol", 1.3508e5, 1e3, 1e6),
    PARAMETER(positive_factor, "1/s", 6.667e13, 0.0, 1e40),
    PARAMETER(positive_energy, "J/mol", 1.396e5, 1e3, 1e6),
    PARAMETER(electrolyte_factor, "1/s", 5.14e25, 0.0, 1e40),
    PARAMETER(electrolyte_energy, "J/mol", 2.74e5, 1e3, 1e6),
    PARAMETER(vent_temperature, "K", 403.15, 200.0, 2000.0),
    PARAMETER(runaway_rate, "K/s", 1.0, 1e-3, 1e6),
    PARAMETER(runaway_temperature, "K", 453.15, 200.0, 2000.0),
    PARAMETER(largest_change, "K", 0.5, 1e-3, 50.0),
    INPUT(ambient, "K", 301.15),
    INPUT(conducted, "W", 0.0),
    INPUT(heater, "W", 0.0),
    INPUT(joule, "W", 0.0),
    OUTPUT(temperature, "K"),
    OUTPUT(rate, "K/s"),
    OUTPUT(self_heating, "K/s"),
    OUTPUT(reaction_power, "W"),
    OUTPUT(lost_power, "W"),
    OUTPUT(sei, "1"),
    OUTPUT(negative, "1"),
    OUTPUT(sei_thickness, "1"),
    OUTPUT(positive, "1"),
    OUTPUT(electrolyte, "1"),
    OUTPUT(released_energy, "J"),
    OUTPUT(received_energy, "J"),
    OUTPUT(lost_energy, "J"),
    OUTPUT(energy_error, "1"),
    OUTPUT(vented, "1"),
    OUTPUT(runaway, "1"),
    OUTPUT(sub_steps, "1"),
};

// Heat of reaction [J/kg] and content [kg/m^3] of what reacts.
static const double SEI_HEAT = 2.57e5 * 610.4;
static const double NEGATIVE_HEAT = 1.714e6 * 610.4;
static const double POSITIVE_HEAT = 3.14e5 * 1221.0;
static const double ELECTROLYTE_HEAT = 1.55e5 * 406.9;
static const double THICKNESS = 0.033;  // of the SEI layer against the particle: at the start, and of reference

static double volume(const Self* self) { return PI / 4.0 * self->diameter * self->diameter * self->length; }

static double area(const Self* self) {
    return self->exposed_share * PI * self->diameter * (self->length + 0.5 * self->diameter);
}

static double heat_capacity(const Self* self) { return self->density * self->specific_heat * volume(self); }

static double arrhenius(double factor, double energy, double kelvin) {
    return factor * exp(-energy / (GAS_CONSTANT * kelvin));
}

static bool check(const void* memory, char* text, size_t room) {
    (void)memory, (void)text, (void)room;
    return true;
}

typedef struct {
    double sei, negative, thickness, positive, electrolyte;
} Species;

// All species over `h` seconds at a temperature and a layer thickness that stand still, each exactly; returns the heat
// of what was consumed [J/m^3]. Nothing can fall below 0 or pass 1 however long h is, and heat is counted from the
// amounts.
static double react(const Self* self, double kelvin, double thickness, double h, Species* s) {
    const Species before = *s;
    s->sei *= exp(-h * arrhenius(self->sei_factor, self->sei_energy, kelvin));
    // the layer grows by what the negative electrode loses, and slows that down
    const double bare = arrhenius(self->negative_factor, self->negative_energy, kelvin);
    s->negative *= exp(-h * bare * exp(-thickness / THICKNESS));
    s->thickness += before.negative - s->negative;
    // logistic growth, in the form that neither overflows nor loses 1 - alpha
    const double fade = exp(-h * arrhenius(self->positive_factor, self->positive_energy, kelvin));
    s->positive = s->positive / (s->positive + (1.0 - s->positive) * fade);
    if (kelvin >= self->electrolyte_threshold)
        s->electrolyte *= exp(-h * arrhenius(self->electrolyte_factor, self->electrolyte_energy, kelvin));
    return self->energy_scale *
           (SEI_HEAT * (before.sei - s->sei) + NEGATIVE_HEAT * (before.negative - s->negative) +
            POSITIVE_HEAT * (s->positive - before.positive) + ELECTROLYTE_HEAT * (before.electrolyte - s->electrolyte));
}

static double exchange(const Self* self, double kelvin) {  // to the surroundings [W]
    const double t2 = kelvin * kelvin, a2 = self->ambient * self->ambient;
    return area(self) * (self->film_coefficient * (kelvin - self->ambient) +
                         self->emissivity * STEFAN_BOLTZMANN * (t2 * t2 - a2 * a2));
}

static void write_marks(Self* self) {
    if (self->temperature >= self->vent_temperature) self->vented = 1.0;
    const double balance = heat_capacity(self) * (self->temperature - self->start_temperature) + self->lost_energy -
                           self->released_energy - self->received_energy;
    // against what was turned over, and one kelvin of heat: rounding is no error while nothing has happened yet
    const double turned = fabs(self->released_energy) + fabs(self->received_energy) + fabs(self->lost_energy);
    self->energy_error = fabs(balance) / (turned + heat_capacity(self));
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    self->temperature = self->start_temperature;
    self->sei = 0.15;
    self->negative = 0.75;
    self->sei_thickness = THICKNESS;
    self->positive = 0.04;
    self->electrolyte = 1.0;
    self->rate = self->self_heating = self->reaction_power = 0.0;
    self->lost_power = exchange(self, self->temperature);
    self->released_energy = self->received_energy = self->lost_energy = 0.0;
    self->vented = self->runaway = self->sub_steps = 0.0;
    write_marks(self);
}

// The exchange over `h` is the exact one of its tangent: it relaxes, it never overshoots.
static double lost_in(const Self* self, double given, double h) {  // [J]; `given`: all other power [W]
    const double kelvin = self->temperature, c = heat_capacity(self);
    const double slope =
        area(self) * (self->film_coefficient + 4.0 * self->emissivity * STEFAN_BOLTZMANN * kelvin * kelvin * kelvin);
    const double loss = exchange(self, kelvin), x = slope * h / c;
    if (x <= 0.0) return loss * h;
    // c dT/dt = given - loss - slope (T - kelvin): change of temperature, then what it leaves for the loss
    const double change = (given - loss) / slope * -expm1(-x);
    return given * h - c * change;
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    (void)time;
    const double c = heat_capacity(self), v = volume(self), before = self->temperature;
    const double received = self->conducted + self->heater + self->joule;
    const double released_before = self->released_energy, lost_before = self->lost_energy;
    const double shortest = ldexp(length, -MOST_HALVINGS);
    double remaining = length, h = length;
    self->sub_steps = 0.0;
    while (remaining > 0.0) {
        if (h > remaining) h = remaining;
        // at the temperature of the begin to learn where the middle is, then at that of the middle: second order
        const Species now = {self->sei, self->negative, self->sei_thickness, self->positive, self->electrolyte};
        Species species = now;
        double heat = v * react(self, self->temperature, now.thickness, h, &species);
        double lost = lost_in(self, received + heat / h, h);
        double change = (heat + received * h - lost) / c;
        const bool calm = fabs(change) <= self->largest_change || h <= shortest;
        if (calm) {
            const double middle = 0.5 * (now.thickness + species.thickness);
            species = now;
            heat = v * react(self, self->temperature + 0.5 * change, middle, h, &species);
            lost = lost_in(self, received + heat / h, h);
            change = (heat + received * h - lost) / c;
        }
        if (!calm || (fabs(change) > self->largest_change && h > shortest)) {
            h *= 0.5;
            continue;
        }
        self->sei = species.sei;
        self->negative = species.negative;
        self->sei_thickness = species.thickness;
        self->positive = species.positive;
        self->electrolyte = species.electrolyte;
        self->temperature += change;
        self->released_energy += heat;
        self->received_energy += received * h;
        self->lost_energy += lost;
        self->sub_steps += 1.0;
        remaining = h < remaining ? remaining - h : 0.0;
        h *= 2.0;
    }
    self->rate = (self->temperature - before) / length;
    self->reaction_power = (self->released_energy - released_before) / length;
    self->self_heating =
        (self->reaction_power - fmax(0.0, (self->lost_energy - lost_before) / length) - fmax(0.0, -self->conducted)) /
        c;
    self->lost_power = exchange(self, self->temperature);
    // below that temperature SEI and negative electrode can flare up and die down again
    if (self->self_heating >= self->runaway_rate && self->temperature >= self->runaway_temperature) self->runaway = 1.0;
    write_marks(self);
}

const Model crumple_model = {"{crumple-battery_cell-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
