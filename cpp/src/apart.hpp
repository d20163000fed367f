// Runs a measurement apart from this process, so that whatever it breaks is not ours.
#pragma once

#include <functional>

namespace crumple {

// The number that `measure` returns, found in a process of its own; 0 where it crashed, took longer than `limit`
// seconds, or where this platform has no such thing. `measure` must not touch what other threads use.
double measure_apart(const std::function<double()>& measure, double limit);

}  // namespace crumple
