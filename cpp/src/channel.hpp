// The two ends of a worker's shared memory: one request at a time, each answered once, in sequence.
//
//   host                                     worker
//   writes inputs and the request            sleeps on `request`
//   request = n, wakes the worker     -->    checks the sequence and the checksum, works
//   sleeps on `reply`                 <--    writes outputs and the reply, reply = n
//   checks sequence, length, checksum
//
// Both ends spin for a moment before they sleep (futex), where there are cores to spare. What is longer than the
// segment's arena goes in pieces. The host trusts nothing that it reads here: the worker may be out of its mind.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "crumple/time.hpp"

namespace crumple {

// What the host asks of a worker.
enum class Op : std::uint32_t {
    none,
    more,  // the next piece of a long reply
    make,
    drive,
    reset,
    initialise,
    begin,
    step,
    end,
    save,
    load,
    pack,
    unpack,
    tune,
    fork,
    inspect,
    quit
};

const char* op_name(Op op);

// How a worker answers.
enum class Answer : std::uint32_t {
    done,
    next,         // send the next piece
    failed,       // the unit failed: call and fact follow
    end_request,  // the unit asks for the end of the run
    broken        // the request made no sense; the worker ends
};

struct SegmentShape {
    std::uint64_t inputs = 0, outputs = 0;  // numbers
    std::uint64_t arena = 0;                // bytes of a piece
    std::uint64_t bytes() const;            // of a whole segment, in whole pages
};

// Raised with every change of what stands below: a worker program of another version is refused.
constexpr std::uint64_t channel_version = 1;
constexpr int other_version = 122;  // exit code of a worker that was started by another

struct alignas(64) Segment {
    std::uint64_t version;
    SegmentShape shape;
    std::uint64_t segments;  // in the mapping, this one included
    std::int64_t host;       // process id
    struct alignas(64) Request {
        std::atomic<std::uint32_t> sequence;
        std::atomic<std::uint32_t> awaited;  // the worker sleeps
        std::uint32_t op, more, spins;       // spins: how long the worker looks before it sleeps
        std::int32_t core;                   // on which the host was
        Tick tick;
        double t, dt;  // [s]
        std::uint64_t length, checksum;
    } request;
    struct alignas(64) Reply {
        std::atomic<std::uint32_t> sequence;
        std::atomic<std::uint32_t> awaited;  // the host sleeps
        std::uint32_t answer, more;
        std::int32_t core;  // on which the worker was
        std::uint64_t length, checksum;
    } reply;
    alignas(64) char call[64];  // what the worker is calling, for when it does not come back
    char words[1024];           // the last that the unit logged

    double* inputs() { return reinterpret_cast<double*>(this + 1); }
    double* outputs() { return inputs() + shape.inputs; }
    char* arena() { return reinterpret_cast<char*>(outputs() + shape.outputs); }
};

// Detects what was changed by accident, such as by a unit that writes where it must not.
std::uint64_t checksum(std::uint64_t seed, const void* bytes, std::size_t count);

// Copies text into a field of a segment, cut to its size; and back, whatever is in there.
void put_text(std::span<char> field, std::string_view text);
std::string get_text(std::span<const char> field);

// Waits until `word` is no longer `old`: spins, then sleeps at most `slice` seconds. `other`: the core on which who
// will change it was last. False: it still is.
bool wait_for_change(std::atomic<std::uint32_t>& word, std::uint32_t old, std::atomic<std::uint32_t>& awaited,
                     std::uint32_t spins, std::int32_t other, double slice);
// Publishes `value` and wakes who sleeps.
void publish(std::atomic<std::uint32_t>& word, std::uint32_t value, std::atomic<std::uint32_t>& awaited);

}  // namespace crumple
