// A picture of a replay: utilisation and mean wait over time, as an SVG file.
#pragma once
#include "trace.hpp"
#include <string>

namespace rcq::sim {

// Both series in equal parts of time.
struct Series {
    core::Micros step = 0;                   // length of a part
    std::vector<double> utilisation;         // of each part, 0 to 1; the last part counts up to the last end alone
    std::vector<std::optional<double>> wait; // mean hours over the jobs submitted in it; none: nothing was submitted
};

// From the first submit to the last end, in parts of an hour to a year, at most 400 of them where that is enough.
Series make_series(const Trace& trace, const std::vector<core::Micros>& starts);

// The whole file; `title` is any text.
std::string draw_svg(const Series& series, const std::string& title);

} // namespace rcq::sim
