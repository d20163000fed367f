// The worker's side: takes requests from the shared memory, calls the unit, answers. One thread.

#include "crumple/worker.hpp"

#ifdef __linux__

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <utility>

#include "bytes.hpp"
#include "channel.hpp"
#include "confine.hpp"
#include "fmu_log.hpp"
#include "fmu_unit.hpp"
#include "fmu_wire.hpp"
#include "inspect.hpp"

namespace crumple {

namespace {

constexpr double look_after_host = 1.0;        // [s] between looks at whether the host lives
constexpr off_t most_output = off_t{1} << 20;  // bytes; what the unit prints beyond is forgotten

class Server {
public:
    Server(int memory, Host host) : host_(std::move(host)) {
        Segment head;  // only what was written before we were started
        if (pread(memory, static_cast<void*>(&head), sizeof head, 0) != sizeof head) return;
        same_version_ = head.version == channel_version;
        if (!same_version_) return;
        bytes_ = head.shape.bytes();
        // all segments there may ever be: what lies beyond the memory's present end is not touched before it exists
        void* base =
            mmap(nullptr, bytes_ * head.segments, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, memory, 0);
        close(memory);
        if (base == MAP_FAILED) return;
        base_ = static_cast<char*>(base);
        fstat(1, &output_);
        segments_ = head.segments;
        use(0);
    }

    int run() {
        if (!same_version_) return other_version;
        if (!base_) return 125;
        for (;;) {
            if (!receive()) return 124;
            if (op_ == Op::more || op_ == Op::none) return 123;
            if (op_ == Op::quit) {
                unit_.reset();
                answer(Answer::done);
                return 0;
            }
            if (!work()) return 123;
        }
    }

private:
    void use(std::size_t number) {
        segment_ = reinterpret_cast<Segment*>(base_ + number * bytes_);
        sequence_ = 0;
        fmu_call_name() = segment_->call;
        FmuLog::mirror({segment_->words, sizeof segment_->words});
    }

    // The whole of the next request, in all its pieces. False: it is not what it must be, and nothing can be trusted.
    bool receive() {
        request_.clear();
        for (;;) {
            Segment& s = *segment_;
            while (!wait_for_change(s.request.sequence, sequence_, s.request.awaited, s.request.spins, s.request.core,
                                    look_after_host))
                if (getppid() != s.host) _exit(0);  // PR_SET_PDEATHSIG is faster, where it works
            if (s.request.sequence.load(std::memory_order_acquire) != sequence_ + 1) return false;
            ++sequence_;
            const std::uint64_t length = s.request.length;
            if (length > s.shape.arena) return false;
            in_.assign(s.inputs(), s.inputs() + s.shape.inputs);
            const std::size_t from = request_.size();
            request_.append(s.arena(), length);
            const std::uint64_t sum =
                checksum(checksum(sequence_, in_.data(), in_.size() * sizeof(double)), request_.data() + from, length);
            if (sum != s.request.checksum) return false;
            op_ = static_cast<Op>(s.request.op);
            now_ = {s.request.tick, s.request.t, s.request.dt};
            if (!s.request.more) return true;
            reply(Answer::next, {}, false);
        }
    }

    void reply(Answer answer, std::string_view piece, bool more) {
        Segment& s = *segment_;
        out_.resize(s.shape.outputs);
        std::copy(out_.begin(), out_.end(), s.outputs());
        std::copy(piece.begin(), piece.end(), s.arena());
        s.reply.answer = static_cast<std::uint32_t>(answer);
        s.reply.more = more;
        s.reply.core = sched_getcpu();
        s.reply.length = piece.size();
        s.reply.checksum =
            checksum(checksum(sequence_, out_.data(), out_.size() * sizeof(double)), piece.data(), piece.size());
        publish(s.reply.sequence, sequence_, s.reply.awaited);
    }

    bool answer(Answer how, std::string_view payload = {}) {
        const std::uint64_t arena = segment_->shape.arena;
        while (payload.size() > arena) {
            reply(how, payload.substr(0, arena), true);
            payload.remove_prefix(arena);
            if (!receive() || op_ != Op::more) return false;
        }
        reply(how, payload, false);
        return true;
    }

    bool work() {
        put_text(segment_->call, op_name(op_));
        std::string result;
        Answer how = Answer::done;
        try {
            result = perform();
        } catch (const BytesError&) {
            answer(Answer::broken);
            return false;
        } catch (const UnitError& error) {
            how = Answer::failed;
            result = failure(error);
        } catch (const EndRequest& error) {
            how = Answer::end_request;
            result = error.what();
        } catch (...) {
            how = Answer::failed;
            result = failure(host_.explain ? host_.explain(std::current_exception(), op_name(op_))
                                           : UnitError(op_name(op_), "it threw something unknown"));
        }
        if (std::exchange(newborn_, false)) return true;
        keep_output_short();
        return answer(how, result);
    }

    static std::string failure(const UnitError& error) {
        ByteWriter out;
        out.sized(error.call());
        out.sized(error.what());
        out.sized(error.details());
        return out.take();
    }

    std::string perform() {
        ByteReader in(request_);
        if (op_ == Op::make) return make(in);
        if (!unit_) throw BytesError("there is no unit yet");
        const Io io{in_, out_, in_blobs_, out_blobs_};
        switch (op_) {
            case Op::step:
                take_blobs(in);
                unit_->step(now_, io);
                return changes();
            case Op::reset:
                return reset(in, io);
            case Op::initialise:
                take_blobs(in);
                unit_->initialise(io);
                return changes();
            case Op::begin:
                take_blobs(in);
                unit_->begin(io);
                return changes();
            case Op::end:
                unit_->end();
                return changes();
            case Op::drive:
                unit_->drive(in.number());
                return "";
            case Op::save:
                return save(in);
            case Op::load:
                return load(in, io);
            case Op::pack: {
                const auto found = states_.find(in.number());
                if (found == states_.end()) throw UnitError("pack", "its worker does not know this state");
                return unit_->pack(*found->second);
            }
            case Op::unpack: {
                StatePointer state = unit_->unpack(std::string(in.sized()));
                return keep(std::move(state));
            }
            case Op::tune: {
                const std::string parameter(in.sized());
                return unit_->tune(parameter, in.reals()) ? "1" : "";
            }
            case Op::fork:
                return fork(in);
            case Op::inspect:
                return inspect();
            default:
                throw BytesError("an unknown request");
        }
    }

    std::string make(ByteReader& in) {
        Confinement limits;
        limits.memory = in.number();
        limits.file_size = in.number();
        limits.processes = in.number() != 0;
        limits.network = in.number() != 0;
        limits.write = in.number() != 0;
        const std::size_t in_blobs = in.count(), out_blobs = in.count();
        // memory of its own: the segment changes with a fork, and what the unit gets must not
        in_blobs_.assign(in_blobs, nullptr);
        out_blobs_.assign(out_blobs, nullptr);
        out_.assign(segment_->shape.outputs, 0.0);
        const std::string_view recipe = in.sized();
        confine(limits, static_cast<pid_t>(segment_->host));
        unit_ = host_.make(recipe);
        return "";
    }

    std::string reset(ByteReader& in, const Io& io) {
        const Start start{in.number(), in.real(), in.real()};
        for (std::uint64_t n = in.count(); n > 0; --n) unit_->drive(in.number());
        for (std::uint64_t n = in.count(); n > 0; --n) unit_->feed(in.number());
        const std::vector<double> outputs = in.reals();
        if (outputs.size() != out_.size()) throw BytesError("other outputs");
        std::copy(outputs.begin(), outputs.end(), out_.begin());
        take_blobs(in);
        states_.clear();
        unit_->reset(start, io);
        told_.clear();
        return changes();
    }

    // Inputs that are text or bytes, where they changed.
    void take_blobs(ByteReader& in) {
        if (in_blobs_.empty() && out_blobs_.empty()) return;
        for (std::uint64_t n = in.count(); n > 0; --n) {
            const std::uint64_t at = in.number();
            if (at >= in_blobs_.size()) throw BytesError("no such input");
            in_blobs_[at] = std::make_shared<const std::string>(in.sized());
        }
    }

    // Outputs that are text or bytes, where they changed, and new warnings; nothing where there are none.
    std::string changes() {
        ByteWriter changed, warned;
        std::uint64_t blobs = 0, warnings = 0;
        const bool all = told_.empty();
        told_.resize(out_blobs_.size());
        for (std::size_t i = 0; i < out_blobs_.size(); ++i) {
            if (!all && told_[i] == out_blobs_[i]) continue;
            told_[i] = out_blobs_[i];
            changed.number(i);
            changed.sized(out_blobs_[i] ? std::string_view(*out_blobs_[i]) : std::string_view());
            ++blobs;
        }
        if (const std::size_t count = unit_->warning_count(); count != warned_) {
            const auto texts = unit_->warnings();
            for (; warned_ < texts.size(); ++warned_, ++warnings) warned.sized(texts[warned_]);
        }
        if (blobs == 0 && warnings == 0) return "";
        ByteWriter out;
        out.number(blobs);
        out.text(changed.bytes());
        out.number(warnings);
        out.text(warned.bytes());
        return out.take();
    }

    std::string keep(StatePointer state) {
        if (!state) return "";
        states_[++last_state_] = std::move(state);
        ByteWriter out;
        out.number(last_state_);
        return out.take();
    }

    std::string save(ByteReader& in) {
        for (std::uint64_t n = in.count(); n > 0; --n) states_.erase(in.number());
        return keep(unit_->save());
    }

    std::string load(ByteReader& in, const Io& io) {
        const auto found = states_.find(in.number());
        if (found == states_.end()) throw UnitError("load", "its worker does not know this state");
        const std::vector<double> outputs = in.reals();
        if (outputs.size() != out_.size()) throw BytesError("other outputs");
        std::copy(outputs.begin(), outputs.end(), out_.begin());
        told_.clear();
        unit_->load(*found->second, io);
        return "";
    }

    // A second process, a child of the host as this one is, that goes on from here in a segment of its own.
    std::string fork(ByteReader& in) {
        const std::uint64_t number = in.number();
        if (number >= segments_) throw BytesError("no such segment");
        if (const std::size_t threads = count_threads(); threads > 1)
            throw UnitError("fork",
                            "it has " + std::to_string(threads - 1) + " threads of its own, which a fork would lose");
        if (host_.before_fork) host_.before_fork();
        const long pid = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, fork_secret());
        if (pid == 0) {
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            if (getppid() != segment_->host) _exit(0);
            if (host_.after_fork_in_child) host_.after_fork_in_child();
            use(number);
            newborn_ = true;  // like any other worker from here on; its host asks first
            return "";
        }
        if (host_.after_fork_in_parent) host_.after_fork_in_parent();
        if (pid < 0)
            throw UnitError("fork", std::string("no second process could be started: ") + std::strerror(errno));
        ByteWriter out;
        out.number(static_cast<std::uint64_t>(pid));
        return out.take();
    }

    static std::string inspect() {
        const Inspection found = crumple::inspect();
        ByteWriter out;
        out.number(found.size());
        for (const auto& [name, value] : found) {
            out.sized(name);
            out.sized(value);
        }
        return out.take();
    }

    // What the unit prints lies in memory, for its last words; a unit that prints for ever must not fill it.
    void keep_output_short() {
        struct stat now{};
        if (++answered_ % 1024 != 0 || fstat(1, &now) != 0 || now.st_size <= most_output) return;
        if (now.st_ino != output_.st_ino || now.st_dev != output_.st_dev) return;  // the unit put another file there
        if (ftruncate(1, 0) != 0) return;
    }

    Host host_;
    bool same_version_ = true;
    char* base_ = nullptr;
    std::uint64_t bytes_ = 0, segments_ = 0;
    Segment* segment_ = nullptr;
    std::uint32_t sequence_ = 0;
    Op op_ = Op::none;
    Step now_{};
    std::string request_;
    std::unique_ptr<Unit> unit_;
    std::vector<double> in_, out_;
    std::vector<Blob> in_blobs_, out_blobs_;
    std::vector<Blob> told_;  // outputs as the host knows them; empty: it knows none
    std::size_t warned_ = 0;
    std::map<std::uint64_t, StatePointer> states_;
    std::uint64_t last_state_ = 0;
    std::uint64_t answered_ = 0;
    struct stat output_{};  // the file behind 1 and 2 at the start
    bool newborn_ = false;
};

}  // namespace

int serve(int memory, Host host) {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);  // else a crash takes the last lines with it
    return Server(memory, std::move(host)).run();
}

std::unique_ptr<Unit> make_fmu_from_recipe(std::string_view recipe) {
    auto [spec, options] = unpack_fmu(recipe);
    return make_fmu_unit(std::make_shared<const FmuSpec>(std::move(spec)), std::move(options));
}

}  // namespace crumple

#endif
