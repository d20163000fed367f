// FMI 3.0 co-simulation, without event mode: the calls, in the order that the standard's state machine allows.

#include <cstdlib>

#include "fmi/fmi3.h"
#include "fmu_unit.hpp"

namespace crumple {

namespace {

void log_message(fmi3InstanceEnvironment environment, fmi3Status status, fmi3String /*category*/, fmi3String message) {
    std::string text = clean_text(message);
    const std::lock_guard lock(FmuLog::register_mutex());
    if (FmuLog* log = FmuLog::find(environment)) log->add(status >= fmi3Discard, std::move(text));
}

// The C name and value type of each numeric FMI type; the functions differ in nothing else.
template <class T>
struct Names;
#define CRUMPLE_FMI3_NUMBER(Type, Name)                     \
    template <>                                             \
    struct Names<Type> {                                    \
        static constexpr const char* get = "fmi3Get" #Name; \
        static constexpr const char* set = "fmi3Set" #Name; \
    };
CRUMPLE_FMI3_NUMBER(fmi3Float32, Float32)
CRUMPLE_FMI3_NUMBER(fmi3Float64, Float64)
CRUMPLE_FMI3_NUMBER(fmi3Int8, Int8)
CRUMPLE_FMI3_NUMBER(fmi3UInt8, UInt8)
CRUMPLE_FMI3_NUMBER(fmi3Int16, Int16)
CRUMPLE_FMI3_NUMBER(fmi3UInt16, UInt16)
CRUMPLE_FMI3_NUMBER(fmi3Int32, Int32)
CRUMPLE_FMI3_NUMBER(fmi3UInt32, UInt32)
CRUMPLE_FMI3_NUMBER(fmi3Int64, Int64)
CRUMPLE_FMI3_NUMBER(fmi3UInt64, UInt64)
CRUMPLE_FMI3_NUMBER(fmi3Boolean, Boolean)
#undef CRUMPLE_FMI3_NUMBER

template <class T>
using Getter = fmi3Status(fmi3Instance, const fmi3ValueReference*, size_t, T*, size_t);
template <class T>
using Setter = fmi3Status(fmi3Instance, const fmi3ValueReference*, size_t, const T*, size_t);

// Calls fn with a value of the C type that carries `type`.
template <class Fn>
void with_c_type(FmiType type, Fn&& fn) {
    switch (type) {
        case FmiType::float32:
            return fn(fmi3Float32{});
        case FmiType::float64:
            return fn(fmi3Float64{});
        case FmiType::int8:
            return fn(fmi3Int8{});
        case FmiType::uint8:
            return fn(fmi3UInt8{});
        case FmiType::int16:
            return fn(fmi3Int16{});
        case FmiType::uint16:
            return fn(fmi3UInt16{});
        case FmiType::int32:
            return fn(fmi3Int32{});
        case FmiType::uint32:
            return fn(fmi3UInt32{});
        case FmiType::int64:
            return fn(fmi3Int64{});
        case FmiType::uint64:
            return fn(fmi3UInt64{});
        default:
            return fn(fmi3Boolean{});
    }
}

class Fmi3Unit final : public FmuUnit {
    // touched in every step; the base class ends with the rest of these
    fmi3Instance i_ = nullptr;
    fmi3DoStepTYPE* do_step_ = nullptr;
    fmi3SetFloat64TYPE* set_float64_ = nullptr;
    fmi3GetFloat64TYPE* get_float64_ = nullptr;
    Plain<const double> in_;
    Plain<double> out_;

public:
    using FmuUnit::FmuUnit;
    ~Fmi3Unit() override { close(); }

    void initialise(const Io& io) override {
        set_inputs(io);
        get_early_outputs(io);
        check_mode();
    }

    void begin(const Io& io) override {
        set_inputs(io);
        check("fmi3ExitInitializationMode", need<fmi3ExitInitializationModeTYPE>("fmi3ExitInitializationMode")(i_));
        phase_ = Phase::stepping;
        get_outputs(io);
        check_mode();
    }

    void step_run(std::span<const Job> jobs, const Step& now, std::size_t& current) override {
        step_each<Fmi3Unit>(jobs, now, current);
    }

    [[gnu::always_inline]] inline void step(const Step& now, const Io& io) override {
        if (!plain_ || end_requested_) [[unlikely]]
            return step_general(now, io);
        if (in_.count) check("fmi3SetFloat64", set_float64_(i_, in_.refs, in_.count, in_.memory, in_.values));
        do_step(now);
        if (out_.count) check("fmi3GetFloat64", get_float64_(i_, out_.refs, out_.count, out_.memory, out_.values));
        check_mode_quickly();
    }

protected:
    void instantiate() override {
        const auto make = need<fmi3InstantiateCoSimulationTYPE>("fmi3InstantiateCoSimulation");
        free_ = find<fmi3FreeInstanceTYPE>("fmi3FreeInstance");
        do_step_ = need<fmi3DoStepTYPE>("fmi3DoStep");
        set_float64_ = find<fmi3SetFloat64TYPE>("fmi3SetFloat64");
        get_float64_ = find<fmi3GetFloat64TYPE>("fmi3GetFloat64");
        const char* resources = spec_->resources.empty() ? nullptr : spec_->resources.c_str();
        note_call("fmi3InstantiateCoSimulation");
        i_ = make(options_.instance.c_str(), spec_->token.c_str(), resources, fmi3False, fmi3False, fmi3False,
                  fmi3False, nullptr, 0, &log_, log_message, nullptr);
        if (!i_) {
            check_mode();
            throw UnitError("fmi3InstantiateCoSimulation", "it returned no instance" + words());
        }
    }

    void plan() override {
        plain_ = !fmu_call_name() && make_plain(inputs_, io_.in.data(), in_) &&
                 make_plain(outputs_, io_.out.data(), out_) && (set_float64_ || !in_.count) &&
                 (get_float64_ || !out_.count);
    }

    void set_structural(const std::vector<const FmuStart*>& starts) override {
        check("fmi3EnterConfigurationMode", need<fmi3EnterConfigurationModeTYPE>("fmi3EnterConfigurationMode")(i_));
        for (const FmuStart* start : starts) set_start(*start);
        check("fmi3ExitConfigurationMode", need<fmi3ExitConfigurationModeTYPE>("fmi3ExitConfigurationMode")(i_));
    }

    void begin_initialisation(const Start& start) override {
        for (const FmuStart& value : options_.starts)
            if (!value.structural) set_start(value);
        check("fmi3EnterInitializationMode", need<fmi3EnterInitializationModeTYPE>("fmi3EnterInitializationMode")(
                                                 i_, options_.tolerance.has_value(), options_.tolerance.value_or(0.0),
                                                 start.t, options_.stop.has_value(), options_.stop.value_or(0.0)));
    }

    void set_start(const FmuStart& start) override {
        Port port;
        port.name = start.name;
        Group group;
        group.type = start.type;
        group.refs = {&start.ref, 1};
        const bool blob = start.type == FmiType::string || start.type == FmiType::binary;
        for (std::size_t i = 0; i < (blob ? start.blobs.size() : start.numbers.size()); ++i) {
            group.at.push_back(i);
            group.ports.push_back(&port);
        }
        if (!blob) {
            set_numbers(group, start.numbers.data());
            return;
        }
        std::vector<Blob> blobs;
        for (const auto& text : start.blobs) blobs.push_back(std::make_shared<const std::string>(text));
        set_blobs(group, blobs.data());
    }

    void set_numbers(const Group& group, const double* numbers) override {
        if (group.type == FmiType::float64 && group.contiguous) {
            if (!set_float64_) need<fmi3SetFloat64TYPE>("fmi3SetFloat64");
            note_call("fmi3SetFloat64");
            check("fmi3SetFloat64",
                  set_float64_(i_, group.refs.data(), group.refs.size(), numbers + group.at[0], group.values()));
            return;
        }
        with_c_type(group.type, [&]<class T>(T) {
            T* to = stage<T>(group.values());
            for (std::size_t k = 0; k < group.values(); ++k) {
                const double x = numbers[group.at[k]];
                if constexpr (std::is_same_v<T, bool>)
                    to[k] = x != 0.0;
                else if constexpr (std::is_integral_v<T>)
                    to[k] = to_integer<T>(x, Names<T>::set, *group.ports[k]);
                else
                    to[k] = static_cast<T>(x);
            }
            check(Names<T>::set,
                  need<Setter<T>>(Names<T>::set)(i_, group.refs.data(), group.refs.size(), to, group.values()));
        });
    }

    void set_blobs(const Group& group, const Blob* blobs) {
        strings_.clear();
        sizes_.clear();
        for (std::size_t at : group.at) {
            strings_.push_back(blobs[at] ? blobs[at]->c_str() : "");
            sizes_.push_back(blobs[at] ? blobs[at]->size() : 0);
        }
        if (group.type == FmiType::string) {
            check("fmi3SetString", need<fmi3SetStringTYPE>("fmi3SetString")(i_, group.refs.data(), group.refs.size(),
                                                                            strings_.data(), strings_.size()));
            return;
        }
        bytes_.clear();
        for (const char* text : strings_) bytes_.push_back(reinterpret_cast<const fmi3Byte*>(text));
        check("fmi3SetBinary", need<fmi3SetBinaryTYPE>("fmi3SetBinary")(i_, group.refs.data(), group.refs.size(),
                                                                        sizes_.data(), bytes_.data(), bytes_.size()));
    }

    void set_inputs(const Io& io) {
        for (const Group& group : inputs_) {
            if (group.type == FmiType::string || group.type == FmiType::binary)
                set_blobs(group, io.in_blobs.data());
            else
                set_numbers(group, io.in.data());
        }
    }

    void get(const Group& group, const Io& io) override {
        const std::size_t n = group.refs.size(), values = group.values();
        if (group.type == FmiType::float64 && group.contiguous) {
            if (!get_float64_) need<fmi3GetFloat64TYPE>("fmi3GetFloat64");
            note_call("fmi3GetFloat64");
            check("fmi3GetFloat64", get_float64_(i_, group.refs.data(), n, io.out.data() + group.at[0], values));
        } else if (group.type == FmiType::string) {
            strings_.assign(values, nullptr);
            check("fmi3GetString",
                  need<fmi3GetStringTYPE>("fmi3GetString")(i_, group.refs.data(), n, strings_.data(), values));
            for (std::size_t k = 0; k < values; ++k)
                keep(io.out_blobs[group.at[k]], strings_[k] ? strings_[k] : nothing_for(*group.ports[k]));
        } else if (group.type == FmiType::binary) {
            bytes_.assign(values, nullptr);
            sizes_.assign(values, 0);
            check("fmi3GetBinary", need<fmi3GetBinaryTYPE>("fmi3GetBinary")(i_, group.refs.data(), n, sizes_.data(),
                                                                            bytes_.data(), values));
            for (std::size_t k = 0; k < values; ++k) {
                const auto* text = reinterpret_cast<const char*>(bytes_[k]);
                keep(io.out_blobs[group.at[k]], text ? std::string_view(text, sizes_[k]) : "");
            }
        } else {
            with_c_type(group.type, [&]<class T>(T) {
                T* from = stage<T>(values);
                check(Names<T>::get, need<Getter<T>>(Names<T>::get)(i_, group.refs.data(), n, from, values));
                for (std::size_t k = 0; k < values; ++k) {
                    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
                        io.out[group.at[k]] = from_integer<T>(from[k], Names<T>::get, *group.ports[k]);
                    else
                        io.out[group.at[k]] = static_cast<double>(from[k]);
                }
            });
        }
    }

    // An FMU without a way to terminate or to free has nothing to do then.
    void terminate() override {
        if (const auto terminate = find<fmi3TerminateTYPE>("fmi3Terminate")) check("fmi3Terminate", terminate(i_));
    }

    void free() noexcept override {
        note_call("fmi3FreeInstance");
        if (free_) free_(i_);
        i_ = nullptr;
    }

    void* get_state() override {
        fmi3FMUState state = nullptr;
        check("fmi3GetFMUState", need<fmi3GetFMUStateTYPE>("fmi3GetFMUState")(i_, &state));
        return state;
    }

    void set_state(void* state) override {
        check("fmi3SetFMUState", need<fmi3SetFMUStateTYPE>("fmi3SetFMUState")(i_, state));
    }

    void free_state(void* state) noexcept override {
        if (const auto free_state = find<fmi3FreeFMUStateTYPE>("fmi3FreeFMUState")) free_state(i_, &state);
    }

    std::string serialize(void* state) override {
        std::size_t size = 0;
        check("fmi3SerializedFMUStateSize",
              need<fmi3SerializedFMUStateSizeTYPE>("fmi3SerializedFMUStateSize")(i_, state, &size));
        std::string bytes(size, '\0');
        check("fmi3SerializeFMUState", need<fmi3SerializeFMUStateTYPE>("fmi3SerializeFMUState")(
                                           i_, state, reinterpret_cast<fmi3Byte*>(bytes.data()), size));
        return bytes;
    }

    void* deserialize(const std::string& bytes) override {
        fmi3FMUState state = nullptr;
        check("fmi3DeserializeFMUState",
              need<fmi3DeserializeFMUStateTYPE>("fmi3DeserializeFMUState")(
                  i_, reinterpret_cast<const fmi3Byte*>(bytes.data()), bytes.size(), &state));
        return state;
    }

private:
    template <class Function>
    Function* find(const char* name) const {
        note_call(name);  // most are called at once
        return reinterpret_cast<Function*>(library_.find(name));
    }
    template <class Function>
    Function* need(const char* name) const {
        if (auto* function = find<Function>(name)) return function;
        throw UnitError(name, "the FMU's library has no such function, and this run needs it");
    }

    // Copied at once: the FMU may reuse its memory in the next call.
    static void keep(Blob& blob, std::string_view text) {
        if (!blob || *blob != text) blob = std::make_shared<const std::string>(text);
    }

    template <class T>
    T* stage(std::size_t n) {
        staging_.resize(n);  // eight bytes for each, whatever the type
        return reinterpret_cast<T*>(staging_.data());
    }

    [[gnu::noinline]] void step_general(const Step& now, const Io& io) {
        answer_end_request();
        set_inputs(io);
        do_step(now);
        get_outputs(io);
        check_mode_quickly();
    }

    void do_step(const Step& now) {
        bool events = false, terminate = false, early = false;
        double reached = now.t + now.dt;
        note_call("fmi3DoStep");
        const fmi3Status status = do_step_(i_, now.t, now.dt, !state_taken_, &events, &terminate, &early, &reached);
        if (status != fmi3OK || early || terminate) [[unlikely]]
            finish_step(now, status, early, reached, terminate);
    }

    [[gnu::noinline]] void finish_step(const Step& now, fmi3Status status, bool early, double reached, bool terminate) {
        const double end = now.t + now.dt;
        // An FMU that stops early although it was told not to (some do at an event) is carried to the end of the step,
        // a bounded number of times. Half a billionth of the step is the rounding of its own clock.
        for (int round = 0; early && status == fmi3OK && !terminate; ++round) {
            const double rest = end - reached;
            if (rest <= 0.5e-9 * now.dt) break;
            if (!(reached >= now.t) || round == 1000)
                throw UnitError("fmi3DoStep",
                                "it returned early at t = " + time_text(reached) + " and gets no further" + words());
            if (!spec_->can_vary_step)
                throw UnitError("fmi3DoStep", "it returned early at t = " + time_text(reached) +
                                                  ", and its description says it cannot take the rest of the step");
            bool events = false;
            const double from = reached;
            reached = end;
            note_call("fmi3DoStep");
            status = do_step_(i_, from, rest, !state_taken_, &events, &terminate, &early, &reached);
            if (early && reached <= from) round = 999;
        }
        if (terminate) end_requested_ = true;  // answered at the next step: this one may have come to its end
        if (status == fmi3OK) return;
        if (status == fmi3Discard) {
            check_mode();
            throw UnitError("fmi3DoStep", "it discarded the step of " + time_text(now.dt) +
                                              " after getting as far as t = " + time_text(reached) + words() +
                                              "; try a smaller step");
        }
        check("fmi3DoStep", status);
    }

    fmi3FreeInstanceTYPE* free_ = nullptr;
    std::vector<std::uint64_t> staging_;
    std::vector<const char*> strings_;
    std::vector<const fmi3Byte*> bytes_;
    std::vector<std::size_t> sizes_;
};

}  // namespace

std::unique_ptr<Unit> make_fmi3_unit(std::shared_ptr<const FmuSpec> spec, FmuOptions options) {
    return std::make_unique<Fmi3Unit>(std::move(spec), std::move(options));
}

}  // namespace crumple
