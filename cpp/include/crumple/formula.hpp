// A formula over signals as a program: what Python compiled of "car.speed > 10 m/s", evaluated at every tick.
//
// Values are doubles in base units; true is 1, false 0, and any number but 0 is true. What is not defined (0/0, the
// root of a negative number, a signal that is NaN) is NaN, which is unknown: it goes through arithmetic and
// comparisons, and through and, or and not as in Kleene's logic (false and unknown is false, true or unknown is true).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace crumple {

// One step of a program in postfix order.
struct Term {
    std::string op;      // "number", "signal", "time", "neg", "+", "<", "and", "min", ...
    double x = 0.0;      // a number; a power; of a signal, its scale to base units
    double y = 0.0;      // of a signal, its offset
    std::string signal;  // "unit.port" or "unit.port[2]"
};

class Program {
public:
    Program() = default;
    // Throws BuildError where the terms are no formula.
    explicit Program(const std::vector<Term>& terms);

    // Finds the signals among the published values. slot_of throws for a name that is none.
    void bind(const std::function<std::size_t(const std::string&)>& slot_of);

    // published: the values of all outputs.   t: the simulated time [s].   Only after bind().
    double value(const double* published, double t) const;
    // Whether it is known to be true.
    bool holds(const double* published, double t) const {
        const double x = value(published, t);
        return x == x && x != 0.0;
    }

    bool empty() const { return code_.empty(); }
    std::vector<std::string> signals() const { return names_; }

private:
    enum class Op : std::uint8_t;
    struct Instruction {
        Op op;
        std::uint32_t slot;  // of a signal: in names_ until bind(), then in the published values
        double x, y;
    };
    static Op op_of(const std::string& word);

    std::vector<Instruction> code_;
    std::vector<std::uint32_t> named_;  // which instructions read a signal
    std::vector<std::string> names_;    // in the order of named_
};

}  // namespace crumple
