// What the fuzz targets share.
#pragma once
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace rcq::fuzz {

inline std::string_view text(const std::uint8_t* data, std::size_t size) {
    return {reinterpret_cast<const char*>(data), size};
}

// A property that every input has; the fuzzer keeps the input that breaks it.
inline void require(bool property) {
    if (!property) std::abort();
}

} // namespace rcq::fuzz
