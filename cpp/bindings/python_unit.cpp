// A Python plugin as a unit. Ports are slots of the instance, written and read here at their offsets: no dictionary,
// no attribute lookup, no bound method in the step.

#include <pybind11/numpy.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "bindings.hpp"

#include <structmember.h>  // after Python.h: the layout of PyMemberDef before Python 3.12

namespace crumple::bindings {

namespace {

// Where the value of a __slots__ member lies within an instance.
Py_ssize_t slot_offset(const py::object& type, const std::string& name) {
    const py::object member = type.attr("__slot_members__")[py::str(name)];
    if (!PyObject_TypeCheck(member.ptr(), &PyMemberDescr_Type))
        throw UsageError("port \"" + name + "\" is not a slot of its class");
    return reinterpret_cast<PyMemberDescrObject*>(member.ptr())->d_member->offset;
}

PyObject*& slot(PyObject* object, Py_ssize_t offset) {
    return *reinterpret_cast<PyObject**>(reinterpret_cast<char*>(object) + offset);
}

void put(PyObject* object, Py_ssize_t offset, PyObject* value) {  // takes the reference
    PyObject*& place = slot(object, offset);
    PyObject* old = place;
    place = value;
    Py_XDECREF(old);
}

struct Limits {
    double min = -std::numeric_limits<double>::infinity();
    double max = std::numeric_limits<double>::infinity();
    bool any() const { return std::isfinite(min) || std::isfinite(max); }
};

struct PortSlot {
    const Port* port = nullptr;
    Py_ssize_t offset = 0;  // in the instance
    std::size_t at = 0;     // in the unit's span of numbers or blobs
    bool plain = false;     // a real scalar without limits: the fast way
    Limits limits;
    py::object array;            // what the plugin sees of an array port; it may keep it longer than the world lasts
    double* elements = nullptr;  // of that array
    std::vector<Blob> seen;
};

class PythonUnit final : public Unit {
public:
    PythonUnit(py::object instance, std::string name, py::object initial)
        : instance_(std::move(instance)), name_(std::move(name)), initial_(std::move(initial)) {
        const py::object type = py::type::of(instance_);
        const py::dict declared = type.attr("__ports__")();
        read_ports(declared["inputs"], ports_.inputs, inputs_, type);
        read_ports(declared["outputs"], ports_.outputs, outputs_, type);
        place(ports_.inputs, inputs_);
        place(ports_.outputs, outputs_);
        step_ = type.attr("step");
        step_type_ = py::module_::import("crumple.unit").attr("Step");
        tick_at_ = slot_offset(step_type_, "tick");
        t_at_ = slot_offset(step_type_, "t");
        dt_at_ = slot_offset(step_type_, "dt");
        if (!initial_) initial_ = py::module_::import("copy").attr("deepcopy")(instance_.attr("__dict__"));
    }

    const Ports& ports() const override { return ports_; }
    bool pinned() const override { return true; }

    void reset(const Start& start, const Io& io) override {
        guarded("reset", 0, start.t, [&] {
            // whatever the last run left behind goes: a reset unit equals a new one
            py::dict dict = instance_.attr("__dict__");
            dict.clear();
            dict.attr("update")(py::module_::import("copy").attr("deepcopy")(initial_));
            instance_.attr("_prepare")(start.dt, start.seed);
            dt_ = py::float_(start.dt);
            for (PortSlot& p : inputs_) {
                p.seen.clear();
                show(p, io.in.data(), io.in_blobs.data(), true);
            }
            for (PortSlot& p : outputs_) show(p, io.out.data(), io.out_blobs.data(), false);
            instance_.attr("reset")();
            for (PortSlot& p : outputs_) read(p, io);
        });
    }

    void step(const Step& now, const Io& io) override {
        PyObject* const self = instance_.ptr();
        for (PortSlot& p : inputs_) {
            if (p.plain)
                put(self, p.offset, PyFloat_FromDouble(io.in[p.at]));
            else
                refresh(p, io, now);
        }
        // one Step object serves all steps, unless the plugin has kept it
        if (!now_ || Py_REFCNT(now_.ptr()) != 1) now_ = step_type_();
        put(now_.ptr(), tick_at_, PyLong_FromLongLong(now.tick));
        put(now_.ptr(), t_at_, PyFloat_FromDouble(now.t));
        put(now_.ptr(), dt_at_, dt_.inc_ref().ptr());
        PyObject* arguments[] = {self, now_.ptr()};
        PyObject* result = PyObject_Vectorcall(step_.ptr(), arguments, 2, nullptr);
        if (!result) raise("step", now.tick, now.t);
        Py_DECREF(result);
        for (PortSlot& p : outputs_) {
            PyObject* value = slot(self, p.offset);
            if (p.plain && value && PyFloat_CheckExact(value))
                io.out[p.at] = PyFloat_AS_DOUBLE(value);
            else
                guarded("step", now.tick, now.t, [&] { read(p, io); });
        }
    }

    bool tune(const std::string& parameter, std::span<const double> value) override {
        bool known = false;
        guarded("tune", -1, 0.0,
                [&] { known = value.size() == 1 && instance_.attr("_tune")(parameter, value[0]).cast<bool>(); });
        return known;
    }

    void end() override {
        guarded("end", -1, 0.0, [&] { instance_.attr("end")(); });
    }

    StatePointer save() override {
        StatePointer state;
        guarded("save", -1, 0.0, [&] { state = std::make_shared<Saved>(instance_.attr("save")()); });
        return state;
    }

    void load(const State& state, const Io& io) override {
        guarded("load", -1, 0.0, [&] {
            instance_.attr("load")(dynamic_cast<const Saved&>(state).state);
            for (PortSlot& p : outputs_) show(p, io.out.data(), io.out_blobs.data(), false);
            for (PortSlot& p : inputs_) show(p, io.in.data(), io.in_blobs.data(), true);
        });
    }

    std::string pack(const State& state) override {
        std::string bytes;
        guarded("save", -1, 0.0, [&] {
            const py::object& saved = dynamic_cast<const Saved&>(state).state;
            bytes = py::module_::import("pickle").attr("dumps")(saved).cast<std::string>();
        });
        return bytes;
    }

    StatePointer unpack(const std::string& bytes) override {
        StatePointer state;
        guarded("load", -1, 0.0, [&] {
            state = std::make_shared<Saved>(py::module_::import("pickle").attr("loads")(py::bytes(bytes)));
        });
        return state;
    }

private:
    struct Saved final : State {
        explicit Saved(py::object s) : state(std::move(s)) {}
        ~Saved() override {
            const py::gil_scoped_acquire gil;
            state = py::object();
        }
        Saved(const Saved&) = delete;
        Saved& operator=(const Saved&) = delete;
        py::object state;
    };

    static void read_ports(const py::handle& list, std::vector<Port>& ports, std::vector<PortSlot>& slots,
                           const py::object& type) {
        for (const auto& item : list) {
            const auto d = item.cast<py::dict>();
            ports.push_back(port_from_python(d));
            PortSlot s;
            s.offset = slot_offset(type, ports.back().name);
            if (!d["min"].is_none()) s.limits.min = d["min"].cast<double>();
            if (!d["max"].is_none()) s.limits.max = d["max"].cast<double>();
            s.plain = ports.back().kind == Kind::real && ports.back().shape.empty() && !s.limits.any();
            slots.push_back(std::move(s));
        }
    }

    static void place(const std::vector<Port>& ports, std::vector<PortSlot>& slots) {
        const PortOffsets offsets = port_offsets(ports);
        for (std::size_t i = 0; i < ports.size(); ++i) {
            slots[i].port = &ports[i];
            slots[i].at = offsets.offset[i];
        }
    }

    static py::object scalar(double x, Kind kind) {
        if (kind == Kind::boolean) return py::bool_(x != 0.0);
        if (kind == Kind::real || !std::isfinite(x)) return py::float_(x);
        return py::int_(static_cast<long long>(x));
    }

    // Puts a port's present value where the plugin sees it.
    void show(PortSlot& p, const double* numbers, const Blob* blobs, bool input) {
        const Port& port = *p.port;
        py::object value;
        if (is_blob(port.kind)) {
            if (port.shape.empty()) {
                value = blob_to_python(blobs[p.at], port.kind);
            } else {
                py::list list;
                for (std::size_t i = 0; i < port.size(); ++i) list.append(blob_to_python(blobs[p.at + i], port.kind));
                value = input ? py::object(py::tuple(list)) : py::object(list);
            }
            p.seen.assign(blobs + p.at, blobs + p.at + port.size());
        } else if (port.shape.empty()) {
            value = scalar(numbers[p.at], port.kind);
        } else {
            if (!p.array) make_array(p, input);
            std::copy_n(numbers + p.at, port.size(), p.elements);
            value = p.array;
        }
        put(instance_.ptr(), p.offset, value.release().ptr());
    }

    static void make_array(PortSlot& p, bool input) {
        p.elements = new double[p.port->size()];
        const py::capsule owner(p.elements, [](void* memory) { delete[] static_cast<double*>(memory); });
        py::array_t<double> array(p.port->shape, p.elements, owner);
        if (input) py::detail::array_proxy(array.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
        p.array = std::move(array);
    }

    void refresh(PortSlot& p, const Io& io, const Step& now) {
        const Port& port = *p.port;
        if (is_blob(port.kind)) {
            for (std::size_t i = 0; i < port.size(); ++i) {
                if (i < p.seen.size() && p.seen[i] == io.in_blobs[p.at + i]) continue;
                show(p, io.in.data(), io.in_blobs.data(), true);
                return;
            }
            return;
        }
        if (p.limits.any()) guarded("step", now.tick, now.t, [&] { check_limits(p, io.in.data(), "input"); });
        if (port.shape.empty() || slot(instance_.ptr(), p.offset) != p.array.ptr())
            show(p, io.in.data(), io.in_blobs.data(), true);
        else
            std::copy_n(io.in.data() + p.at, port.size(), p.elements);
    }

    void check_limits(const PortSlot& p, const double* numbers, const char* what) const {
        for (std::size_t i = 0; i < p.port->size(); ++i) {
            const double x = numbers[p.at + i];
            if (x >= p.limits.min && x <= p.limits.max) continue;
            if (std::isnan(x) && p.port->allow_nonfinite) continue;
            throw py::value_error(std::string(what) + " \"" + p.port->name + "\" is " +
                                  py::repr(py::float_(x)).cast<std::string>() + ", outside its declared limits " +
                                  py::repr(py::float_(p.limits.min)).cast<std::string>() + " to " +
                                  py::repr(py::float_(p.limits.max)).cast<std::string>());
        }
    }

    double to_number(PyObject* value, const Port& port) const {
        if (port.kind == Kind::boolean) {
            const int truth = PyObject_IsTrue(value);
            if (truth < 0) throw py::error_already_set();
            return truth ? 1.0 : 0.0;
        }
        const double x = PyFloat_AsDouble(value);
        if (x == -1.0 && PyErr_Occurred()) {
            PyErr_Clear();
            throw py::type_error("output \"" + port.name + "\" must be a number; it was set to " +
                                 py::repr(value).cast<std::string>());
        }
        if (port.kind != Kind::real && (x != std::floor(x) || std::fabs(x) > 0x1p53))
            throw py::value_error("output \"" + port.name + "\" must be a whole number within 2^53; it was set to " +
                                  py::repr(value).cast<std::string>());
        return x;
    }

    // Takes an output from where the plugin left it.
    void read(PortSlot& p, const Io& io) {
        const Port& port = *p.port;
        PyObject* value = slot(instance_.ptr(), p.offset);
        if (!value) throw py::attribute_error("output \"" + port.name + "\" was deleted");
        if (is_blob(port.kind)) {
            if (port.shape.empty()) {
                take_blob(io.out_blobs[p.at], value, port);
                return;
            }
            const auto list = py::reinterpret_borrow<py::sequence>(value);
            if (list.size() != port.size())
                throw py::value_error("output \"" + port.name + "\" must have " + std::to_string(port.size()) +
                                      " items");
            for (std::size_t i = 0; i < port.size(); ++i)
                take_blob(io.out_blobs[p.at + i], py::object(list[i]).ptr(), port);
            return;
        }
        if (port.shape.empty()) {
            io.out[p.at] = to_number(value, port);
        } else {
            if (value != p.array.ptr()) {  // assigned as a whole: copied into the array, which then stands again
                const py::object assigned = py::reinterpret_borrow<py::object>(value);
                py::module_::import("crumple.unit").attr("_assign")(p.array, assigned, port.name);
                put(instance_.ptr(), p.offset, p.array.inc_ref().ptr());
            }
            std::copy_n(p.elements, port.size(), io.out.data() + p.at);
        }
        if (p.limits.any()) check_limits(p, io.out.data(), "output");
    }

    static void take_blob(Blob& blob, PyObject* value, const Port& port) {
        Blob fresh;
        try {
            fresh = blob_from_python(value, port.kind, port.name);
        } catch (const UsageError& error) {  // so that it is placed like all that a plugin does wrong
            throw py::type_error(std::string("output ") + error.what());
        }
        if (!same_blob(blob, fresh) || !blob) blob = std::move(fresh);
    }

    template <class Fn>
    void guarded(const char* call, Tick tick, double t, Fn&& fn) {
        try {
            fn();
        } catch (py::error_already_set& error) {
            error.restore();
            raise(call, tick, t);
        } catch (py::builtin_exception& error) {
            error.set_error();
            raise(call, tick, t);
        }
    }

    // The exception that is set becomes the cause of a StepError which names unit, tick and time.
    [[noreturn]] void raise(const char* call, Tick tick, double t) {
        if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt)) throw py::error_already_set();
        const py::error_already_set raised;
        std::string fact = py::str(raised.type().attr("__name__"));
        const std::string text = text_of(raised.value());
        if (!text.empty()) fact += ": " + text;
        const py::object error = error_class("StepError")(name_, call, tick, t, fact);
        PyException_SetCause(error.ptr(), raised.value().inc_ref().ptr());
        if (raised.trace()) PyException_SetTraceback(raised.value().ptr(), raised.trace().ptr());
        PyErr_SetObject(py::type::of(error).ptr(), error.ptr());
        throw py::error_already_set();
    }

    py::object instance_;
    std::string name_;
    py::object initial_;
    Ports ports_;
    std::vector<PortSlot> inputs_, outputs_;
    py::object step_, step_type_, now_, dt_;
    Py_ssize_t tick_at_ = 0, t_at_ = 0, dt_at_ = 0;
};

}  // namespace

std::unique_ptr<Unit> make_python_unit(const py::object& instance, const std::string& name, const py::object& initial) {
    return std::make_unique<PythonUnit>(instance, name, initial);
}

Ports ports_from_python(const py::dict& declared) {
    Ports ports;
    for (const auto& item : declared["inputs"]) ports.inputs.push_back(port_from_python(item.cast<py::dict>()));
    for (const auto& item : declared["outputs"]) ports.outputs.push_back(port_from_python(item.cast<py::dict>()));
    return ports;
}

void bind_python_unit(py::module_& m) {
    m.def(
        "make_python_unit",
        [](const py::object& instance, const std::string& name, const std::optional<py::dict>& initial) {
            return UnitHolder{make_python_unit(instance, name, initial ? py::object(*initial) : py::object())};
        },
        py::arg("instance"), py::arg("name"), py::arg("initial") = py::none());
}

}  // namespace crumple::bindings
