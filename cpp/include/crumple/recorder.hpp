// Recording: probes that keep signals, in a file or in memory.
#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "crumple/probe.hpp"

namespace crumple {

// One output port in a recording.
struct Column {
    std::string name;                // "vehicle.speed"
    std::size_t offset;              // of its first element among the published signals (or blobs)
    std::size_t count;               // elements
    std::vector<std::size_t> shape;  // empty: scalar
    bool blob = false;
};

// Appends rows of (t, signals...) to NumPy files while the run goes on. The stepping thread copies a row into a ring;
// a writer thread of its own carries the ring to the file and then rewrites the row count in the header, so that the
// file can be loaded at any moment and after a kill. Columns are spread over several files where one NumPy header
// would grow past what numpy.load accepts by default (10,000 bytes). Strings go to a JSON-lines file, at each change.
class Recorder final : public Probe {
public:
    // `stem`: path without suffix, "run/signals-100us"; files are stem.npy, stem-2.npy, ... and stem.jsonl.
    Recorder(const std::filesystem::path& stem, std::vector<Column> columns, Tick every);
    ~Recorder() override;

    void observe(Tick tick, double t, std::span<const double> published, std::span<const Blob> blobs) override;
    void close() override;  // writes what is left, and ends the recording; throws RecordError

    std::vector<std::filesystem::path> files() const;

private:
    class File;
    void write_loop(const std::stop_token& stop);
    void drain();
    void check() const;

    Tick every_;
    std::atomic<bool> closed_ = false;
    std::vector<std::unique_ptr<File>> files_;
    std::atomic<bool> failed_ = false;
    std::string failure_;  // written by the writer before failed_
    std::jthread writer_;
};

// Keeps rows in memory, for short runs and for tests.
class Trace final : public Probe {
public:
    explicit Trace(std::vector<Column> columns, Tick every = 1);
    void observe(Tick tick, double t, std::span<const double> published, std::span<const Blob> blobs) override;

    const std::vector<Column>& columns() const { return columns_; }
    std::size_t rows() const { return rows_; }
    std::size_t width() const { return width_; }                   // numbers per row, the time included
    void clear();                                                  // forgets what it kept
    const std::vector<double>& values() const { return values_; }  // (rows, width): t, then the columns
    const std::vector<Blob>& blobs() const { return blobs_; }      // (rows, blob elements)

private:
    std::vector<Column> columns_;
    Tick every_;
    std::size_t width_ = 1, rows_ = 0;
    std::vector<double> values_;
    std::vector<Blob> blobs_;
};

}  // namespace crumple
