// What arrives for a sensor: checked, counted, kept until it is latched.

#include <algorithm>
#include <cmath>

#include "crumple/error.hpp"
#include "crumple/live.hpp"

namespace crumple {

namespace {

constexpr std::size_t queue_most = 4096;  // samples that wait; a rig that runs ahead further loses the oldest
constexpr Nanoseconds mend_every = 1'000'000'000;

std::string seconds(Nanoseconds ns) { return time_text(static_cast<double>(ns) * 1e-9); }

}  // namespace

std::int64_t LiveContext::sim_ns(Tick tick) const { return std::llround((start + period.at(tick)) * 1e9); }

Inlet::Inlet(std::shared_ptr<LiveContext> context, SensorOptions options, std::shared_ptr<Transport> transport)
    : context_(std::move(context)),
      options_(std::move(options)),
      transport_(std::move(transport)),
      layout_(layout_hash(options_.channels)),
      frame_(std::max(longest_frame, wire_header + 8 * options_.channels.size()) + 1),  // too long is seen to be
      values_(options_.channels.size()) {}

void Inlet::reset() {
    tracker_ = {};
    figures_ = {};
    waiting_.clear();
    newest_.reset();
    used_.reset();
    before_.reset();
    least_delay_.reset();
    hello_ = false;
    mended_ = 0;
    last_refusal_.clear();
}

void Inlet::drain() {
    for (std::size_t i = 0; i < frames_at_once; ++i) {
        const std::ptrdiff_t n = transport_->receive(frame_);
        if (n < 0) return;
        Header header;
        bool taken = false;
        // what did not fit is longer than any frame of ours: it is refused for its length
        const auto fitting = std::min(static_cast<std::size_t>(n), frame_.size());
        take({frame_.data(), fitting}, header, taken);
    }
}

Refusal Inlet::take(std::span<const std::byte> frame, Header& header, bool& taken) {
    ++figures_.received;
    taken = false;
    const auto refuse = [&](Refusal why) {
        ++figures_.refused[static_cast<std::size_t>(why)];
        last_refusal_ = refusal_word(why);
        return why;
    };
    const Refusal read = decode(frame, layout_, values_.size(), header, values_);
    if (read != Refusal::none) return refuse(read);
    if (header.type == MessageType::bye) return Refusal::none;
    if (header.type == MessageType::hello) {
        hello_ = true;
        return Refusal::none;
    }
    if (header.type != MessageType::sample) return refuse(Refusal::type);
    if (!fits(options_.channels, values_)) return refuse(Refusal::value);
    const Refusal order = tracker_.follow(header);
    if (order != Refusal::none) return refuse(order);
    ++figures_.accepted;
    taken = true;
    const Nanoseconds arrival = context_->clock->now();
    Sample sample{
        values_, header.sequence, header.sim_ns, header.source_ns, source_on_our_clock(header.source_ns, arrival),
        arrival};
    if (options_.queue) {
        waiting_.push_back(std::move(sample));
        if (waiting_.size() > queue_most) {
            waiting_.pop_front();
            ++figures_.overflows;
        }
    } else {
        newest_ = std::move(sample);
    }
    return Refusal::none;
}

// A sender on this machine has our clock. Of another, the quickest message so far counts as having taken no time: ages
// are then too small by that message's way. A time that lies ahead of ours is not believed.
Nanoseconds Inlet::source_on_our_clock(std::int64_t source_ns, Nanoseconds arrival) {
    source_ns = std::max<std::int64_t>(source_ns, 0);  // no monotonic clock counts from before: very old, then
    if (options_.same_clock) return std::min<Nanoseconds>(source_ns, arrival);
    const std::int64_t delay = arrival - source_ns;
    if (!least_delay_ || delay_session_ != tracker_.session() || delay < *least_delay_) least_delay_ = delay;
    delay_session_ = tracker_.session();
    return source_ns + *least_delay_;
}

SampleState Inlet::latch(std::span<double> values, Sample& stamps) {
    const Nanoseconds now = context_->clock->now();
    ++figures_.ticks;
    if (options_.queue && !waiting_.empty()) {
        before_ = std::move(used_);
        used_ = std::move(waiting_.front());
        waiting_.pop_front();
    } else if (!options_.queue && newest_) {
        before_ = std::move(used_);
        used_ = std::move(newest_);
        newest_.reset();
    } else {
        ++figures_.starved;
        if (mended_ == 0) mended_ = now;
        if (now - mended_ > mend_every) {
            transport_->mend();
            mended_ = now;
        }
    }
    if (used_) mended_ = std::max(mended_, used_->arrival);
    const Nanoseconds age = std::max<Nanoseconds>(now - (used_ ? used_->source : context_->epoch), 0);
    const bool old = options_.max_age >= 0 && age > options_.max_age;
    if ((options_.stop_age >= 0 && age > options_.stop_age) || (old && options_.policy == Policy::stop)) {
        const bool limit = options_.stop_age >= 0 && age > options_.stop_age;
        throw EndRequest("sensor '" + options_.name + "' (" + transport_->address() + ") has been silent for " +
                         seconds(age) + ", and the run ends at " + (limit ? "stop_age = " : "max_age = ") +
                         seconds(limit ? options_.stop_age : options_.max_age) +
                         (used_ ? "; its last sample was number " + std::to_string(used_->sequence) : ""));
    }
    if (old && options_.policy == Policy::fail_safe) context_->fail_safe = true;
    SampleState state = SampleState::none;
    if (used_) {
        stamps = *used_;
        std::copy(used_->values.begin(), used_->values.end(), values.begin());
        figures_.age.add(static_cast<std::uint64_t>(age));
        context_->echo_sequence = used_->sequence;
        context_->echo_ns = used_->source_ns;
        state = SampleState::fresh;
    }
    if (used_ && old) {
        state = SampleState::held;
        if (options_.policy == Policy::fail_safe) state = SampleState::fail_safe;
        if (options_.policy == Policy::substitute) {
            state = SampleState::substituted;
            for (std::size_t i = 0; i < values.size(); ++i) values[i] = options_.channels[i].substitute;
        }
        if (options_.policy == Policy::extrapolate && before_ && used_->source > before_->source) {
            state = SampleState::extrapolated;
            const double part =
                static_cast<double>(now - used_->source) / static_cast<double>(used_->source - before_->source);
            for (std::size_t i = 0; i < values.size(); ++i) {
                const double ahead = used_->values[i] + (used_->values[i] - before_->values[i]) * part;
                if (options_.channels[i].port.kind == Kind::real && std::isfinite(ahead)) values[i] = ahead;
            }
        }
    }
    ++figures_.states[static_cast<std::size_t>(state)];
    return state;
}

}  // namespace crumple
