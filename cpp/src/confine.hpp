// What a worker may not do.
#pragma once

#include <cstdint>

namespace crumple {

struct Confinement {
    std::uint64_t memory = 0;     // [bytes] private memory, 0: no limit
    std::uint64_t file_size = 0;  // [bytes] of any file it writes, 0: no limit
    bool processes = true;        // may start other processes
    bool network = true;          // may open network sockets
};

// Confines this process for good. Throws UnitError where the system cannot.
void confine(const Confinement& limits);

}  // namespace crumple
