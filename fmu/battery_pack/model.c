// Heat between the cells of a pack, the heater of a propagation test, and what the pack as a whole has lost.
// Equations and validity: README.md beside this file.

#include "../common/model.h"

#include <math.h>
#include <stdio.h>

#define MOST_CELLS 100

typedef struct {
    // size
    double cells;
    // parameters
    double columns, coupling;
    double heater_power, heater_cell, heater_from, heater_until;
    // inputs, from the cells
    double temperature[MOST_CELLS], runaway[MOST_CELLS], vented[MOST_CELLS];
    double released_energy[MOST_CELLS], energy_error[MOST_CELLS];
    // outputs
    double conducted[MOST_CELLS], heater[MOST_CELLS], flow[MOST_CELLS];
    double cell_temperature[MOST_CELLS], cell_state[MOST_CELLS];
    double hottest, hottest_other, coldest, heater_on, cells_lost, cells_vented, released_total, worst_energy_error;
} Self;

static const Variable VARIABLES[] = {
    SIZE(cells, 5.0, 1.0, MOST_CELLS),
    PARAMETER(columns, "1", 0.0, 0.0, MOST_CELLS),
    PARAMETER(coupling, "W/K", 0.05, 0.0, 1e3),
    PARAMETER(heater_power, "W", 0.0, 0.0, 1e4),
    PARAMETER(heater_cell, "1", 1.0, 1.0, MOST_CELLS),
    PARAMETER(heater_from, "s", 0.0, 0.0, 1e9),
    PARAMETER(heater_until, "s", 1e9, 0.0, 1e9),
    INPUT_ARRAY(temperature, "K", 301.15, cells),
    INPUT_ARRAY(runaway, "1", 0.0, cells),
    INPUT_ARRAY(vented, "1", 0.0, cells),
    INPUT_ARRAY(released_energy, "J", 0.0, cells),
    INPUT_ARRAY(energy_error, "1", 0.0, cells),
    OUTPUT_ARRAY(conducted, "W", cells),
    OUTPUT_ARRAY(heater, "W", cells),
    OUTPUT_ARRAY(flow, "W", cells),
    OUTPUT_ARRAY(cell_temperature, "K", cells),
    OUTPUT_ARRAY(cell_state, "1", cells),
    OUTPUT(hottest, "K"),
    OUTPUT(hottest_other, "K"),
    OUTPUT(coldest, "K"),
    OUTPUT(heater_on, "1"),
    OUTPUT(cells_lost, "1"),
    OUTPUT(cells_vented, "1"),
    OUTPUT(released_total, "J"),
    OUTPUT(worst_energy_error, "1"),
};

static bool check(const void* memory, char* text, size_t room) {
    const Self* self = memory;
    if (self->columns != floor(self->columns)) {
        snprintf(text, room, "columns = %.9g must be a whole number; 0 puts all cells in one row.", self->columns);
        return false;
    }
    if (self->heater_cell != floor(self->heater_cell) || self->heater_cell > self->cells) {
        snprintf(text, room, "heater_cell = %.9g must be the number of a cell, 1 to %.9g.", self->heater_cell,
                 self->cells);
        return false;
    }
    return true;
}

static size_t count_of(const Self* self) { return (size_t)self->cells; }

static size_t columns_of(const Self* self) { return self->columns > 0.0 ? (size_t)self->columns : count_of(self); }

// From cell a to cell b: what one loses the other gets, to the bit.
static double conduct(Self* self, size_t a, size_t b) {
    const double watts = self->coupling * (self->temperature[a] - self->temperature[b]);
    self->conducted[a] -= watts;
    self->conducted[b] += watts;
    return watts;
}

static void write_outputs(Self* self, double time) {
    const size_t n = count_of(self), columns = columns_of(self), heated = (size_t)self->heater_cell - 1;
    for (size_t i = 0; i < n; ++i) self->conducted[i] = self->heater[i] = self->flow[i] = 0.0;
    for (size_t i = 0; i < n; ++i) {
        if (i + 1 < n && (i + 1) % columns != 0) self->flow[i] = conduct(self, i, i + 1);
        if (i + columns < n) conduct(self, i, i + columns);
    }
    const bool on = self->heater_power > 0.0 && time >= self->heater_from && time < self->heater_until &&
                    self->runaway[heated] == 0.0;
    self->heater_on = on ? 1.0 : 0.0;
    self->heater[heated] = on ? self->heater_power : 0.0;

    self->hottest = self->hottest_other = 0.0;
    self->coldest = HUGE_VAL;
    self->cells_lost = self->cells_vented = self->released_total = self->worst_energy_error = 0.0;
    for (size_t i = 0; i < n; ++i) {
        const double kelvin = self->temperature[i];
        self->cell_temperature[i] = kelvin;
        self->cell_state[i] = self->runaway[i] != 0.0 ? 2.0 : self->vented[i] != 0.0 ? 1.0 : 0.0;
        self->hottest = fmax(self->hottest, kelvin);
        if (i != heated || self->heater_power <= 0.0) self->hottest_other = fmax(self->hottest_other, kelvin);
        self->coldest = fmin(self->coldest, kelvin);
        self->cells_lost += self->runaway[i] != 0.0;
        self->cells_vented += self->vented[i] != 0.0;
        self->released_total += self->released_energy[i];
        self->worst_energy_error = fmax(self->worst_energy_error, self->energy_error[i]);
    }
}

static void start(void* memory, double time) { write_outputs(memory, time); }

static void step(void* memory, double time, double length) { write_outputs(memory, time + length); }

const Model crumple_model = {"{crumple-battery_pack-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
