#include "plot.hpp"

#include "duration.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace rcq::sim {
namespace {

using core::Micros;

// Geometry in pixels.
constexpr double width = 960;
constexpr double height = 560;
constexpr double left = 76;
constexpr double right = width - 24;
constexpr double panel_height = 190;

constexpr const char* ink = "#333333";
constexpr const char* grid = "#dddddd";

std::string number(double value) {
    std::array<char, 48> text;
    std::snprintf(text.data(), text.size(), "%.6g", value);
    return text.data();
}

// Pixels need no more than a tenth.
std::string px(double value) {
    std::array<char, 48> text;
    std::snprintf(text.data(), text.size(), "%.1f", value);
    return text.data();
}

std::string escape(const std::string& text) {
    std::string safe;
    for (const char c : text) {
        if (c == '<')
            safe += "&lt;";
        else if (c == '&')
            safe += "&amp;";
        else if (static_cast<unsigned char>(c) >= 0x20 && static_cast<unsigned char>(c) < 0x7f)
            safe += c;
        else
            safe += '?';
    }
    return safe;
}

// 1, 2 or 5 times a power of ten, so that about `parts` of them make up `range`.
double nice_step(double range, double parts) {
    const double rough = range / parts;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0})
        if (rough <= factor * power * 1.0001) return factor * power;
    return 10 * power;
}

std::string text_at(double x, double y, const std::string& anchor, const std::string& text, int size = 12) {
    return "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\" text-anchor=\"" + anchor + "\" font-size=\"" +
           std::to_string(size) + "\">" + escape(text) + "</text>\n";
}

std::string line(double x1, double y1, double x2, double y2, const char* colour) {
    return "<line x1=\"" + px(x1) + "\" y1=\"" + px(y1) + "\" x2=\"" + px(x2) + "\" y2=\"" + px(y2) + "\" stroke=\"" +
           colour + "\"/>\n";
}

struct Panel {
    double top;
    double most; // value at the top; the bottom is 0
    double tick;
    std::string label;
    const char* colour;

    double bottom() const { return top + panel_height; }
    double y(double value) const { return bottom() - value / most * panel_height; }
};

struct TimeAxis {
    double all;  // in units, to the end of the last part
    double step; // of a part, in units

    double x(double units) const { return left + units / all * (right - left); }
};

std::string frame(const Panel& panel, const TimeAxis& time, double time_tick, bool numbers) {
    std::string svg;
    for (int i = 0; i * panel.tick <= panel.most * 1.0001; ++i) {
        const double value = i * panel.tick;
        svg += line(left, panel.y(value), right, panel.y(value), grid);
        svg += text_at(left - 8, panel.y(value) + 4, "end", number(value));
    }
    for (int i = 0; i * time_tick <= time.all * 1.0001; ++i) {
        const double units = i * time_tick;
        svg += line(time.x(units), panel.top, time.x(units), panel.bottom(), grid);
        if (numbers) svg += text_at(time.x(units), panel.bottom() + 18, "middle", number(units));
    }
    svg += line(left, panel.bottom(), right, panel.bottom(), ink) + line(left, panel.top, left, panel.bottom(), ink);
    svg += text_at(left, panel.top - 8, "start", panel.label, 13);
    return svg;
}

// Steps as high as the values, filled down to the axis, one area for every stretch without a gap.
std::string steps(const Panel& panel, const TimeAxis& time, const std::vector<std::optional<double>>& values) {
    std::string areas;
    std::string tops;
    for (std::size_t i = 0; i < values.size();) {
        if (!values[i]) {
            ++i;
            continue;
        }
        const double begin = time.x(static_cast<double>(i) * time.step);
        std::string path;
        for (; i < values.size() && values[i]; ++i) {
            path += path.empty() ? "M" + px(begin) + " " : "V";
            path += px(panel.y(*values[i])) + "H" + px(time.x(static_cast<double>(i + 1) * time.step));
        }
        tops += path;
        areas += path + "V" + px(panel.bottom()) + "H" + px(begin) + "Z";
    }
    return "<path d=\"" + areas + "\" fill=\"" + panel.colour + "\" fill-opacity=\"0.25\"/>\n<path d=\"" + tops +
           "\" fill=\"none\" stroke=\"" + panel.colour + "\" stroke-width=\"1.2\"/>\n";
}

std::string part_name(Micros step) {
    if (step == core::hour) return "hour";
    if (step == core::day) return "day";
    return step < core::day ? number(in_hours(step)) + " hours" : number(in_hours(step) / 24) + " days";
}

} // namespace

Series make_series(const Trace& trace, const std::vector<Micros>& starts) {
    const Micros first = trace.jobs.front().submit;
    Micros last = first;
    for (std::size_t i = 0; i < starts.size(); ++i) last = std::max(last, starts[i] + trace.jobs[i].run);

    constexpr Micros most_parts = 400;
    Series series;
    for (const Micros step : {core::hour, 3 * core::hour, 6 * core::hour, 12 * core::hour, core::day, 2 * core::day,
                              7 * core::day, 28 * core::day, 365 * core::day}) {
        series.step = step;
        if ((last - first) / step < most_parts) break;
    }
    while ((last - first) / series.step >= most_parts) series.step *= 2;
    const Micros step = series.step;
    const auto parts = static_cast<std::size_t>((last - first - 1) / step + 1);
    const auto part_of = [&](Micros at) { return static_cast<std::size_t>((at - first) / step); };

    std::vector<double> used(parts); // processor-hours
    std::vector<double> waits(parts);
    std::vector<std::size_t> submitted(parts);
    for (std::size_t i = 0; i < starts.size(); ++i) {
        const TraceJob& job = trace.jobs[i];
        const Micros end = starts[i] + job.run;
        for (Micros at = starts[i]; at < end;) {
            const std::size_t part = part_of(at);
            const Micros until = std::min(end, first + static_cast<Micros>(part + 1) * step);
            used[part] += job.processors * in_hours(until - at);
            at = until;
        }
        waits[part_of(job.submit)] += in_hours(starts[i] - job.submit);
        ++submitted[part_of(job.submit)];
    }
    for (std::size_t part = 0; part < parts; ++part) {
        const Micros begin = first + static_cast<Micros>(part) * step;
        series.utilisation.push_back(used[part] / (trace.processors * in_hours(std::min(step, last - begin))));
        series.wait.push_back(submitted[part] == 0 ? std::nullopt
                                                   : std::optional(waits[part] / static_cast<double>(submitted[part])));
    }
    return series;
}

std::string draw_svg(const Series& series, const std::string& title) {
    const double all_hours = static_cast<double>(series.utilisation.size()) * in_hours(series.step);
    const bool in_days = all_hours > 96;
    const double unit = in_days ? 24 : 1;
    const TimeAxis time{all_hours / unit, in_hours(series.step) / unit};

    double longest = 0;
    for (const auto& wait : series.wait) longest = std::max(longest, wait.value_or(0));
    const double wait_tick = longest > 0 ? nice_step(longest, 4) : 0.25;
    const double wait_top = longest > 0 ? std::ceil(longest / wait_tick - 1e-9) * wait_tick : 1;
    const std::string part = part_name(series.step);
    const Panel utilisation{72, 100, 25, "Utilisation, % of the processors, per " + part, "#1f6fb4"};
    const Panel wait{312, wait_top, wait_tick, "Mean wait in hours of the jobs submitted, per " + part, "#c05a11"};

    std::vector<std::optional<double>> percent;
    for (const double share : series.utilisation) percent.emplace_back(share * 100);

    const std::string size = "width=\"" + number(width) + "\" height=\"" + number(height) + "\"";
    std::string svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" " + size + " viewBox=\"0 0 " + number(width) + " " +
                      number(height) + "\" font-family=\"Helvetica, Arial, sans-serif\" fill=\"" + ink + "\">\n<rect " +
                      size + " fill=\"white\"/>\n";
    svg += text_at(left, 32, "start", title, 16);
    const double tick = nice_step(time.all, 10);
    svg += frame(utilisation, time, tick, false) + steps(utilisation, time, percent);
    svg += frame(wait, time, tick, true) + steps(wait, time, series.wait);
    svg += text_at((left + right) / 2, height - 16, "middle",
                   in_days ? "Days since the first job was submitted" : "Hours since the first job was submitted", 13);
    return svg + "</svg>\n";
}

} // namespace rcq::sim
