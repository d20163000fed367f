#include "zmq_library.hpp"

#include <dlfcn.h>

#include <mutex>
#include <string>

#include "crumple/error.hpp"
#include "crumple/transport.hpp"

namespace crumple {

namespace {

std::mutex& guard() {
    static std::mutex mutex;
    return mutex;
}

ZmqLibrary library{};
bool loaded = false;

template <class Function>
void find(void* handle, const char* name, Function& function, const std::string& file) {
    void* const found = dlsym(handle, name);
    if (!found) throw UsageError(file + " is not libzmq 4.2 or newer: it has no " + name);
    function = reinterpret_cast<Function>(found);
}

}  // namespace

void load_zmq(const std::string& file) {
    const std::lock_guard lock(guard());
    if (loaded) return;
    // the one that is loaded already, where it is: two copies of libzmq would be two worlds of inproc addresses
    void* handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
    if (!handle) handle = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!handle) throw UsageError("libzmq cannot be loaded: " + std::string(dlerror()));
    ZmqLibrary l{};
    find(handle, "zmq_ctx_new", l.ctx_new, file);
    find(handle, "zmq_ctx_set", l.ctx_set, file);
    find(handle, "zmq_ctx_term", l.ctx_term, file);
    find(handle, "zmq_ctx_shutdown", l.ctx_shutdown, file);
    find(handle, "zmq_socket", l.socket, file);
    find(handle, "zmq_close", l.close, file);
    find(handle, "zmq_setsockopt", l.setsockopt, file);
    find(handle, "zmq_getsockopt", l.getsockopt, file);
    find(handle, "zmq_bind", l.bind, file);
    find(handle, "zmq_connect", l.connect, file);
    find(handle, "zmq_disconnect", l.disconnect, file);
    find(handle, "zmq_send", l.send, file);
    find(handle, "zmq_recv", l.recv, file);
    find(handle, "zmq_errno", l.errno_, file);
    find(handle, "zmq_strerror", l.strerror, file);
    find(handle, "zmq_version", l.version, file);
    find(handle, "zmq_has", l.has, file);
    find(handle, "zmq_socket_monitor", l.monitor, file);
    find(handle, "zmq_poll", l.poll, file);
    find(handle, "zmq_z85_encode", l.z85_encode, file);
    int major = 0, minor = 0, patch = 0;
    l.version(&major, &minor, &patch);
    if (major != 4 || minor < 2)
        throw UsageError(file + " is libzmq " + std::to_string(major) + "." + std::to_string(minor) +
                         "; 4.2 or a newer 4 is needed");
    library = l;
    loaded = true;
}

bool zmq_loaded() {
    const std::lock_guard lock(guard());
    return loaded;
}

std::string zmq_version() {
    if (!zmq_loaded()) return {};
    int major = 0, minor = 0, patch = 0;
    library.version(&major, &minor, &patch);
    return std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(patch) +
           (library.has("curve") ? " with CURVE" : " without CURVE");
}

const ZmqLibrary& zmq() {
    if (!zmq_loaded()) throw UsageError("libzmq is not loaded");
    return library;
}

}  // namespace crumple
