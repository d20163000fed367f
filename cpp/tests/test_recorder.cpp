#include <unistd.h>
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "check.hpp"
#include "crumple/world.hpp"
#include "units.hpp"

using namespace crumple;
using namespace crumple::test;
namespace fs = std::filesystem;

namespace {

struct Folder {
    Folder() {
        static int count = 0;
        path = fs::temp_directory_path() /
               ("crumple-recorder-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
        fs::create_directories(path);
    }
    ~Folder() { fs::remove_all(path); }
    fs::path path;
};

struct Npy {
    std::string header;
    std::vector<double> values;
    std::size_t rows = 0;
};

Npy read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    const std::string all((std::istreambuf_iterator<char>(file)), {});
    CHECK_EQUAL(all.substr(1, 5), "NUMPY");
    std::uint32_t length = 0;
    std::memcpy(&length, all.data() + 8, 4);
    Npy npy;
    npy.header = all.substr(12, length);
    CHECK_EQUAL((12 + length) % 64, 0u);
    const auto shape = npy.header.find("'shape': (");
    npy.rows = std::stoul(npy.header.substr(shape + 10));
    npy.values.resize((all.size() - 12 - length) / 8);
    if (!npy.values.empty()) std::memcpy(npy.values.data(), all.data() + 12 + length, npy.values.size() * 8);
    return npy;
}

}  // namespace

CASE(a_recording_has_a_row_for_every_communication_point) {
    const Folder folder;
    World world(Period(1, 100));
    world.add("lag", std::make_unique<Lag>(0.5));
    world.add("count", std::make_unique<Counter>());
    world.build();
    const auto recorder = std::make_shared<Recorder>(folder.path / "signals", world.columns({"count.n", "lag.y"}), 1);
    world.watch(recorder);
    world.reset();
    world.step(5000);
    world.end();
    const Npy npy = read(folder.path / "signals.npy");
    CHECK_EQUAL(npy.rows, 5001u);
    CHECK_EQUAL(npy.values.size(), 3 * 5001u);
    for (std::size_t k = 0; k <= 5000; ++k) {
        CHECK_EQUAL(npy.values[3 * k], static_cast<double>(k) / 100.0);
        CHECK_EQUAL(npy.values[3 * k + 1], static_cast<double>(k));
    }
    CHECK_CLOSE(npy.values[3 * 100 + 2], std::pow(0.98, 100), 1e-12);
    CHECK(npy.header.find("('count.n', '<f8'), ('lag.y', '<f8')") != std::string::npos);
}

CASE(a_recording_can_be_read_while_it_grows) {
    const Folder folder;
    World world(Period(1, 100));
    world.add("count", std::make_unique<Counter>());
    world.build();
    world.watch(std::make_shared<Recorder>(folder.path / "signals", world.columns({"count.n"}), 1));
    world.reset();
    world.step(1000);
    for (int wait = 0; wait < 2000 && read(folder.path / "signals.npy").rows < 1001; ++wait)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const Npy npy = read(folder.path / "signals.npy");
    CHECK_EQUAL(npy.rows, 1001u);
    CHECK_EQUAL(npy.values[2 * 1000 + 1], 1000.0);
}

CASE(more_rows_than_the_ring_holds_are_all_kept) {
    const Folder folder;
    World world(Period(1, 100));
    for (int i = 0; i < 300; ++i) world.add("c" + std::to_string(i), std::make_unique<Counter>());
    world.build();
    std::vector<std::string> names;
    for (const auto& unit : world.units()) names.push_back(unit + ".n");
    world.watch(std::make_shared<Recorder>(folder.path / "signals", world.columns(names), 1));
    world.reset();
    const std::size_t ticks = 10'000;  // 24 MB
    world.step(static_cast<Tick>(ticks));
    world.end();
    const Npy npy = read(folder.path / "signals.npy");
    const std::size_t width = npy.values.size() / npy.rows;
    CHECK_EQUAL(npy.rows, ticks + 1);
    for (std::size_t k = 0; k <= ticks; ++k)
        for (std::size_t i = 1; i < width; ++i) CHECK_EQUAL(npy.values[k * width + i], static_cast<double>(k));
}

CASE(columns_are_spread_over_files_that_numpy_accepts) {
    const Folder folder;
    World world(Period(1, 100));
    for (int i = 0; i < 1000; ++i) world.add("counter_number_" + std::to_string(i), std::make_unique<Counter>());
    world.build();
    std::vector<std::string> names;
    for (const auto& unit : world.units()) names.push_back(unit + ".n");
    const auto recorder = std::make_shared<Recorder>(folder.path / "signals", world.columns(names), 1);
    world.watch(recorder);
    world.reset();
    world.step(3);
    world.end();
    CHECK(recorder->files().size() > 1);
    std::size_t columns = 0;
    for (const auto& file : recorder->files()) {
        const Npy npy = read(file);
        CHECK(npy.header.size() < 10'000);
        CHECK_EQUAL(npy.rows, 4u);
        columns += npy.values.size() / npy.rows - 1;
    }
    CHECK_EQUAL(columns, 1000u);
}

CASE(a_slower_recording_keeps_every_nth_point) {
    const Folder folder;
    World world(Period(1, 100));
    world.add("count", std::make_unique<Counter>());
    world.build();
    world.watch(std::make_shared<Recorder>(folder.path / "signals", world.columns({"count.n"}), 7));
    world.reset();
    world.step(20);
    world.end();
    CHECK(read(folder.path / "signals.npy").values == std::vector<double>({0, 0, 0.07, 7, 0.14, 14}));
}

CASE(text_is_recorded_when_it_changes) {
    const Folder folder;
    World world(Period(1, 1));
    world.add("a", std::make_unique<Echo>("\"\n"));
    world.build();
    world.watch(std::make_shared<Recorder>(folder.path / "signals", world.columns({"a.out"}), 1));
    world.reset();
    world.step(5);  // the text stays the same
    world.end();
    std::ifstream file(folder.path / "signals.jsonl");
    const std::string all((std::istreambuf_iterator<char>(file)), {});
    CHECK_EQUAL(all, "{\"t\": 0, \"signal\": \"a.out\", \"value\": \"\\\"\\u000a\"}\n");
}

CASE(an_existing_recording_is_not_overwritten) {
    const Folder folder;
    std::ofstream(folder.path / "signals.npy") << "precious";
    CHECK_THROWS(RecordError, Recorder(folder.path / "signals", {}, 1), "cannot create");
    CHECK_THROWS(RecordError, Recorder(folder.path / "nowhere" / "signals", {}, 1), "cannot create");
}

CASE(a_full_disk_ends_the_run) {
    if (!fs::exists("/dev/full")) return;
    const Folder folder;
    World world(Period(1, 100));
    world.add("count", std::make_unique<Counter>());
    world.build();
    // the header is small enough for no one to notice; rows go to a device that is always full
    fs::create_symlink("/dev/full", folder.path / "full");
    struct Full final : Probe {
        explicit Full(const fs::path& path) : file(path) {}
        void observe(Tick, double, std::span<const double>, std::span<const Blob>) override {
            file << "row" << std::flush;
            if (!file) throw RecordError("cannot write " + std::string("/dev/full") + ": disk full");
        }
        std::ofstream file;
    };
    world.watch(std::make_shared<Full>(folder.path / "full"));
    CHECK_THROWS(RecordError, world.reset(), "disk full");
}

CASE(a_trace_keeps_the_same_rows_in_memory) {
    World world(Period(1, 100));
    world.add("count", std::make_unique<Counter>());
    world.add("text", std::make_unique<Echo>("x"));
    world.reset();
    const auto trace = std::make_shared<Trace>(world.columns({"count.n", "text.out"}));
    world.watch(trace);
    world.step(3);
    CHECK(trace->values() == std::vector<double>({0, 0, 0.01, 1, 0.02, 2, 0.03, 3}));
    CHECK_EQUAL(trace->rows(), 4u);
    CHECK_EQUAL(*trace->blobs().at(3), "x");
}
