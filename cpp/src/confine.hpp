// What a worker may not do.
#pragma once

#include <sys/types.h>

#include <cstdint>

namespace crumple {

struct Confinement {
    std::uint64_t memory = 0;     // [bytes] private memory, 0: no limit
    std::uint64_t file_size = 0;  // [bytes] of any file it writes, 0: no limit
    bool processes = false;       // may start other processes
    bool network = true;          // may open network sockets
    bool write = false;           // may write to files
};

// Confines this process for good, and all that it starts. Throws UnitError where the system cannot deny processes or
// network; what else it cannot is left out: to protect `host`, and to deny writing.
void confine(const Confinement& limits, pid_t host);
// Only the protection of the host: it cannot be killed or traced from here, and none can leave the process group by
// which the host ends them all.
void protect(pid_t host);

// What the worker's own forks show where other processes are denied: the fifth argument of clone, which that ignores.
std::uint32_t fork_secret();

}  // namespace crumple
