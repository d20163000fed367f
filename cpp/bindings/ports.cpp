#include "bindings.hpp"

namespace crumple::bindings {

Kind kind_from_name(const std::string& name) {
    for (Kind kind : {Kind::real, Kind::integer, Kind::boolean, Kind::enumeration, Kind::string, Kind::binary})
        if (name == kind_name(kind)) return kind;
    throw BuildError("\"" + name + "\" is no kind of port: real, integer, boolean, enumeration, string, binary");
}

py::object blob_to_python(const Blob& blob, Kind kind) {
    const std::string& text = blob ? *blob : std::string();
    if (kind == Kind::binary) return py::bytes(text);
    PyObject* decoded = PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "replace");
    if (!decoded) throw py::error_already_set();
    return py::reinterpret_steal<py::object>(decoded);
}

Blob blob_from_python(py::handle value, Kind kind, const std::string& name) {
    if (kind == Kind::string && PyUnicode_Check(value.ptr()))
        return std::make_shared<const std::string>(value.cast<std::string>());
    if (kind == Kind::binary && PyBytes_Check(value.ptr()))
        return std::make_shared<const std::string>(value.cast<std::string>());
    throw UsageError("\"" + name + "\" takes " + (kind == Kind::string ? "str" : "bytes") + ", not " +
                     Py_TYPE(value.ptr())->tp_name);
}

Port port_from_python(const py::dict& d) {
    Port port;
    port.name = d["name"].cast<std::string>();
    port.kind = kind_from_name(d["kind"].cast<std::string>());
    port.shape = d["shape"].cast<std::vector<std::size_t>>();
    if (!d["si"].is_none()) {
        const auto [text, factor, offset, dimension] =
            d["si"].cast<std::tuple<std::string, double, double, std::array<int, 8>>>();
        Si si{text, factor, offset, {}};
        for (std::size_t i = 0; i < 8; ++i) si.dimension[i] = static_cast<std::int8_t>(dimension[i]);
        port.si = si;
    }
    if (is_blob(port.kind))
        for (const auto& item : d["start"]) port.start_blobs.push_back(*blob_from_python(item, port.kind, port.name));
    else
        port.start = d["start"].cast<std::vector<double>>();
    port.allow_nonfinite = d["allow_nonfinite"].cast<bool>();
    return port;
}

void bind_ports(py::module_& m) {
    py::class_<Port>(m, "Port")
        .def_readonly("name", &Port::name)
        .def_property_readonly("kind", [](const Port& p) { return kind_name(p.kind); })
        .def_property_readonly("shape", [](const Port& p) { return py::tuple(py::cast(p.shape)); })
        .def_property_readonly("si", [](const Port& p) -> std::optional<std::string> {
            if (!p.si) return std::nullopt;
            return p.si->text;
        });
    py::class_<UnitHolder>(m, "UnitHolder");
}

}  // namespace crumple::bindings
