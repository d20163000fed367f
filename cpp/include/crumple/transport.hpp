// How frames come and go: over ZeroMQ, or through a queue that somebody else fills (Python, a test).
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "crumple/clock.hpp"

namespace crumple {

class Transport {
public:
    virtual ~Transport() = default;

    virtual void open() = 0;   // nothing happens where it is open; throws UsageError naming the address
    virtual void close() = 0;  // what was sent has a moment to leave

    // The next frame, waited for at most so long (in whole milliseconds): its size, which may exceed what fitted into
    // `into`; -1: there is none.
    virtual std::ptrdiff_t receive(std::span<std::byte> into, Nanoseconds most = 0) = 0;
    // False: it was dropped, because nobody takes it fast enough.
    virtual bool send(std::span<const std::byte> frame) = 0;
    // From now on answers go to whoever sent the last frame.
    virtual void answer_last() {}
    // To whoever sent the last frame, and to nobody else later.
    virtual bool reply(std::span<const std::byte> frame) { return send(frame); }

    // Nothing has come for long: connects anew where the connection was lost for good. Not for every tick.
    virtual void mend() {}

    virtual std::string address() const = 0;
    // Peers that were turned away, and why; each is told once.
    virtual std::vector<std::string> refusals() { return {}; }
};

// Frames from and to a queue. offer() and take() may be called from another thread.
class QueueTransport : public Transport {
public:
    explicit QueueTransport(std::string address, std::size_t most = 1 << 16)
        : address_(std::move(address)), most_(most) {}
    void open() override {}
    void close() override {}
    std::ptrdiff_t receive(std::span<std::byte> into, Nanoseconds most) override;
    bool send(std::span<const std::byte> frame) override;
    std::string address() const override { return address_; }

    bool offer(std::vector<std::byte> frame);  // false: the queue is full
    std::vector<std::vector<std::byte>> take();

private:
    std::string address_;
    std::size_t most_;
    std::mutex mutex_;
    std::condition_variable offered_;
    std::deque<std::vector<std::byte>> in_, out_;
};

enum class Pattern : std::uint8_t { subscribe, publish, route };

// Keys are 40 characters of Z85 each, or empty. allowed: public keys of the peers that are let in; of a connecting
// side the one of its server.
struct ZmqOptions {
    std::string address;
    Pattern pattern = Pattern::subscribe;
    bool bind = false;
    std::string public_key, secret_key;
    std::vector<std::string> allowed;
    bool prompt = false;  // libzmq's own thread gets real-time priority, where the system allows it
};

// Loads libzmq from a file, once for the process. Throws UsageError where it is none, or lacks what is needed.
void load_zmq(const std::string& file);
bool zmq_loaded();
std::string zmq_version();  // "4.3.5 with CURVE"; empty where it is not loaded
std::unique_ptr<Transport> make_zmq_transport(ZmqOptions options);

}  // namespace crumple
