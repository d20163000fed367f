#include "crumple/monitor.hpp"

#include "check.hpp"

#ifdef __linux__
#include <sys/mman.h>

#include <cstring>

using namespace crumple;

namespace {

// The other side: the same memory, mapped once more.
struct Looker {
    explicit Looker(const Monitor& monitor)
        : memory(static_cast<char*>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, monitor.descriptor(), 0))) {
    }
    ~Looker() { munmap(memory, size); }
    template <class T>
    T read(std::size_t offset) const {
        T x;
        std::memcpy(&x, memory + offset, sizeof x);
        return x;
    }
    void write(std::size_t offset, std::uint64_t x) { std::memcpy(memory + offset, &x, sizeof x); }
    void command(const std::string& text) {
        const auto n = read<std::uint64_t>(4352);
        std::memcpy(memory + 4416 + n % 64 * 256, text.data(), text.size());
        write(4352, n + 1);
    }
    static constexpr std::size_t size = 20992;
    char* memory;
};

constexpr Nanoseconds ms = 1'000'000;

}  // namespace

CASE(the_newest_frame_lies_in_shared_memory) {
    const auto clock = std::make_shared<VirtualClock>(50 * ms);
    Monitor monitor(clock, 2, R"(["a.x", "a.y"])", 100, 1e-3);
    const Looker looker(monitor);
    CHECK_EQUAL(std::string(looker.memory, 8), "CRMPVIEW");
    CHECK_EQUAL(looker.read<std::int64_t>(72), -1);  // no frame yet
    const std::vector<double> first{1.0, 2.0}, second{3.0, 4.0}, third{5.0, 6.0};
    const auto values_at = looker.read<std::uint64_t>(32);
    monitor.observe(0, 0.0, first, {});
    CHECK_EQUAL(looker.read<std::uint64_t>(64), 2U);
    monitor.observe(1, 0.001, second, {});  // too soon for another
    CHECK_EQUAL(looker.read<double>(values_at), 1.0);
    clock->advance(20 * ms);
    for (Tick tick = 2; tick < 12; ++tick) monitor.observe(tick, 0.002, third, {});
    CHECK_EQUAL(looker.read<double>(values_at + 8), 6.0);
    CHECK_EQUAL(looker.read<std::uint64_t>(64) % 2, 0U);
    monitor.close();
    CHECK_EQUAL(looker.read<std::uint32_t>(96), 3U);
}

CASE(commands_come_in_order_and_rubbish_does_no_harm) {
    const auto clock = std::make_shared<VirtualClock>();
    Monitor monitor(clock, 1, R"(["a.x"])", 100, 1e-3);
    Looker looker(monitor);
    CHECK(!monitor.commanded());
    looker.command("{\"do\": \"pause\"}");
    looker.command("{\"do\": \"resume\"}");
    CHECK(monitor.commanded());
    const auto taken = monitor.take();
    CHECK_EQUAL(taken.size(), 2U);
    CHECK_EQUAL(taken[1], "{\"do\": \"resume\"}");
    CHECK(!monitor.commanded());
    looker.write(4352, ~std::uint64_t{0});  // a count that makes no sense
    CHECK_EQUAL(monitor.take().size(), 64U);
    CHECK(!monitor.commanded());
    std::memset(looker.memory + 4416, 'x', 64 * 256);  // no ends
    looker.write(4352, 3);
    for (const auto& text : monitor.take()) CHECK(text.size() <= 256);
}

CASE(the_lateness_of_ticks_goes_round_in_a_ring) {
    const auto clock = std::make_shared<VirtualClock>();
    Monitor monitor(clock, 1, R"(["a.x"])", 100, 1e-3);
    const Looker looker(monitor);
    for (int i = 0; i < 258; ++i) monitor.paced(i * 1000, 1, i / 2, 1);
    CHECK_EQUAL(looker.read<std::uint64_t>(192), 258U);
    CHECK_CLOSE(looker.read<double>(256), 256e-6, 1e-12);
    CHECK_CLOSE(looker.read<double>(256 + 8 * 2), 2e-6, 1e-12);
    CHECK_EQUAL(looker.read<std::int64_t>(112), 128);
}
#endif
