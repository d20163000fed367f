// The dozen functions of libzmq that are used, found at run time: the wheel of pyzmq carries the library without its
// headers, and linking would need a system package. Values of constants: the ABI of libzmq 4, see zmq.h.
#pragma once

#include <cstddef>
#include <cstdint>

namespace crumple {

struct ZmqLibrary {
    void* (*ctx_new)();
    int (*ctx_set)(void*, int, int);
    int (*ctx_term)(void*);
    int (*ctx_shutdown)(void*);
    void* (*socket)(void*, int);
    int (*close)(void*);
    int (*setsockopt)(void*, int, const void*, std::size_t);
    int (*getsockopt)(void*, int, void*, std::size_t*);
    int (*bind)(void*, const char*);
    int (*connect)(void*, const char*);
    int (*disconnect)(void*, const char*);
    int (*send)(void*, const void*, std::size_t, int);
    int (*recv)(void*, void*, std::size_t, int);
    int (*errno_)();
    const char* (*strerror)(int);
    void (*version)(int*, int*, int*);
    int (*has)(const char*);
    int (*monitor)(void*, const char*, int);
    struct Poll {
        void* socket;
        int fd;
        short events, revents;
    };
    int (*poll)(Poll*, int, long);
    char* (*z85_encode)(char*, const std::uint8_t*, std::size_t);
};

// Throws UsageError where load_zmq was not called.
const ZmqLibrary& zmq();
namespace zmq_value {
// contexts
constexpr int thread_priority = 3, thread_sched_policy = 4;
// sockets
constexpr int pair = 0, pub = 1, sub = 2, rep = 4, router = 6;
// options
constexpr int subscribe = 6, rcvmore = 13, linger = 17, reconnect_ivl = 18, maxmsgsize = 22, rcvhwm = 24, rcvtimeo = 27,
              last_endpoint = 32, ipv6 = 42, curve_server = 47, curve_publickey = 48, curve_secretkey = 49,
              curve_serverkey = 50, zap_domain = 55;
// flags and events
constexpr int dontwait = 1, sndmore = 2, pollin = 1;

constexpr int event_disconnected = 0x0200, event_handshake_failed_no_detail = 0x0800,
              event_handshake_succeeded = 0x1000, event_handshake_failed_protocol = 0x2000,
              event_handshake_failed_auth = 0x4000;
}  // namespace zmq_value

}  // namespace crumple
