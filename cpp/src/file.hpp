// What a recording asks of the operating system beyond the standard library.
#pragma once

#include <cstdint>
#include <cstdio>

namespace crumple {

struct FileState {
    std::uint64_t bytes;
    bool removed;  // no folder holds it any more
};

FileState state_of(std::FILE* file);  // throws RecordError

// Carries what was written to the disk. False where that failed; errno says why.
bool sync(std::FILE* file);

// From now on no signal is handled on this thread: a write is not interrupted by Ctrl-C, and one that passes a limit on
// the size of files fails instead of ending the process.
void block_signals();

}  // namespace crumple
