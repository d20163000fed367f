#include "crumple/recorder.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "crumple/error.hpp"
#include "file.hpp"

namespace crumple {

namespace {

// numpy.load refuses headers over 10,000 bytes by default.
constexpr std::size_t most_header = 9'900;
// The row count stands at a fixed place, padded with blanks, so that it can be rewritten alone.
constexpr std::size_t count_width = 20;
// Rows wait in the ring while the writer sleeps or the disk stalls: 100 columns at 1 MHz fill 4 MiB in 5 ms.
constexpr std::size_t ring_bytes = std::size_t{4} << 20;
// How long a row may stay unwritten where the machine lets the writer run; also about the most that kill -9 can cost.
constexpr auto flush_every = std::chrono::milliseconds(2);

std::string quoted(const std::string& name) {  // a Python string literal
    std::string text = "'";
    for (char c : name) {
        if (c == '\n' || c == '\r') {  // FMI names may hold them; the header is one line
            text += c == '\n' ? "\\n" : "\\r";
            continue;
        }
        if (c == '\'' || c == '\\') text += '\\';
        text += c;
    }
    return text + "'";
}

std::string descr(const Column& column) {
    std::string text = "(" + quoted(column.name) + ", '<f8'";
    if (!column.shape.empty()) {
        text += ", (";
        for (std::size_t n : column.shape) text += std::to_string(n) + ",";
        text += ")";
    }
    return text + "), ";
}

std::string json(const std::string& text) {
    std::string out = "\"";
    for (unsigned char c : text) {
        char escaped[8];
        if (c == '"' || c == '\\') {
            out += '\\';
            out += static_cast<char>(c);
        } else if (c < 0x20) {
            std::snprintf(escaped, sizeof escaped, "\\u%04x", c);
            out += escaped;
        } else {
            out += static_cast<char>(c);
        }
    }
    return out + "\"";
}

struct Run {
    std::size_t from, count;  // among the published signals
};

}  // namespace

// One file and the ring that feeds it. The stepping thread writes at head_, the writer thread reads up to it.
class Recorder::File {
public:
    File(std::filesystem::path path, std::vector<Column> columns, bool numbers)
        : path_(std::move(path)), columns_(std::move(columns)), numbers_(numbers) {
        stream_.reset(std::fopen(path_.c_str(), "w+bx"));  // x: a recording never overwrites another
        if (!stream_) throw RecordError("cannot create " + path_.string() + ": " + std::strerror(errno));
        std::setvbuf(stream_.get(), nullptr, _IONBF, 0);
        if (numbers_) {
            row_ = sizeof(double);
            for (const Column& column : columns_) {
                row_ += column.count * sizeof(double);
                if (!runs_.empty() && runs_.back().from + runs_.back().count == column.offset)
                    runs_.back().count += column.count;
                else
                    runs_.push_back({column.offset, column.count});
            }
            write_header();
            ring_.resize(std::max<std::size_t>(ring_bytes / row_, 16) * row_);
        } else {
            last_.resize(blob_count());
            ring_.resize(ring_bytes);
        }
    }

    const std::filesystem::path& path() const { return path_; }

    void put_row(double t, const double* published, const std::atomic<bool>& failed) {
        char* to = claim(row_, failed);
        if (!to) return;
        std::memcpy(to, &t, sizeof t);
        to += sizeof t;
        for (const Run& run : runs_) {
            std::memcpy(to, published + run.from, run.count * sizeof(double));
            to += run.count * sizeof(double);
        }
        // the writer has read this part of the ring since: fetch the next row's place back for writing by the time it
        // is needed (saves a tenth of the cost of recording a hundred columns)
        const std::size_t head = head_.load(std::memory_order_relaxed) + row_;
        const char* next = ring_.data() + head % ring_.size();
        for (std::size_t i = 0; i < row_; i += 64) __builtin_prefetch(next + i, 1);
        head_.store(head, std::memory_order_release);
    }

    void put_changes(double t, std::span<const Blob> blobs, const std::atomic<bool>& failed) {
        std::size_t k = 0;
        for (const Column& column : columns_) {
            for (std::size_t i = 0; i < column.count; ++i, ++k) {
                const Blob& blob = blobs[column.offset + i];
                if (seen_ && same_blob(blob, last_[k])) continue;
                last_[k] = blob;
                char time[32];  // not by snprintf: an FMU may have changed the locale, and with it the decimal point
                const std::string t_text(time, std::to_chars(time, time + sizeof time, t).ptr);
                const std::string element = column.shape.empty() ? "" : "[" + std::to_string(i) + "]";
                put_text("{\"t\": " + t_text + ", \"signal\": " + json(column.name + element) +
                             ", \"value\": " + json(blob ? *blob : "") + "}\n",
                         failed);
            }
        }
        seen_ = true;
    }

    // On the writer thread: what is there now is what the next drain() carries out.
    void mark() { until_ = head_.load(std::memory_order_acquire); }

    // On the writer thread: carries what was there at mark(); throws RecordError. Rows that still fit are kept.
    void drain() {
        std::size_t tail = tail_.load(std::memory_order_relaxed);
        if (tail == until_) return;
        check_length(tail);
        seek(0, SEEK_END);
        int failure = 0;  // errno
        while (tail < until_ && failure == 0) {
            const std::size_t at = tail % ring_.size();
            const std::size_t n = std::min(until_ - tail, ring_.size() - at);
            const std::size_t done = std::fwrite(ring_.data() + at, 1, n, stream_.get());
            if (done != n) failure = errno;
            tail += done;
            tail_.store(tail, std::memory_order_release);
        }
        check_length(tail);
        if (numbers_) {
            char count[count_width + 1];
            std::snprintf(count, sizeof count, "%*zu", static_cast<int>(count_width), tail / row_);
            seek(static_cast<long>(count_at_), SEEK_SET);
            write(count, count_width);
        }
        if (failure != 0) {
            errno = failure;
            complain();
        }
    }

    // After the last drain(): all is on the disk, or RecordError. Some file systems tell of a failure only now.
    void finish() {
        if (!stream_) return;
        check_length(tail_.load(std::memory_order_relaxed));
        if (!sync(stream_.get())) complain();
        stream_.reset();
        std::vector<char>().swap(ring_);  // nothing is put in any more
    }

    static std::size_t header_bytes(const std::vector<Column>& columns) {
        std::size_t bytes = 256;
        for (const Column& column : columns) bytes += descr(column).size();
        return bytes;
    }

private:
    std::size_t blob_count() const {
        std::size_t n = 0;
        for (const Column& column : columns_) n += column.count;
        return n;
    }

    // Room for n bytes in one piece; waits for the writer where there is none. Null once the writer has failed.
    char* claim(std::size_t n, const std::atomic<bool>& failed) {
        const std::size_t head = head_.load(std::memory_order_relaxed);
        while (ring_.size() - (head - tail_.load(std::memory_order_acquire)) < n) {
            if (failed.load(std::memory_order_acquire)) return nullptr;
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
        return ring_.data() + head % ring_.size();
    }

    void put_text(const std::string& text, const std::atomic<bool>& failed) {
        for (std::size_t done = 0; done < text.size();) {
            const std::size_t head = head_.load(std::memory_order_relaxed);
            const std::size_t n = std::min({text.size() - done, ring_.size() - head % ring_.size(), ring_.size() / 4});
            char* to = claim(n, failed);
            if (!to) return;
            std::memcpy(to, text.data() + done, n);
            head_.store(head + n, std::memory_order_release);
            done += n;
        }
    }

    void write_header() {
        std::string dict = "{'descr': [('t', '<f8'), ";
        for (const Column& column : columns_) dict += descr(column);
        dict += "], 'fortran_order': False, 'shape': (";
        const std::string magic("\x93NUMPY\x03\x00", 8);  // version 3: names in UTF-8, four bytes of header length
        // within one page of the file, so that a kill cannot leave half of a new count
        while ((magic.size() + 4 + dict.size()) % 64 + count_width > 64) dict += ' ';
        count_at_ = magic.size() + 4 + dict.size();
        dict += std::string(count_width - 1, ' ') + "0,)}";
        while ((magic.size() + 4 + dict.size() + 1) % 64 != 0) dict += ' ';
        dict += '\n';
        const auto length = static_cast<std::uint32_t>(dict.size());
        const char little[4] = {static_cast<char>(length & 255), static_cast<char>(length >> 8 & 255),
                                static_cast<char>(length >> 16 & 255), static_cast<char>(length >> 24)};
        const std::string all = magic + std::string(little, 4) + dict;
        write(all.data(), all.size());
        rows_at_ = all.size();
    }

    void seek(long to, int from) {
        if (std::fseek(stream_.get(), to, from) != 0) complain();
    }

    void write(const char* from, std::size_t n) {
        if (std::fwrite(from, 1, n, stream_.get()) != n) complain();
    }

    // Rows are found by their place. Where another program cut the file, what is appended would be found in wrong ones.
    void check_length(std::size_t carried) const {
        const FileState now = state_of(stream_.get());
        if (now.removed) throw RecordError(path_.string() + " was removed while it was being written");
        if (now.bytes != rows_at_ + carried)
            throw RecordError(path_.string() + " was changed by another program while it was being written: it has " +
                              std::to_string(now.bytes) + " bytes, and " + std::to_string(rows_at_ + carried) +
                              " were written");
    }

    [[noreturn]] void complain() const {
        throw RecordError("cannot write " + path_.string() + ": " + std::strerror(errno));
    }

    std::filesystem::path path_;
    std::vector<Column> columns_;
    bool numbers_;
    struct Close {
        void operator()(std::FILE* stream) const { std::fclose(stream); }
    };
    std::unique_ptr<std::FILE, Close> stream_;
    std::size_t row_ = 0;       // [bytes]
    std::size_t count_at_ = 0;  // where the row count stands in the file
    std::size_t rows_at_ = 0;   // where the first row begins; 0 for strings
    std::size_t until_ = 0;     // bytes put in at the last mark(); the writer thread's own
    std::vector<Run> runs_;
    std::vector<Blob> last_;  // what the file says now; touched by the stepping thread only
    bool seen_ = false;
    std::vector<char> ring_;
    alignas(64) std::atomic<std::size_t> head_{0};  // bytes put in, ever; written by the stepping thread
    alignas(64) std::atomic<std::size_t> tail_{0};  // bytes carried out, ever; written by the writer thread
};

Recorder::Recorder(const std::filesystem::path& stem, std::vector<Column> columns, Tick every) : every_(every) {
    if (every < 1) throw RecordError("recording every " + std::to_string(every) + " ticks: it counts from 1");
    const auto numbered = [&](std::size_t i, const char* suffix) {
        return std::filesystem::path(stem.string() + (i ? "-" + std::to_string(i + 1) : "") + suffix);
    };
    std::vector<Column> batch, blobs;
    std::size_t made = 0;
    const auto flush = [&] {
        files_.push_back(std::make_unique<File>(numbered(made++, ".npy"), std::move(batch), true));
        batch.clear();
    };
    for (Column& column : columns) {
        if (column.blob) {
            blobs.push_back(std::move(column));
            continue;
        }
        batch.push_back(std::move(column));
        if (batch.size() > 1 && File::header_bytes(batch) > most_header) {
            Column last = std::move(batch.back());
            batch.pop_back();
            flush();
            batch.push_back(std::move(last));
        }
    }
    if (!batch.empty() || made == 0) flush();  // strings alone have the times of their rows besides
    if (!blobs.empty())
        files_.insert(files_.begin(), std::make_unique<File>(numbered(0, ".jsonl"), std::move(blobs), false));
    writer_ = std::jthread([this](const std::stop_token& stop) { write_loop(stop); });
}

Recorder::~Recorder() {
    writer_.request_stop();
    if (writer_.joinable()) writer_.join();
}

void Recorder::observe(Tick tick, double t, std::span<const double> published, std::span<const Blob> blobs) {
    if (closed_.load(std::memory_order_relaxed) || (every_ != 1 && tick % every_ != 0)) return;
    check();
    for (const auto& file : files_) {
        if (file->path().extension() == ".jsonl")
            file->put_changes(t, blobs, failed_);
        else
            file->put_row(t, published.data(), failed_);
    }
}

void Recorder::write_loop(const std::stop_token& stop) {
    block_signals();
    for (;;) {
        const bool last = stop.stop_requested();  // before the drain: nothing is put in after the request
        try {
            drain();
        } catch (const RecordError& error) {
            failure_ = error.what();
            failed_.store(true, std::memory_order_release);
            return;
        }
        if (last) return;
        std::this_thread::sleep_for(flush_every);
    }
}

// Strings stand first in files_. A row is put in after the strings that belong to it, and is marked before them: so
// wherever a kill comes, the files hold no row whose strings are missing.
void Recorder::drain() {
    for (auto file = files_.rbegin(); file != files_.rend(); ++file) (*file)->mark();
    for (const auto& file : files_) file->drain();
}

void Recorder::check() const {
    if (failed_.load(std::memory_order_acquire)) throw RecordError(failure_);
}

void Recorder::close() {
    closed_ = true;
    writer_.request_stop();
    if (writer_.joinable()) writer_.join();
    check();
    for (const auto& file : files_) file->finish();
}

std::vector<std::filesystem::path> Recorder::files() const {
    std::vector<std::filesystem::path> paths;
    for (const auto& file : files_) paths.push_back(file->path());
    return paths;
}

Trace::Trace(std::vector<Column> columns, Tick every) : columns_(std::move(columns)), every_(every) {
    if (every < 1) throw RecordError("tracing every " + std::to_string(every) + " ticks: it counts from 1");
    for (const Column& column : columns_)
        if (!column.blob) width_ += column.count;
}

void Trace::clear() {
    rows_ = 0;
    values_.clear();
    blobs_.clear();
}

void Trace::observe(Tick tick, double t, std::span<const double> published, std::span<const Blob> blobs) {
    if (every_ != 1 && tick % every_ != 0) return;
    values_.push_back(t);
    for (const Column& column : columns_) {
        if (column.blob)
            blobs_.insert(blobs_.end(), blobs.begin() + static_cast<std::ptrdiff_t>(column.offset),
                          blobs.begin() + static_cast<std::ptrdiff_t>(column.offset + column.count));
        else
            values_.insert(values_.end(), published.begin() + static_cast<std::ptrdiff_t>(column.offset),
                           published.begin() + static_cast<std::ptrdiff_t>(column.offset + column.count));
    }
    ++rows_;
}

}  // namespace crumple
