#include "crumple/formula.hpp"

#include <cmath>
#include <limits>
#include <map>

#include "crumple/error.hpp"

namespace crumple {

enum class Program::Op : std::uint8_t {
    number,
    signal,
    time,
    negate,
    power,
    no,
    absolute,
    root,
    sine,
    cosine,
    tangent,
    exponential,
    logarithm,
    // from here on of two values
    add,
    subtract,
    multiply,
    divide,
    less,
    less_equal,
    greater,
    greater_equal,
    equal,
    unequal,
    both,
    either,
    implied,
    least,
    greatest,
    hypotenuse,
    angle,
};

namespace {

constexpr std::size_t deepest = 64;  // values on the stack
constexpr double unknown = std::numeric_limits<double>::quiet_NaN();

bool known(double x) { return x == x; }

double truth(bool x) { return x ? 1.0 : 0.0; }

double both(double a, double b) {
    if (a == 0.0 || b == 0.0) return 0.0;
    return known(a) && known(b) ? 1.0 : unknown;
}

double no(double a) { return known(a) ? truth(a == 0.0) : unknown; }

double either(double a, double b) { return no(both(no(a), no(b))); }

double power(double base, double exponent) {
    double product = base;
    for (int n = static_cast<int>(exponent); n > 1; --n) product *= base;
    return product;
}

}  // namespace

Program::Op Program::op_of(const std::string& word) {
    static const std::map<std::string, Op> words{
        {"number", Op::number},    {"signal", Op::signal},   {"time", Op::time},     {"neg", Op::negate},
        {"^", Op::power},          {"not", Op::no},          {"abs", Op::absolute},  {"sqrt", Op::root},
        {"sin", Op::sine},         {"cos", Op::cosine},      {"tan", Op::tangent},   {"exp", Op::exponential},
        {"log", Op::logarithm},    {"+", Op::add},           {"-", Op::subtract},    {"*", Op::multiply},
        {"/", Op::divide},         {"<", Op::less},          {"<=", Op::less_equal}, {">", Op::greater},
        {">=", Op::greater_equal}, {"==", Op::equal},        {"!=", Op::unequal},    {"and", Op::both},
        {"or", Op::either},        {"implies", Op::implied}, {"min", Op::least},     {"max", Op::greatest},
        {"hypot", Op::hypotenuse}, {"atan2", Op::angle}};
    const auto found = words.find(word);
    if (found == words.end()) throw BuildError("a formula cannot hold \"" + word + "\"");
    return found->second;
}

Program::Program(const std::vector<Term>& terms) {
    std::size_t depth = 0;
    for (const Term& term : terms) {
        const Op op = op_of(term.op);
        const std::size_t taken = op <= Op::time ? 0 : op < Op::add ? 1 : 2;
        if (depth < taken) throw BuildError("a formula has too few values before \"" + term.op + "\"");
        depth += 1 - taken;
        if (depth > deepest) throw BuildError("a formula is nested too deeply");
        if (op == Op::power && !(term.x >= 1.0 && term.x <= 9.0)) throw BuildError("a power goes from 1 to 9");
        if (op == Op::signal) {
            named_.push_back(static_cast<std::uint32_t>(code_.size()));
            names_.push_back(term.signal);
        }
        code_.push_back({op, 0, term.x, term.y});
    }
    if (depth != 1) throw BuildError("a formula has one value at its end, not " + std::to_string(depth));
}

void Program::bind(const std::function<std::size_t(const std::string&)>& slot_of) {
    for (std::size_t i = 0; i < named_.size(); ++i)
        code_[named_[i]].slot = static_cast<std::uint32_t>(slot_of(names_[i]));
}

double Program::value(const double* published, double t) const {
    double stack[deepest + 1];
    double* top = stack;  // the last value; stack[0] is never used
    for (const Instruction& i : code_) {
        if (i.op >= Op::add) --top;
        double& a = *top;
        const double b = top[1];
        switch (i.op) {
            case Op::number:
                *++top = i.x;
                break;
            case Op::signal:
                *++top = published[i.slot] * i.x + i.y;
                break;
            case Op::time:
                *++top = t;
                break;
            case Op::negate:
                a = -a;
                break;
            case Op::power:
                a = power(a, i.x);
                break;
            case Op::no:
                a = no(a);
                break;
            case Op::absolute:
                a = std::fabs(a);
                break;
            case Op::root:
                a = std::sqrt(a);
                break;
            case Op::sine:
                a = std::sin(a);
                break;
            case Op::cosine:
                a = std::cos(a);
                break;
            case Op::tangent:
                a = std::tan(a);
                break;
            case Op::exponential:
                a = std::exp(a);
                break;
            case Op::logarithm:
                a = a > 0.0 ? std::log(a) : unknown;
                break;
            case Op::add:
                a += b;
                break;
            case Op::subtract:
                a -= b;
                break;
            case Op::multiply:
                a *= b;
                break;
            case Op::divide:
                a = b == 0.0 ? unknown : a / b;
                break;
            case Op::less:
                a = known(a) && known(b) ? truth(a < b) : unknown;
                break;
            case Op::less_equal:
                a = known(a) && known(b) ? truth(a <= b) : unknown;
                break;
            case Op::greater:
                a = known(a) && known(b) ? truth(a > b) : unknown;
                break;
            case Op::greater_equal:
                a = known(a) && known(b) ? truth(a >= b) : unknown;
                break;
            case Op::equal:
                a = known(a) && known(b) ? truth(a == b) : unknown;
                break;
            case Op::unequal:
                a = known(a) && known(b) ? truth(a != b) : unknown;
                break;
            case Op::both:
                a = both(a, b);
                break;
            case Op::either:
                a = either(a, b);
                break;
            case Op::implied:
                a = either(no(a), b);
                break;
            case Op::least:
                a = known(a) && known(b) ? (b < a ? b : a) : unknown;
                break;
            case Op::greatest:
                a = known(a) && known(b) ? (b > a ? b : a) : unknown;
                break;
            case Op::hypotenuse:
                a = std::hypot(a, b);
                break;
            case Op::angle:
                a = std::atan2(a, b);
                break;
        }
    }
    return *top;
}

}  // namespace crumple
