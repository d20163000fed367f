#include "fmu_unit.hpp"

#include <algorithm>
#include <chrono>
#include <map>

#include "apart.hpp"

namespace crumple {

namespace {

// Libraries that were opened for an FMU which allows one instance per process: the next gets a copy of its own.
bool first_use(const std::string& library) {
    static std::mutex mutex;
    static std::set<std::string> used;
    const std::lock_guard lock(mutex);
    return used.insert(library).second;
}

// [s] An FMU that takes longer to start is not worth waiting for twice: it stays on one thread.
constexpr double longest_rehearsal = 0.25;

const char* status_name(int status) {
    constexpr const char* names[] = {"OK", "a warning", "discard", "an error", "a fatal error", "pending"};
    return status >= 0 && status <= 5 ? names[status] : "a status that FMI does not know";
}

}  // namespace

std::unique_ptr<Unit> make_fmu_unit(std::shared_ptr<const FmuSpec> spec, FmuOptions options) {
    if (spec->fmi != 2 && spec->fmi != 3)
        throw BuildError(spec->file + ": FMI " + std::to_string(spec->fmi) + " is not supported; 2.0 and 3.0 are");
    return spec->fmi == 2 ? make_fmi2_unit(std::move(spec), std::move(options))
                          : make_fmi3_unit(std::move(spec), std::move(options));
}

std::vector<Group> group_by_type(const std::vector<FmuVariable>& variables, const std::vector<Port>& ports,
                                 const std::vector<bool>* chosen) {
    const PortOffsets offsets = port_offsets(ports);
    std::map<FmiType, Group> by_type;
    std::map<FmiType, std::vector<std::uint32_t>> refs;
    for (std::size_t i = 0; i < variables.size(); ++i) {
        if (chosen && !(*chosen)[i]) continue;
        Group& group = by_type[variables[i].type];
        group.type = variables[i].type;
        refs[variables[i].type].push_back(variables[i].ref);
        for (std::size_t k = 0; k < ports[i].size(); ++k) {
            const std::size_t at = offsets.offset[i] + k;
            if (!group.at.empty() && at != group.at.back() + 1) group.contiguous = false;
            group.at.push_back(at);
            group.ports.push_back(&ports[i]);
        }
    }
    std::vector<Group> groups;
    for (auto& [type, group] : by_type) {
        group.refs = intern(refs[type]);
        groups.push_back(std::move(group));
    }
    return groups;
}

std::span<const std::uint32_t> intern(const std::vector<std::uint32_t>& refs) {
    static std::mutex mutex;
    static auto* known = new std::set<std::vector<std::uint32_t>>;  // elements of a set stay where they are
    const std::lock_guard lock(mutex);
    return *known->insert(refs).first;
}

FmuUnit::FmuUnit(std::shared_ptr<const FmuSpec> spec, FmuOptions options)
    : spec_(std::move(spec)), options_(std::move(options)) {
    for (const FmuVariable& variable : spec_->inputs) ports_.inputs.push_back(variable.port);
    for (const FmuVariable& variable : spec_->outputs) ports_.outputs.push_back(variable.port);
    ports_.feedthrough = spec_->feedthrough;
    driven_.assign(ports_.inputs.size(), false);
    feeding_.assign(ports_.outputs.size(), false);
    outputs_ = group_by_type(spec_->outputs, ports_.outputs, nullptr);
}

void FmuUnit::drive(std::size_t input) {
    driven_.at(input) = true;
    inputs_ = group_by_type(spec_->inputs, ports_.inputs, &driven_);
    plan();
}

void FmuUnit::feed(std::size_t output) {
    if (feeding_.at(output)) return;
    feeding_[output] = true;
    early_ = group_by_type(spec_->outputs, ports_.outputs, &feeding_);
}

void FmuUnit::reset(const Start& start, const Io& io) {
    // A fresh instance rather than fmi2Reset: resets that forget something are common, and a world's reset is rare.
    close();
    io_ = io;
    end_requested_ = false;
    state_taken_ = false;
    mode_ = fp_mode();
    const bool copy = spec_->once_per_process && !first_use(spec_->library);
    note_call("dlopen");
    library_ = Library::open(spec_->library, copy);
    if (!library_.warning().empty()) warn(library_.warning());
    instantiate();
    phase_ = Phase::instantiated;
    plan();

    std::vector<const FmuStart*> structural;
    for (const FmuStart& value : options_.starts)
        if (value.structural) structural.push_back(&value);
    if (!structural.empty()) set_structural(structural);
    begin_initialisation(start);  // sets the other start values on its way
    phase_ = Phase::initialising;
    get_early_outputs(io);
    check_mode();
}

void FmuUnit::end() {
    if (phase_ == Phase::stepping) {
        phase_ = Phase::ended;
        terminate();
        check_mode();
    }
}

void FmuUnit::close() noexcept {
    if (phase_ == Phase::none) return;
    bury_states(true);  // an instance is freed after its states, whoever still holds a snapshot
    graveyard_ = std::make_shared<Graveyard>();  // states of this instance are of no use to the next
    if (phase_ == Phase::stepping) {
        try {
            terminate();
        } catch (const Error&) {  // nothing depends on this instance any more
        }
    }
    if (phase_ != Phase::lost) free();
    phase_ = Phase::none;
    check_mode();
}

StatePointer FmuUnit::save() {
    if (!spec_->can_save) return nullptr;
    bury_states(false);
    void* state = get_state();
    check_mode();
    if (!state) throw UnitError("save", "the FMU returned OK and a null pointer for its state");
    state_taken_ = true;
    return std::make_shared<FmuState>(state, graveyard_);
}

void* FmuUnit::own(const State& state) const {
    const auto* mine = dynamic_cast<const FmuState*>(&state);
    if (!mine || mine->graveyard != graveyard_)
        throw UnitError("load", "this state was taken from an earlier instance of the FMU; snapshots end with a reset");
    return mine->state;
}

StatePointer FmuUnit::save_for_another() {
    if (!spec_->can_save || !spec_->can_serialize) return nullptr;
    const StatePointer own_state = save();
    return std::make_shared<PackedState>(pack(*own_state));
}

void FmuUnit::load(const State& state, const Io& io) {
    if (const auto* packed = dynamic_cast<const PackedState*>(&state)) return load(*unpack(packed->bytes), io);
    set_state(own(state));
    state_taken_ = true;
    if (phase_ == Phase::ended) phase_ = Phase::stepping;
    end_requested_ = false;
    check_mode();
}

std::string FmuUnit::pack(const State& state) {
    if (const auto* packed = dynamic_cast<const PackedState*>(&state)) return packed->bytes;
    if (!spec_->can_serialize)
        throw UnitError("pack", "its state cannot leave this process: the FMU does not offer canSerializeFMUstate");
    std::string bytes = serialize(own(state));
    check_mode();
    return bytes;
}

StatePointer FmuUnit::unpack(const std::string& bytes) {
    if (!spec_->can_serialize)
        throw UnitError("unpack",
                        "its state cannot come from another process: the FMU does not offer "
                        "canSerializeFMUstate");
    void* state = deserialize(bytes);
    check_mode();
    return std::make_shared<FmuState>(state, graveyard_);
}

void FmuUnit::bury_states(bool living_too) noexcept {
    std::vector<void*> states;
    {
        const std::lock_guard lock(graveyard_->mutex);
        states.swap(graveyard_->dead);
        if (living_too) {
            states.insert(states.end(), graveyard_->living.begin(), graveyard_->living.end());
            graveyard_->living.clear();
        }
    }
    if (phase_ == Phase::lost) return;
    for (void* state : states) free_state(state);
}

bool FmuUnit::tune(const std::string& parameter, std::span<const double> value) {
    for (const FmuVariable& variable : spec_->tunables) {
        if (variable.port.name != parameter) continue;
        if (is_blob(variable.port.kind)) throw UnitError("tune", "\"" + parameter + "\" does not take numbers");
        if (value.size() != variable.port.size())
            throw UnitError("tune", "\"" + parameter + "\" takes " + std::to_string(variable.port.size()) +
                                        " values, not " + std::to_string(value.size()));
        Group group;
        group.type = variable.type;
        group.refs = {&variable.ref, 1};
        for (std::size_t i = 0; i < value.size(); ++i) {
            group.at.push_back(i);
            group.ports.push_back(&variable.port);
        }
        set_numbers(group, value.data());
        check_mode();
        return true;
    }
    return false;
}

bool FmuUnit::restart_with(const std::vector<FmuStart>& starts) {
    options_.starts = starts;
    return true;
}

double FmuUnit::rehearse(double dt) {
    if (spec_->once_per_process || spec_->pinned) return 0.0;
    static std::mutex mutex;
    static std::map<std::pair<std::string, double>, double> known;
    const std::pair key{spec_->library, dt};
    {
        const std::lock_guard lock(mutex);
        if (const auto found = known.find(key); found != known.end()) return found->second;
    }
    const double least = measure_apart([&] { return step_cost(dt); }, longest_rehearsal);
    const std::lock_guard lock(mutex);
    known[key] = least;
    return least;
}

double FmuUnit::step_cost(double dt) const {
    const auto stand_in = make_fmu_unit(spec_, options_);
    const PortOffsets in = port_offsets(ports_.inputs), out = port_offsets(ports_.outputs);
    std::vector<double> input(in.numbers, 0.0), output(out.numbers, 0.0);
    std::vector<Blob> input_blobs(in.blobs), output_blobs(out.blobs);
    for (std::size_t p = 0; p < ports_.inputs.size(); ++p)
        if (!is_blob(ports_.inputs[p].kind))
            std::copy(ports_.inputs[p].start.begin(), ports_.inputs[p].start.end(),
                      input.begin() + static_cast<std::ptrdiff_t>(in.offset[p]));
    const Io io{input, output, input_blobs, output_blobs};
    stand_in->reset({0, 0.0, dt}, io);
    stand_in->begin(io);
    using Clock = std::chrono::steady_clock;
    double least = 0.0;
    const auto began = Clock::now();
    // at most 50 steps or a millisecond: enough to tell 13 ns from 35 us, the scale that matters
    for (Tick k = 0; k < 50; ++k) {
        const auto before = Clock::now();
        stand_in->step({k, static_cast<double>(k) * dt, dt}, io);
        const auto after = Clock::now();
        const double spent = std::chrono::duration<double>(after - before).count();
        if (k == 0 || spent < least) least = spent;
        if (after - began > std::chrono::milliseconds(1)) break;
    }
    return least;
}

void FmuUnit::not_ok(const char* call, int status) {
    if (status == 1 && options_.allow_warnings) {
        warn(std::string(call) + " returned a warning" + words());
        return;
    }
    fail(call, status);
}

void FmuUnit::fail(const char* call, int status) {
    if (fp_mode() != mode_) restore_mode();
    if (status >= 4) phase_ = Phase::lost;
    if (status == 3 && phase_ != Phase::instantiated) phase_ = Phase::ended;  // free is all that may follow
    throw UnitError(call, fact_of(status));
}

std::string FmuUnit::fact_of(int status) const {
    return std::string("it returned ") + status_name(status) + words() +
           (status == 1 ? ". Where that is harmless, allow its warnings." : "");
}

std::string FmuUnit::words() const {
    const std::string text = log_.last_words();
    return text.empty() ? "; the FMU gave no message" : "; its last words: \"" + text + "\"";
}

void FmuUnit::warn(const std::string& text) {
    if (std::find(warnings_.begin(), warnings_.end(), text) == warnings_.end() && warnings_.size() < 20)
        warnings_.push_back(text);
}

void FmuUnit::restore_mode() {
    const FpMode left = fp_mode();
    set_fp_mode(mode_);
    warn(std::string("the FMU left the floating-point environment changed (") + fp_mode_change(mode_, left) +
         "); it was put back");
}

}  // namespace crumple
