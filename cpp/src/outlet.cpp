// What an actuator sends.

#include <algorithm>

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
    sequence_ = sent_ = dropped_ = 0;
    over_ = false;
    last_values_ = safe_;
}

void Outlet::open() { transport_->open(); }

void Outlet::post(MessageType type, std::uint16_t flags, Tick tick, std::span<const double> values,
                  std::uint64_t sequence) {
    last_ = {type,
             flags,
             context_->session,
             sequence,
             context_->sim_ns(tick),
             context_->clock->now(),
             context_->echo_sequence,
             context_->echo_ns,
             layout_};
    if (values.data() != last_values_.data()) last_values_.assign(values.begin(), values.end());
    encode(last_, values, frame_);
    ++(transport_->send(frame_) ? sent_ : dropped_);
}

void Outlet::send(Tick tick, std::span<const double> values, std::optional<std::uint64_t> sequence) {
    if (over_) return;
    sequence_ = sequence ? *sequence : sequence_ + 1;
    if (context_->fail_safe)
        post(MessageType::output, flag_safe, tick, safe_, sequence_);
    else
        post(MessageType::output, 0, tick, values, sequence_);
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
    post(MessageType::output, all, tick, safe_, ++sequence_);
    if ((flags & flag_final) == 0) return;
    post(MessageType::bye, all, tick, safe_, 1);
    over_ = true;
}

}  // namespace crumple
