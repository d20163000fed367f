// What makes an FMU unit, as bytes for a worker.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "crumple/fmu.hpp"

namespace crumple {

std::string pack_fmu(const FmuSpec& spec, const FmuOptions& options);
// Throws BytesError.
std::pair<FmuSpec, FmuOptions> unpack_fmu(std::string_view bytes);

}  // namespace crumple
