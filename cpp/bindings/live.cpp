// Live inputs and outputs, and what goes over the wire.

#include "crumple/live.hpp"

#include <pybind11/numpy.h>

#include "bindings.hpp"
#include "crumple/monitor.hpp"
#include "crumple/waiting.hpp"

namespace crumple::bindings {

namespace {

std::vector<Channel> channels_from_python(const py::list& list) {
    std::vector<Channel> channels;
    for (const auto& item : list) {
        const auto d = item.cast<py::dict>();
        Channel channel;
        channel.port = port_from_python(d["port"].cast<py::dict>());
        channel.si = d["wire_si"].cast<std::string>();
        channel.substitute = d["substitute"].cast<double>();
        channel.safe = d["safe"].cast<double>();
        channels.push_back(std::move(channel));
    }
    return channels;
}

template <class Enum>
Enum word(const std::string& text, std::initializer_list<const char*> words) {
    int i = 0;
    for (const char* each : words) {
        if (text == each) return static_cast<Enum>(i);
        ++i;
    }
    throw UsageError("\"" + text + "\" is not known here");
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

py::dict figures_of(const Inlet& inlet) {
    const InputFigures& f = inlet.figures();
    py::dict d, refused, states;
    d["age"] = histogram_to_python(f.age);
    d["received"] = f.received;
    d["accepted"] = f.accepted;
    d["lost"] = inlet.tracker().lost() + f.overflows;
    d["overflows"] = f.overflows;
    d["restarts"] = inlet.tracker().restarts() + f.restarts;
    d["resends"] = f.resends;
    d["starved"] = f.starved;
    d["ticks"] = f.ticks;
    for (std::size_t i = 1; i < f.refused.size(); ++i)
        if (f.refused[i]) refused[refusal_word(static_cast<Refusal>(i))] = f.refused[i];
    d["refused"] = refused;
    constexpr const char* words[] = {"none", "fresh", "held", "extrapolated", "substituted", "fail_safe"};
    for (std::size_t i = 0; i < f.states.size(); ++i)
        if (f.states[i]) states[words[i]] = f.states[i];
    d["states"] = states;
    return d;
}

py::tuple decode_frame(const std::string_view frame, std::uint64_t layout, std::size_t count) {
    Header header;
    std::vector<double> values(count);
    const Refusal read = decode(bytes_of(frame), layout, count, header, values);
    if (read != Refusal::none) throw py::value_error(refusal_word(read));
    if (frame.size() == wire_header) values.clear();
    return py::make_tuple(static_cast<int>(header.type), header.flags, header.session, header.sequence, header.sim_ns,
                          header.source_ns, header.echo_sequence, header.echo_ns, values);
}

}  // namespace

py::dict histogram_to_python(const Histogram& h) {
    py::dict d;
    d["count"] = h.count();
    d["p50"] = h.quantile(0.5) * 1e-9;
    d["p99"] = h.quantile(0.99) * 1e-9;
    d["p999"] = h.quantile(0.999) * 1e-9;
    d["max"] = static_cast<double>(h.max()) * 1e-9;
    py::list buckets;
    for (const auto& [edge, count] : h.buckets()) buckets.append(py::make_tuple(edge * 1e-9, count));
    d["histogram"] = buckets;
    return d;
}

void bind_live(py::module_& m) {
    around_waiting() = [](const std::function<void()>& wait) {
        if (!PyGILState_Check()) {
            wait();
            const py::gil_scoped_acquire gil;
            if (PyErr_CheckSignals() != 0) throw py::error_already_set();
            return;
        }
        {
            const py::gil_scoped_release release;
            wait();
        }
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    };

    m.def("load_zmq", &load_zmq, py::arg("file"));
    m.def("zmq_version", &zmq_version);
    m.def(
        "layout_hash", [](const py::list& channels) { return layout_hash(channels_from_python(channels)); },
        py::arg("channels"));
    m.def("decode_frame", &decode_frame, py::arg("frame"), py::arg("layout_hash"), py::arg("count"));

    py::class_<LiveContext, std::shared_ptr<LiveContext>>(m, "LiveContext")
        .def(py::init([](std::int64_t numerator, std::int64_t denominator, double start) {
                 return std::make_shared<LiveContext>(monotonic_clock(), Period(numerator, denominator), start);
             }),
             py::arg("numerator"), py::arg("denominator"), py::arg("start"))
        .def("begin", [](LiveContext& c) { c.epoch = c.clock->now(); })
        .def(
            "look_at",
            [](LiveContext& c, std::shared_ptr<Monitor> monitor) {
                c.stop_wanted = [monitor = std::move(monitor)] { return monitor->stop_wanted(); };
            },
            py::arg("monitor"))
        .def_readonly("epoch", &LiveContext::epoch)
        .def_readonly("session", &LiveContext::session)
        .def_readwrite("fail_safe", &LiveContext::fail_safe);

    py::class_<Transport, std::shared_ptr<Transport>>(m, "Transport")
        .def("open", &Transport::open)
        .def("close", &Transport::close, py::call_guard<py::gil_scoped_release>())
        .def("mend", &Transport::mend)
        .def("refusals", &Transport::refusals)
        .def_property_readonly("address", &Transport::address);
    py::class_<QueueTransport, Transport, std::shared_ptr<QueueTransport>>(m, "QueueTransport")
        .def(py::init<std::string>(), py::arg("address"))
        .def(
            "offer",
            [](QueueTransport& t, const std::string_view frame) {
                const auto bytes = bytes_of(frame);
                return t.offer({bytes.begin(), bytes.end()});
            },
            py::arg("frame"))
        .def("take", [](QueueTransport& t) {
            py::list all;
            for (const auto& frame : t.take())
                all.append(py::bytes(reinterpret_cast<const char*>(frame.data()), frame.size()));
            return all;
        });
    m.def(
        "zmq_transport",
        [](const std::string& address, const std::string& pattern, bool bind, const std::string& public_key,
           const std::string& secret_key, const std::vector<std::string>& allowed, bool prompt) {
            return std::shared_ptr<Transport>(
                make_zmq_transport({address, word<Pattern>(pattern, {"subscribe", "publish", "route"}), bind,
                                    public_key, secret_key, allowed, prompt}));
        },
        py::arg("address"), py::arg("pattern"), py::arg("bind"), py::arg("public_key"), py::arg("secret_key"),
        py::arg("allowed"), py::arg("prompt") = false);

    py::class_<Inlet, std::shared_ptr<Inlet>>(m, "Inlet")
        .def(py::init([](std::shared_ptr<LiveContext> context, const py::dict& d, const py::list& channels,
                         std::shared_ptr<Transport> transport) {
                 SensorOptions options;
                 options.name = d["name"].cast<std::string>();
                 options.channels = channels_from_python(channels);
                 options.max_age = d["max_age"].cast<Nanoseconds>();
                 options.stop_age = d["stop_age"].cast<Nanoseconds>();
                 options.policy = word<Policy>(d["policy"].cast<std::string>(),
                                               {"hold", "extrapolate", "substitute", "fail_safe", "stop"});
                 options.queue = d["queue"].cast<bool>();
                 options.every = d["every"].cast<Tick>();
                 options.same_clock = d["same_clock"].cast<bool>();
                 return std::make_shared<Inlet>(std::move(context), std::move(options), std::move(transport));
             }),
             py::arg("context"), py::arg("options"), py::arg("channels"), py::arg("transport"))
        .def("drain", &Inlet::drain)
        .def("figures", &figures_of)
        .def_property_readonly("hello", &Inlet::hello)
        .def_property_readonly("ready", &Inlet::ready)
        .def_property_readonly("last_refusal", &Inlet::last_refusal)
        .def_property_readonly("layout", &Inlet::layout);
    py::class_<Outlet, std::shared_ptr<Outlet>>(m, "Outlet")
        .def(py::init([](std::shared_ptr<LiveContext> context, const std::string& name, const py::list& channels,
                         Tick every, std::shared_ptr<Transport> transport) {
                 return std::make_shared<Outlet>(std::move(context),
                                                 ActuatorOptions{name, channels_from_python(channels), every},
                                                 std::move(transport));
             }),
             py::arg("context"), py::arg("name"), py::arg("channels"), py::arg("every"), py::arg("transport"))
        .def("safe", &Outlet::safe, py::arg("tick"), py::arg("flags"))
        .def_property_readonly("sent", &Outlet::sent)
        .def_property_readonly("dropped", &Outlet::dropped)
        .def_property_readonly("layout", &Outlet::layout);
    py::class_<Rig, std::shared_ptr<Rig>>(m, "Rig")
        .def(py::init<std::shared_ptr<LiveContext>, std::string, std::shared_ptr<Transport>, Nanoseconds>(),
             py::arg("context"), py::arg("name"), py::arg("transport"), py::arg("timeout"))
        .def("set_inlet", &Rig::set_inlet, py::arg("inlet"))
        .def("set_outlet", &Rig::set_outlet, py::arg("outlet"))
        .def(
            "greet", [](Rig& rig, Tick tick, const std::vector<double>& outputs) { return rig.greet(tick, outputs); },
            py::arg("tick"), py::arg("outputs"))
        .def("goodbye", &Rig::goodbye)
        .def_property_readonly("trouble", &Rig::trouble);

    m.def(
        "make_sensor",
        [](std::shared_ptr<LiveContext> context, std::shared_ptr<Inlet> inlet, std::shared_ptr<Rig> rig) {
            return UnitHolder{make_sensor(std::move(context), std::move(inlet), std::move(rig))};
        },
        py::arg("context"), py::arg("inlet"), py::arg("rig"));
    m.def(
        "make_actuator",
        [](std::shared_ptr<Outlet> outlet, std::shared_ptr<Inlet> answered) {
            return UnitHolder{make_actuator(std::move(outlet), std::move(answered))};
        },
        py::arg("outlet"), py::arg("answered"));
    m.def(
        "make_tape",
        [](const py::list& channels, const py::array_t<double, py::array::c_style | py::array::forcecast>& rows) {
            return UnitHolder{make_tape(sensor_ports(channels_from_python(channels)).outputs,
                                        {rows.data(), rows.data() + rows.size()})};
        },
        py::arg("channels"), py::arg("rows"));
    m.def(
        "make_sink",
        [](const py::list& channels) {
            std::vector<Port> inputs;
            for (const Channel& channel : channels_from_python(channels)) inputs.push_back(channel.port);
            return UnitHolder{make_sink(std::move(inputs))};
        },
        py::arg("channels"));
}

}  // namespace crumple::bindings
