// Small units for tests of the core.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "crumple/error.hpp"
#include "crumple/random.hpp"
#include "crumple/unit.hpp"

namespace crumple::test {

inline Port real(const std::string& name, double start = 0.0, std::vector<std::size_t> shape = {}) {
    Port port;
    port.name = name;
    port.start = {start};
    port.shape = std::move(shape);
    if (!port.shape.empty()) port.start.assign(port.size(), start);
    return port;
}

struct Numbers final : State {
    explicit Numbers(std::vector<double> v) : values(std::move(v)) {}
    std::vector<double> values;
};

// x' = (u - x) / tau by explicit Euler; output y = x. With u = 0: x_n = (1 - dt / tau)^n x_0.
class Lag : public Unit {
public:
    explicit Lag(double tau, double x0 = 1.0) : tau_(tau), x0_(x0) {
        ports_.inputs = {real("u")};
        ports_.outputs = {real("y", x0)};
    }
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io& io) override { io.out[0] = x_ = x0_; }
    void step(const Step& now, const Io& io) override { io.out[0] = x_ += now.dt / tau_ * (io.in[0] - x_); }
    StatePointer save() override { return std::make_shared<Numbers>(std::vector{x_}); }
    void load(const State& state, const Io&) override { x_ = dynamic_cast<const Numbers&>(state).values[0]; }

private:
    double tau_, x0_, x_ = 0.0;
    Ports ports_;
};

// Writes down what it was told: outputs tick, t, dt and its input as seen in the last step.
class Witness final : public Unit {
public:
    Witness() {
        ports_.inputs = {real("u")};
        ports_.outputs = {real("tick", -1.0), real("t", -1.0), real("dt", -1.0), real("seen", -1.0), real("steps")};
    }
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io&) override { steps_ = 0; }
    void step(const Step& now, const Io& io) override {
        io.out[0] = static_cast<double>(now.tick);
        io.out[1] = now.t;
        io.out[2] = now.dt;
        io.out[3] = io.in[0];
        io.out[4] = static_cast<double>(++steps_);
    }

private:
    int steps_ = 0;
    Ports ports_;
};

// Output n counts its own steps.
class Counter final : public Unit {
public:
    Counter() { ports_.outputs = {real("n")}; }
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io& io) override { io.out[0] = 0.0; }
    void step(const Step&, const Io& io) override { io.out[0] += 1.0; }

private:
    Ports ports_;
};

// y = gain * u + offset with direct feedthrough, also while initial values settle.
class Gain final : public Unit {
public:
    explicit Gain(double gain, double offset = 0.0) : gain_(gain), offset_(offset) {
        ports_.inputs = {real("u")};
        ports_.outputs = {real("y")};
        ports_.feedthrough = {{0}};
    }
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io&) override { evaluations = 0; }
    void initialise(const Io& io) override {
        ++evaluations;
        io.out[0] = gain_ * io.in[0] + offset_;
    }
    void step(const Step&, const Io& io) override { io.out[0] = gain_ * io.in[0] + offset_; }

    int evaluations = 0;

private:
    double gain_, offset_;
    Ports ports_;
};

// Uniform random numbers from the unit's own stream.
class Dice final : public Unit {
public:
    Dice() { ports_.outputs = {real("x")}; }
    const Ports& ports() const override { return ports_; }
    void reset(const Start& start, const Io& io) override {
        random_ = Random(start.seed);
        io.out[0] = 0.0;
    }
    void step(const Step&, const Io& io) override { io.out[0] = random_.uniform(); }

private:
    Random random_{0};
    Ports ports_;
};

// Fails, ends or turns NaN at a tick.
class Trouble final : public Unit {
public:
    enum What { fails, ends, nan };
    Trouble(What what, Tick at) : what_(what), at_(at) { ports_.outputs = {real("y")}; }
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io&) override {}
    void step(const Step& now, const Io& io) override {
        if (now.tick < at_) return;
        if (what_ == fails) throw UnitError("do_it", "the spring broke");
        if (what_ == ends) throw EndRequest("enough");
        io.out[0] = std::numeric_limits<double>::quiet_NaN();
    }

private:
    What what_;
    Tick at_;
    Ports ports_;
};

// Notes which thread calls it, in any call.
class ThreadWitness final : public Unit {
public:
    explicit ThreadWitness(std::vector<std::thread::id>& seen) : seen_(seen) { ports_.outputs = {real("y")}; }
    ~ThreadWitness() override { note(); }
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io&) override { note(); }
    void begin(const Io&) override { note(); }
    void step(const Step&, const Io&) override { note(); }
    void end() override { note(); }

private:
    void note() { seen_.push_back(std::this_thread::get_id()); }
    std::vector<std::thread::id>& seen_;
    Ports ports_;
};

// Passes text on: out = in + mark.
class Echo final : public Unit {
public:
    explicit Echo(std::string mark) : mark_(std::move(mark)) {
        Port port;
        port.name = "in";
        port.kind = Kind::string;
        ports_.inputs = {port};
        port.name = "out";
        ports_.outputs = {port};
    }
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io& io) override { io.out_blobs[0] = std::make_shared<const std::string>(mark_); }
    void step(const Step&, const Io& io) override {
        const std::string text = io.in_blobs[0] ? *io.in_blobs[0] : "";
        io.out_blobs[0] = std::make_shared<const std::string>(text.substr(0, 20) + mark_);
    }

private:
    std::string mark_;
    Ports ports_;
};

}  // namespace crumple::test
