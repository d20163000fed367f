// Sensors, actuators and their stand-ins in a replay, as units of a world.

#include <cmath>
#include <limits>

#include "crumple/error.hpp"
#include "crumple/live.hpp"
#include "crumple/waiting.hpp"

namespace crumple {

std::function<void(const std::function<void()>&)>& around_waiting() {
    static std::function<void(const std::function<void()>&)> around;
    return around;
}

namespace {

struct NoState final : State {};  // what a unit gives depends on the tick alone

Port stamp(const char* name, Kind kind, const char* si, bool may_miss) {
    Port port;
    port.name = name;
    port.kind = kind;
    port.si = Si{si, 1.0, 0.0, {}};
    if (std::string_view(si) == "s") port.si->dimension[2] = 1;
    port.allow_nonfinite = may_miss;
    port.start = {may_miss ? std::numeric_limits<double>::quiet_NaN() : 0.0};
    return port;
}

void open(Transport& transport) {
    try {
        transport.open();
    } catch (const UsageError& error) {
        throw UnitError("open", error.what());
    }
}

class SensorUnit final : public Unit {
public:
    SensorUnit(std::shared_ptr<LiveContext> context, std::shared_ptr<Inlet> inlet, std::shared_ptr<Rig> rig)
        : context_(std::move(context)),
          inlet_(std::move(inlet)),
          rig_(std::move(rig)),
          ports_(sensor_ports(inlet_->options().channels)),
          at_(port_offsets(ports_.outputs).offset),
          values_(inlet_->options().channels.size()) {}

    const Ports& ports() const override { return ports_; }
    bool pinned() const override { return true; }
    bool needs_interpreter() const override { return false; }

    void reset(const Start&, const Io& io) override {
        inlet_->reset();
        if (rig_) rig_->reset();
        open(rig_ ? rig_->transport() : inlet_->transport());
        for (std::size_t i = 0; i < ports_.outputs.size(); ++i) io.out[at_[i]] = ports_.outputs[i].start.at(0);
        for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = inlet_->options().channels[i].port.start.at(0);
        stamps_ = {};
    }

    void step(const Step& now, const Io& io) override {
        if (now.tick % inlet_->options().every != 0) return;
        SampleState state = SampleState::fresh;
        if (rig_) {
            rig_->exchange(values_, stamps_);
            if (!rig_->has_outlet()) rig_->acknowledge(now.tick + 1);
        } else {
            inlet_->drain();
            state = inlet_->latch(values_, stamps_);
        }
        const Nanoseconds time = context_->clock->now();
        const std::size_t n = values_.size();
        for (std::size_t i = 0; i < n; ++i) io.out[at_[i]] = values_[i];
        const bool none = state == SampleState::none;
        const double missing = std::numeric_limits<double>::quiet_NaN();
        const auto since_epoch = [&](Nanoseconds moment) {
            return none ? missing : static_cast<double>(moment - context_->epoch) * 1e-9;
        };
        const Nanoseconds age = std::max<Nanoseconds>(time - (none ? context_->epoch : stamps_.source), 0);
        io.out[at_[n]] = static_cast<double>(age) * 1e-9;
        io.out[at_[n + 1]] = static_cast<double>(state);
        io.out[at_[n + 2]] = none ? 0.0 : static_cast<double>(stamps_.sequence);
        io.out[at_[n + 3]] =
            none || stamps_.sim_ns == unknown_time ? missing : static_cast<double>(stamps_.sim_ns) * 1e-9;
        io.out[at_[n + 4]] = since_epoch(stamps_.source);
        io.out[at_[n + 5]] = since_epoch(stamps_.arrival);
    }

    void close() override {
        if (!rig_) inlet_->transport().close();
    }

private:
    std::shared_ptr<LiveContext> context_;
    std::shared_ptr<Inlet> inlet_;
    std::shared_ptr<Rig> rig_;
    Ports ports_;
    std::vector<std::size_t> at_;
    std::vector<double> values_;
    Sample stamps_;
};

class ActuatorUnit final : public Unit {
public:
    ActuatorUnit(std::shared_ptr<Outlet> outlet, std::shared_ptr<Inlet> answered)
        : outlet_(std::move(outlet)), answered_(std::move(answered)), values_(outlet_->options().channels.size()) {
        for (const Channel& channel : outlet_->options().channels) ports_.inputs.push_back(channel.port);
        at_ = port_offsets(ports_.inputs).offset;
    }

    const Ports& ports() const override { return ports_; }
    bool pinned() const override { return true; }
    bool needs_interpreter() const override { return false; }

    void reset(const Start&, const Io&) override {
        outlet_->reset();
        open(outlet_->transport());
        tick_ = 0;
    }

    void step(const Step& now, const Io& io) override {
        tick_ = now.tick + 1;
        if (tick_ % outlet_->options().every != 0) return;
        for (std::size_t i = 0; i < values_.size(); ++i) values_[i] = io.in[at_[i]];
        if (answered_)
            outlet_->answer(tick_, values_, answered_->used() ? &*answered_->used() : nullptr);
        else
            outlet_->send(tick_, values_);
    }

    void end() override { outlet_->safe(tick_, flag_final); }
    void close() override {
        outlet_->safe(tick_, flag_final);
        outlet_->transport().close();
    }

private:
    std::shared_ptr<Outlet> outlet_;
    std::shared_ptr<Inlet> answered_;
    Ports ports_;
    std::vector<std::size_t> at_;
    std::vector<double> values_;
    Tick tick_ = 0;
};

class TapeUnit final : public Unit {
public:
    TapeUnit(std::vector<Port> outputs, std::vector<double> rows) : rows_(std::move(rows)) {
        ports_.outputs = std::move(outputs);
        at_ = port_offsets(ports_.outputs).offset;
        if (at_.empty() || rows_.empty() || rows_.size() % at_.size() != 0)
            throw BuildError("a tape has a value for each output in each row, and one row at least");
    }

    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io& io) override { show(0, io); }
    void step(const Step& now, const Io& io) override { show(static_cast<std::size_t>(now.tick) + 1, io); }
    StatePointer save() override { return std::make_shared<NoState>(); }
    bool loads_unreset() const override { return true; }
    std::string pack(const State&) override { return {}; }
    StatePointer unpack(const std::string&) override { return std::make_shared<NoState>(); }

private:
    void show(std::size_t row, const Io& io) const {
        const std::size_t n = at_.size();
        if ((row + 1) * n > rows_.size())
            throw EndRequest("the tape ends here: it has " + std::to_string(rows_.size() / n - 1) + " ticks");
        for (std::size_t i = 0; i < n; ++i) io.out[at_[i]] = rows_[row * n + i];
    }

    Ports ports_;
    std::vector<std::size_t> at_;
    std::vector<double> rows_;
};

class SinkUnit final : public Unit {
public:
    explicit SinkUnit(std::vector<Port> inputs) { ports_.inputs = std::move(inputs); }
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io&) override {}
    void step(const Step&, const Io&) override {}
    StatePointer save() override { return std::make_shared<NoState>(); }
    bool loads_unreset() const override { return true; }
    std::string pack(const State&) override { return {}; }
    StatePointer unpack(const std::string&) override { return std::make_shared<NoState>(); }

private:
    Ports ports_;
};

}  // namespace

Ports sensor_ports(std::span<const Channel> channels) {
    Ports ports;
    for (const Channel& channel : channels) ports.outputs.push_back(channel.port);
    ports.outputs.push_back(stamp("age", Kind::real, "s", false));
    ports.outputs.push_back(stamp("state", Kind::integer, "1", false));
    ports.outputs.push_back(stamp("sequence", Kind::integer, "1", false));
    ports.outputs.push_back(stamp("sample_time", Kind::real, "s", true));
    ports.outputs.push_back(stamp("source_time", Kind::real, "s", true));
    ports.outputs.push_back(stamp("arrival_time", Kind::real, "s", true));
    return ports;
}

std::unique_ptr<Unit> make_sensor(std::shared_ptr<LiveContext> context, std::shared_ptr<Inlet> inlet,
                                  std::shared_ptr<Rig> rig) {
    return std::make_unique<SensorUnit>(std::move(context), std::move(inlet), std::move(rig));
}

std::unique_ptr<Unit> make_actuator(std::shared_ptr<Outlet> outlet, std::shared_ptr<Inlet> answered) {
    return std::make_unique<ActuatorUnit>(std::move(outlet), std::move(answered));
}

std::unique_ptr<Unit> make_tape(std::vector<Port> outputs, std::vector<double> rows) {
    return std::make_unique<TapeUnit>(std::move(outputs), std::move(rows));
}

std::unique_ptr<Unit> make_sink(std::vector<Port> inputs) { return std::make_unique<SinkUnit>(std::move(inputs)); }

}  // namespace crumple
