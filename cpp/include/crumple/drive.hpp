// Steps a world on the wall clock, until a tick is reached or somebody wants something.
#pragma once

#include <functional>

#include "crumple/monitor.hpp"
#include "crumple/pacer.hpp"
#include "crumple/world.hpp"

namespace crumple {

enum class Stopped : std::uint8_t {
    reached,      // the tick
    commanded,    // the monitor has a command
    ended,        // the run, before that: see World::ended()
    interrupted,  // a signal
    lost          // too far behind, in a strict run
};

// What the host wants around a step (it may hold an interpreter only then), and how it tells of a signal.
struct DriveHooks {
    std::function<void()> enter, leave;
    std::function<bool()> interrupted;
};

// pacer, monitor: may be null. Without a pacer, as fast as possible, with a look at the rest of the world every 20 ms,
// or after `most` ticks: where a rig paces the run, after every one, as nobody knows how long the next will take.
Stopped drive(World& world, Tick until, Pacer* pacer, Monitor* monitor, Clock& clock, const DriveHooks& hooks,
              Tick most = Tick{1} << 40);

}  // namespace crumple
