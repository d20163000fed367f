#include "crumple/random.hpp"

namespace crumple {

std::uint64_t stream_seed(std::uint64_t seed, std::string_view unit) {
    std::uint64_t hash = 0xcbf29ce484222325ULL;  // FNV-1a of the name
    for (unsigned char c : unit) hash = (hash ^ c) * 0x100000001b3ULL;
    Random mixer(hash ^ Random(seed).next());
    return mixer.next();
}

}  // namespace crumple
