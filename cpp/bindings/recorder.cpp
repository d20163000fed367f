#include <pybind11/numpy.h>
#include <pybind11/stl/filesystem.h>

#include "bindings.hpp"

namespace crumple::bindings {

void bind_recorder(py::module_& m) {
    py::class_<Probe, std::shared_ptr<Probe>>(m, "Probe");
    py::class_<Column>(m, "Column")
        .def_readonly("name", &Column::name)
        .def_readonly("count", &Column::count)
        .def_readonly("offset", &Column::offset)
        .def_readonly("blob", &Column::blob)
        .def_property_readonly("shape", [](const Column& c) { return py::tuple(py::cast(c.shape)); });
    py::class_<Recorder, Probe, std::shared_ptr<Recorder>>(m, "Recorder")
        .def(py::init<const std::filesystem::path&, std::vector<Column>, Tick>(), py::arg("stem"), py::arg("columns"),
             py::arg("every"))
        .def("close", &Recorder::close, py::call_guard<py::gil_scoped_release>())
        .def_property_readonly("files", &Recorder::files);
    py::class_<Trace, Probe, std::shared_ptr<Trace>>(m, "Trace")
        .def(py::init<std::vector<Column>, Tick>(), py::arg("columns"), py::arg("every") = 1)
        .def_property_readonly("columns", &Trace::columns)
        .def_property_readonly("rows", &Trace::rows)
        .def("clear", &Trace::clear)
        .def("values",
             [](const Trace& trace) {  // a copy: the trace may grow
                 py::array_t<double> a({trace.rows(), trace.width()});
                 std::copy(trace.values().begin(), trace.values().end(), a.mutable_data());
                 return a;
             })
        .def("blobs", [](const Trace& trace) {
            py::list all;
            for (const Blob& blob : trace.blobs()) all.append(py::bytes(blob ? *blob : std::string()));
            return all;
        });
}

}  // namespace crumple::bindings
