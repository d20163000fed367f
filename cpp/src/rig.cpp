// A peer in lockstep: its message begins a step, our answer ends it.

#include <sched.h>

#include <algorithm>

#include "crumple/error.hpp"
#include "crumple/live.hpp"
#include "crumple/waiting.hpp"

namespace crumple {

namespace {

constexpr Nanoseconds look_every = 20'000'000;  // how long a Ctrl-C may wait
constexpr int looks = 500;                      // before a wait falls asleep: some 0.2 ms

}  // namespace

Rig::Rig(std::shared_ptr<LiveContext> context, std::string name, std::shared_ptr<Transport> transport,
         Nanoseconds timeout)
    : context_(std::move(context)),
      name_(std::move(name)),
      transport_(std::move(transport)),
      timeout_(timeout),
      frame_(longest_frame + 1) {}

void Rig::reset() {
    session_ = 0;
    early_.clear();
    trouble_.clear();
}

// READY tells the peer what it will be sent, and the time at the start.
void Rig::welcome(const Header& hello) {
    session_ = hello.session;
    transport_->answer_last();
    Header ready;
    ready.type = MessageType::ready;
    ready.session = context_->session;
    ready.sim_ns = context_->sim_ns(0);
    ready.source_ns = context_->clock->now();
    ready.layout = outlet_ ? outlet_->layout() : layout_hash({});
    encode(ready, {}, answer_);
    transport_->send(answer_);
}

bool Rig::greet(Tick tick, std::span<const double> outputs) {
    for (std::size_t i = 0; i < frames_at_once; ++i) {
        const std::ptrdiff_t n = transport_->receive(frame_);
        if (n < 0) break;
        Header header;
        const auto fitting = std::min(static_cast<std::size_t>(n), frame_.size());
        const Refusal read = decode({frame_.data(), fitting}, std::nullopt, 0, header, {});
        if (session_ != 0 && header.session == session_ && header.type == MessageType::sample) {
            // it has begun already, while others are still waited for
            early_.assign(frame_.begin(), frame_.begin() + static_cast<std::ptrdiff_t>(fitting));
            continue;
        }
        if (read != Refusal::none || header.type != MessageType::hello) {
            trouble_ = read != Refusal::none && read != Refusal::length
                           ? std::string("a message was refused: ") + refusal_word(read)
                           : "a message came before HELLO";
            continue;
        }
        if (header.layout != inlet_->layout()) {
            trouble_ = "it sends other channels than the scene says: names, kinds, units or their order differ";
            continue;
        }
        trouble_.clear();
        early_.clear();
        welcome(header);
        if (outlet_) outlet_->answer(tick, outputs, nullptr);
    }
    return session_ != 0;
}

void Rig::acknowledge(Tick tick) {
    Header answer;
    answer.type = MessageType::output;
    answer.session = context_->session;
    answer.sequence = answer.echo_sequence = inlet_->tracker().sequence();
    if (inlet_->used()) answer.echo_ns = inlet_->used()->source_ns;
    answer.sim_ns = context_->sim_ns(tick);
    answer.source_ns = context_->clock->now();
    answer.layout = layout_hash({});
    encode(answer, {}, answer_);
    transport_->send(answer_);
}

void Rig::goodbye() {
    if (session_ == 0 || outlet_) return;
    bye();
    transport_->send(answer_);
    session_ = 0;
}

// Puts a goodbye into answer_.
void Rig::bye() {
    Header bye;
    bye.type = MessageType::bye;
    bye.flags = flag_final | flag_safe;
    bye.session = context_->session;
    bye.sequence = 1;
    bye.source_ns = context_->clock->now();
    bye.layout = layout_hash({});
    encode(bye, {}, answer_);
}

// The next frame, waited for at most so long. Where processors fall asleep, a peer that answers soon is heard without
// a sleep of ours, whose end would cost more than the answer.
std::ptrdiff_t Rig::hear(Nanoseconds most, bool soon) {
    if (!early_.empty()) {
        std::copy(early_.begin(), early_.end(), frame_.begin());
        const std::ptrdiff_t n = std::ssize(early_);
        early_.clear();
        return n;
    }
    if (soon && !processors_awake()) {
        for (int i = 0; i < looks; ++i) {
            sched_yield();  // libzmq's own threads, and the peer's, may need this core
            if (const std::ptrdiff_t n = transport_->receive(frame_); n >= 0) return n;
        }
    }
    return transport_->receive(frame_, most);
}

void Rig::exchange(std::span<double> values, Sample& stamps) {
    const Nanoseconds began = context_->clock->now();
    const std::uint64_t expected = inlet_->tracker().sequence() + 1;
    const auto end = [&](const std::string& fact) {
        throw EndRequest("rig '" + name_ + "' (" + transport_->address() + ") " + fact);
    };
    for (bool first = true;; first = false) {
        // asked after each message, too: whoever sends nothing but rubbish does not put off the end
        const Nanoseconds left = timeout_ - (context_->clock->now() - began);
        if (!first && left <= 0)
            end("did not send sample " + std::to_string(expected) + " within " +
                time_text(static_cast<double>(timeout_) * 1e-9) + " (timeout)");
        if (!first && context_->stop_wanted && context_->stop_wanted())
            throw EndRequest("stopped by hand, while sample " + std::to_string(expected) + " of rig '" + name_ +
                             "' was waited for");
        std::ptrdiff_t n = -1;
        wait_outside([&] { n = hear(std::min(left, look_every), first); });
        if (n < 0) continue;
        const auto fitting = std::min(static_cast<std::size_t>(n), frame_.size());
        const std::span<const std::byte> frame{frame_.data(), fitting};
        Header header;
        std::vector<double>& none = stamps.values;
        none.resize(inlet_->options().channels.size());
        const Refusal read = decode(frame, inlet_->layout(), none.size(), header, none);
        if (read == Refusal::none && header.session != session_) {
            if (header.type == MessageType::hello) {
                ++inlet_->figures().restarts;
                bye();  // to whoever waits for READY; the rig of before, if it still is there, hears the end of the run
                transport_->reply(answer_);
                end("began anew after sample " + std::to_string(expected - 1) + ": what it knew of this run is lost");
            }
            ++inlet_->figures().received;
            ++inlet_->figures().refused[static_cast<std::size_t>(Refusal::old_session)];
            continue;
        }
        if (read == Refusal::none) transport_->answer_last();  // after a broken connection it has a new address
        if (read == Refusal::none && header.type == MessageType::hello) {
            // it did not hear our answer
            welcome(header);
            if (outlet_) outlet_->repeat();
            continue;
        }
        bool taken = false;
        const Refusal refusal = inlet_->take(frame, header, taken);
        if (refusal == Refusal::none && header.type == MessageType::bye)
            end("said goodbye after sample " + std::to_string(expected - 1));
        if (refusal == Refusal::duplicate) {  // our answer was lost
            ++inlet_->figures().resends;
            if (outlet_)
                outlet_->repeat();
            else
                acknowledge(0);
            continue;
        }
        if (!taken) continue;
        if (header.sequence != expected)
            end("sent sample " + std::to_string(header.sequence) + " where " + std::to_string(expected) +
                " was due: what lies between is lost");
        inlet_->latch(values, stamps);
        return;
    }
}

}  // namespace crumple
