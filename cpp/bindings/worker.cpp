// Units in worker processes, and the worker's end where that is a Python process.

#include "crumple/worker.hpp"

#include "bindings.hpp"

namespace crumple::bindings {

namespace {

// What a plugin raised, as call, fact and the traceback's text: the exception itself cannot leave its process.
UnitError explain(const std::exception_ptr& cause, const char* call) {
    try {
        std::rethrow_exception(cause);
    } catch (py::error_already_set& error) {
        const py::object value = error.value();
        std::string details;
        try {
            details = text_of(py::module_::import("crumple.isolated").attr("traceback_text")(value));
        } catch (py::error_already_set&) {  // what cannot be told is left out
        }
        if (py::hasattr(value, "fact") && py::hasattr(value, "call"))
            return {text_of(value.attr("call")), text_of(value.attr("fact")), details};
        return {call, text_of(error.type().attr("__name__")) + ": " + text_of(value), details};
    } catch (const std::exception& error) {
        return {call, error.what()};
    } catch (...) {
        return {call, "it threw something unknown"};
    }
}

}  // namespace

WorkerOptions worker_options(const py::dict& d) {
    WorkerOptions options;
    options.command = d["command"].cast<std::vector<std::string>>();
    options.timeout = d["timeout"].cast<double>();
    options.memory = d["memory"].cast<std::uint64_t>();
    options.file_size = d["file_size"].cast<std::uint64_t>();
    options.processes = d["processes"].cast<bool>();
    options.network = d["network"].cast<bool>();
    options.write = d["write"].cast<bool>();
    options.trust_state = d["trust_state"].cast<bool>();
    options.fresh = d["fresh"].cast<bool>();
    return options;
}

void bind_worker(py::module_& m) {
    while_waiting() = [] {
        const py::gil_scoped_acquire gil;
        if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    };
    m.def("workers_available", &workers_available);
    m.def("landlock_version", &landlock_version);
    m.def(
        "make_plugin_worker",
        [](const py::dict& ports, const py::bytes& recipe, const py::dict& worker) {
            return UnitHolder{make_worker(ports_from_python(ports), recipe, worker_options(worker))};
        },
        py::arg("ports"), py::arg("recipe"), py::arg("worker"));
#ifdef __linux__
    m.def(
        "serve",
        [](int memory, const py::function& make) {
            Host host;
            host.make = [&](std::string_view recipe) {
                return std::move(make(py::bytes(recipe.data(), recipe.size())).cast<UnitHolder&>().unit);
            };
            host.explain = explain;
            host.before_fork = PyOS_BeforeFork;
            host.after_fork_in_parent = PyOS_AfterFork_Parent;
            host.after_fork_in_child = PyOS_AfterFork_Child;
            return serve(memory, std::move(host));
        },
        py::arg("memory"), py::arg("make"));
    m.def(
        "make_fmu_from_recipe",
        [](const py::bytes& recipe) { return UnitHolder{make_fmu_from_recipe(std::string_view(recipe))}; },
        py::arg("recipe"));
#endif
}

}  // namespace crumple::bindings
