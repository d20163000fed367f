// A probe reads what was published at a tick; it never writes.
#pragma once

#include <span>

#include "crumple/port.hpp"
#include "crumple/time.hpp"

namespace crumple {

class Probe {
public:
    virtual ~Probe() = default;
    virtual void observe(Tick tick, double t, std::span<const double> published, std::span<const Blob> blobs) = 0;
    virtual void close() {}  // the run is over: flush
};

}  // namespace crumple
