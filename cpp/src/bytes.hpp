// Values as bytes, little-endian, and back. The reader trusts no length.
#pragma once

#include <bit>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "crumple/error.hpp"
#include "crumple/port.hpp"

namespace crumple {

// Bytes that end too early, go on too long, or hold a number that cannot be.
class BytesError : public Error {
public:
    using Error::Error;
};

class ByteWriter {
public:
    void text(std::string_view bytes) { out_.append(bytes); }
    void number(std::uint64_t x) {
        for (int shift = 0; shift < 64; shift += 8) out_ += static_cast<char>(x >> shift & 255);
    }
    void real(double x) { number(std::bit_cast<std::uint64_t>(x)); }
    void sized(std::string_view bytes) {
        number(bytes.size());
        text(bytes);
    }
    void reals(std::span<const double> values) {
        number(values.size());
        for (double x : values) real(x);
    }
    void blobs(std::span<const Blob> values) {
        number(values.size());
        for (const Blob& blob : values) sized(blob ? std::string_view(*blob) : std::string_view());
    }
    const std::string& bytes() const { return out_; }
    std::string take() { return std::move(out_); }

private:
    std::string out_;
};

class ByteReader {
public:
    explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

    std::string_view text(std::uint64_t n) {
        if (n > rest_.size()) throw BytesError("they end too early");
        const std::string_view part = rest_.substr(0, n);
        rest_.remove_prefix(n);
        return part;
    }
    std::uint64_t number() {
        const std::string_view part = text(8);
        std::uint64_t x = 0;
        for (std::size_t i = 0; i < 8; ++i)
            x |= static_cast<std::uint64_t>(static_cast<unsigned char>(part[i])) << 8 * i;
        return x;
    }
    double real() { return std::bit_cast<double>(number()); }
    // A count of things that take at least a byte each.
    std::uint64_t count() {
        const std::uint64_t n = number();
        if (n > rest_.size()) throw BytesError("they end too early");
        return n;
    }
    std::string_view sized() { return text(number()); }
    std::vector<double> reals() {
        std::vector<double> values(count());
        for (double& x : values) x = real();
        return values;
    }
    std::vector<Blob> blobs() {
        std::vector<Blob> values(count());
        for (Blob& blob : values) blob = std::make_shared<const std::string>(sized());
        return values;
    }
    void end() const {
        if (!rest_.empty()) throw BytesError("bytes follow the end");
    }

private:
    std::string_view rest_;
};

}  // namespace crumple
