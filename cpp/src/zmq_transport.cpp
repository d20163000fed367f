// Frames over ZeroMQ. Each transport has a context of its own: ending it waits until the last message has left, and
// who may connect is judged for this address alone.

#include <pthread.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>
#include <thread>
#include <utility>

#include "crumple/error.hpp"
#include "crumple/transport.hpp"
#include "crumple/wire.hpp"
#include "zmq_library.hpp"

namespace crumple {

namespace {

namespace zv = zmq_value;

// Who sends longer messages is disconnected by libzmq, so that a flood of them cannot fill the memory: with this queue
// it ends at 64 MiB.
constexpr std::int64_t longest_message = longest_frame;
constexpr int queue_length = 16384;
constexpr int io_priority = 70;  // below the loop's, which it must not hold up, above all that is not in real time
constexpr int linger_ms = 200;   // what a goodbye has to leave this process

std::string told(const ZmqLibrary& z) { return z.strerror(z.errno_()); }

// libzmq ends the process where a priority that it was told to take is refused; so a thread of ours asks first.
bool real_time_granted() {
    static const bool granted = [] {
        bool done = false;
        std::jthread([&] {
            sched_param wanted{};
            wanted.sched_priority = io_priority;
            done = pthread_setschedparam(pthread_self(), SCHED_FIFO, &wanted) == 0;
        }).join();
        return done;
    }();
    return granted;
}

// One part of a message, as text. False: there is none.
bool receive_part(const ZmqLibrary& z, void* socket, std::string& part, int flags) {
    char buffer[512];
    const int n = z.recv(socket, buffer, sizeof buffer, flags);
    if (n < 0) return false;
    part.assign(buffer, std::min<std::size_t>(static_cast<std::size_t>(n), sizeof buffer));
    return true;
}

bool more_parts(const ZmqLibrary& z, void* socket) {
    int more = 0;
    std::size_t size = sizeof more;
    return z.getsockopt(socket, zv::rcvmore, &more, &size) == 0 && more != 0;
}

// libzmq removes the file of an ipc address before it binds, whoever has it: two runs would both believe to have it.
void check_ipc(const std::string& address) {
    if (!address.starts_with("ipc://") || address.starts_with("ipc://@") || address.starts_with("ipc://*")) return;
    const std::string path = address.substr(6);
    struct stat found{};
    if (lstat(path.c_str(), &found) != 0) return;
    if (!S_ISSOCK(found.st_mode))
        throw UsageError(address + " cannot be bound: " + path + " is there, and is no socket. Give another name.");
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    if (path.size() >= sizeof name.sun_path) return;  // libzmq says so itself
    std::memcpy(name.sun_path, path.c_str(), path.size());
    const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (probe < 0) return;
    const bool taken = ::connect(probe, reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0;
    ::close(probe);
    if (taken) throw UsageError(address + " cannot be bound: another program has it.");
}

// Judges who may connect, by the public keys of those who do.
class Doorman {
public:
    Doorman(const ZmqLibrary& z, void* context, std::vector<std::string> allowed)
        : z_(z), allowed_(std::move(allowed)), socket_(z.socket(context, zv::rep)) {
        if (!socket_ || z_.bind(socket_, "inproc://zeromq.zap.01") != 0)
            throw UsageError("nobody can watch over the keys: " + told(z_));
        thread_ = std::jthread([this](const std::stop_token& stop) { watch(stop); });
    }
    ~Doorman() {
        thread_.request_stop();
        thread_.join();
        z_.close(socket_);
    }
    Doorman(const Doorman&) = delete;
    Doorman& operator=(const Doorman&) = delete;

    std::vector<std::string> refused() {
        const std::lock_guard lock(mutex_);
        return std::exchange(refused_, {});
    }

private:
    // ZAP: version, request, domain, address, identity, mechanism, credentials; see RFC 27 of ZeroMQ.
    void watch(const std::stop_token& stop) {
        while (!stop.stop_requested()) {
            ZmqLibrary::Poll poll{socket_, 0, zv::pollin, 0};
            if (z_.poll(&poll, 1, 20) <= 0) continue;
            std::vector<std::string> parts(1);
            if (!receive_part(z_, socket_, parts[0], zv::dontwait)) continue;
            while (more_parts(z_, socket_)) {
                std::string part;
                if (!receive_part(z_, socket_, part, 0)) break;
                if (parts.size() < 16) parts.push_back(std::move(part));
            }
            answer(parts);
        }
    }

    void answer(const std::vector<std::string>& parts) {
        bool welcome = false;
        if (parts.size() == 7 && parts[5] == "CURVE" && parts[6].size() == 32) {
            char key[41];
            z_.z85_encode(key, reinterpret_cast<const std::uint8_t*>(parts[6].data()), 32);
            welcome = std::find(allowed_.begin(), allowed_.end(), key) != allowed_.end();
            if (!welcome) note("a peer at " + parts[3] + " has the key " + key + ", which is not among those let in");
        } else if (parts.size() >= 6) {
            note("a peer at " + parts[3] + " came with " + parts[5] + " instead of CURVE keys");
        }
        const std::string request = parts.size() > 1 ? parts[1] : "";
        const std::string reply[] = {"1.0", request, welcome ? "200" : "400", welcome ? "OK" : "not let in", "", ""};
        for (std::size_t i = 0; i < std::size(reply); ++i)
            z_.send(socket_, reply[i].data(), reply[i].size(), i + 1 < std::size(reply) ? zv::sndmore : 0);
    }

    void note(std::string text) {
        const std::lock_guard lock(mutex_);
        if (refused_.size() < 100) refused_.push_back(std::move(text));
    }

    const ZmqLibrary& z_;
    std::vector<std::string> allowed_;
    void* socket_;
    std::mutex mutex_;
    std::vector<std::string> refused_;
    std::jthread thread_;
};

class ZmqTransport final : public Transport {
public:
    explicit ZmqTransport(ZmqOptions options) : z_(zmq()), options_(std::move(options)) {
        if (!options_.secret_key.empty() && !z_.has("curve"))
            throw UsageError("this libzmq has no CURVE: encrypted addresses are not possible with it");
    }
    ~ZmqTransport() override { ZmqTransport::close(); }

    void open() override {
        if (socket_) return;
        context_ = z_.ctx_new();
        if (!context_) throw UsageError("libzmq has no context: " + told(z_));
        if (options_.prompt && real_time_granted()) {
            z_.ctx_set(context_, zv::thread_sched_policy, SCHED_FIFO);
            z_.ctx_set(context_, zv::thread_priority, io_priority);
        }
        try {
            start();
        } catch (...) {
            close();
            throw;
        }
    }

    void close() override {
        doorman_.reset();
        if (watch_) z_.close(watch_);
        if (socket_) z_.close(socket_);
        if (context_)
            while (z_.ctx_term(context_) != 0 && z_.errno_() == EINTR) {
            }
        watch_ = socket_ = context_ = nullptr;
        patience_ms_ = -1;
    }

    std::ptrdiff_t receive(std::span<std::byte> into, Nanoseconds most) override {
        if (!socket_) return -1;
        const int first = patience(most) ? 0 : zv::dontwait;  // the parts of a message come together
        if (options_.pattern == Pattern::route && !receive_part(z_, socket_, from_, first)) return -1;
        int n = z_.recv(socket_, into.data(), into.size(), options_.pattern == Pattern::route ? zv::dontwait : first);
        if (n < 0) return -1;
        // a REQ socket puts an empty part before its message
        if (n == 0 && options_.pattern == Pattern::route && more_parts(z_, socket_))
            n = z_.recv(socket_, into.data(), into.size(), zv::dontwait);
        if (!more_parts(z_, socket_)) return n;
        std::string rest;
        while (more_parts(z_, socket_) && receive_part(z_, socket_, rest, zv::dontwait)) {
        }
        return static_cast<std::ptrdiff_t>(into.size() + 1);  // of more parts: too long, whatever they hold
    }

    bool send(std::span<const std::byte> frame) override { return send_to(peer_, frame); }
    bool reply(std::span<const std::byte> frame) override { return send_to(from_, frame); }

    void answer_last() override { peer_ = from_; }
    std::string address() const override { return bound_.empty() ? options_.address : bound_; }

    // After a message that is too long, or one that is none of ZeroMQ's, libzmq gives a connection up for good.
    void mend() override {
        if (options_.bind || !watch_) return;
        read_events([](const std::string&) {});
        if (!lost_) return;
        lost_ = false;
        z_.disconnect(socket_, options_.address.c_str());
        z_.connect(socket_, options_.address.c_str());
    }

    std::vector<std::string> refusals() override {
        std::vector<std::string> all;
        if (doorman_) all = doorman_->refused();
        read_events([&](const std::string& peer) {
            if (options_.bind && all.size() < 100)
                all.push_back("a peer without the right keys was turned away at " + peer);
        });
        return all;
    }

private:
    // Whether the next receive waits, and if so how long. Done by the receive itself: polling first takes eight system
    // calls where one does.
    bool patience(Nanoseconds most) {
        const int wanted = static_cast<int>((most + 999'999) / 1'000'000);
        if (wanted > 0 && wanted != patience_ms_) set(zv::rcvtimeo, patience_ms_ = wanted, "rcvtimeo");
        return wanted > 0;
    }

    bool send_to(const std::string& peer, std::span<const std::byte> frame) {
        if (!socket_) return false;
        if (options_.pattern == Pattern::route) {
            if (peer.empty()) return false;
            if (z_.send(socket_, peer.data(), peer.size(), zv::dontwait | zv::sndmore) < 0) return false;
        }
        return z_.send(socket_, frame.data(), frame.size(), zv::dontwait) >= 0;
    }

    void set(int option, const void* value, std::size_t size, const char* what) {
        if (z_.setsockopt(socket_, option, value, size) != 0)
            throw UsageError(options_.address + ": " + what + " was refused: " + told(z_));
    }
    void set(int option, int value, const char* what) { set(option, &value, sizeof value, what); }
    void set(int option, const std::string& value, const char* what) {
        set(option, value.c_str(), value.size() + 1, what);
    }

    // Each event: its number and a value, then the address it is about.
    template <class Fn>
    void read_events(const Fn& failed) {
        std::string event, peer;
        while (watch_ && receive_part(z_, watch_, event, zv::dontwait)) {
            peer.clear();
            while (more_parts(z_, watch_) && receive_part(z_, watch_, peer, zv::dontwait)) {
            }
            std::uint16_t number = 0;
            if (event.size() >= sizeof number) std::memcpy(&number, event.data(), sizeof number);
            lost_ = number != zv::event_handshake_succeeded;
            if (number == zv::event_handshake_failed_no_detail || number == zv::event_handshake_failed_protocol)
                failed(peer);
        }
    }

    void watch_connections() {
        // who has no keys at all never comes before the doorman
        if (z_.monitor(socket_, "inproc://crumple.watch",
                       zv::event_disconnected | zv::event_handshake_failed_no_detail | zv::event_handshake_succeeded |
                           zv::event_handshake_failed_protocol | zv::event_handshake_failed_auth) != 0)
            return;
        watch_ = z_.socket(context_, zv::pair);
        if (watch_ && z_.connect(watch_, "inproc://crumple.watch") != 0) {
            z_.close(watch_);
            watch_ = nullptr;
        }
    }

    void start() {
        const int kind = options_.pattern == Pattern::subscribe ? zv::sub
                         : options_.pattern == Pattern::publish ? zv::pub
                                                                : zv::router;
        socket_ = z_.socket(context_, kind);
        if (!socket_) throw UsageError(options_.address + ": libzmq has no socket: " + told(z_));
        set(zv::linger, options_.pattern == Pattern::subscribe ? 0 : linger_ms, "linger");
        set(zv::rcvhwm, queue_length, "rcvhwm");
        set(zv::maxmsgsize, &longest_message, sizeof longest_message, "maxmsgsize");
        set(zv::reconnect_ivl, 20, "reconnect_ivl");  // and no longer each time: who comes back is found at once
        if (options_.address.find('[') != std::string::npos) set(zv::ipv6, 1, "ipv6");
        if (options_.pattern == Pattern::subscribe) set(zv::subscribe, "", 0, "subscribe");
        if (!options_.secret_key.empty()) encrypt();
        if (!options_.bind || !options_.secret_key.empty()) watch_connections();
        if (options_.bind) check_ipc(options_.address);
        const int done =
            options_.bind ? z_.bind(socket_, options_.address.c_str()) : z_.connect(socket_, options_.address.c_str());
        if (done != 0)
            throw UsageError(options_.address + (options_.bind ? " cannot be bound: " : " cannot be connected: ") +
                             told(z_) + (options_.bind ? ". Another program may have it." : ""));
        if (options_.bind) {
            char text[256];
            std::size_t size = sizeof text;
            if (z_.getsockopt(socket_, zv::last_endpoint, text, &size) == 0 && size > 0) bound_.assign(text, size - 1);
        }
    }

    void encrypt() {
        if (options_.bind) {
            doorman_.emplace(z_, context_, options_.allowed);
            set(zv::curve_server, 1, "CURVE");
            set(zv::zap_domain, "crumple", 7, "zap_domain");
        } else {
            set(zv::curve_serverkey, options_.allowed.at(0), "the key of the peer");
        }
        set(zv::curve_publickey, options_.public_key, "the public key");
        set(zv::curve_secretkey, options_.secret_key, "the secret key");
    }

    const ZmqLibrary& z_;
    ZmqOptions options_;
    void* context_ = nullptr;
    void* socket_ = nullptr;
    void* watch_ = nullptr;  // of connections
    int patience_ms_ = -1;
    bool lost_ = false;  // the last that was heard of the connection is that it ended
    std::optional<Doorman> doorman_;
    std::string bound_, from_, peer_;
};

}  // namespace

std::unique_ptr<Transport> make_zmq_transport(ZmqOptions options) {
    return std::make_unique<ZmqTransport>(std::move(options));
}

}  // namespace crumple
