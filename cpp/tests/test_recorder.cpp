#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

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

// Steps until the recording fails; the writer tells a while after the row that it could not write.
void step_on(World& world) {
    for (int i = 0; i < 2000; ++i) {
        world.step(100);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

// The number of its last tick as text, new in every tick.
class Speaker final : public Unit {
public:
    Speaker() {
        ports_.outputs = {real("text")};
        ports_.outputs[0].kind = Kind::string;
        ports_.outputs[0].start_blobs = {"0"};
    }
    const Ports& ports() const override { return ports_; }
    void reset(const Start&, const Io& io) override { say(0, io); }
    void step(const Step& now, const Io& io) override { say(now.tick + 1, io); }

private:
    static void say(Tick tick, const Io& io) {
        io.out_blobs[0] = std::make_shared<const std::string>(std::to_string(tick));
    }
    Ports ports_;
};

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

CASE(a_file_that_cannot_grow_ends_the_run_and_keeps_what_was_written) {
    const Folder folder;
    World world(Period(1, 100));
    world.add("count", std::make_unique<Counter>());
    world.build();
    const auto recorder = std::make_shared<Recorder>(folder.path / "run", world.columns({"count.n"}), 1);
    world.watch(recorder);
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);  // the write fails instead
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{4096, before.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    std::string told;
    try {
        world.reset();
        while (std::chrono::steady_clock::now() < until) {
            world.step(10);
            std::this_thread::sleep_for(std::chrono::milliseconds(5));  // so that the rows reach the file bit by bit
        }
    } catch (const RecordError& error) {
        told = error.what();
    }
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK(told.find("cannot write") != std::string::npos);
    const Npy npy = read(folder.path / "run.npy");
    CHECK(npy.rows > 50);
    CHECK(npy.rows < 256);  // rows of 16 bytes
    for (std::size_t row = 0; row < npy.rows; ++row) CHECK_EQUAL(npy.values.at(2 * row + 1), static_cast<double>(row));
}

CASE(a_file_that_another_program_cuts_ends_the_run_before_a_row_stands_in_a_wrong_place) {
    const Folder folder;
    World world(Period(1, 100));
    world.add("count", std::make_unique<Counter>());
    world.build();
    world.watch(std::make_shared<Recorder>(folder.path / "signals", world.columns({"count.n"}), 1));
    world.reset();
    world.step(1000);
    const fs::path file = folder.path / "signals.npy";
    for (int wait = 0; wait < 2000 && read(file).rows < 1001; ++wait)
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    const auto kept = fs::file_size(file) - 500 * 16 - 3;
    fs::resize_file(file, kept);
    CHECK_THROWS(RecordError, step_on(world), "was changed by another program");
    CHECK_EQUAL(fs::file_size(file), kept);
}

CASE(a_file_that_is_removed_ends_the_run) {
    const Folder folder;
    World world(Period(1, 100));
    world.add("count", std::make_unique<Counter>());
    world.build();
    world.watch(std::make_shared<Recorder>(folder.path / "signals", world.columns({"count.n"}), 1));
    world.reset();
    fs::remove(folder.path / "signals.npy");
    CHECK_THROWS(RecordError, step_on(world), "was removed");
}

CASE(a_row_is_never_there_before_its_text) {
    const Folder folder;
    World world(Period(1, 100));
    world.add("speaker", std::make_unique<Speaker>());
    world.add("count", std::make_unique<Counter>());
    world.build();
    world.watch(std::make_shared<Recorder>(folder.path / "signals", world.columns({"count.n", "speaker.text"}), 1));
    world.reset();
    const fs::path texts = folder.path / "signals.jsonl";
    const auto count_at = static_cast<off_t>(12 + read(folder.path / "signals.npy").header.find("'shape': (") + 10);
    const int file = ::open((folder.path / "signals.npy").c_str(), O_RDONLY);
    std::atomic<bool> done = false;
    std::jthread stepping([&] {
        for (int i = 0; i < 300; ++i) {
            world.step(20);
            std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        done = true;
    });
    std::vector<std::pair<std::size_t, std::size_t>> seen;  // rows, then bytes of text: what a kill would leave
    while (!done) {
        char count[64] = {};
        CHECK(::pread(file, count, 63, count_at) > 0);
        seen.emplace_back(std::stoul(count), fs::file_size(texts));
    }
    ::close(file);
    stepping.join();
    world.end();
    std::vector<std::size_t> ends;  // of the lines [bytes]
    std::ifstream lines(texts);
    std::size_t bytes = 0;
    for (std::string line; std::getline(lines, line);) ends.push_back(bytes += line.size() + 1);
    CHECK_EQUAL(ends.size(), 6001u);
    for (const auto& [rows, size] : seen)
        CHECK(static_cast<std::size_t>(std::upper_bound(ends.begin(), ends.end(), size) - ends.begin()) >= rows);
}

CASE(text_alone_has_the_times_of_its_rows) {
    const Folder folder;
    World world(Period(1, 100));
    world.add("speaker", std::make_unique<Speaker>());
    world.build();
    world.watch(std::make_shared<Recorder>(folder.path / "signals", world.columns({"speaker.text"}), 1));
    world.reset();
    world.step(3);
    world.end();
    CHECK(read(folder.path / "signals.npy").values == std::vector<double>({0, 0.01, 0.02, 0.03}));
}

CASE(a_probe_that_fails_ends_the_run_at_its_tick) {
    struct Failing final : Probe {
        void observe(Tick tick, double, std::span<const double>, std::span<const Blob>) override {
            if (tick == 3) throw RecordError("no room for tick 3");
        }
    };
    World world(Period(1, 100));
    world.add("count", std::make_unique<Counter>());
    world.build();
    world.watch(std::make_shared<Failing>());
    world.reset();
    CHECK_THROWS(RecordError, world.step(10), "no room for tick 3");
    CHECK_EQUAL(world.tick(), 3);
    CHECK_THROWS(UsageError, world.step(1), "an earlier step failed");
    world.reset();  // from here on it may go again
    CHECK_EQUAL(world.tick(), 0);
    world.step(2);
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
