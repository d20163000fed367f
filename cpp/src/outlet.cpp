// What an actuator sends.

#include <cmath>

#include "crumple/error.hpp"
#include "crumple/live.hpp"

namespace crumple {

Outlet::Outlet(std::shared_ptr<LiveContext> context, ActuatorOptions options, std::shared_ptr<Transport> transport)
    : context_(std::move(context)),
      options_(std::move(options)),
      transport_(std::move(transport)),
      layout_(layout_hash(options_.channels)) {
    for (const Channel& channel : options_.channels) safe_.push_back(channel.safe);
}

void Outlet::reset() {
    sequence_ = sent_ = dropped_ = echo_sequence_ = 0;
    echo_ns_ = 0;
    over_ = false;
    last_values_ = safe_;
}

void Outlet::open() { transport_->open(); }

Header Outlet::post(MessageType type, std::uint16_t flags, Tick tick, std::span<const double> values) {
    const Header header{type,
                        flags,
                        context_->session,
                        type == MessageType::bye ? 1 : sequence_,
                        context_->sim_ns(tick),
                        context_->clock->now(),
                        echo_sequence_,
                        echo_ns_,
                        layout_};
    encode(header, values, frame_);
    ++(transport_->send(frame_) ? sent_ : dropped_);
    return header;
}

// What a rig that did not hear it may ask for again.
void Outlet::output(Tick tick, std::span<const double> values) {
    const bool safe = context_->fail_safe;
    const std::span<const double> used = safe ? std::span<const double>(safe_) : values;
    last_ = post(MessageType::output, safe ? flag_safe : 0, tick, used);
    last_values_.assign(used.begin(), used.end());
}

// What feeds an actuator is checked at the end of the tick, and by then it would have left.
void Outlet::check(std::span<const double> values) const {
    for (std::size_t i = 0; i < values.size(); ++i)
        if (!std::isfinite(values[i]))
            throw UnitError("send", "\"" + options_.channels[i].port.name + "\" is " +
                                        (std::isnan(values[i]) ? "NaN" : "infinite") +
                                        ", and no rig is told that; it goes safe instead");
}

void Outlet::send(Tick tick, std::span<const double> values) {
    if (over_) return;
    check(values);
    ++sequence_;
    echo_sequence_ = context_->echo_sequence;
    echo_ns_ = context_->echo_ns;
    output(tick, values);
}

void Outlet::answer(Tick tick, std::span<const double> values, const Sample* sample) {
    if (over_) return;
    check(values);
    sequence_ = echo_sequence_ = sample ? sample->sequence : 0;
    echo_ns_ = sample ? sample->source_ns : 0;
    output(tick, values);
}

void Outlet::repeat() {
    if (over_ || last_.session == 0) return;
    Header again = last_;
    again.flags |= flag_resent;
    encode(again, last_values_, frame_);
    ++(transport_->send(frame_) ? sent_ : dropped_);
}

void Outlet::safe(Tick tick, std::uint16_t flags) {
    if (over_) return;
    const auto all = static_cast<std::uint16_t>(flags | flag_safe);
    ++sequence_;
    post(MessageType::output, all, tick, safe_);
    if ((flags & flag_final) == 0) return;
    post(MessageType::bye, all, tick, safe_);
    over_ = true;
}

}  // namespace crumple
