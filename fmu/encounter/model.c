// How near a car comes to another road user, and how fast it hits him: gap, time to collision, contact of two
// rectangles, impact speed. Equations: README.md beside this file.

#include "../common/model.h"

#include <math.h>

#define NEVER 99.0  // [s], time to collision where there is none on the way: an output must be finite
#define CREEP 0.01  // [m/s]; slower is standing

typedef struct {
    // inputs
    double ego_position, ego_speed, other_position, other_lateral, other_speed, other_lateral_speed;
    // parameters
    double ego_length, ego_width, other_length, other_left, other_right;
    // outputs
    double gap, closing_speed, time_to_collision, overlap, in_swath, swath_time, contact, contact_time, impact_speed;
    double least_gap;
    // what was seen at the step before [s], [m], [m], [m/s]
    double seen, last_time, last_gap, last_overlap, last_closing;
} Self;

static const Variable VARIABLES[] = {
    INPUT(ego_position, "m", 0.0),
    INPUT(ego_speed, "m/s", 0.0),
    INPUT(other_position, "m", 1000.0),
    INPUT(other_lateral, "m", 0.0),
    INPUT(other_speed, "m/s", 0.0),
    INPUT(other_lateral_speed, "m/s", 0.0),
    PARAMETER(ego_length, "m", 4.358, 0.1, 30.0),
    PARAMETER(ego_width, "m", 1.815, 0.1, 5.0),
    PARAMETER(other_length, "m", 4.358, 0.01, 30.0),
    PARAMETER(other_left, "m", 0.9075, 0.0, 5.0),
    PARAMETER(other_right, "m", 0.9075, 0.0, 5.0),
    OUTPUT(gap, "m"),
    OUTPUT(closing_speed, "m/s"),
    OUTPUT(time_to_collision, "s"),
    OUTPUT(overlap, "m"),
    OUTPUT(in_swath, "1"),
    OUTPUT(swath_time, "s"),
    OUTPUT(contact, "1"),
    OUTPUT(contact_time, "s"),
    OUTPUT(impact_speed, "m/s"),
    OUTPUT(least_gap, "m"),
};

static bool check(const void* memory, char* text, size_t room) {
    (void)memory;
    (void)text;
    (void)room;
    return true;  // the ranges in the table say all
}

// Width of the strip that both cover; not positive where they pass each other.
static double overlap_of(const Self* self) {
    const double half = 0.5 * self->ego_width;
    const double left = fmin(half, self->other_lateral + self->other_left);
    const double right = fmax(-half, self->other_lateral - self->other_right);
    return left - right;
}

static bool touching(const Self* self, double gap, double overlap) {
    return gap <= 0.0 && gap > -(self->ego_length + self->other_length) && overlap > 0.0;
}

// What the inputs of `time` say.
static void look(Self* self, double time) {
    const double half = 0.5 * self->ego_width;
    const double gap = self->other_position - self->ego_position, closing = self->ego_speed - self->other_speed;
    const double overlap = overlap_of(self);
    self->gap = gap;
    self->closing_speed = closing;
    self->overlap = overlap;
    self->time_to_collision = gap > 0.0 && closing * NEVER > gap ? gap / closing : NEVER;
    if (touching(self, gap, overlap) && closing > CREEP) self->time_to_collision = 0.0;
    self->in_swath = fabs(self->other_lateral) <= half ? 1.0 : 0.0;
    if (self->swath_time < 0.0 && self->in_swath > 0.5) {
        const double late = self->other_lateral_speed != 0.0  // since he crossed the edge, at his present speed
                                ? fabs(half - fabs(self->other_lateral)) / fabs(self->other_lateral_speed)
                                : 0.0;
        self->swath_time = self->seen > 0.5 ? fmax(time - late, self->last_time) : time;
    }
    if (overlap > 0.0 && gap > -self->ego_length) self->least_gap = fmin(self->least_gap, fmax(gap, 0.0));
    if (self->contact < 0.5 && touching(self, gap, overlap) && closing > CREEP) {
        // the moment between the last look and this one at which the later of the two conditions came true
        double share = 1.0;
        if (self->seen > 0.5) {
            const double by_gap =
                self->last_gap > 0.0 && self->last_gap > gap ? self->last_gap / (self->last_gap - gap) : 0.0;
            const double by_side =
                self->last_overlap <= 0.0 ? -self->last_overlap / (overlap - self->last_overlap) : 0.0;
            share = fmax(by_gap, by_side);
        }
        self->contact = 1.0;
        self->contact_time = self->seen > 0.5 ? self->last_time + share * (time - self->last_time) : time;
        self->impact_speed = self->seen > 0.5 ? self->last_closing + share * (closing - self->last_closing) : closing;
    }
    self->last_time = time;
    self->last_gap = gap;
    self->last_overlap = overlap;
    self->last_closing = closing;
    self->seen = 1.0;
}

static void start(void* memory, double time) {
    Self* self = memory;
    self->contact = self->impact_speed = self->seen = 0.0;
    self->contact_time = self->swath_time = -1.0;
    self->least_gap = 1000.0;
    look(self, time);
    self->seen = 0.0;  // initialisation may go round several times; the first step looks at the same moment again
    self->contact = self->impact_speed = 0.0;
    self->contact_time = self->swath_time = -1.0;
}

static void step(void* memory, double time, double length) {
    (void)length;
    look(memory, time);
}

const Model crumple_model = {"{crumple-encounter-1}", sizeof(Self), TABLE(VARIABLES), check, start, step};
