// A unit in a worker process, as the world sees it: what the world asks goes to the worker, word for word.

#include <utility>

#include "bytes.hpp"
#include "crumple/worker.hpp"
#include "fmu_wire.hpp"

#ifdef __linux__
#include <csignal>

#include "worker_linux.hpp"
#endif

namespace crumple {

std::function<void()>& while_waiting() {
    static std::function<void()> hook;
    return hook;
}

#ifdef __linux__

namespace {

constexpr std::uint64_t arena_least = 16 << 10, arena_most = 1 << 20;  // [bytes]; longer messages go in pieces

// A state that the unit holds in its worker.
struct KeptState final : State {
    KeptState(std::shared_ptr<Worker> w, std::uint64_t n) : worker(std::move(w)), number(n) {}
    ~KeptState() override { worker->forget(number); }
    KeptState(const KeptState&) = delete;
    KeptState& operator=(const KeptState&) = delete;
    std::shared_ptr<Worker> worker;
    std::uint64_t number;
};

// A copy of the worker, made by fork(), that waits to be forked again.
struct ParkedState final : State {
    explicit ParkedState(std::shared_ptr<Worker> w) : worker(std::move(w)) {}
    ~ParkedState() override { worker->kill(); }  // there is nothing to free
    ParkedState(const ParkedState&) = delete;
    ParkedState& operator=(const ParkedState&) = delete;
    std::shared_ptr<Worker> worker;
};

class WorkerUnit final : public Unit {
public:
    WorkerUnit(Ports ports, std::string recipe, WorkerOptions options)
        : ports_(std::move(ports)), recipe_(std::move(recipe)), options_(std::move(options)) {
        const PortOffsets in = port_offsets(ports_.inputs), out = port_offsets(ports_.outputs);
        shape_.inputs = in.numbers;
        shape_.outputs = out.numbers;
        blobs_ = in.blobs + out.blobs > 0;
        shape_.arena = blobs_ || recipe_.size() > arena_least ? arena_most : arena_least;
        sent_.resize(in.blobs);
        out_blobs_ = out.blobs;
    }
    ~WorkerUnit() override { settle(); }

    const Ports& ports() const override { return ports_; }
    bool apart() const override { return true; }
    bool loads_unreset() const override { return true; }

    void drive(std::size_t input) override {
        drives_.push_back(input);
        if (!worker_) return;
        settle();
        ByteWriter out;
        out.number(input);
        worker_->ask(Op::drive, out.bytes());
    }
    void feed(std::size_t output) override { feeds_.push_back(output); }

    void reset(const Start& start, const Io& io) override {
        settle();
        if (!worker_ || !worker_->alive() || options_.fresh) {
            worker_.reset();
            worker_ = Worker::start(shape_, options_);
            worker_->ask(Op::make, make_request());
            asked_drives_ = asked_feeds_ = 0;
            warnings_.clear();
        }
        ByteWriter out;
        out.number(start.seed);
        out.real(start.t);
        out.real(start.dt);
        for (auto [list, asked] : {std::pair{&drives_, &asked_drives_}, std::pair{&feeds_, &asked_feeds_}}) {
            out.number(list->size() - *asked);
            for (; *asked < list->size(); ++*asked) out.number((*list)[*asked]);
        }
        out.reals(io.out);
        sent_known_ = false;
        exchange(Op::reset, io, out.take());
    }

    void initialise(const Io& io) override { exchange(Op::initialise, io); }
    void begin(const Io& io) override { exchange(Op::begin, io); }

    void post(const Step& now, const Io& io) override {
        settle();
        put_inputs(io);
        worker().post(Op::step, changed_inputs(io), now);
    }

    void step(const Step& now, const Io& io) override {
        if (!worker().posted()) post(now, io);
        const Answer how = worker_->finish(answer_);
        if (how != Answer::done) throw_answer(how, answer_);
        take(io);
    }

    void end() override {
        settle();
        answer_ = worker().ask(Op::end);
        take_changes(nullptr);
        if (const std::string line = worker().printed(); !line.empty())
            warn("it printed to standard output or error; the last line: \"" + line + "\"");
    }

    void close() override {
        settle();
        if (const auto ended = std::exchange(worker_, nullptr)) ended->quit();
    }

    StatePointer save() override {
        settle();
        Worker& w = worker();
        if (options_.trust_state) {
            ByteWriter out;
            const auto forgotten = w.take_forgotten();
            out.number(forgotten.size());
            for (const std::uint64_t number : forgotten) out.number(number);
            const std::string answer = w.ask(Op::save, out.bytes());
            if (!answer.empty()) return std::make_shared<KeptState>(worker_, ByteReader(answer).number());
        }
        try {
            return std::make_shared<ParkedState>(w.fork());
        } catch (const UnitError& error) {
            if (!w.alive()) throw;
            warn(std::string("it cannot be saved: ") + error.what());
            return nullptr;
        }
    }

    void load(const State& state, const Io& io) override {
        settle();
        if (const auto* parked = dynamic_cast<const ParkedState*>(&state)) {
            worker_ = parked->worker->fork();
        } else if (const auto* kept = dynamic_cast<const KeptState*>(&state)) {
            if (!kept->worker->alive())
                throw UnitError("load", "the worker that held this state is gone; snapshots end with a reset");
            if (kept->worker != worker_) worker_ = kept->worker->fork();
            ByteWriter out;
            out.number(kept->number);
            out.reals(io.out);
            worker_->ask(Op::load, out.bytes());
        } else {
            throw UnitError("load", "this state is not one of a unit in a worker");
        }
        sent_known_ = false;  // what that process was told last is not known here
    }

    std::string pack(const State& state) override {
        settle();
        const auto* kept = dynamic_cast<const KeptState*>(&state);
        if (!kept)
            throw UnitError("pack",
                            "its state cannot leave its process: it was saved by forking that, as its own way to save "
                            "and serialise its state is not there or not certified (crumple vet)");
        ByteWriter out;
        out.number(kept->number);
        return kept->worker->ask(Op::pack, out.bytes());
    }

    StatePointer unpack(const std::string& bytes) override {
        settle();
        if (!options_.trust_state)
            throw UnitError("unpack",
                            "its state cannot come from another process: that is not certified (crumple vet)");
        ByteWriter out;
        out.sized(bytes);
        const std::string answer = worker().ask(Op::unpack, out.bytes());
        return std::make_shared<KeptState>(worker_, ByteReader(answer).number());
    }

    bool tune(const std::string& parameter, std::span<const double> value) override {
        settle();
        ByteWriter out;
        out.sized(parameter);
        out.reals(value);
        return !worker().ask(Op::tune, out.bytes()).empty();
    }

    bool kill() override { return strike(SIGKILL); }
    bool hang() override { return strike(SIGSTOP); }

    std::vector<std::string> warnings() const override { return warnings_; }
    std::size_t warning_count() const override { return warnings_.size(); }

    Inspection inspect() override {
        settle();
        const std::string answer = worker().ask(Op::inspect);
        Inspection found;
        ByteReader in(answer);
        for (std::uint64_t n = in.count(); n > 0; --n) {
            std::string name(in.sized());
            found[std::move(name)] = in.sized();
        }
        return found;
    }

private:
    Worker& worker() const {
        if (!worker_) throw UnitError("call", "its worker was not started");
        return *worker_;
    }

    bool strike(int signal) {
        settle();
        worker().strike(signal);
        return true;
    }

    // An answer that nobody waited for, as another unit failed in between.
    void settle() noexcept {
        if (!worker_ || !worker_->posted()) return;
        try {
            worker_->finish(answer_);
        } catch (const Error&) {  // it is gone; the next call says so
        }
    }

    std::string make_request() const {
        ByteWriter out;
        out.number(options_.memory);
        out.number(options_.file_size);
        out.number(options_.processes);
        out.number(options_.network);
        out.number(options_.write);
        out.number(sent_.size());
        out.number(out_blobs_);
        out.sized(recipe_);
        out.text(std::string(sent_.size() + out_blobs_, '\0'));  // so that the counts are within what was sent
        return out.bytes();
    }

    void put_inputs(const Io& io) { std::copy(io.in.begin(), io.in.end(), worker().inputs()); }

    std::string changed_inputs(const Io& io) {
        if (!blobs_) return "";
        ByteWriter changed;
        std::uint64_t count = 0;
        for (std::size_t i = 0; i < sent_.size(); ++i) {
            if (sent_known_ && sent_[i] == io.in_blobs[i]) continue;
            sent_[i] = io.in_blobs[i];
            changed.number(i);
            changed.sized(io.in_blobs[i] ? std::string_view(*io.in_blobs[i]) : std::string_view());
            ++count;
        }
        sent_known_ = true;
        ByteWriter out;
        out.number(count);
        out.text(changed.bytes());
        return out.take();
    }

    void exchange(Op op, const Io& io, const std::string& before = {}) {
        settle();
        put_inputs(io);
        answer_ = worker().ask(op, before + changed_inputs(io));
        take(io);
    }

    void take(const Io& io) {
        std::copy(worker_->outputs().begin(), worker_->outputs().end(), io.out.begin());
        take_changes(&io);
    }

    void take_changes(const Io* io) {
        if (answer_.empty()) return;
        try {
            ByteReader in(answer_);
            for (std::uint64_t n = in.count(); n > 0; --n) {
                const std::uint64_t at = in.number();
                const std::string_view bytes = in.sized();
                if (io && at < io->out_blobs.size()) io->out_blobs[at] = std::make_shared<const std::string>(bytes);
            }
            for (std::uint64_t n = in.count(); n > 0; --n) warn(std::string(in.sized()));
            in.end();
        } catch (const BytesError&) {
            worker_->kill();
            throw UnitError("call", "its worker answered what makes no sense");
        }
    }

    void warn(const std::string& text) {
        if (warnings_.size() < 20) warnings_.push_back(text);
    }

    Ports ports_;
    std::string recipe_;
    WorkerOptions options_;
    SegmentShape shape_;
    bool blobs_ = false;
    std::size_t out_blobs_ = 0;
    std::shared_ptr<Worker> worker_;
    std::vector<std::size_t> drives_, feeds_;
    std::size_t asked_drives_ = 0, asked_feeds_ = 0;  // of these, known to the worker
    std::vector<Blob> sent_;                          // inputs as the worker knows them
    bool sent_known_ = false;                         // else it is not known what it knows
    std::string answer_;
    std::vector<std::string> warnings_;
};

}  // namespace

bool workers_available() { return true; }

std::unique_ptr<Unit> make_worker(Ports ports, std::string recipe, WorkerOptions worker) {
    return std::make_unique<WorkerUnit>(std::move(ports), std::move(recipe), std::move(worker));
}

#else

bool workers_available() { return false; }

int landlock_version() { return 0; }

std::unique_ptr<Unit> make_worker(Ports, std::string, WorkerOptions) {
    throw BuildError("worker processes need Linux; run the unit in this process (isolate = false)");
}

#endif

std::unique_ptr<Unit> make_fmu_worker(std::shared_ptr<const FmuSpec> spec, FmuOptions options, WorkerOptions worker) {
    const auto unit = make_fmu_unit(spec, options);  // for its checks; nothing is loaded
    worker.trust_state = worker.trust_state && spec->can_save;
    return make_worker(unit->ports(), pack_fmu(*spec, options), std::move(worker));
}

}  // namespace crumple
