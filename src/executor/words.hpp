// Words out of the names that the system has for things, and the files they stand in.
#pragma once
#include <string>
#include <string_view>

namespace rcq::executor {

std::string_view trimmed(std::string_view text);
std::string lower(std::string_view text); // ASCII letters

// In lower case, with one dash for every stretch of what is not a-z 0-9 _ . : and none at the ends, begun by a
// letter or digit; at most `limit` bytes. "AMD EPYC 7763 64-Core Processor" -> "amd-epyc-7763-64-core-processor"
std::string squeezed_word(std::string_view text, std::size_t limit = 63);

// Empty when the file cannot be read; at most 1 MiB.
std::string read_text(const std::string& path);

} // namespace rcq::executor
