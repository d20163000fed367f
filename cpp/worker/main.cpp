// The worker program: one FMU, called for a process that runs a world. Not for users; see serve() in worker.hpp.

#include <unistd.h>

#include <cstdio>

#include "crumple/worker.hpp"

int main() {
    if (lseek(3, 0, SEEK_END) <= 0) {
        std::fputs("crumple-worker runs one unit for a world in another process, which starts it. Use `crumple`.\n",
                   stderr);
        return 2;
    }
    crumple::Host host;
    host.make = crumple::make_fmu_from_recipe;
    _exit(crumple::serve(3, std::move(host)));  // no exit handlers: those of the FMU are of no interest any more
}
