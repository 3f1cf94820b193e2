#include "report.hpp"

#include "duration.hpp"

#include <cstdio>
#include <nlohmann/json.hpp>

namespace rcq::sim {
namespace {

std::string fixed(double value, int decimals) {
    std::array<char, 64> text;
    std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
    return text.data();
}

// With separators of thousands.
std::string count(std::size_t number) {
    std::string text;
    const std::string digits = std::to_string(number);
    for (std::size_t i = 0; i < digits.size(); ++i) {
        if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
        text += digits[i];
    }
    return text;
}

std::string describe_guard(const ReplayOptions& options) {
    if (max_wait_of(options) == 0) return "off";
    std::string text = "after " + format_duration(max_wait_of(options));
    if (guard_of(options) == Guard::group) text += ", one per user every " + format_duration(options.guard_spacing);
    return text;
}

std::string describe_policy(const ReplayOptions& options) {
    std::string text(name(options.policy));
    if (options.policy != Policy::fifo) text += ", half-life " + format_duration(options.half_life);
    text += ", guard " + describe_guard(options);
    return text;
}

std::string describe_backfill(const ReplayOptions& options) {
    std::string text = name(options.backfill);
    if (options.backfill.kind == BackfillKind::none) return text;
    text += options.order == BackfillOrder::submit ? ", in order" : ", shortest first";
    if (options.predict == Predict::last2) text += ", planned by each user's last two run times";
    return text;
}

} // namespace

std::string describe_skipped(const Trace& trace) {
    std::string text;
    for (const Skip skip : all_skips)
        if (trace.skipped[skip] > 0)
            text += (text.empty() ? "" : ", ") + std::string(name(skip)) + " " + std::to_string(trace.skipped[skip]);
    if (!text.empty()) text = std::to_string(trace.skipped.total()) + " lines left out (" + text + ")";
    if (trace.out_of_order > 0)
        text += (text.empty() ? "" : "; ") + std::to_string(trace.out_of_order) + " lines out of order, sorted";
    return text;
}

std::string as_table(const Report& report) {
    const Figures& f = report.figures;
    const CycleTimes& cycles = report.replay.cycles;
    std::string text;
    const auto row = [&text](const std::string& label, const std::string& value) {
        text += label + std::string(label.size() < 28 ? 28 - label.size() : 1, ' ') + value + "\n";
    };
    const auto figure = [&](const std::string& label, const std::string& value, const std::string& unit) {
        row(label,
            std::string(value.size() < 12 ? 12 - value.size() : 0, ' ') + value + (unit.empty() ? "" : " " + unit));
    };
    row("trace", report.source);
    row("policy", describe_policy(report.options));
    row("backfill", describe_backfill(report.options));
    text += "\n";
    figure("jobs", count(f.jobs), "");
    figure("users", count(f.users), "");
    figure("processors", count(static_cast<std::size_t>(report.trace.processors)), "");
    figure("makespan", fixed(f.makespan_h / 24, 1), "d");
    figure("utilisation", fixed(f.utilisation * 100, 1), "%");
    text += "\n";
    figure("bounded slowdown, jobs", fixed(f.bsld_mean, 1), "mean over jobs");
    figure("bounded slowdown, users", fixed(f.bsld_user_mean, 1), "mean over users of each user's mean");
    figure("fairness over users", fixed(f.jain, 3), "Jain's index of the users' slowdowns, 1 = all alike");
    figure("wait, mean", fixed(f.wait_mean_h, 2), "h");
    figure("wait, 95th percentile", fixed(f.wait_p95_h, 2), "h");
    figure("wait, longest", fixed(f.wait_max_h, 2), "h");
    text += "\n";
    figure("replayed in", fixed(report.replay.seconds, 2), "s");
    figure("scheduling cycles", count(cycles.count), "");
    figure("cycle, mean", fixed(cycles.mean_us, 1), "us");
    figure("cycle, 99th percentile", fixed(cycles.p99_us, 1), "us");
    figure("cycle, longest", fixed(cycles.max_us, 1), "us");
    return text;
}

std::string as_json(const Report& report) {
    const Figures& f = report.figures;
    nlohmann::ordered_json skipped = nlohmann::ordered_json::object();
    for (const Skip skip : all_skips) skipped[std::string(name(skip))] = report.trace.skipped[skip];
    const nlohmann::ordered_json json = {{"trace", report.source},
                                         {"processors", report.trace.processors},
                                         {"policy", name(report.options.policy)},
                                         {"backfill", name(report.options.backfill)},
                                         {"order", name(report.options.order)},
                                         {"predict", name(report.options.predict)},
                                         {"jobs", f.jobs},
                                         {"users", f.users},
                                         {"bsld_mean", f.bsld_mean},
                                         {"bsld_user_mean", f.bsld_user_mean},
                                         {"wait_mean_h", f.wait_mean_h},
                                         {"wait_p95_h", f.wait_p95_h},
                                         {"wait_max_h", f.wait_max_h},
                                         {"utilisation", f.utilisation},
                                         {"jain", f.jain},
                                         {"makespan_h", f.makespan_h},
                                         {"seconds", report.replay.seconds},
                                         {"cycles", report.replay.cycles.count},
                                         {"cycle_mean_us", report.replay.cycles.mean_us},
                                         {"cycle_p99_us", report.replay.cycles.p99_us},
                                         {"cycle_max_us", report.replay.cycles.max_us},
                                         {"skipped", skipped},
                                         {"skipped_total", report.trace.skipped.total()},
                                         {"out_of_order", report.trace.out_of_order}};
    // A file name need not be UTF-8.
    return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

} // namespace rcq::sim
