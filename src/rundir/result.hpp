// The file `job/result` of a run, which RCQ_RESULT names: one JSON value. It is the job's, which may put anything in
// its place.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace rcq::rundir {

inline constexpr std::int64_t max_result_bytes = std::int64_t{64} << 20;
// And names of members. What the server does with a result takes it some 200 bytes and a microsecond a value, however
// short.
inline constexpr std::int64_t max_result_values = 1'000'000;

// Why the server could not store this as a result, as the end of a sentence that begins with "the result"; empty: it
// can. It is one JSON value: UTF-8 without a byte order mark, no \u0000, no number beyond a double or beyond numeric of
// PostgreSQL, at most 1,000 levels deep, of at most max_result_values values. How many bytes it has is not looked at.
std::string result_fault(const std::string& text);

} // namespace rcq::rundir
