// Starting worker processes.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace crumple {

// Starts a program in a process group of its own, which is killed when this process ends, however that happens.
// `memory` is its file descriptor 3, `output` its 1 and 2; it has no others. Throws UnitError.
pid_t spawn(const std::vector<std::string>& command, int memory, int output);

}  // namespace crumple
