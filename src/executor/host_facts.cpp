#include "executor/host_facts.hpp"

#include "executor/capacity.hpp"
#include "executor/words.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <sys/utsname.h>

namespace rcq::executor {

namespace {

constexpr std::size_t longest_feature = 63;

std::string feature(const std::string& kind, std::string_view value) {
    std::string word = squeezed_word(value, longest_feature - kind.size() - 1);
    return word.empty() ? word : kind + ":" + word;
}

void read_cpuinfo(const std::string& text, HostFacts& facts) {
    std::set<std::string> sockets;
    std::set<std::pair<std::string, std::string>> cores;
    std::string socket;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::size_t colon = line.find(':');
        if (colon == std::string::npos) continue;
        std::string_view key = trimmed(std::string_view(line).substr(0, colon));
        std::string value(trimmed(std::string_view(line).substr(colon + 1)));
        if (key == "processor") {
            ++facts.threads;
        } else if (key == "physical id") {
            socket = value;
            sockets.insert(value);
        } else if (key == "core id") {
            cores.emplace(socket, value);
        } else if (facts.cpu_model.empty() && (key == "model name" || key == "Model" || key == "cpu model")) {
            facts.cpu_model = value;
        }
    }
    // Virtual machines and other architectures leave these out.
    facts.sockets = std::max<int>(1, static_cast<int>(sockets.size()));
    facts.cores = cores.empty() ? facts.threads : static_cast<int>(cores.size());
}

void read_os_release(const std::string& text, HostFacts& facts) {
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
        std::size_t equals = line.find('=');
        if (equals == std::string::npos) continue;
        std::string value(trimmed(std::string_view(line).substr(equals + 1)));
        if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front()) {
            value = value.substr(1, value.size() - 2);
        }
        if (line.compare(0, equals, "ID") == 0) facts.os = value;
        if (line.compare(0, equals, "VERSION_ID") == 0) facts.os_version = value;
    }
}

// "6.1.0-18-amd64" -> "6.1"
std::string kernel_series(const std::string& release) {
    std::size_t dot = release.find('.');
    if (dot == std::string::npos) return release;
    return release.substr(0, release.find_first_not_of("0123456789", dot + 1));
}

} // namespace

HostFacts detect_host_facts(const std::string& hostname, const std::string& root) {
    HostFacts facts;
    facts.hostname = hostname;
    utsname system{};
    if (uname(&system) == 0) {
        facts.arch = system.machine;
        facts.kernel = system.release;
    }
    read_cpuinfo(read_text(root + "/proc/cpuinfo"), facts);
    read_os_release(read_text(root + "/etc/os-release"), facts);
    facts.memory_mib = parse_meminfo_total_mib(read_text(root + "/proc/meminfo"));
    return facts;
}

std::string cpu_word(std::string_view model) {
    std::string text = lower(model.substr(0, model.find('@')));
    for (std::string_view mark : {"(r)", "(tm)", "(c)"}) {
        for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark)) {
            text.replace(at, mark.size(), " ");
        }
    }
    std::string word;
    std::istringstream parts(text);
    for (std::string part; parts >> part;) {
        if (part == "cpu" || part == "processor" || part.ends_with("-core")) continue;
        word += word.empty() ? part : " " + part;
    }
    return squeezed_word(word);
}

std::vector<std::string> host_features(const HostFacts& facts, const std::vector<Gpu>& gpus) {
    std::vector<std::string> features = {feature("arch", facts.arch), feature("kernel", kernel_series(facts.kernel)),
                                         feature("host", facts.hostname), feature("cpu", cpu_word(facts.cpu_model)),
                                         feature("os", facts.os + " " + facts.os_version)};
    for (const Gpu& gpu : gpus) features.push_back(feature("gpu", gpu.type));
    std::erase(features, "");
    std::sort(features.begin(), features.end());
    features.erase(std::unique(features.begin(), features.end()), features.end());
    return features;
}

std::string host_info(const HostFacts& facts, const std::vector<Gpu>& gpus, double kill_grace_s) {
    nlohmann::ordered_json info = {{"version", RCQ_VERSION},
                                   {"hostname", facts.hostname},
                                   {"arch", facts.arch},
                                   {"kernel", facts.kernel},
                                   {"os", facts.os},
                                   {"os_version", facts.os_version},
                                   {"cpu_model", facts.cpu_model},
                                   {"sockets", facts.sockets},
                                   {"cores", facts.cores},
                                   {"threads", facts.threads},
                                   {"memory_mib", facts.memory_mib},
                                   {"kill_grace_s", kill_grace_s}};
    info["gpus"] = nlohmann::ordered_json::array();
    for (const Gpu& gpu : gpus) {
        info["gpus"].push_back(
            {{"id", gpu.id}, {"name", gpu.name}, {"type", gpu.type}, {"memory_mib", gpu.memory_mib}});
    }
    return info.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

} // namespace rcq::executor
