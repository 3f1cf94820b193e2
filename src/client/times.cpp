#include "client/times.hpp"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fmt/format.h>
#include <system_error>

namespace rcq::client {

namespace {

std::string formatted(double seconds, const char* form) {
    const auto whole = static_cast<std::time_t>(std::floor(seconds));
    std::tm parts{};
    if (localtime_r(&whole, &parts) == nullptr) return {};
    std::array<char, 64> text{};
    return {text.data(), std::strftime(text.data(), text.size(), form, &parts)};
}

} // namespace

std::optional<double> parse_time(std::string_view text) {
    const std::string copy(text);
    std::tm parts{};
    double second = 0;
    int read = 0;
    if (std::sscanf(copy.c_str(), "%d-%d-%dT%d:%d:%lf%n", &parts.tm_year, &parts.tm_mon, &parts.tm_mday, &parts.tm_hour,
                    &parts.tm_min, &second, &read) != 6) {
        return std::nullopt;
    }
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    double offset = 0;
    std::string_view zone = text.substr(static_cast<std::size_t>(read));
    if (!zone.empty() && zone != "Z") {
        int hours = 0;
        int minutes = 0;
        if ((zone[0] != '+' && zone[0] != '-') || std::sscanf(zone.data() + 1, "%d:%d", &hours, &minutes) < 1) {
            return std::nullopt;
        }
        offset = (zone[0] == '-' ? -1 : 1) * (hours * 3600.0 + minutes * 60.0);
    }
    return static_cast<double>(timegm(&parts)) + second - offset;
}

std::string short_time(std::string_view text, double now) {
    constexpr double day = 86400;
    const auto time = parse_time(text);
    if (!time) return std::string(text);
    return formatted(*time, std::abs(*time - now) < day ? "%H:%M:%S" : "%Y-%m-%d %H:%M");
}

std::string long_time(std::string_view text) {
    const auto time = parse_time(text);
    return time ? formatted(*time, "%Y-%m-%d %H:%M:%S") : std::string(text);
}

std::string short_duration(double seconds) {
    const auto all = static_cast<std::int64_t>(std::max(0.0, std::floor(seconds)));
    if (all < 60) return fmt::format("{}s", all);
    if (all < 3600) return fmt::format("{}m{:02}s", all / 60, all % 60);
    if (all < 86400) return fmt::format("{}h{:02}m", all / 3600, all / 60 % 60);
    return fmt::format("{}d{:02}h", all / 86400, all / 3600 % 24);
}

std::string interval_text(std::string_view text) {
    std::string copy(text);
    int days = 0;
    int hours = 0;
    int minutes = 0;
    double seconds = 0;
    int read = 0;
    const char* clock = copy.c_str();
    if (std::sscanf(clock, "%d day%n", &days, &read) == 1 && read > 0) {
        clock += read;
        if (*clock == 's') ++clock;
    } else {
        days = 0;
    }
    read = 0;
    if (*clock != '\0' && (std::sscanf(clock, "%d:%d:%lf%n", &hours, &minutes, &seconds, &read) != 3 ||
                           clock[read] != '\0' || hours < 0)) {
        return copy;
    }
    if (copy.empty() || days < 0) return copy;
    return short_duration(days * 86400.0 + hours * 3600.0 + minutes * 60.0 + seconds);
}

std::string time_zone() {
    constexpr std::string_view place = "zoneinfo/"; // names of zones are those of its files
    std::string zone;
    if (const char* variable = std::getenv("TZ")) { // NOLINT(concurrency-mt-unsafe): one thread
        zone = *variable == ':' ? variable + 1 : variable;
        if (zone.empty()) return "UTC";
        if (zone[0] != '/') return zone;
    } else {
        std::error_code error;
        zone = std::filesystem::read_symlink("/etc/localtime", error).string();
        if (error) return {};
    }
    const std::size_t at = zone.find(place);
    return at == std::string::npos ? std::string() : zone.substr(at + place.size());
}

double now_s() { return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count(); }

double monotonic_s() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

} // namespace rcq::client
