// What FMI 2 and FMI 3 share: ports, the grouping of variables by type for bulk calls, states, warnings.
#pragma once

#include <cstring>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "crumple/error.hpp"
#include "crumple/fmu.hpp"
#include "fmu_log.hpp"
#include "fp_mode.hpp"
#include "library.hpp"

namespace crumple {

// Variables of one FMI type, moved by one call.
struct Group {
    FmiType type = FmiType::float64;
    std::span<const std::uint32_t> refs;  // shared by all units that have the same: a thousand copies crowd the cache
    std::vector<std::size_t> at;          // (values): where each element stands in the unit's span
    std::vector<const Port*> ports;       // (values): for messages
    bool contiguous = true;               // at is first, first + 1, ...: the FMU reads and writes our memory
    std::size_t values() const { return at.size(); }
};

// The usual case, ready to call: all variables of one direction are Real or Float64 and lie in one piece.
template <class Number>
struct Plain {
    const std::uint32_t* refs = nullptr;
    std::size_t count = 0, values = 0;
    Number* memory = nullptr;
};

// Whether one call without conversion does for all groups, and if so which.
template <class Number>
bool make_plain(const std::vector<Group>& groups, Number* memory, Plain<Number>& plain) {
    plain = {};
    if (groups.empty()) return true;
    const Group& group = groups[0];
    if (groups.size() > 1 || group.type != FmiType::float64 || !group.contiguous) return false;
    plain = {group.refs.data(), group.refs.size(), group.values(), memory + group.at[0]};
    return true;
}

// States that outlived their use, freed by the thread that owns the FMU.
struct Graveyard {
    std::mutex mutex;
    std::set<void*> living;  // held by a snapshot
    std::vector<void*> dead;
};

struct FmuState final : State {
    FmuState(void* pointer, std::shared_ptr<Graveyard> grave) : state(pointer), graveyard(std::move(grave)) {
        const std::lock_guard lock(graveyard->mutex);
        graveyard->living.insert(state);
    }
    ~FmuState() override {
        const std::lock_guard lock(graveyard->mutex);
        graveyard->living.erase(state);
        graveyard->dead.push_back(state);
    }
    FmuState(const FmuState&) = delete;
    FmuState& operator=(const FmuState&) = delete;
    void* state;
    std::shared_ptr<Graveyard> graveyard;  // of the instance that made the state: no other may load it
};

// A state as bytes: of any instance of the model.
struct PackedState final : State {
    explicit PackedState(std::string b) : bytes(std::move(b)) {}
    std::string bytes;
};

// Where the name of each call is noted before it is made, in a worker: 64 bytes, for when it does not come back.
// Null in a process that runs the world; its fast path notes nothing.
inline char*& fmu_call_name() {
    static char* field = nullptr;
    return field;
}
inline void note_call(const char* name) {
    if (char* field = fmu_call_name()) [[unlikely]] {
        std::strncpy(field, name, 63);
        field[63] = '\0';
    }
}

class FmuUnit : public Unit {
public:
    FmuUnit(std::shared_ptr<const FmuSpec> spec, FmuOptions options);

    const Ports& ports() const override { return ports_; }
    bool pinned() const override { return spec_->pinned; }
    void drive(std::size_t input) override;
    void feed(std::size_t output) override;
    double rehearse(double dt) override;
    std::vector<std::string> warnings() const override { return warnings_; }
    std::size_t warning_count() const override { return warnings_.size(); }
    void reset(const Start& start, const Io& io) final;
    void end() final;
    void close() noexcept final;
    StatePointer save() final;
    void load(const State& state, const Io& io) final;
    StatePointer save_for_another() final;
    std::string pack(const State& state) final;
    StatePointer unpack(const std::string& bytes) final;
    bool tune(const std::string& parameter, std::span<const double> value) final;
    bool restart_with(const std::vector<FmuStart>& starts) final;

protected:
    enum class Phase : std::uint8_t { none, instantiated, initialising, stepping, ended, lost };

    // The version's own calls. All throw UnitError.
    virtual void instantiate() = 0;
    virtual void plan() = 0;  // after instantiate() and whenever inputs_ changed
    virtual void begin_initialisation(const Start& start) = 0;
    virtual void set_start(const FmuStart& start) = 0;
    virtual void set_structural(const std::vector<const FmuStart*>& starts) = 0;
    virtual void get(const Group& group, const Io& io) = 0;
    virtual void set_numbers(const Group& group, const double* numbers) = 0;
    virtual void terminate() = 0;
    virtual void free() noexcept = 0;
    virtual void* get_state() = 0;
    virtual void set_state(void* state) = 0;
    virtual void free_state(void* state) noexcept = 0;
    virtual std::string serialize(void* state) = 0;
    virtual void* deserialize(const std::string& bytes) = 0;

    // Subclasses call close() in their destructors: free() is theirs.
    void get_outputs(const Io& io) {
        for (const Group& group : outputs_) get(group, io);
    }
    // In initialization mode: only what another unit needs, as some FMUs give no value of others there, or none at all.
    void get_early_outputs(const Io& io) {
        for (const Group& group : early_) get(group, io);
    }
    [[noreturn]] void fail(const char* call, int status);
    std::string fact_of(int status) const;
    // 0 is OK in both versions, 1 a warning.
    void check(const char* call, int status) {
        if (status != 0) [[unlikely]]
            not_ok(call, status);
    }
    void check_mode() {
        if (fp_mode() != mode_) restore_mode();
    }
    // After every step. What it cannot see, the x87 control word and the exception masks, is seen at the end of the
    // run.
    void check_mode_quickly() {
        if (!fp_mode_works_as_usual()) [[unlikely]]
            check_mode();
    }
    void answer_end_request() const {
        if (end_requested_) throw EndRequest("the FMU asked to end the run" + words());
    }
    std::string words() const;  // "; its last words: ..." or nothing
    void warn(const std::string& text);
    // For a string that the FMU gave as a null pointer: empty, and a warning.
    const char* nothing_for(const Port& port) {
        warn("the FMU gave a null pointer for the string \"" + port.name + "\"; it was taken as empty");
        return "";
    }

    std::shared_ptr<const FmuSpec> spec_;
    FmuOptions options_;
    Ports ports_;
    Io io_;  // as of the last reset; a world's memory does not move
    Library library_;
    FmuLog log_;
    Phase phase_ = Phase::none;
    std::vector<Group> inputs_;  // driven ones only
    std::vector<Group> outputs_;

private:
    std::vector<Group> early_;  // outputs that feed something
    std::vector<bool> feeding_;
    void* own(const State& state) const;  // the FMU's pointer; throws where another instance made it
    double step_cost(double dt) const;    // [s], on an instance of its own
    [[gnu::noinline]] void not_ok(const char* call, int status);
    [[gnu::noinline]] void restore_mode();
    void bury_states(bool living_too) noexcept;

    std::vector<bool> driven_;
    FpMode mode_;
    std::shared_ptr<Graveyard> graveyard_ = std::make_shared<Graveyard>();
    std::vector<std::string> warnings_;

protected:
    // Last, and on a cache line of their own together with what the subclass holds first: all that a step touches.
    alignas(64) bool plain_ = false;  // the usual case holds: see Plain
    bool state_taken_ = false;        // from now on the FMU may be set back
    bool end_requested_ = false;      // the FMU wants the run to end
};

// A lasting copy of `refs`, the same for equal ones.
std::span<const std::uint32_t> intern(const std::vector<std::uint32_t>& refs);

// Groups the chosen variables of a list by FMI type, in list order.
std::vector<Group> group_by_type(const std::vector<FmuVariable>& variables, const std::vector<Port>& ports,
                                 const std::vector<bool>* chosen);

// A double for an integer variable; throws UnitError where it is not whole or leaves the type's range.
template <class Integer>
Integer to_integer(double x, const char* call, const Port& port) {
    // the bounds as doubles: max + 1 is a power of two and exact
    constexpr double low = static_cast<double>(std::numeric_limits<Integer>::min());
    constexpr double past = 2.0 * static_cast<double>(std::numeric_limits<Integer>::max() / 2 + 1);
    if (!(x >= low && x < past) || x != static_cast<double>(static_cast<Integer>(x)))
        throw UnitError(
            call, "input \"" + port.name + "\" takes whole numbers of its type; " + std::to_string(x) + " is none");
    return static_cast<Integer>(x);
}

// An integer as a double; throws UnitError beyond 2^53, where doubles have gaps.
template <class Integer>
double from_integer(Integer x, const char* call, const Port& port) {
    if constexpr (sizeof(Integer) == 8) {
        constexpr Integer exact = Integer{1} << 53;
        bool fits = x <= exact;
        if constexpr (std::is_signed_v<Integer>) fits = fits && x >= -exact;
        if (!fits)
            throw UnitError(call, "\"" + port.name + "\" has the value " + std::to_string(x) +
                                      "; integers beyond 2^53 cannot travel, as ports are doubles");
    }
    return static_cast<double>(x);
}

std::unique_ptr<Unit> make_fmi2_unit(std::shared_ptr<const FmuSpec> spec, FmuOptions options);
std::unique_ptr<Unit> make_fmi3_unit(std::shared_ptr<const FmuSpec> spec, FmuOptions options);

}  // namespace crumple
