// FMI 2.0 co-simulation: the calls, in the order that the standard's state machine allows.

#include <cstdlib>
#include <cstring>

#include "fmi/fmi2.h"
#include "fmu_unit.hpp"

namespace crumple {

namespace {

void logger(fmi2ComponentEnvironment environment, fmi2String /*instance*/, fmi2Status status, fmi2String /*category*/,
            fmi2String message, ...) {
    std::va_list arguments;
    va_start(arguments, message);
    std::string text = format_message(message, arguments);
    va_end(arguments);
    const std::lock_guard lock(FmuLog::register_mutex());
    if (FmuLog* log = FmuLog::find(environment)) log->add(status >= fmi2Discard, std::move(text));
}

class Fmi2Unit final : public FmuUnit {
    // touched in every step; the base class ends with the rest of these
    fmi2Component c_ = nullptr;
    fmi2DoStepTYPE* do_step_ = nullptr;
    fmi2SetRealTYPE* set_real_ = nullptr;
    fmi2GetRealTYPE* get_real_ = nullptr;
    Plain<const double> in_;
    Plain<double> out_;

public:
    using FmuUnit::FmuUnit;
    ~Fmi2Unit() override { close(); }

    void initialise(const Io& io) override {
        set_inputs(io);
        get_early_outputs(io);
        check_mode();
    }

    void begin(const Io& io) override {
        set_inputs(io);
        check("fmi2ExitInitializationMode", need<fmi2ExitInitializationModeTYPE>("fmi2ExitInitializationMode")(c_));
        phase_ = Phase::stepping;
        get_outputs(io);
        check_mode();
    }

    void step_run(std::span<const Job> jobs, const Step& now, std::size_t& current) override {
        step_each<Fmi2Unit>(jobs, now, current);
    }

    [[gnu::always_inline]] inline void step(const Step& now, const Io& io) override {
        if (!plain_ || end_requested_) [[unlikely]]
            return step_general(now, io);
        if (in_.count) check("fmi2SetReal", set_real_(c_, in_.refs, in_.count, in_.memory));
        const fmi2Status status = do_step_(c_, now.t, now.dt, no_way_back());
        if (status != fmi2OK) [[unlikely]]
            step_not_ok(now, status);
        if (out_.count) check("fmi2GetReal", get_real_(c_, out_.refs, out_.count, out_.memory));
        check_mode_quickly();
    }

protected:
    void instantiate() override {
        const auto make = need<fmi2InstantiateTYPE>("fmi2Instantiate");
        free_ = find<fmi2FreeInstanceTYPE>("fmi2FreeInstance");
        do_step_ = need<fmi2DoStepTYPE>("fmi2DoStep");
        set_real_ = find<fmi2SetRealTYPE>("fmi2SetReal");
        get_real_ = find<fmi2GetRealTYPE>("fmi2GetReal");
        callbacks_ = {logger, std::calloc, std::free, nullptr, &log_};
        note_call("fmi2Instantiate");
        c_ = make(options_.instance.c_str(), fmi2CoSimulation, spec_->token.c_str(), spec_->resources.c_str(),
                  &callbacks_, fmi2False, fmi2False);
        if (!c_) {
            check_mode();
            throw UnitError("fmi2Instantiate", "it returned no instance" + words());
        }
    }

    void plan() override {
        plain_ = !fmu_call_name() && make_plain(inputs_, io_.in.data(), in_) &&
                 make_plain(outputs_, io_.out.data(), out_) && (set_real_ || !in_.count) && (get_real_ || !out_.count);
    }

    void begin_initialisation(const Start& start) override {
        const bool tolerance = options_.tolerance.has_value(), stop = options_.stop.has_value();
        if (const auto setup = find<fmi2SetupExperimentTYPE>("fmi2SetupExperiment"))
            check("fmi2SetupExperiment",
                  setup(c_, tolerance, options_.tolerance.value_or(0.0), start.t, stop, options_.stop.value_or(0.0)));
        for (const FmuStart& value : options_.starts) set_start(value);
        check("fmi2EnterInitializationMode", need<fmi2EnterInitializationModeTYPE>("fmi2EnterInitializationMode")(c_));
    }

    void set_start(const FmuStart& start) override {
        if (start.type == FmiType::string) {
            const char* text = start.blobs.at(0).c_str();
            check("fmi2SetString", need<fmi2SetStringTYPE>("fmi2SetString")(c_, &start.ref, 1, &text));
            return;
        }
        Port port;
        port.name = start.name;
        Group group;
        group.type = start.type;
        group.refs = {&start.ref, 1};
        group.at = {0};
        group.ports = {&port};
        set_numbers(group, start.numbers.data());
    }

    void set_structural(const std::vector<const FmuStart*>& /*starts*/) override {}  // FMI 3 only

    void set_numbers(const Group& group, const double* numbers) override {
        const std::size_t n = group.refs.size();
        switch (group.type) {
            case FmiType::float64: {
                const double* from = numbers + group.at[0];
                if (!group.contiguous) {
                    reals_.clear();
                    for (std::size_t at : group.at) reals_.push_back(numbers[at]);
                    from = reals_.data();
                }
                if (!set_real_) need<fmi2SetRealTYPE>("fmi2SetReal");
                note_call("fmi2SetReal");
                check("fmi2SetReal", set_real_(c_, group.refs.data(), n, from));
                break;
            }
            case FmiType::boolean:
                integers_.clear();
                for (std::size_t at : group.at) integers_.push_back(numbers[at] != 0.0 ? fmi2True : fmi2False);
                check("fmi2SetBoolean",
                      need<fmi2SetBooleanTYPE>("fmi2SetBoolean")(c_, group.refs.data(), n, integers_.data()));
                break;
            default:
                integers_.clear();
                for (std::size_t i = 0; i < n; ++i)
                    integers_.push_back(to_integer<int>(numbers[group.at[i]], "fmi2SetInteger", *group.ports[i]));
                check("fmi2SetInteger",
                      need<fmi2SetIntegerTYPE>("fmi2SetInteger")(c_, group.refs.data(), n, integers_.data()));
        }
    }

    void set_inputs(const Io& io) {
        for (const Group& group : inputs_) {
            if (group.type != FmiType::string) {
                set_numbers(group, io.in.data());
                continue;
            }
            strings_.clear();
            for (std::size_t at : group.at) strings_.push_back(io.in_blobs[at] ? io.in_blobs[at]->c_str() : "");
            check("fmi2SetString",
                  need<fmi2SetStringTYPE>("fmi2SetString")(c_, group.refs.data(), strings_.size(), strings_.data()));
        }
    }

    void get(const Group& group, const Io& io) override {
        const std::size_t n = group.refs.size();
        switch (group.type) {
            case FmiType::float64: {
                if (!get_real_) need<fmi2GetRealTYPE>("fmi2GetReal");
                if (group.contiguous) {
                    note_call("fmi2GetReal");
                    check("fmi2GetReal", get_real_(c_, group.refs.data(), n, io.out.data() + group.at[0]));
                    break;
                }
                reals_.resize(n);
                note_call("fmi2GetReal");
                check("fmi2GetReal", get_real_(c_, group.refs.data(), n, reals_.data()));
                for (std::size_t i = 0; i < n; ++i) io.out[group.at[i]] = reals_[i];
                break;
            }
            case FmiType::string:
                strings_.resize(n);
                check("fmi2GetString",
                      need<fmi2GetStringTYPE>("fmi2GetString")(c_, group.refs.data(), n, strings_.data()));
                for (std::size_t i = 0; i < n; ++i) {  // copied at once: the next call may free them
                    Blob& blob = io.out_blobs[group.at[i]];
                    const char* text = strings_[i] ? strings_[i] : nothing_for(*group.ports[i]);
                    if (!blob || *blob != text) blob = std::make_shared<const std::string>(text);
                }
                break;
            case FmiType::boolean:
                integers_.resize(n);
                check("fmi2GetBoolean",
                      need<fmi2GetBooleanTYPE>("fmi2GetBoolean")(c_, group.refs.data(), n, integers_.data()));
                for (std::size_t i = 0; i < n; ++i) io.out[group.at[i]] = integers_[i] != fmi2False ? 1.0 : 0.0;
                break;
            default:
                integers_.resize(n);
                check("fmi2GetInteger",
                      need<fmi2GetIntegerTYPE>("fmi2GetInteger")(c_, group.refs.data(), n, integers_.data()));
                for (std::size_t i = 0; i < n; ++i) io.out[group.at[i]] = static_cast<double>(integers_[i]);
        }
    }

    // An FMU without a way to terminate or to free has nothing to do then.
    void terminate() override {
        if (const auto terminate = find<fmi2TerminateTYPE>("fmi2Terminate")) check("fmi2Terminate", terminate(c_));
    }

    void free() noexcept override {
        note_call("fmi2FreeInstance");
        if (free_) free_(c_);
        c_ = nullptr;
    }

    void* get_state() override {
        fmi2FMUstate state = nullptr;
        check("fmi2GetFMUstate", need<fmi2GetFMUstateTYPE>("fmi2GetFMUstate")(c_, &state));
        return state;
    }

    void set_state(void* state) override {
        check("fmi2SetFMUstate", need<fmi2SetFMUstateTYPE>("fmi2SetFMUstate")(c_, state));
    }

    void free_state(void* state) noexcept override {
        if (const auto free_state = find<fmi2FreeFMUstateTYPE>("fmi2FreeFMUstate")) free_state(c_, &state);
    }

    std::string serialize(void* state) override {
        std::size_t size = 0;
        check("fmi2SerializedFMUstateSize",
              need<fmi2SerializedFMUstateSizeTYPE>("fmi2SerializedFMUstateSize")(c_, state, &size));
        std::string bytes(size, '\0');
        check("fmi2SerializeFMUstate", need<fmi2SerializeFMUstateTYPE>("fmi2SerializeFMUstate")(
                                           c_, state, reinterpret_cast<fmi2Byte*>(bytes.data()), size));
        return bytes;
    }

    void* deserialize(const std::string& bytes) override {
        fmi2FMUstate state = nullptr;
        check("fmi2DeSerializeFMUstate",
              need<fmi2DeSerializeFMUstateTYPE>("fmi2DeSerializeFMUstate")(
                  c_, reinterpret_cast<const fmi2Byte*>(bytes.data()), bytes.size(), &state));
        return state;
    }

private:
    // Symbols are looked up when first called: only what is called must exist.
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

    fmi2Boolean no_way_back() const { return state_taken_ ? fmi2False : fmi2True; }

    [[gnu::noinline]] void step_general(const Step& now, const Io& io) {
        answer_end_request();
        set_inputs(io);
        note_call("fmi2DoStep");
        const fmi2Status status = do_step_(c_, now.t, now.dt, no_way_back());
        if (status != fmi2OK) step_not_ok(now, status);
        get_outputs(io);
        check_mode_quickly();
    }

    [[gnu::noinline]] void step_not_ok(const Step& now, fmi2Status status) {
        if (status == fmi2Warning && options_.allow_warnings) {
            check("fmi2DoStep", status);
            return;
        }
        if (status == fmi2Discard) {
            fmi2Boolean terminated = fmi2False;
            const auto get_boolean = find<fmi2GetBooleanStatusTYPE>("fmi2GetBooleanStatus");
            if (get_boolean && get_boolean(c_, fmi2Terminated, &terminated) == fmi2OK && terminated != fmi2False) {
                end_requested_ = true;
                const auto reached = last_successful_time();
                check_mode();
                if (!reached || *reached < now.t + now.dt * (1.0 - 1e-9)) answer_end_request();
                return;  // it came to the end of this step: its outputs count, and the next step is answered
            }
            std::string fact = "it discarded the step of " + time_text(now.dt);
            if (const auto reached = last_successful_time())
                fact += " after getting as far as t = " + time_text(*reached);
            check_mode();
            throw UnitError("fmi2DoStep", fact + words() + "; try a smaller step" + steps_allowed());
        }
        if (status == fmi2Pending) {
            phase_ = Phase::lost;  // its thread may still be at it
            throw UnitError("fmi2DoStep",
                            "it steps asynchronously, although it was given no callback to say when done");
        }
        try {
            fail("fmi2DoStep", status);
        } catch (const UnitError& error) {
            throw UnitError("fmi2DoStep", error.what() + steps_allowed());
        }
    }

    std::optional<double> last_successful_time() const {
        fmi2Real last = 0.0;
        const auto get_real = find<fmi2GetRealStatusTYPE>("fmi2GetRealStatus");
        if (!get_real || get_real(c_, fmi2LastSuccessfulTime, &last) != fmi2OK) return std::nullopt;
        return last;
    }

    std::string steps_allowed() const {
        if (spec_->can_vary_step) return "";
        return spec_->default_step > 0
                   ? ". This FMU takes steps of one size only; its own is " + time_text(spec_->default_step)
                   : ". This FMU takes steps of one size only and does not say which";
    }

    fmi2CallbackFunctions callbacks_{};
    fmi2FreeInstanceTYPE* free_ = nullptr;
    std::vector<double> reals_;  // staging, where variables are not in one piece or of another type
    std::vector<int> integers_;
    std::vector<const char*> strings_;
};

}  // namespace

std::unique_ptr<Unit> make_fmi2_unit(std::shared_ptr<const FmuSpec> spec, FmuOptions options) {
    return std::make_unique<Fmi2Unit>(std::move(spec), std::move(options));
}

}  // namespace crumple
