// THE MAIN LOOP. One tick, from the communication point t_k to t_(k+1):
//
//   for each wave                        units with no same-tick dependence on each other
//       gather   inputs  <- published    what was true at t_k (Jacobi) ...
//                        or latest       ... or what earlier waves just computed (same_tick); faults on inputs act
//       run      latest  <- units        each unit on its own thread or in its own process, waves in order;
//                                        then faults on outputs act
//   commit       published <- latest, ++tick, digest; a NaN or an infinity ends the run
//   look         requirements see what was published, and may end the run
//   observe      probes read published; they cannot write
//
// A unit with every = N reads its inputs at the start of its window of N ticks and steps in the window's last tick, so
// that its outputs appear at the time they are for. Between, they hold.
//
// What may fail: a unit (StepError, the first in unit order whatever the threads), a value that is not finite
// (StepError), a probe (RecordError). After any of these the world refuses to step until it is reset.

#include <algorithm>
#include <chrono>
#include <limits>

#include "layout.hpp"

namespace crumple {

namespace {

void gather(Layout& layout, const Wave& wave, Tick tick) {
    double* const in = layout.inputs.data();
    const double* const signals = layout.signals.data();
    for (const Gather& g : wave.gathers) {
        if (g.every != 1 && (tick + (g.at_end ? 1 : 0)) % g.every != 0) continue;
        for (const Copy& c : g.copies) in[c.to] = signals[c.from];
        for (const ScaledCopy& c : g.scaled) in[c.to] = signals[c.from] * c.scale + c.offset;
        for (const Copy& c : g.blobs) layout.input_blobs[c.to] = layout.signal_blobs[c.from];
    }
}

struct Moment {
    const Period& period;
    double start;  // [s] time at tick 0
    Tick tick;
    double t;  // [s]
};

void step_profiled(const Work& work, const Work::Run& run, const Step& now, Tick tick, std::size_t& current) {
    using Clock = std::chrono::steady_clock;
    for (current = 0; current < run.count; ++current) {
        const Job& job = work.jobs[run.first + current];
        const auto before = Clock::now();
        job.unit->step(now, *job.io);
        const auto spent = std::chrono::nanoseconds(Clock::now() - before).count();
        Place& place = *work.places[run.first + current];
        place.time->add(static_cast<std::uint64_t>(spent));
        place.spent = spent;
        place.stepped = tick;
    }
}

// What is to be stepped at this tick; false for a unit whose window goes on.
bool due(const Work::Run& run, const Moment& moment, Step& now) {
    now = {moment.tick, moment.t, run.dt};
    if (run.every == 1) return true;
    if ((moment.tick + 1) % run.every != 0) return false;
    now.tick = moment.tick + 1 - run.every;
    now.t = moment.start + moment.period.at(now.tick);
    return true;
}

void run_thread(const Work& work, const Moment& moment, bool profiling, Failure& failure) {
    const Work::Run* run = work.runs.data();
    std::size_t current = 0;  // unit within the run
    try {
        Step now;
        for (const Work::Run* const end = run + work.runs.size(); run != end; ++run) {
            if (!due(*run, moment, now)) continue;
            const std::span<const Job> jobs{work.jobs.data() + run->first, run->count};
            if (profiling) [[unlikely]]
                step_profiled(work, *run, now, moment.tick, current);
            else
                jobs[0].unit->step_run(jobs, now, current);
        }
    } catch (...) {
        failure = {work.places[run->first + current], std::current_exception()};
    }
}

// Units in processes of their own begin their steps, all at once; the first that cannot is remembered.
void post(const Work& work, const Moment& moment, Failure& failure) {
    Step now;
    for (const Work::Run& run : work.runs) {
        if (!due(run, moment, now)) continue;
        for (std::size_t i = run.first; i < run.first + run.count; ++i) {
            try {
                work.jobs[i].unit->post(now, *work.jobs[i].io);
            } catch (...) {
                failure = {work.places[i], std::current_exception()};
                return;
            }
        }
    }
}

void run(Layout& layout, const Wave& wave, const Moment& moment) {
    Failure& apart = layout.failures.back();
    post(wave.apart, moment, apart);
    if (wave.by_thread.size() == 1) {
        run_thread(wave.by_thread[0], moment, layout.profiling, layout.failures[0]);
    } else {
        struct Call {
            Layout& layout;
            const Wave& wave;
            const Moment& moment;
        } call{layout, wave, moment};
        layout.pool->run(
            [](void* argument, std::size_t thread) {
                auto& c = *static_cast<Call*>(argument);
                run_thread(c.wave.by_thread[thread], c.moment, c.layout.profiling, c.layout.failures[thread]);
            },
            &call);
    }
    if (!apart.place) run_thread(wave.apart, moment, layout.profiling, apart);

    const Failure* first = nullptr;
    for (const Failure& failure : layout.failures)
        if (failure.place && (!first || failure.place < first->place)) first = &failure;
    if (first) rethrow_placed(*first->place, moment.tick, moment.t, first->cause);
}

// x * 0 is NaN for NaN and infinity and 0 for all else, so one sum tells of all.
bool all_finite(std::span<const double> x) {
    double sums[4] = {0, 0, 0, 0};
    std::size_t i = 0;
    for (; i + 4 <= x.size(); i += 4)
        for (std::size_t k = 0; k < 4; ++k) sums[k] += x[i + k] * 0.0;
    for (; i < x.size(); ++i) sums[0] += x[i] * 0.0;
    const double sum = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    return sum == sum;
}

}  // namespace

void World::step(Tick n) {
    const Exclusive exclusive(*this, "step");
    require(phase_ == Phase::ready, "step");
    if (n < 0) throw UsageError("step(" + std::to_string(n) + "): the number of ticks is not negative");
    if (n > std::numeric_limits<Tick>::max() - tick_)
        throw UsageError("step(" + std::to_string(n) + "): ticks are counted to 2^63");
    const Tick last = tick_ + n;
    try {
        while (tick_ < last && !layout_->ended) step_once();
    } catch (...) {
        fail();
        throw;
    }
}

void World::step_once() {
    const Moment moment{period_, options_.start, tick_, t()};
    if (!layout_->faults.empty()) [[unlikely]] {
        step_faulty(moment.t);
    } else {
        for (const Wave& wave : layout_->waves) {
            gather(*layout_, wave, tick_);
            run(*layout_, wave, moment);
        }
    }
    commit();
    if (layout_->looks) [[unlikely]]
        look();
    observe();
}

// The same, with faults: on inputs once they are gathered, on outputs before anybody reads them.
void World::step_faulty(double t) {
    Layout& l = *layout_;
    const Moment moment{period_, options_.start, tick_, t};
    begin_faults(l, period_, tick_, t);
    if (quiet_) l.fault_events.clear();
    for (const Wave& wave : l.waves) {
        gather(l, wave, tick_);
        disturb_inputs(l, wave, period_, tick_, t);
        undo_outputs(l, wave);
        run(l, wave, moment);
        disturb_outputs(l, wave, period_, tick_, t);
    }
}

void World::commit() {
    Layout& l = *layout_;
    const std::span<const double> latest{l.latest(), l.digested};
    bool finite = true;
    if (options_.digest) {
        finite = l.digest.add_and_copy(latest, l.published());
        l.digest.add({l.latest_blobs(), l.output_blobs});
    } else {
        finite = all_finite(latest);
        std::copy(latest.begin(), latest.end(), l.published());
    }
    if (!finite) check_finite();  // throws, unless all offenders are allowed
    if (!l.faults.empty()) [[unlikely]]
        write_fault_signals(l);
    for (std::size_t i = 0; i < l.output_blobs; ++i) l.published_blobs()[i] = l.latest_blobs()[i];
    ++tick_;
}

void World::observe() {
    if (quiet_) return;
    Layout& l = *layout_;
    for (const auto& probe : l.probes)
        probe->observe(tick_, t(), {l.published(), l.outputs}, {l.published_blobs(), l.output_blobs});
}

}  // namespace crumple
