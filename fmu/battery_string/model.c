// Cells in series behind a contactor: open-circuit voltage and resistance of each, charge counted.
// Equations and validity: README.md beside this file.

#include "../common/model.h"

#include <math.h>

#define MOST_CELLS 100

typedef struct {
    // size
    double cells;
    // parameters
    double capacity, resistance, start_charge, odd_cell, odd_charge, interrupts;
    // inputs
    double close, request;
    double vented[MOST_CELLS];
    // outputs
    double voltage[MOST_CELLS], charge[MOST_CELLS], joule[MOST_CELLS];
    double current, pack_voltage, highest_voltage, lowest_voltage, closed;
    // history
    double interrupted;
} Self;

static const Variable VARIABLES[] = {
    SIZE(cells, 5.0, 1.0, MOST_CELLS),
    PARAMETER(capacity, "A.s", 9360.0, 1.0, 1e9),
    PARAMETER(resistance, "Ohm", 0.03, 0.0, 1e3),
    PARAMETER(start_charge, "1", 0.6, 0.0, 1.0),
    PARAMETER(odd_cell, "1", 1.0, 1.0, MOST_CELLS),
    PARAMETER(odd_charge, "1", 0.0, -1.0, 1.0),
    PARAMETER(interrupts, "1", 1.0, 0.0, 1.0),
    INPUT(close, "1", 1.0),
    INPUT(request, "A", 0.0),
    INPUT_ARRAY(vented, "1", 0.0, cells),
    OUTPUT_ARRAY(voltage, "V", cells),
    OUTPUT_ARRAY(charge, "1", cells),
    OUTPUT_ARRAY(joule, "W", cells),
    OUTPUT(current, "A"),
    OUTPUT(pack_voltage, "V"),
    OUTPUT(highest_voltage, "V"),
    OUTPUT(lowest_voltage, "V"),
    OUTPUT(closed, "1"),
};

static bool check(const void* memory, char* text, size_t room) {
    (void)memory, (void)text, (void)room;
    return true;
}

// Open-circuit voltage every tenth of the charge from 0 to 1.1 [V]; straight on beyond both ends.
static const double OPEN[] = {3.00, 3.45, 3.55, 3.61, 3.66, 3.72, 3.81, 3.91, 4.01, 4.10, 4.20, 4.45};
#define LAST_INTERVAL ((double)(sizeof OPEN / sizeof OPEN[0]) - 2.0)

static double open_voltage(double charge) {
    const double at = fmin(fmax(floor(charge * 10.0), 0.0), LAST_INTERVAL);
    const size_t i = (size_t)at;
    return OPEN[i] + (charge * 10.0 - at) * (OPEN[i + 1] - OPEN[i]);
}

static void write_outputs(Self* self) {
    const size_t n = (size_t)self->cells;
    for (size_t i = 0; i < n; ++i)
        if (self->interrupts >= 0.5 && self->vented[i] != 0.0) self->interrupted = 1.0;
    self->closed = self->close >= 0.5 && self->interrupted == 0.0 ? 1.0 : 0.0;
    self->current = self->closed != 0.0 ? self->request : 0.0;
    self->pack_voltage = 0.0;
    self->highest_voltage = -HUGE_VAL;
    self->lowest_voltage = HUGE_VAL;
    for (size_t i = 0; i < n; ++i) {
        self->voltage[i] = open_voltage(self->charge[i]) + self->current * self->resistance;
        self->joule[i] = self->current * self->current * self->resistance;
        self->pack_voltage += self->voltage[i];
        self->highest_voltage = fmax(self->highest_voltage, self->voltage[i]);
        self->lowest_voltage = fmin(self->lowest_voltage, self->voltage[i]);
    }
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    self->interrupted = 0.0;
    for (size_t i = 0; i < (size_t)self->cells; ++i)
        self->charge[i] = self->start_charge + (i + 1 == (size_t)self->odd_cell ? self->odd_charge : 0.0);
    write_outputs(self);
}

static void step(void* memory, double time, double length) {
    Self* self = memory;
    (void)time;
    const double current = self->close >= 0.5 && self->interrupted == 0.0 ? self->request : 0.0;
    for (size_t i = 0; i < (size_t)self->cells; ++i) self->charge[i] += current * length / self->capacity;
    write_outputs(self);
}

const Model crumple_model = {"{crumple-battery_string-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
