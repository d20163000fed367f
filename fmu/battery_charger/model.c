// What asks the pack for current: a charger (constant current, then constant voltage) or a load (constant current down
// to a cut-off). Equations and validity: README.md beside this file.

#include "../common/model.h"

#include <math.h>

typedef struct {
    // parameters
    double cells, current, cell_voltage_limit, cell_voltage_cutoff, steepness;
    // inputs
    double pack_voltage;
    // outputs
    double request, cell_voltage;
    // history
    double empty;
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(cells, "1", 5.0, 1.0, 1e4),
    PARAMETER(current, "A", 0.0, -1e4, 1e4),
    PARAMETER(cell_voltage_limit, "V", 4.2, 0.0, 100.0),
    PARAMETER(cell_voltage_cutoff, "V", 3.0, 0.0, 100.0),
    PARAMETER(steepness, "A/V", 20.0, 1e-3, 1e4),
    INPUT(pack_voltage, "V", 18.0),
    OUTPUT(request, "A"),
    OUTPUT(cell_voltage, "V"),
};

static bool check(const void* memory, char* text, size_t room) {
    (void)memory, (void)text, (void)room;
    return true;
}

static void write_outputs(Self* self) {
    self->cell_voltage = self->pack_voltage / self->cells;
    if (self->current >= 0.0) {
        const double room = self->steepness * (self->cell_voltage_limit - self->cell_voltage);
        self->request = fmin(self->current, fmax(0.0, room));
    } else {
        if (self->cell_voltage <= self->cell_voltage_cutoff) self->empty = 1.0;
        self->request = self->empty != 0.0 ? 0.0 : self->current;
    }
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    self->empty = 0.0;
    // nothing flows before the first step, in which the pack's voltage is known
    self->cell_voltage = self->pack_voltage / self->cells;
    self->request = 0.0;
}

static void step(void* memory, double time, double length) {
    (void)time, (void)length;
    write_outputs(memory);
}

const Model crumple_model = {"{crumple-battery_charger-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
