// Running a world on the wall clock.

#include "crumple/drive.hpp"

#include "bindings.hpp"

namespace crumple::bindings {

namespace {

// While the loop waits, the interpreter is free; it is taken for the step where some unit needs it.
class Interpreter {
public:
    explicit Interpreter(bool for_steps) : for_steps_(for_steps), state_(PyEval_SaveThread()) {}
    ~Interpreter() { PyEval_RestoreThread(state_); }
    Interpreter(const Interpreter&) = delete;
    Interpreter& operator=(const Interpreter&) = delete;

    DriveHooks hooks() {
        DriveHooks hooks;
        if (for_steps_) {
            hooks.enter = [this] { PyEval_RestoreThread(state_); };
            hooks.leave = [this] { state_ = PyEval_SaveThread(); };
        }
        hooks.interrupted = [this] {
            PyEval_RestoreThread(state_);
            const bool signal = PyErr_CheckSignals() != 0;  // the exception waits in the thread's state
            state_ = PyEval_SaveThread();
            return signal;
        };
        return hooks;
    }

private:
    bool for_steps_;
    PyThreadState* state_;
};

const char* drive_in_python(World& world, Tick until, Pacer* pacer, Monitor* monitor, Tick most) {
    Stopped stopped{};
    {
        Interpreter interpreter(world.needs_interpreter());
        stopped = drive(world, until, pacer, monitor, *monotonic_clock(), interpreter.hooks(), most);
    }
    if (PyErr_Occurred()) throw py::error_already_set();
    switch (stopped) {
        case Stopped::reached:
            return "reached";
        case Stopped::commanded:
            return "commanded";
        case Stopped::ended:
            return "ended";
        case Stopped::interrupted:
            return "interrupted";
        case Stopped::lost:
            return "lost";
    }
    return "";
}

py::dict figures_of(const Pacer& pacer) {
    const PacingFigures& f = pacer.figures();
    py::dict d;
    d["ticks"] = f.ticks;
    d["grace_ticks"] = f.grace_ticks;
    d["missed"] = f.missed;
    d["missed_share"] = f.ticks ? static_cast<double>(f.missed) / static_cast<double>(f.ticks) : 0.0;
    d["longest_run_missed"] = f.longest_run;
    d["slips"] = f.slips;
    d["slipped_s"] = static_cast<double>(f.slipped) * 1e-9;
    d["behind_s"] = static_cast<double>(f.behind) * 1e-9;
    d["late"] = histogram_to_python(f.late);
    d["step"] = histogram_to_python(f.step);
    py::list misses;
    for (const Miss& miss : f.misses) {
        py::dict row;
        row["tick"] = miss.tick;
        row["late_s"] = static_cast<double>(miss.late) * 1e-9;
        row["step_s"] = static_cast<double>(miss.step) * 1e-9;
        row["unit"] = miss.unit;
        row["unit_s"] = static_cast<double>(miss.unit_step) * 1e-9;
        misses.append(row);
    }
    d["misses"] = misses;
    return d;
}

}  // namespace

void bind_drive(py::module_& m) {
    py::class_<Pacer, std::shared_ptr<Pacer>>(m, "Pacer")
        .def(py::init([](std::int64_t numerator, std::int64_t denominator, double speed, Tick catch_up, bool strict,
                         Nanoseconds grace, Nanoseconds spin) {
                 return std::make_shared<Pacer>(monotonic_clock(), Period(numerator, denominator),
                                                PacerOptions{speed, catch_up, strict, grace, spin});
             }),
             py::arg("numerator"), py::arg("denominator"), py::arg("speed"), py::arg("catch_up"), py::arg("strict"),
             py::arg("grace"), py::arg("spin"))
        .def("begin", &Pacer::begin, py::arg("tick"))
        .def("anchor", &Pacer::anchor, py::arg("tick"))
        .def("set_speed", &Pacer::set_speed, py::arg("speed"), py::arg("tick"))
        .def_property_readonly("speed", &Pacer::speed)
        .def("figures", &figures_of);
    py::class_<Monitor, Probe, std::shared_ptr<Monitor>>(m, "Monitor")
        .def(py::init([](std::size_t values, const std::string& names, Tick ticks, double budget) {
                 return std::make_shared<Monitor>(monotonic_clock(), values, names, ticks, budget);
             }),
             py::arg("values"), py::arg("names"), py::arg("ticks"), py::arg("budget"))
        .def_property_readonly("descriptor", &Monitor::descriptor)
        .def(
            "set_status", [](Monitor& monitor, unsigned status) { monitor.set_status(static_cast<RunStatus>(status)); },
            py::arg("status"))
        .def("set_speed", &Monitor::set_speed, py::arg("speed"))
        .def("close_descriptor", &Monitor::close_descriptor)
        .def_property_readonly("stop_wanted", &Monitor::stop_wanted)
        .def_property_readonly("commanded", &Monitor::commanded)
        .def(
            "take",
            [](Monitor& monitor, std::size_t most) {
                py::list all;
                for (const std::string& text : monitor.take(most)) all.append(py::bytes(text));
                return all;
            },
            py::arg("most"));
    m.def("drive", &drive_in_python, py::arg("world"), py::arg("until"), py::arg("pacer"), py::arg("monitor"),
          py::arg("most"));
    m.def(
        "ask_for_real_time",
        [](int priority, bool locked, bool awake) {
            const Granted granted = ask_for_real_time({priority, locked, awake});
            py::dict d;
            d["fifo"] = granted.fifo;
            d["locked"] = granted.locked;
            d["awake"] = granted.awake;
            d["slack_ns"] = granted.slack_ns;
            d["why"] = granted.why;
            return d;
        },
        py::arg("priority"), py::arg("locked"), py::arg("awake"));
    m.def("leave_real_time", &leave_real_time);
}

}  // namespace crumple::bindings
