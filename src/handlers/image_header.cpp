#include "handlers/image_header.hpp"

#include <cstdlib>

namespace rcq::handlers {

namespace {

using namespace std::string_view_literals;

// Unsigned integers in the bytes; the caller has looked at the length.
std::uint32_t big(std::string_view bytes, std::size_t at, int count) {
    std::uint32_t number = 0;
    for (int i = 0; i < count; ++i) number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
    return number;
}
std::uint32_t little(std::string_view bytes, std::size_t at, int count) {
    std::uint32_t number = 0;
    for (int i = count - 1; i >= 0; --i) number = number << 8 | static_cast<unsigned char>(bytes[at + i]);
    return number;
}

// The frame header (SOF0 to SOF15) comes after segments of any length.
std::optional<ImageHeader> read_jpeg(std::string_view bytes) {
    std::size_t at = 2;
    while (at + 9 <= bytes.size() && bytes[at] == '\xff') {
        const auto marker = static_cast<unsigned char>(bytes[at + 1]);
        if (marker == 0xff) { // fill byte
            ++at;
            continue;
        }
        const bool frame = marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
        if (frame) return ImageHeader{ImageFormat::jpeg, big(bytes, at + 7, 2), big(bytes, at + 5, 2)};
        at += 2;
        if (marker != 0x01 && (marker < 0xd0 || marker > 0xd8)) at += big(bytes, at, 2);
    }
    return std::nullopt;
}

// Three kinds of first chunk: lossy, lossless, extended.
std::optional<ImageHeader> read_webp(std::string_view bytes) {
    if (bytes.size() < 30) return std::nullopt;
    const std::string_view chunk = bytes.substr(12, 4);
    if (chunk == "VP8 ") {
        return ImageHeader{ImageFormat::webp, little(bytes, 26, 2) & 0x3fff, little(bytes, 28, 2) & 0x3fff};
    }
    if (chunk == "VP8L") {
        const std::uint32_t bits = little(bytes, 21, 4);
        return ImageHeader{ImageFormat::webp, (bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1};
    }
    if (chunk == "VP8X") return ImageHeader{ImageFormat::webp, little(bytes, 24, 3) + 1, little(bytes, 27, 3) + 1};
    return std::nullopt;
}

std::optional<ImageHeader> read_bmp(std::string_view bytes) {
    if (bytes.size() < 26) return std::nullopt;
    if (little(bytes, 14, 4) == 12) return ImageHeader{ImageFormat::bmp, little(bytes, 18, 2), little(bytes, 20, 2)};
    const auto height = static_cast<std::int32_t>(little(bytes, 22, 4)); // negative: rows from the top
    return ImageHeader{ImageFormat::bmp, little(bytes, 18, 4), std::llabs(height)};
}

} // namespace

std::optional<ImageHeader> read_image_header(std::string_view bytes) {
    if (bytes.starts_with("\x89PNG\r\n\x1a\n"sv) && bytes.size() >= 24) {
        return ImageHeader{ImageFormat::png, big(bytes, 16, 4), big(bytes, 20, 4)};
    }
    if (bytes.starts_with("\xff\xd8\xff"sv)) return read_jpeg(bytes);
    if ((bytes.starts_with("GIF87a"sv) || bytes.starts_with("GIF89a"sv)) && bytes.size() >= 10) {
        return ImageHeader{ImageFormat::gif, little(bytes, 6, 2), little(bytes, 8, 2)};
    }
    if (bytes.starts_with("RIFF"sv) && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP"sv) return read_webp(bytes);
    if (bytes.starts_with("BM"sv)) return read_bmp(bytes);
    return std::nullopt;
}

} // namespace rcq::handlers
