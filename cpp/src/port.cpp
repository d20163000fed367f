#include "crumple/port.hpp"

namespace crumple {

const char* kind_name(Kind kind) {
    switch (kind) {
        case Kind::real:
            return "real";
        case Kind::integer:
            return "integer";
        case Kind::boolean:
            return "boolean";
        case Kind::enumeration:
            return "enumeration";
        case Kind::string:
            return "string";
        case Kind::binary:
            return "binary";
    }
    return "?";
}

std::size_t Port::size() const {
    std::size_t product = 1;
    for (std::size_t n : shape) product *= n;
    return product;
}

PortOffsets port_offsets(const std::vector<Port>& ports) {
    PortOffsets o;
    o.offset.resize(ports.size());
    for (const bool reals : {true, false}) {
        for (std::size_t p = 0; p < ports.size(); ++p) {
            if (is_blob(ports[p].kind) || (ports[p].kind == Kind::real) != reals) continue;
            o.offset[p] = o.numbers;
            o.numbers += ports[p].size();
        }
    }
    for (std::size_t p = 0; p < ports.size(); ++p) {
        if (!is_blob(ports[p].kind)) continue;
        o.offset[p] = o.blobs;
        o.blobs += ports[p].size();
    }
    return o;
}

std::optional<Affine> conversion(const Si& from, const Si& to) {
    for (std::size_t i = 0; i < 7; ++i)  // the eighth is the radian
        if (from.dimension[i] != to.dimension[i]) return std::nullopt;
    if (from.factor == to.factor && from.offset == to.offset) return Affine{};  // exactly, whatever the factor
    return Affine{from.factor / to.factor, (from.offset - to.offset) / to.factor};
}

}  // namespace crumple
