#pragma once
// Force over travel of something that crushes: up a piecewise linear loading curve, down a steep line.
//
//   loading    x >= deepest:  F = curve(x), straight on with its last slope beyond the last point, 0 for x <= 0
//   unloading  x <  deepest:  F = max(F_d - unload (deepest - x), remain F_d x / deepest, 0),  F_d = curve(deepest)
//
// `deepest` is the largest travel so far. Reloading goes up the way it came down and on along the curve, so F is
// continuous in x. Used for the vehicle's front, the belt with its load limiter, the steering wheel and its column.

#define LAW_POINTS 4

typedef struct {
    double count;          // points used; the first is (0, 0)
    double x[LAW_POINTS];  // travel [m], rising
    double f[LAW_POINTS];  // force [N]
    double unload;         // slope of the way back [N/m], above every slope of the curve
    double remain;         // share of the force that is left at once after unloading [1]; 0: none
} CrushLaw;

// An elastic rise with `stiffness` [N/m] to `yield` [N], then travel at that force.
static inline CrushLaw elastic_plastic(double stiffness, double yield, double unload, double remain) {
    const double bend = yield / stiffness;
    const CrushLaw law = {3.0, {0.0, bend, 2.0 * bend, 0.0}, {0.0, yield, yield, 0.0}, unload, remain};
    return law;
}

// The segment that holds x > 0: index of its left point.
static inline int law_segment(const CrushLaw* law, double x) {
    const int last = (int)law->count - 2;
    int i = 0;
    while (i < last && x >= law->x[i + 1]) ++i;
    return i;
}

// Force on the loading curve [N].
static inline double law_curve(const CrushLaw* law, double x) {
    if (x <= 0.0) return 0.0;
    const int i = law_segment(law, x);
    const double slope = (law->f[i + 1] - law->f[i]) / (law->x[i + 1] - law->x[i]);
    return law->f[i] + slope * (x - law->x[i]);
}

// Force [N] at travel x [m] after travel up to `deepest` [m].
static inline double law_force(const CrushLaw* law, double x, double deepest) {
    if (x <= 0.0) return 0.0;
    if (x >= deepest) return law_curve(law, x);
    const double top = law_curve(law, deepest);
    const double steep = top - law->unload * (deepest - x);
    const double left = law->remain * top * x / deepest;
    return steep > left ? steep : left;
}

// Work taken up on the way to `deepest` [J]: area under the loading curve.
static inline double law_absorbed(const CrushLaw* law, double deepest) {
    if (deepest <= 0.0) return 0.0;
    const int end = law_segment(law, deepest);
    double area = 0.0;
    for (int i = 0; i < end; ++i) area += 0.5 * (law->f[i] + law->f[i + 1]) * (law->x[i + 1] - law->x[i]);
    return area + 0.5 * (law->f[end] + law_curve(law, deepest)) * (deepest - law->x[end]);
}

// Work given back on the way from `deepest` to x [J]: area under the unloading line.
static inline double law_returned(const CrushLaw* law, double x, double deepest) {
    if (deepest <= 0.0 || x >= deepest) return 0.0;
    const double top = law_curve(law, deepest);
    const double low = law->remain * top / deepest;                           // slope of the remaining force [N/m]
    const double meet = (law->unload * deepest - top) / (law->unload - low);  // where the two lines cross [m]
    if (x >= meet) return 0.5 * (top + law_force(law, x, deepest)) * (deepest - x);
    const double from = x > 0.0 ? x : 0.0;
    return 0.5 * (top + low * meet) * (deepest - meet) + 0.5 * low * (meet * meet - from * from);
}
