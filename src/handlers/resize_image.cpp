#include "handlers/base64.hpp"
#include "handlers/handler.hpp"
#include "handlers/image_header.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <gd.h>
#include <memory>

namespace rcq::handlers {

namespace {

constexpr std::int64_t max_pixels = 100'000'000;
constexpr int quality = 90; // of JPEG and WebP

struct ImageDeleter {
    void operator()(gdImage* image) const { gdImageDestroy(image); }
};
using Image = std::unique_ptr<gdImage, ImageDeleter>;

struct BytesDeleter {
    void operator()(void* bytes) const { gdFree(bytes); }
};

constexpr std::array<std::pair<ImageFormat, const char*>, 4> written_formats = {
    {{ImageFormat::png, "png"}, {ImageFormat::jpeg, "jpeg"}, {ImageFormat::webp, "webp"}, {ImageFormat::gif, "gif"}}};

const char* name_of(ImageFormat format) {
    for (const auto& [known, name] : written_formats) {
        if (known == format) return name;
    }
    return "bmp";
}

// What the library last complained about.
std::string complaint; // NOLINT(cert-err58-cpp): an empty string

void note_complaint(int, const char* format, va_list arguments) {
    std::array<char, 300> line{};
    (void)std::vsnprintf(line.data(), line.size(), format, arguments);
    complaint = line.data();
    std::replace_if(
        complaint.begin(), complaint.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
    while (complaint.ends_with(' ')) complaint.pop_back();
}

[[noreturn]] void fail(std::string what) {
    if (!complaint.empty()) what += ": " + complaint;
    throw HandlerError(what);
}

Image decode(std::string& bytes, ImageFormat format) {
    const auto size = static_cast<int>(bytes.size());
    const auto read = [&] {
        switch (format) {
        case ImageFormat::png:
            return gdImageCreateFromPngPtr(size, bytes.data());
        case ImageFormat::jpeg:
            return gdImageCreateFromJpegPtr(size, bytes.data());
        case ImageFormat::webp:
            return gdImageCreateFromWebpPtr(size, bytes.data());
        case ImageFormat::gif:
            return gdImageCreateFromGifPtr(size, bytes.data());
        case ImageFormat::bmp:
            return gdImageCreateFromBmpPtr(size, bytes.data());
        }
        return gdImagePtr{};
    };
    Image image(read());
    if (!image || gdImagePaletteToTrueColor(image.get()) == 0) {
        fail(std::string("image cannot be decoded as ") + name_of(format));
    }
    return image;
}

std::string encode(gdImage* image, ImageFormat format) {
    int size = 0;
    const auto write = [&]() -> void* {
        switch (format) {
        case ImageFormat::jpeg:
            return gdImageJpegPtr(image, &size, quality);
        case ImageFormat::webp:
            return gdImageWebpPtrEx(image, &size, quality);
        case ImageFormat::gif:
            return gdImageGifPtr(image, &size);
        default:
            return gdImagePngPtr(image, &size);
        }
    };
    std::unique_ptr<void, BytesDeleter> bytes(write());
    if (!bytes) fail(std::string("image cannot be encoded as ") + name_of(format));
    return {static_cast<const char*>(bytes.get()), static_cast<std::size_t>(size)};
}

// JPEG has no transparency: what shows through becomes white.
Image flattened(gdImage* image) {
    Image opaque(gdImageCreateTrueColor(gdImageSX(image), gdImageSY(image)));
    if (!opaque) fail("image cannot be flattened");
    gdImageFilledRectangle(opaque.get(), 0, 0, gdImageSX(image) - 1, gdImageSY(image) - 1, gdTrueColor(255, 255, 255));
    gdImageCopy(opaque.get(), image, 0, 0, 0, 0, gdImageSX(image), gdImageSY(image));
    return opaque;
}

// GIF has 256 colours, one of which can be transparent: what is more than half transparent gets it.
Image reduced(gdImage* image) {
    Image palette(gdImageCreatePaletteFromTrueColor(image, 1, 255));
    if (!palette) fail("image cannot be reduced to 256 colours");
    int transparent = -1;
    for (int y = 0; y < gdImageSY(image); ++y) {
        for (int x = 0; x < gdImageSX(image); ++x) {
            if (gdTrueColorGetAlpha(gdImageTrueColorPixel(image, x, y)) <= gdAlphaMax / 2) continue;
            if (transparent < 0) transparent = gdImageColorAllocate(palette.get(), 255, 255, 255);
            gdImagePalettePixel(palette.get(), x, y) = static_cast<unsigned char>(transparent);
        }
    }
    if (transparent >= 0) gdImageColorTransparent(palette.get(), transparent);
    return palette;
}

Image scale(gdImage* source, int width, int height) {
    Image scaled(gdImageCreateTrueColor(width, height));
    if (!scaled) fail("image cannot be scaled");
    gdImageAlphaBlending(scaled.get(), 0); // transparency is copied, not painted
    gdImageSaveAlpha(scaled.get(), 1);
    gdImageCopyResampled(scaled.get(), source, 0, 0, 0, 0, width, height, gdImageSX(source), gdImageSY(source));
    return scaled;
}

std::optional<std::int64_t> wanted_side(const json& payload, const char* name) {
    const auto found = payload.find(name);
    if (found == payload.end() || found->is_null()) return std::nullopt;
    if (!found->is_number_integer()) throw HandlerError(std::string(name) + " is not an integer");
    const auto side = found->get<std::int64_t>();
    if (side < 1 || side > 10'000) throw HandlerError(std::string(name) + " is outside 1 to 10000");
    return side;
}

// The side that was not given, so that the aspect is kept; at least one pixel.
std::int64_t kept_aspect(std::int64_t given, std::int64_t of, std::int64_t other) {
    return std::max<std::int64_t>(
        1, std::llround(static_cast<double>(given) * static_cast<double>(other) / static_cast<double>(of)));
}

ImageFormat wanted_format(const json& payload, ImageFormat input) {
    const auto found = payload.find("format");
    if (found == payload.end() || found->is_null()) return input == ImageFormat::bmp ? ImageFormat::png : input;
    for (const auto& [format, name] : written_formats) {
        if (*found == name) return format;
    }
    throw HandlerError("format is none of png, jpeg, webp and gif");
}

} // namespace

json resize_image(const json& payload) {
    gdSetErrorMethod(note_complaint);
    complaint.clear();
    auto bytes = decode_base64(member(payload, "image", json::value_t::string).get_ref<const std::string&>());
    if (!bytes) throw HandlerError("image is not base64");
    const auto header = read_image_header(*bytes);
    if (!header) throw HandlerError("image is none of PNG, JPEG, WebP, GIF and BMP, or is cut short");
    if (header->width < 1 || header->height < 1 || header->width > max_pixels || header->height > max_pixels ||
        header->width * header->height > max_pixels) {
        throw HandlerError("image has " + std::to_string(header->width) + " x " + std::to_string(header->height) +
                           " pixels, which is not within 1 and 100 megapixels");
    }
    auto width = wanted_side(payload, "width");
    auto height = wanted_side(payload, "height");
    if (!width && !height) throw HandlerError("neither width nor height is given");
    if (!width) width = kept_aspect(*height, header->height, header->width);
    if (!height) height = kept_aspect(*width, header->width, header->height);
    if (*width * *height > max_pixels) {
        throw HandlerError("the result would have " + std::to_string(*width) + " x " + std::to_string(*height) +
                           " pixels, more than 100 megapixels");
    }
    const ImageFormat format = wanted_format(payload, header->format);

    Image image = decode(*bytes, header->format);
    bytes->clear();
    image = scale(image.get(), static_cast<int>(*width), static_cast<int>(*height));
    if (format == ImageFormat::jpeg) image = flattened(image.get());
    if (format == ImageFormat::gif) image = reduced(image.get());
    return {{"image", encode_base64(encode(image.get(), format))},
            {"width", *width},
            {"height", *height},
            {"format", name_of(format)}};
}

} // namespace rcq::handlers
