// C++ errors become the classes of crumple.errors.

#include "bindings.hpp"

namespace crumple::bindings {

py::object error_class(const char* name) { return py::module_::import("crumple.errors").attr(name); }

std::string text_of(const py::handle& value) {
    constexpr std::size_t longest = 2000;  // characters; an exception may say anything
    const py::object text = py::str(value);
    const bool cut = py::len(text) > longest;
    const py::object part = cut ? text[py::slice(0, longest, 1)] : text;
    // what is no character (a lone surrogate) is shown as its escape
    return part.attr("encode")("utf-8", "backslashreplace").cast<std::string>() + (cut ? "..." : "");
}

namespace {

void set_placed(const char* name, const StepError& error) {
    const py::object type = error_class(name);
    const py::object raised = type(error.unit, error.call, error.tick, error.t, error.fact);
    if (!error.details.empty())  // what was raised in a worker, as text: the exception itself stayed there
        PyException_SetCause(raised.ptr(), error_class("WorkerTraceback")(error.details).release().ptr());
    PyErr_SetObject(type.ptr(), raised.ptr());
}

void set_plain(const char* name, const char* text) { PyErr_SetString(error_class(name).ptr(), text); }

}  // namespace

void bind_errors(py::module_& /*m*/) {
    py::register_local_exception_translator([](std::exception_ptr cause) {
        try {
            if (cause) std::rethrow_exception(cause);
        } catch (const EndError& error) {
            set_placed("EndError", error);
        } catch (const StepError& error) {
            set_placed("StepError", error);
        } catch (const BuildError& error) {
            set_plain("BuildError", error.what());
        } catch (const StateError& error) {
            set_plain("StateError", error.what());
        } catch (const UsageError& error) {
            set_plain("UsageError", error.what());
        } catch (const RecordError& error) {
            set_plain("RecordError", error.what());
        } catch (const Error& error) {
            set_plain("CrumpleError", error.what());
        }
    });
}

}  // namespace crumple::bindings
