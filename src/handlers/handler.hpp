// The programs of the reference types: each takes a payload and gives a result. Pure functions; rcq-handler (main.cpp)
// reads and writes the files.
#pragma once
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rcq::handlers {

using nlohmann::json;

// What is wrong with the payload, on one line, for whoever submitted it.
class HandlerError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// {"numbers": [..]} -> {"sum": n}, as core `sum` says.
json add_numbers(const json& payload);

// {"numbers": [..]} -> {"sum": n, "chunks": k}: the same sum, in `threads` chunks (fewer when there are fewer numbers)
// at the same time. Throws HandlerError when threads < 1.
json large_array_sum(const json& payload, int threads);

// {"text": ".."} -> {"text": ".."}: code points in reverse order; combining marks, variation selectors, skin tones and
// what a zero-width joiner ties together stay behind the character that they belong to.
json reverse_string(const json& payload);

// {"image": base64, "width": w, "height": h, "format": png|jpeg|webp|gif} -> {"image": base64, "width", "height",
// "format"}. Reads PNG, JPEG, WebP, GIF (its first frame) and BMP, told apart by content. One of width and height may
// be missing: the aspect is kept. format: that of the input, PNG for a BMP. At most 100 megapixels on either side.
json resize_image(const json& payload);

// The member of an object. Throws HandlerError when it is missing or of another type.
const json& member(const json& payload, const char* name, json::value_t type);

} // namespace rcq::handlers
