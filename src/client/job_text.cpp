#include "client/job_text.hpp"

#include "client/times.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

namespace rcq::client {

namespace {

std::string size_text(double bytes) {
    constexpr std::array units = {"bytes", "kB", "MB", "GB", "TB"};
    std::size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < units.size(); ++unit) bytes /= 1024;
    return fmt::format("{:.{}f} {}", bytes, unit > 0 && bytes < 10 ? 1 : 0, units[unit]);
}

} // namespace

std::string status_text(const Json& job) {
    const std::string reason = text_of(job, "reason");
    return text_of(job, "status") + (reason.empty() ? "" : " (" + reason + ")");
}

Colour status_colour(std::string_view status) {
    if (status == "running" || status == "completed") return Colour::good;
    if (status == "failed") return Colour::bad;
    if (status == "assigned") return Colour::busy;
    return status == "cancelled" ? Colour::dim : Colour::none;
}

std::string request_text(const Json& job) {
    const std::string cores = text_of(job, "cpu_cores");
    std::string text = cores + (cores == "1" ? " CPU, " : " CPUs, ") + text_of(job, "memory_gb") + " GB";
    const std::string gpus = text_of(job, "gpu_count");
    if (gpus.empty() || gpus == "0") return text;
    text += ", " + gpus + (gpus == "1" ? " GPU" : " GPUs");
    return is_null(job, "gpu_type") ? text : text + " (" + text_of(job, "gpu_type") + ")";
}

std::string task_counts_text(const Json& array) {
    std::string text = text_of(array, "completed") + " of " + text_of(array, "size") + " completed";
    for (const char* state : {"failed", "cancelled", "running", "assigned", "pending", "waiting", "held"}) {
        const std::string count = text_of(array, state);
        if (!count.empty() && count != "0") text += ", " + count + " " + state;
    }
    return text;
}

std::string list_text(const Json& object, const char* key) {
    std::string text;
    if (is_null(object, key)) return text;
    for (const Json& element : object.at(key)) {
        if (!text.empty()) text += ", ";
        text += element.is_string() ? element.get<std::string>() : element.dump();
    }
    return text;
}

std::string with_unit(const std::string& number, std::string_view unit) {
    return number.empty() ? number : number + std::string(unit);
}

std::string memory_text(double gb) {
    if (gb >= 1) return fmt::format("{:.3g} GB", gb);
    return fmt::format("{:.0f} MB", std::ceil(gb * 1024));
}

std::string short_cpu_time(double seconds) {
    constexpr double few = 10;
    return seconds < few ? fmt::format("{:.1f}s", seconds) : short_duration(seconds);
}

std::string output_text(const Json& output) {
    constexpr std::size_t most = 5;
    const auto files = output.find("files");
    if (!output.is_object() || files == output.end() || !files->is_array()) return output.dump();
    std::string text;
    for (std::size_t i = 0; i < std::min(most, files->size()); ++i) {
        const Json& file = files->at(i);
        text +=
            (i == 0 ? "" : ", ") + text_of(file, "name") + " (" + size_text(number_of(file, "bytes").value_or(0)) + ")";
    }
    if (files->size() > most) text += fmt::format(" and {} more", files->size() - most);
    return text.empty() ? text_of(output, "dir") : text + " in " + text_of(output, "dir");
}

std::optional<double> seconds_between(const std::string& begin, const std::string& end) {
    const auto from = parse_time(begin);
    if (!from) return std::nullopt;
    return parse_time(end).value_or(now_s()) - *from;
}

} // namespace rcq::client
