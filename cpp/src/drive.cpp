#include "crumple/drive.hpp"

#include <algorithm>

namespace crumple {

namespace {

constexpr Nanoseconds look_every = 20'000'000;  // how long a signal or a command may wait

void step(World& world, Tick n, const DriveHooks& hooks) {
    struct Inside {
        const DriveHooks& hooks;
        explicit Inside(const DriveHooks& h) : hooks(h) {
            if (hooks.enter) hooks.enter();
        }
        ~Inside() {
            if (hooks.leave) hooks.leave();
        }
    } const inside(hooks);
    world.step(n);
}

Stopped drive_paced(World& world, Tick until, Pacer& pacer, Monitor* monitor, Clock& clock, const DriveHooks& hooks) {
    // Whoever sends commands without end holds up nothing: between two of them a tick is stepped.
    const Nanoseconds entered = clock.now();
    bool stepped = false;
    const auto commanded = [&] {
        return monitor && monitor->commanded() && (stepped || clock.now() - entered > look_every);
    };
    const auto interrupted = [&] { return hooks.interrupted && hooks.interrupted(); };
    Nanoseconds looked = clock.now();
    bool signal = false;
    const auto disturbed = [&] { return commanded() || (signal = interrupted()); };
    while (world.tick() < until) {
        if (world.ended()) return Stopped::ended;
        if (commanded()) return Stopped::commanded;
        const Tick tick = world.tick();
        switch (pacer.wait(tick, disturbed)) {
            case Pacer::Wake::disturbed:
                return signal ? Stopped::interrupted : Stopped::commanded;
            case Pacer::Wake::lost:
                return Stopped::lost;
            case Pacer::Wake::due:
                break;
        }
        step(world, 1, hooks);
        stepped = true;
        if (pacer.done(tick)) {
            const SlowestStep slowest = world.slowest_step();
            pacer.blame(slowest.unit, slowest.spent);
        }
        if (monitor)
            monitor->paced(pacer.last_late(), pacer.last_step(), pacer.figures().missed, pacer.figures().slips);
        if (world.ended()) return Stopped::ended;
        if (const Nanoseconds now = clock.now(); now - looked > look_every) {
            looked = now;
            if (interrupted()) return Stopped::interrupted;
        }
    }
    return Stopped::reached;
}

}  // namespace

Stopped drive(World& world, Tick until, Pacer* pacer, Monitor* monitor, Clock& clock, const DriveHooks& hooks,
              Tick most) {
    if (pacer) return drive_paced(world, until, *pacer, monitor, clock, hooks);
    Tick chunk = 1;
    const Tick began = world.tick();
    while (world.tick() < until) {
        if (world.ended()) return Stopped::ended;
        if (monitor && world.tick() != began && monitor->commanded()) return Stopped::commanded;
        const Nanoseconds before = clock.now();
        step(world, std::min(chunk, until - world.tick()), hooks);
        const Nanoseconds spent = clock.now() - before;
        if (spent < look_every / 2)
            chunk = std::min(chunk * 2, most);
        else if (spent > look_every * 2)
            chunk = std::max<Tick>(1, chunk / 2);
        if (hooks.interrupted && hooks.interrupted()) return Stopped::interrupted;
    }
    return Stopped::reached;
}

}  // namespace crumple
