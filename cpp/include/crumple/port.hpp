// A port is a named input or output of fixed size.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace crumple {

// Real, integer, boolean and enumeration ports travel as doubles (exact to 2^53); strings and binary as blobs.
enum class Kind : std::uint8_t { real, integer, boolean, enumeration, string, binary };

const char* kind_name(Kind kind);
inline bool is_blob(Kind kind) { return kind == Kind::string || kind == Kind::binary; }

// Immutable and shared, so that a connection copies a pointer; null is the empty value.
using Blob = std::shared_ptr<const std::string>;

inline bool same_blob(const Blob& a, const Blob& b) {
    static const std::string empty;
    return a == b || (a ? *a : empty) == (b ? *b : empty);
}

// A unit of measure: value in SI base units = value * factor + offset.
struct Si {
    std::string text;
    double factor = 1.0;
    double offset = 0.0;
    std::array<std::int8_t, 8> dimension{};  // exponents of kg m s A K mol cd rad
};

struct Affine {
    double scale = 1.0;
    double offset = 0.0;
    bool identity() const { return scale == 1.0 && offset == 0.0; }
};

// What turns a value in `from` into a value in `to`; nothing where the dimensions clash. The radian is not compared:
// an angle may feed a dimensionless port.
std::optional<Affine> conversion(const Si& from, const Si& to);

struct Port {
    std::string name;
    Kind kind = Kind::real;
    std::vector<std::size_t> shape;        // empty: scalar
    std::optional<Si> si;                  // nothing: not declared
    std::vector<double> start;             // value before the first tick, (size) or empty for zeros
    std::vector<std::string> start_blobs;  // the same for strings and binary
    bool allow_nonfinite = false;          // outputs only: NaN and infinity are values here, not errors

    std::size_t size() const;
};

// Where each port stands in its unit's span of numbers, or of blobs: in declared order, but reals before all others.
struct PortOffsets {
    std::vector<std::size_t> offset;
    std::size_t numbers = 0, blobs = 0;  // length of the spans
};
PortOffsets port_offsets(const std::vector<Port>& ports);

struct Ports {
    std::vector<Port> inputs;
    std::vector<Port> outputs;
    // For each output, the inputs that act on it within initialisation (direct feedthrough), by index.
    // Nothing for an output that depends on no input; units that do not evaluate inputs leave the list empty.
    std::vector<std::vector<std::size_t>> feedthrough;
};

}  // namespace crumple
