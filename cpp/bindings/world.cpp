#include <pybind11/numpy.h>

#include <chrono>

#include "bindings.hpp"

namespace crumple::bindings {

namespace {

// Steps in pieces of about 20 ms, so that Ctrl-C is heard. The interpreter is released where no unit needs it.
void step(World& world, Tick n) {
    using Clock = std::chrono::steady_clock;
    constexpr double piece = 0.02;  // [s]
    const bool keep = world.needs_interpreter();
    Tick left = n, chunk = 1;
    if (n < 0) world.step(n);  // says what is wrong
    while (left > 0) {
        const Tick now = std::min(chunk, left);
        const auto before = Clock::now();
        if (keep) {
            world.step(now);
        } else {
            const py::gil_scoped_release release;
            world.step(now);
        }
        left -= now;
        if (left == 0) return;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
        const double spent = std::chrono::duration<double>(Clock::now() - before).count();
        if (spent < piece / 2)
            chunk = now * 2;
        else if (spent > piece * 2 && now > 1)
            chunk = now / 2;
    }
}

py::object number(double x, Kind kind) {
    switch (kind) {
        case Kind::boolean:
            return py::bool_(x != 0.0);
        case Kind::integer:
        case Kind::enumeration:
            if (std::isfinite(x)) return py::int_(static_cast<long long>(x));
            [[fallthrough]];
        default:
            return py::float_(x);
    }
}

py::object get(const World& world, const std::string& name) {
    const PortRef ref = world.find(name);
    const Port& port = world.port(ref);
    const bool scalar = port.shape.empty() || ref.element;
    if (is_blob(port.kind)) {
        const auto blobs = world.blobs(ref);
        if (scalar) return blob_to_python(blobs[0], port.kind);
        py::list list;
        for (const Blob& blob : blobs) list.append(blob_to_python(blob, port.kind));
        return list;
    }
    const auto values = world.value(ref);
    if (scalar) return number(values[0], port.kind);
    py::array_t<double> array(port.shape);
    std::copy(values.begin(), values.end(), array.mutable_data());
    return array;
}

void set(World& world, const std::string& name, const py::object& value) {
    const PortRef ref = world.find(name);
    const Port& port = world.port(ref);
    if (is_blob(port.kind)) {
        std::vector<Blob> blobs;
        if (port.shape.empty() || ref.element)
            blobs.push_back(blob_from_python(value, port.kind, name));
        else
            for (const auto& item : value) blobs.push_back(blob_from_python(item, port.kind, name));
        world.set(ref, std::span<const Blob>(blobs));
        return;
    }
    const auto array = py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(value);
    if (!array) {
        PyErr_Clear();
        throw UsageError("\"" + name + "\" takes numbers");
    }
    world.set(ref, std::span<const double>(array.data(), static_cast<std::size_t>(array.size())));
}

// What there is besides of a fault, by the names in Fault; what is None or not there keeps its default.
void add_fault(World& world, const std::string& name, const std::string& on, const std::string& kind,
               const py::dict& more) {
    const auto known = fault_kind_of(kind);
    if (!known) throw UsageError("fault '" + name + "': \"" + kind + "\" is no kind of fault");
    Fault fault{name, on, *known};
    std::size_t used = 0;
    const auto take = [&](const char* key, auto& field) {
        if (!more.contains(key)) return;
        ++used;
        const py::object value = more[key];
        if (!value.is_none()) field = value.cast<std::remove_reference_t<decltype(field)>>();
    };
    take("value", fault.value);
    take("since", fault.since);
    take("until", fault.until);
    take("duration", fault.duration);
    take("when", fault.when);
    take("as_long", fault.as_long);
    take("event", fault.event);
    take("probability", fault.probability);
    take("off", fault.off);
    take("period", fault.period);
    take("part", fault.part);
    take("min", fault.min);
    take("max", fault.max);
    take("chance", fault.chance);
    take("delay", fault.delay);
    take("jitter", fault.jitter);
    take("flag", fault.flag);
    take("bit", fault.bit);
    take("bits", fault.bits);
    take("nominal", fault.nominal);
    std::string hold = "last";
    take("hold", hold);
    fault.hold = hold == "zero" ? Hold::zero : hold == "missing" ? Hold::missing : Hold::last;
    if (used != more.size()) throw UsageError("fault '" + name + "': it has a particular that is none");
    world.add_fault(std::move(fault));
}

}  // namespace

void bind_world(py::module_& m) {
    py::class_<Snapshot, std::shared_ptr<Snapshot>>(m, "Snapshot")
        .def_readonly("tick", &Snapshot::tick)
        .def_property_readonly("digest", [](const Snapshot& s) { return s.digest.value(); });
    py::class_<ProfileRow>(m, "ProfileRow")
        .def_readonly("unit", &ProfileRow::unit)
        .def_readonly("count", &ProfileRow::count)
        .def_property_readonly("mean", [](const ProfileRow& r) { return r.mean_ns * 1e-9; })
        .def_property_readonly("p99", [](const ProfileRow& r) { return r.p99_ns * 1e-9; })
        .def_property_readonly("max", [](const ProfileRow& r) { return r.max_ns * 1e-9; })
        .def_readonly("share", &ProfileRow::share);
    py::class_<ConnectionView>(m, "ConnectionView")
        .def_readonly("source", &ConnectionView::source)
        .def_readonly("target", &ConnectionView::target)
        .def_readonly("same_tick", &ConnectionView::same_tick)
        .def_readonly("scale", &ConnectionView::scale)
        .def_readonly("offset", &ConnectionView::offset);
    py::class_<UnitView>(m, "UnitView")
        .def_readonly("name", &UnitView::name)
        .def_readonly("every", &UnitView::every)
        .def_readonly("wave", &UnitView::wave)
        .def_readonly("thread", &UnitView::thread)
        .def_readonly("cost", &UnitView::cost);

    py::class_<World>(m, "World")
        .def(py::init([](std::int64_t numerator, std::int64_t denominator, unsigned threads, bool digest, double start,
                         bool everywhere) {
                 Options options;
                 options.threads = threads;
                 options.digest = digest;
                 options.start = start;
                 options.spread = everywhere ? Spread::everywhere : Spread::by_cost;
                 return std::make_unique<World>(Period(numerator, denominator), options);
             }),
             py::arg("numerator"), py::arg("denominator"), py::arg("threads"), py::arg("digest"), py::arg("start"),
             py::arg("everywhere"))
        .def(
            "add",
            [](World& w, const std::string& name, UnitHolder& holder, Tick every) {
                if (!holder.unit) throw UsageError("this unit is in a world already");
                w.add(name, std::move(holder.unit), every);
            },
            py::arg("name"), py::arg("unit"), py::arg("every"))
        .def(
            "connect",
            [](World& w, const std::string& source, const std::string& target, bool same_tick,
               std::optional<double> scale,
               std::optional<double> offset) { w.connect(source, target, {same_tick, scale, offset}); },
            py::arg("source"), py::arg("target"), py::arg("same_tick"), py::arg("scale"), py::arg("offset"))
        .def("add_fault", &add_fault, py::arg("name"), py::arg("on"), py::arg("kind"), py::arg("more"))
        .def("inject", &World::inject, py::arg("fault"))
        .def("clear", &World::clear, py::arg("fault"))
        .def("arm", &World::arm, py::arg("fault"))
        .def("active_faults", &World::active_faults)
        .def("fault_signals", &World::fault_signals)
        .def("take_fault_events",
             [](World& w) {
                 py::list events;
                 for (const FaultEvent& e : w.take_fault_events())
                     events.append(py::make_tuple(e.fault, e.tick, e.began));
                 return events;
             })
        .def(
            "add_judge", [](World& w, const Judge& judge) { w.add_judge(std::make_unique<Judge>(judge)); },
            py::arg("judge"))
        .def("end_when", &World::end_when, py::arg("condition"))
        .def_property_readonly("ended", &World::ended)
        .def(
            "finding",
            [](const World& w, const std::string& name, const std::string& closing) {
                return w.finding(name, closing_from_name(closing));
            },
            py::arg("requirement"), py::arg("closing"))
        .def("build", &World::build)
        .def("reset", &World::reset, py::arg("seed"))
        .def("step", &step, py::arg("n"))
        .def("end", &World::end)
        .def("close", &World::close)
        .def_property_readonly("tick", &World::tick)
        .def_property_readonly("t", &World::t)
        .def_property_readonly("seed", &World::seed)
        .def("digest", &World::digest)
        .def("get", &get, py::arg("name"))
        .def("set", &set, py::arg("name"), py::arg("value"))
        .def(
            "tune",
            [](World& w, const std::string& unit, const std::string& parameter,
               const py::array_t<double, py::array::c_style | py::array::forcecast>& value) {
                return w.tune(unit, parameter, {value.data(), static_cast<std::size_t>(value.size())});
            },
            py::arg("unit"), py::arg("parameter"), py::arg("value"))
        .def(
            "set_starts",
            [](World& w, const std::string& unit, const py::list& starts) {
                return w.set_starts(unit, starts_from_python(starts));
            },
            py::arg("unit"), py::arg("starts"))
        .def(
            "snapshot",
            [](World& w, bool for_another) { return std::const_pointer_cast<Snapshot>(w.snapshot(for_another)); },
            py::arg("for_another") = false)
        .def("inspect", &World::inspect, py::arg("unit"))
        .def("set_quiet", &World::set_quiet, py::arg("quiet"))
        .def("restore", &World::restore, py::arg("snapshot"))
        .def(
            "pack", [](World& w, const Snapshot& snapshot) { return py::bytes(w.pack(snapshot)); }, py::arg("snapshot"))
        .def(
            "unpack",
            [](World& w, const py::bytes& bytes) {
                return std::const_pointer_cast<Snapshot>(w.unpack(std::string_view(bytes)));
            },
            py::arg("bytes"))
        .def("watch", &World::watch, py::arg("probe"))
        .def("columns", &World::columns, py::arg("outputs"), py::arg("undisturbed") = false)
        .def("set_profiling", &World::set_profiling, py::arg("on"))
        .def("profile", &World::profile)
        .def("units", &World::units)
        .def(
            "inputs", [](const World& w, const std::string& unit) { return w.ports(unit).inputs; }, py::arg("unit"))
        .def(
            "outputs", [](const World& w, const std::string& unit) { return w.ports(unit).outputs; }, py::arg("unit"))
        .def("unit_views", &World::unit_views)
        .def("connections", &World::connections)
        .def("warnings", &World::warnings);
}

}  // namespace crumple::bindings
