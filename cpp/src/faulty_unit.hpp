// A unit that faults kill, hang or pause. Units without such faults are not wrapped, and pay nothing.
#pragma once

#include <memory>
#include <vector>

#include "crumple/unit.hpp"
#include "disturbance.hpp"

namespace crumple {

class FaultyUnit final : public Unit {
public:
    FaultyUnit(std::unique_ptr<Unit> inner, std::vector<Disturbance*> faults, Period period, double start, Tick every)
        : inner_(std::move(inner)), faults_(std::move(faults)), period_(period), start_(start), every_(every) {}

    void post(const Step& now, const Io& io) override;
    void step(const Step& now, const Io& io) override;

    const Ports& ports() const override { return inner_->ports(); }
    void drive(std::size_t input) override { inner_->drive(input); }
    void feed(std::size_t output) override { inner_->feed(output); }
    void reset(const Start& start, const Io& io) override { inner_->reset(start, io); }
    void initialise(const Io& io) override { inner_->initialise(io); }
    void begin(const Io& io) override { inner_->begin(io); }
    bool apart() const override { return inner_->apart(); }
    void end() override { inner_->end(); }
    void close() override { inner_->close(); }
    StatePointer save() override { return inner_->save(); }
    void load(const State& state, const Io& io) override { inner_->load(state, io); }
    StatePointer save_for_another() override { return inner_->save_for_another(); }
    bool loads_unreset() const override { return inner_->loads_unreset(); }
    std::string pack(const State& state) override { return inner_->pack(state); }
    StatePointer unpack(const std::string& bytes) override { return inner_->unpack(bytes); }
    bool tune(const std::string& parameter, std::span<const double> value) override {
        return inner_->tune(parameter, value);
    }
    bool restart_with(const std::vector<FmuStart>& starts) override { return inner_->restart_with(starts); }
    bool pinned() const override { return inner_->pinned(); }
    bool needs_interpreter() const override { return inner_->needs_interpreter(); }
    double rehearse(double dt) override { return inner_->rehearse(dt); }
    std::vector<std::string> warnings() const override { return inner_->warnings(); }
    std::size_t warning_count() const override { return inner_->warning_count(); }
    std::map<std::string, std::string> inspect() override { return inner_->inspect(); }

private:
    const Disturbance* acting(FaultKind kind, Tick tick) const;
    Step own_time(const Step& now) const;

    std::unique_ptr<Unit> inner_;
    std::vector<Disturbance*> faults_;
    Period period_;
    double start_;  // [s]
    Tick every_;
};

}  // namespace crumple
