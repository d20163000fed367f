// Shared libraries of FMUs. Opened RTLD_NOW | RTLD_LOCAL and never closed: FMUs leave threads, handlers and
// destructors behind that outlive a dlclose.
#pragma once

#include <string>

namespace crumple {

class Library {
public:
    // `private_copy`: a fresh image with its own global state, for FMUs that allow one instance per process.
    static Library open(const std::string& path, bool private_copy);

    // Null where the library has no such function.
    void* find(const char* symbol) const;
    const std::string& warning() const { return warning_; }  // empty: none

private:
    void* handle_ = nullptr;
    std::string warning_;
};

}  // namespace crumple
