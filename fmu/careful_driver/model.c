// Whether a competent and careful human driver would have avoided the collision of a cut-in (UN Regulation No. 157).
// The whole case is driven once, when the unit is initialised; nothing of the run itself comes in.
// Equations and sources: README.md beside this file.

#include "../common/model.h"

#include "../cut_in_vehicle/path.h"

typedef struct {
    // parameters
    double ego_kmh, speed_kmh, gap, lateral_speed, lateral_rise, clearance, length, width, rate;
    double critical_ttc, reaction_time, release_deceleration, jerk, braking, horizon;
    // outputs
    double crash, impact_speed;
} Self;

static const Variable VARIABLES[] = {
    PARAMETER(ego_kmh, "km/h", 50.0, 0.0, 500.0),
    PARAMETER(speed_kmh, "km/h", 20.0, 0.0, 500.0),
    PARAMETER(gap, "m", 20.0, 0.0, 1e4),
    PARAMETER(lateral_speed, "m/s", 1.0, 0.0, 10.0),
    PARAMETER(lateral_rise, "m/s^2", 1.5, 1e-2, 1e3),
    PARAMETER(clearance, "m", 1.6, 0.0, 100.0),
    PARAMETER(length, "m", 4.3, 0.1, 100.0),
    PARAMETER(width, "m", 1.9, 0.1, 10.0),
    PARAMETER(rate, "1/s", 10.0, 1.0, 1e4),
    PARAMETER(critical_ttc, "s", 2.0, 0.0, 100.0),
    PARAMETER(reaction_time, "s", 0.75, 0.0, 10.0),
    PARAMETER(release_deceleration, "m/s^2", 0.4, 0.0, 10.0),
    PARAMETER(jerk, "m/s^3", 12.65, 0.1, 1e3),
    PARAMETER(braking, "m/s^2", 0.774 * 9.81, 0.1, 100.0),
    PARAMETER(horizon, "s", 35.0, 0.0, 600.0),
    OUTPUT(crash, "1"),
    OUTPUT(impact_speed, "m/s"),
};

static bool check(const void* memory, char* text, size_t room) {
    (void)memory;
    (void)text;
    (void)room;
    return true;  // the ranges in the table say all
}

static void start(void* memory, double time) {
    Self* self = memory;
    (void)time;
    const double rate = self->rate, other = self->speed_kmh / 3.6;
    Path path = {.rate = rate,
                 .gap = self->gap,
                 .speed = other,
                 .lateral_speed = self->lateral_speed,
                 .lateral_rise = self->lateral_rise,
                 .clearance = self->clearance,
                 .length = self->length,
                 .width = self->width};
    path_prepare(&path);
    double speed = self->ego_kmh / 3.6;
    double x = path_start_of(speed, path.lead, rate);
    double waits = self->reaction_time, deceleration = 0.0;
    self->crash = self->impact_speed = 0.0;

    const double count = path.lead + self->horizon * rate;
    for (double sample = 0.0; sample < count; sample += 1.0) {
        const Place place = path_place(&path, sample / rate);
        const double ahead = place.x - x, closing = speed - other;
        const double gap = fabs(ahead) - self->length / 2.0 - self->length / 2.0;
        const double clearance = fabs(place.y) - self->width / 2.0 - self->width / 2.0;
        if (clearance < 0.0 && gap < 0.0) {
            self->crash = 1.0;
            self->impact_speed = fabs(closing);
            return;
        }
        if (ahead >= 0.0 && clearance <= 0.0) {
            if (fabs(gap / closing) > self->critical_ttc) return;  // not critical: nothing to react to
            if (waits > 0.0) {
                waits -= 1.0 / rate;
                deceleration = self->release_deceleration;
            } else {
                deceleration += self->jerk / rate;
                if (deceleration > self->braking) deceleration = self->braking;
            }
            speed -= deceleration / rate;
            if (speed < 0.0) speed = 0.0;
        }
        x += speed / rate;
    }
}

static void step(void* memory, double time, double length) {
    (void)memory;
    (void)time;
    (void)length;
}

const Model crumple_model = {"{crumple-careful_driver-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
