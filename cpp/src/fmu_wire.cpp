#include "fmu_wire.hpp"

#include "bytes.hpp"

namespace crumple {

namespace {

void put(ByteWriter& out, const FmuVariable& variable) {
    const Port& port = variable.port;
    out.number(variable.ref);
    out.number(static_cast<std::uint64_t>(variable.type));
    out.sized(port.name);
    out.number(static_cast<std::uint64_t>(port.kind));
    out.number(port.shape.size());
    for (const std::size_t n : port.shape) out.number(n);
    out.reals(port.start);
    out.number(port.start_blobs.size());
    for (const auto& blob : port.start_blobs) out.sized(blob);
    out.number(port.allow_nonfinite);
}

std::vector<std::string> texts(ByteReader& in) {
    std::vector<std::string> all(in.count());
    for (auto& text : all) text = in.sized();
    return all;
}

FmuVariable variable(ByteReader& in) {
    FmuVariable v;
    v.ref = static_cast<std::uint32_t>(in.number());
    v.type = static_cast<FmiType>(in.number());
    v.port.name = in.sized();
    v.port.kind = static_cast<Kind>(in.number());
    v.port.shape.resize(in.count());
    for (auto& n : v.port.shape) n = in.number();
    v.port.start = in.reals();
    v.port.start_blobs = texts(in);
    v.port.allow_nonfinite = in.number() != 0;
    return v;
}

void put(ByteWriter& out, const std::vector<FmuVariable>& list) {
    out.number(list.size());
    for (const auto& each : list) put(out, each);
}

std::vector<FmuVariable> variables(ByteReader& in) {
    std::vector<FmuVariable> list(in.count());
    for (auto& each : list) each = variable(in);
    return list;
}

void put(ByteWriter& out, const std::optional<double>& value) {
    out.number(value.has_value());
    out.real(value.value_or(0.0));
}

std::optional<double> optional(ByteReader& in) {
    const bool given = in.number() != 0;
    const double value = in.real();
    return given ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string pack_fmu(const FmuSpec& spec, const FmuOptions& options) {
    ByteWriter out;
    out.number(static_cast<std::uint64_t>(spec.fmi));
    for (const auto* text : {&spec.file, &spec.library, &spec.token, &spec.resources}) out.sized(*text);
    for (const bool flag : {spec.once_per_process, spec.can_save, spec.can_serialize, spec.can_vary_step, spec.pinned})
        out.number(flag);
    out.real(spec.default_step);
    put(out, spec.inputs);
    put(out, spec.outputs);
    put(out, spec.tunables);
    out.sized(options.instance);
    out.number(options.starts.size());
    for (const FmuStart& start : options.starts) {
        out.sized(start.name);
        out.number(start.ref);
        out.number(static_cast<std::uint64_t>(start.type));
        out.reals(start.numbers);
        out.number(start.blobs.size());
        for (const auto& blob : start.blobs) out.sized(blob);
        out.number(start.structural);
    }
    put(out, options.tolerance);
    put(out, options.stop);
    out.number(options.allow_warnings);
    return out.take();
}

std::pair<FmuSpec, FmuOptions> unpack_fmu(std::string_view bytes) {
    ByteReader in(bytes);
    FmuSpec spec;
    FmuOptions options;
    spec.fmi = static_cast<int>(in.number());
    for (auto* text : {&spec.file, &spec.library, &spec.token, &spec.resources}) *text = in.sized();
    for (bool* flag : {&spec.once_per_process, &spec.can_save, &spec.can_serialize, &spec.can_vary_step, &spec.pinned})
        *flag = in.number() != 0;
    spec.default_step = in.real();
    spec.inputs = variables(in);
    spec.outputs = variables(in);
    spec.tunables = variables(in);
    options.instance = in.sized();
    options.starts.resize(in.count());
    for (FmuStart& start : options.starts) {
        start.name = in.sized();
        start.ref = static_cast<std::uint32_t>(in.number());
        start.type = static_cast<FmiType>(in.number());
        start.numbers = in.reals();
        start.blobs = texts(in);
        start.structural = in.number() != 0;
    }
    options.tolerance = optional(in);
    options.stop = optional(in);
    options.allow_warnings = in.number() != 0;
    in.end();
    return {std::move(spec), std::move(options)};
}

}  // namespace crumple
