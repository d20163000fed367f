// Live inputs and outputs are units: a sensor latches what came over the wire at the beginning of a tick, an actuator
// sends what the waves before it computed in the same tick. A rig is a peer that paces the run.
#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "crumple/clock.hpp"
#include "crumple/profile.hpp"
#include "crumple/transport.hpp"
#include "crumple/unit.hpp"
#include "crumple/wire.hpp"

namespace crumple {

// What is read at once; more than may wait, so a flood cannot keep a tick from its end.
constexpr std::size_t frames_at_once = 65536;

// What all live units of a world share.
struct LiveContext {
    std::shared_ptr<Clock> clock;
    Period period;
    double start = 0.0;                 // [s] time at tick 0
    Nanoseconds epoch = 0;              // when tick 0 began
    bool began = false;                 // epoch stands
    std::uint64_t session = 0;          // of this run
    bool fail_safe = false;             // actuators are to stay safe from now on
    std::function<bool()> stop_wanted;  // asked while a rig is waited for; may be empty
    std::uint64_t echo_sequence = 0;    // of the sample latched last, of whatever sensor
    std::int64_t echo_ns = 0;           // and when it was sent, on its sender's clock

    LiveContext(std::shared_ptr<Clock> c, Period p, double s)
        : clock(std::move(c)), period(p), start(s), session(fresh_session()) {}
    std::int64_t sim_ns(Tick tick) const;
};

enum class Policy : std::uint8_t { hold, extrapolate, substitute, fail_safe, stop };
enum class SampleState : std::uint8_t { none, fresh, held, extrapolated, substituted, fail_safe, count };

// What was counted at a live input. Ages are in ns, of every sample that was latched.
struct InputFigures {
    std::uint64_t received = 0, accepted = 0, overflows = 0, starved = 0, resends = 0, restarts = 0, ticks = 0;
    std::array<std::uint64_t, static_cast<std::size_t>(Refusal::count)> refused{};
    std::array<std::uint64_t, static_cast<std::size_t>(SampleState::count)> states{};
    Histogram age;
};

struct SensorOptions {
    std::string name;
    std::vector<Channel> channels;
    Nanoseconds max_age = -1, stop_age = -1;  // -1: no limit
    Policy policy = Policy::hold;
    bool queue = false;      // every message is used, one a tick; else the newest
    Tick every = 1;          // ticks between two samples
    bool same_clock = true;  // the sender's monotonic clock is this machine's
};

struct Sample {
    std::vector<double> values;
    std::uint64_t sequence = 0;
    std::int64_t sim_ns = unknown_time;
    std::int64_t source_ns = 0;  // on the sender's clock, as it came
    Nanoseconds source = 0;      // on this machine's clock, as far as that is known
    Nanoseconds arrival = 0;
};

// The far end of a sensor, or a rig's samples: frames in, samples out.
class Inlet {
public:
    Inlet(std::shared_ptr<LiveContext> context, SensorOptions options, std::shared_ptr<Transport> transport);

    const SensorOptions& options() const { return options_; }
    const InputFigures& figures() const { return figures_; }
    InputFigures& figures() { return figures_; }
    const Tracker& tracker() const { return tracker_; }
    Transport& transport() { return *transport_; }
    std::uint64_t layout() const { return layout_; }

    // Takes all that has arrived.
    void drain();
    // One frame that was received; the refusal is counted. Header and, where it is a sample, `taken` tell what it was.
    Refusal take(std::span<const std::byte> frame, Header& header, bool& taken);

    bool hello() const { return hello_; }                        // the peer said that it is there
    const std::optional<Sample>& used() const { return used_; }  // what was latched last
    bool ready() const { return !waiting_.empty() || newest_.has_value(); }
    std::string last_refusal() const { return last_refusal_; }

    // The sample for a tick, and how it came to be; the values as the policy leaves them.
    SampleState latch(std::span<double> values, Sample& stamps);
    void reset();

private:
    Nanoseconds source_on_our_clock(std::int64_t source_ns, Nanoseconds arrival);

    std::shared_ptr<LiveContext> context_;
    SensorOptions options_;
    std::shared_ptr<Transport> transport_;
    std::uint64_t layout_;
    Tracker tracker_;
    InputFigures figures_;
    std::vector<std::byte> frame_;
    std::vector<double> values_;
    std::deque<Sample> waiting_;                    // queue only
    std::optional<Sample> newest_, used_, before_;  // before_: the one before used_, for extrapolation
    Nanoseconds mended_ = 0;                        // when something came last, or a lost connection was looked after
    std::optional<std::int64_t> least_delay_;       // of the session, where clocks differ
    std::uint64_t delay_session_ = 0;
    bool hello_ = false;
    std::string last_refusal_;
};

struct ActuatorOptions {
    std::string name;
    std::vector<Channel> channels;
    Tick every = 1;
};

// The near end of an actuator: values out, and the safe ones in the end.
class Outlet {
public:
    Outlet(std::shared_ptr<LiveContext> context, ActuatorOptions options, std::shared_ptr<Transport> transport);

    const ActuatorOptions& options() const { return options_; }
    std::uint64_t layout() const { return layout_; }
    std::uint64_t sent() const { return sent_; }
    std::uint64_t dropped() const { return dropped_; }
    Transport& transport() { return *transport_; }

    void open();
    // Values valid from `tick` on, with the echo of the sample latched last. Throws UnitError where one is not finite.
    void send(Tick tick, std::span<const double> values);
    // In lockstep: the answer to a sample has its sequence. Without one, the values at the start, numbered 0.
    void answer(Tick tick, std::span<const double> values, const Sample* sample);
    void repeat();  // the last message once more, flagged so
    // Safe values with these flags; final ones are followed by a goodbye, and nothing more leaves.
    void safe(Tick tick, std::uint16_t flags);
    bool over() const { return over_; }
    void reset();

private:
    void check(std::span<const double> values) const;
    Header post(MessageType type, std::uint16_t flags, Tick tick, std::span<const double> values);
    void output(Tick tick, std::span<const double> values);

    std::shared_ptr<LiveContext> context_;
    ActuatorOptions options_;
    std::shared_ptr<Transport> transport_;
    std::uint64_t layout_;
    std::vector<double> safe_;
    std::vector<std::byte> frame_;
    Header last_;
    std::vector<double> last_values_;
    std::uint64_t echo_sequence_ = 0;
    std::int64_t echo_ns_ = 0;
    std::uint64_t sequence_ = 0, sent_ = 0, dropped_ = 0;
    bool over_ = false;
};

// A peer in lockstep: its inlet and its outlet on one socket.
class Rig {
public:
    Rig(std::shared_ptr<LiveContext> context, std::string name, std::shared_ptr<Transport> transport,
        Nanoseconds timeout);

    void set_inlet(std::shared_ptr<Inlet> inlet) { inlet_ = std::move(inlet); }
    void set_outlet(std::shared_ptr<Outlet> outlet) { outlet_ = std::move(outlet); }
    const std::string& name() const { return name_; }
    Transport& transport() { return *transport_; }

    // Looks for a peer that says hello and has the right layouts. True once there is one.
    bool greet(Tick tick, std::span<const double> outputs);
    const std::string& trouble() const { return trouble_; }  // why the last hello was not answered
    // The next sample. Throws EndRequest where the peer is silent for too long, begins anew, or says goodbye.
    void exchange(std::span<double> values, Sample& stamps);
    // Answers a sample that no actuator answers.
    void acknowledge(Tick tick);
    // The end, for a peer to which no actuator says it.
    void goodbye();
    bool has_outlet() const { return outlet_ != nullptr; }
    void reset();

private:
    void welcome(const Header& hello);
    void bye();
    std::ptrdiff_t hear(Nanoseconds most, bool soon);

    std::shared_ptr<LiveContext> context_;
    std::string name_;
    std::shared_ptr<Transport> transport_;
    Nanoseconds timeout_;
    std::shared_ptr<Inlet> inlet_;
    std::shared_ptr<Outlet> outlet_;
    std::vector<std::byte> frame_, answer_;
    std::uint64_t session_ = 0;     // of the peer; 0: nobody yet
    std::vector<std::byte> early_;  // a sample that came while others were still waited for
    std::string trouble_;
};

std::unique_ptr<Unit> make_sensor(std::shared_ptr<LiveContext> context, std::shared_ptr<Inlet> inlet,
                                  std::shared_ptr<Rig> rig);
// answered: in lockstep, the samples that its messages answer; else null.
std::unique_ptr<Unit> make_actuator(std::shared_ptr<Outlet> outlet, std::shared_ptr<Inlet> answered);

// A sensor's outputs: its channels, then the stamps.
Ports sensor_ports(std::span<const Channel> channels);

// A unit that gives the rows of a tape, one a tick: row 0 at the start, row k after tick k. Throws at its end.
std::unique_ptr<Unit> make_tape(std::vector<Port> outputs, std::vector<double> rows);
// A unit that takes inputs and does nothing with them: an actuator in a replay.
std::unique_ptr<Unit> make_sink(std::vector<Port> inputs);

}  // namespace crumple
