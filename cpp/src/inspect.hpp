// What a unit may have changed in its process.
#pragma once

#include "crumple/worker.hpp"

namespace crumple {

Inspection inspect();
std::size_t count_threads();

}  // namespace crumple
