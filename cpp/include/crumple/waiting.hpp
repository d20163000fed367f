// Waiting for others must not keep the interpreter, and must hear Ctrl-C.
#pragma once

#include <functional>

namespace crumple {

// Calls a function that waits, with whatever the host of this core wants around it (see the bindings). May throw.
std::function<void(const std::function<void()>&)>& around_waiting();

inline void wait_outside(const std::function<void()>& wait) {
    if (around_waiting())
        around_waiting()(wait);
    else
        wait();
}

}  // namespace crumple
