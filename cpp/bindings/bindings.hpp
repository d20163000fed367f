// Every py:: type lives in this folder, one file per bound concept.
#pragma once

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <memory>
#include <string>
#include <vector>

#include "crumple/worker.hpp"
#include "crumple/world.hpp"

namespace crumple::bindings {

namespace py = pybind11;

void bind_errors(py::module_& m);
void bind_ports(py::module_& m);
void bind_recorder(py::module_& m);
void bind_world(py::module_& m);
void bind_fmu(py::module_& m);
void bind_formula(py::module_& m);
void bind_python_unit(py::module_& m);
void bind_stl(py::module_& m);
void bind_worker(py::module_& m);
void bind_live(py::module_& m);
void bind_drive(py::module_& m);

// The class of this name in crumple.errors.
py::object error_class(const char* name);

// What str() gives, at most 2,000 characters of it, as UTF-8 whatever is in there.
std::string text_of(const py::handle& value);

Kind kind_from_name(const std::string& name);  // "real", ...

Closing closing_from_name(const std::string& name);  // "cut", "whole", "ended"

// A blob as Python sees it: str for a string port, bytes for a binary one.
py::object blob_to_python(const Blob& blob, Kind kind);
Blob blob_from_python(py::handle value, Kind kind, const std::string& name);

// A port from the keyword-like dictionary that crumple.unit and crumple.fmu make.
Port port_from_python(const py::dict& port);

std::vector<FmuStart> starts_from_python(const py::list& starts);

// initial: what the instance holds before each reset; the caller may change it between two. Null: what it holds now.
std::unique_ptr<Unit> make_python_unit(const py::object& instance, const std::string& name,
                                       const py::object& initial = py::object());

// The ports that a plugin class declares, as its __ports__() gives them.
Ports ports_from_python(const py::dict& declared);

// Percentiles and buckets, in seconds.
py::dict histogram_to_python(const Histogram& h);

WorkerOptions worker_options(const py::dict& options);

// A unit on its way from Python into a world. Taken once.
struct UnitHolder {
    std::unique_ptr<Unit> unit;
};

}  // namespace crumple::bindings
