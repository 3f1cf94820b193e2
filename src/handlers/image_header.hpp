// Format and size of an image from its first bytes, before anything is decoded.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace rcq::handlers {

enum class ImageFormat { png, jpeg, webp, gif, bmp };

struct ImageHeader {
    ImageFormat format = ImageFormat::png;
    std::int64_t width = 0; // pixels
    std::int64_t height = 0;
};

// Nothing when the bytes begin like none of the formats, or end within the header.
std::optional<ImageHeader> read_image_header(std::string_view bytes);

} // namespace rcq::handlers
