#include "crumple/transport.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace crumple {

std::ptrdiff_t QueueTransport::receive(std::span<std::byte> into, Nanoseconds most) {
    std::unique_lock lock(mutex_);
    if (in_.empty() && most > 0) offered_.wait_for(lock, std::chrono::nanoseconds(most), [&] { return !in_.empty(); });
    if (in_.empty()) return -1;
    const std::vector<std::byte> frame = std::move(in_.front());
    in_.pop_front();
    std::copy_n(frame.begin(), std::min(frame.size(), into.size()), into.begin());
    return static_cast<std::ptrdiff_t>(frame.size());
}

bool QueueTransport::send(std::span<const std::byte> frame) {
    const std::lock_guard lock(mutex_);
    if (out_.size() >= most_) return false;
    out_.emplace_back(frame.begin(), frame.end());
    return true;
}

bool QueueTransport::offer(std::vector<std::byte> frame) {
    const std::lock_guard lock(mutex_);
    if (in_.size() >= most_) return false;
    in_.push_back(std::move(frame));
    offered_.notify_one();
    return true;
}

std::vector<std::vector<std::byte>> QueueTransport::take() {
    const std::lock_guard lock(mutex_);
    std::vector<std::vector<std::byte>> all(std::make_move_iterator(out_.begin()), std::make_move_iterator(out_.end()));
    out_.clear();
    return all;
}

}  // namespace crumple
