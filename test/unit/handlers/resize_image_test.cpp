#include "handlers/base64.hpp"
#include "handlers/handler.hpp"
#include "handlers/image_header.hpp"

#include <gd.h>
#include <gtest/gtest.h>
#include <memory>

namespace rcq::handlers {
namespace {

TEST(Base64, encodes_as_the_standard_says) {
    for (const auto& [bytes, text] :
         {std::pair{"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}}) {
        EXPECT_EQ(encode_base64(bytes), text);
        EXPECT_EQ(decode_base64(text), bytes);
    }
    std::string all;
    for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
    EXPECT_EQ(decode_base64(encode_base64(all)), all);
}

TEST(Base64, line_breaks_and_missing_padding_are_fine_and_nothing_else_is) {
    EXPECT_EQ(decode_base64("Zm9v\r\nYg=="), "foob");
    EXPECT_EQ(decode_base64("Zm9vYg"), "foob");
    for (const char* text :
         {"Z", "Zm9vY", "Zg=", "Zg===", "Zm9v=", "Zg==Zg==", "Zm 9", "Zm9_", "data:image/png;base64,Zg=="})
        EXPECT_FALSE(decode_base64(text).has_value()) << text;
}

// An image of two halves, left red and right blue, or (see_through) right transparent.
std::string picture(const std::string& format, int width, int height, bool see_through = false) {
    std::unique_ptr<gdImage, void (*)(gdImagePtr)> image(gdImageCreateTrueColor(width, height), gdImageDestroy);
    gdImageAlphaBlending(image.get(), 0);
    gdImageSaveAlpha(image.get(), 1);
    gdImageFilledRectangle(image.get(), 0, 0, width / 2 - 1, height - 1, gdTrueColor(255, 0, 0));
    gdImageFilledRectangle(image.get(), width / 2, 0, width - 1, height - 1,
                           see_through ? gdTrueColorAlpha(0, 0, 0, gdAlphaTransparent) : gdTrueColor(0, 0, 255));
    int size = 0;
    void* bytes = format == "png"    ? gdImagePngPtr(image.get(), &size)
                  : format == "jpeg" ? gdImageJpegPtr(image.get(), &size, 95)
                  : format == "webp" ? gdImageWebpPtr(image.get(), &size)
                  : format == "gif"  ? gdImageGifPtr(image.get(), &size)
                                     : gdImageBmpPtr(image.get(), &size, 0);
    std::string text = encode_base64({static_cast<const char*>(bytes), static_cast<std::size_t>(size)});
    gdFree(bytes);
    return text;
}

struct Decoded {
    std::unique_ptr<gdImage, void (*)(gdImagePtr)> image;
    [[nodiscard]] int pixel(int x, int y) const { return gdImageGetTrueColorPixel(image.get(), x, y); }
};

Decoded decode(const json& result) {
    std::string bytes = *decode_base64(result.at("image").get<std::string>());
    const std::string format = result.at("format");
    const int size = static_cast<int>(bytes.size());
    gdImagePtr image = format == "png"    ? gdImageCreateFromPngPtr(size, bytes.data())
                       : format == "jpeg" ? gdImageCreateFromJpegPtr(size, bytes.data())
                       : format == "webp" ? gdImageCreateFromWebpPtr(size, bytes.data())
                                          : gdImageCreateFromGifPtr(size, bytes.data());
    return {{image, gdImageDestroy}};
}

void expect_color(int pixel, int red, int green, int blue) {
    EXPECT_NEAR(gdTrueColorGetRed(pixel), red, 12);
    EXPECT_NEAR(gdTrueColorGetGreen(pixel), green, 12);
    EXPECT_NEAR(gdTrueColorGetBlue(pixel), blue, 12);
}

TEST(ResizeImage, reads_every_format_and_keeps_it) {
    for (const char* format : {"png", "jpeg", "webp", "gif", "bmp"}) {
        json result = resize_image({{"image", picture(format, 64, 32)}, {"width", 16}, {"height", 8}});
        EXPECT_EQ(result.at("format"), format == std::string("bmp") ? "png" : format);
        Decoded decoded = decode(result);
        ASSERT_NE(decoded.image, nullptr) << format;
        EXPECT_EQ(gdImageSX(decoded.image), 16);
        EXPECT_EQ(gdImageSY(decoded.image), 8);
        expect_color(decoded.pixel(2, 4), 255, 0, 0);
        expect_color(decoded.pixel(13, 4), 0, 0, 255);
    }
}

TEST(ResizeImage, writes_the_format_that_is_asked_for) {
    for (const char* format : {"png", "jpeg", "webp", "gif"}) {
        json result = resize_image({{"image", picture("png", 32, 32)}, {"width", 64}, {"format", format}});
        EXPECT_EQ(result.at("format"), format);
        Decoded decoded = decode(result);
        ASSERT_NE(decoded.image, nullptr) << format;
        expect_color(decoded.pixel(10, 32), 255, 0, 0);
        expect_color(decoded.pixel(54, 32), 0, 0, 255);
    }
}

TEST(ResizeImage, keeps_the_aspect_when_a_side_is_missing) {
    const std::string image = picture("png", 300, 100);
    json result = resize_image({{"image", image}, {"width", 30}});
    EXPECT_EQ(result.at("width"), 30);
    EXPECT_EQ(result.at("height"), 10);
    result = resize_image({{"image", image}, {"height", 50}});
    EXPECT_EQ(result.at("width"), 150);
    EXPECT_EQ(result.at("height"), 50);
    result = resize_image({{"image", image}, {"width", 1}});
    EXPECT_EQ(result.at("height"), 1);
}

TEST(ResizeImage, transparency_is_kept_where_the_format_has_it_and_white_where_not) {
    const std::string image = picture("png", 32, 32, true);
    for (const char* format : {"png", "webp", "gif"}) {
        Decoded decoded = decode(resize_image({{"image", image}, {"width", 16}, {"format", format}}));
        EXPECT_EQ(gdTrueColorGetAlpha(decoded.pixel(13, 8)), gdAlphaTransparent) << format;
        EXPECT_EQ(gdTrueColorGetAlpha(decoded.pixel(2, 8)), gdAlphaOpaque) << format;
    }
    Decoded flat = decode(resize_image({{"image", image}, {"width", 16}, {"format", "jpeg"}}));
    expect_color(flat.pixel(13, 8), 255, 255, 255);
}

std::string fault(const json& payload) {
    try {
        (void)resize_image(payload);
    } catch (const HandlerError& error) {
        return error.what();
    }
    return "no fault";
}

TEST(ResizeImage, says_what_is_wrong) {
    const std::string image = picture("png", 8, 8);
    EXPECT_EQ(fault({{"image", image}}), "neither width nor height is given");
    EXPECT_EQ(fault({{"image", image}, {"width", 0}}), "width is outside 1 to 10000");
    EXPECT_EQ(fault({{"image", image}, {"width", 8.5}}), "width is not an integer");
    EXPECT_EQ(fault({{"image", image}, {"width", 8}, {"format", "bmp"}}), "format is none of png, jpeg, webp and gif");
    EXPECT_EQ(fault({{"image", "*"}, {"width", 8}}), "image is not base64");
    EXPECT_EQ(fault({{"image", encode_base64("hello, this is no image at all")}, {"width", 8}}),
              "image is none of PNG, JPEG, WebP, GIF and BMP, or is cut short");
    EXPECT_EQ(fault({{"width", 8}}), "image is missing");
    EXPECT_EQ(fault({{"image", picture("png", 1, 200)}, {"width", 1000}}),
              "the result would have 1000 x 200000 pixels, more than 100 megapixels");
}

TEST(ResizeImage, an_image_that_is_cut_short_or_damaged_is_an_error) {
    for (const char* format : {"png", "jpeg", "webp", "gif", "bmp"}) {
        const std::string bytes = *decode_base64(picture(format, 64, 64));
        for (std::size_t length : {std::size_t{3}, std::size_t{20}}) {
            EXPECT_NE(fault({{"image", encode_base64(bytes.substr(0, length))}, {"width", 8}}), "no fault")
                << format << " " << length;
        }
    }
}

TEST(ResizeImage, pixels_are_counted_before_anything_is_decoded) {
    std::string bytes = *decode_base64(picture("png", 8, 8));
    bytes.replace(16, 8, std::string("\0\0\x80\0\0\0\x80\0", 8)); // 32768 x 32768
    EXPECT_EQ(fault({{"image", encode_base64(bytes)}, {"width", 8}}),
              "image has 32768 x 32768 pixels, which is not within 1 and 100 megapixels");
}

TEST(ImageHeader, knows_the_size_of_every_format) {
    for (const char* format : {"png", "jpeg", "webp", "gif", "bmp"}) {
        auto header = read_image_header(*decode_base64(picture(format, 301, 7)));
        ASSERT_TRUE(header.has_value()) << format;
        EXPECT_EQ(header->width, 301) << format;
        EXPECT_EQ(header->height, 7) << format;
    }
}

TEST(ImageHeader, nothing_is_read_beyond_the_end) {
    for (const char* format : {"png", "jpeg", "webp", "gif", "bmp"}) {
        const std::string bytes = *decode_base64(picture(format, 16, 16));
        for (std::size_t length = 0; length < std::min<std::size_t>(bytes.size(), 800); ++length) {
            const std::string exact = bytes.substr(0, length); // an allocation of its own, for the address sanitizer
            (void)read_image_header(exact);
        }
    }
    EXPECT_FALSE(read_image_header("").has_value());
}

} // namespace
} // namespace rcq::handlers
