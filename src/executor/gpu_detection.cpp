#include "executor/gpu_detection.hpp"

#include "executor/words.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <map>

namespace rcq::executor {

namespace {

namespace fs = std::filesystem;

std::vector<std::string_view> fields(std::string_view line) {
    std::vector<std::string_view> list;
    while (true) {
        std::size_t comma = line.find(',');
        list.push_back(trimmed(line.substr(0, comma)));
        if (comma == std::string_view::npos) return list;
        line.remove_prefix(comma + 1);
    }
}

std::optional<std::int64_t> number(std::string_view text) {
    std::int64_t value = 0;
    auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

// Not "[N/A]" or "[Not Supported]", with which healthy GPUs answer what they do not know.
bool is_fault(std::string_view field) {
    std::string text = lower(field);
    return text.find("error") != std::string::npos || text.find("lost") != std::string::npos ||
           text.find("requires reset") != std::string::npos;
}

bool has_digit(std::string_view text) { return text.find_first_of("0123456789") != std::string_view::npos; }

} // namespace

std::vector<std::string> gpu_query_arguments(const std::string& program) {
    return {program, "--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits"};
}

GpuList parse_gpu_list(std::string_view output) {
    GpuList list;
    while (!output.empty()) {
        std::size_t end = std::min(output.find('\n'), output.size());
        std::string_view line = trimmed(output.substr(0, end));
        output.remove_prefix(std::min(end + 1, output.size()));
        if (line.empty() || lower(line).starts_with("no devices were found")) continue;
        auto parts = fields(line);
        if (parts.size() != 4 || !number(parts[0])) {
            return {{}, "no list of GPUs: \"" + std::string(line.substr(0, 200)) + "\""};
        }
        Gpu gpu;
        bool named = !parts[1].empty() && parts[1].front() != '[';
        gpu.id = named ? parts[1] : parts[0];
        gpu.name = parts[2];
        gpu.type = gpu_type_word(gpu.name);
        gpu.memory_mib = number(parts[3]).value_or(0);
        for (std::string_view part : {parts[1], parts[2], parts[3]}) {
            if (gpu.fault.empty() && is_fault(part)) gpu.fault = part;
        }
        list.gpus.push_back(std::move(gpu));
    }
    return list;
}

GpuList gpu_list_of(const ProgramEnd& end) {
    GpuList list = parse_gpu_list(end.output);
    // it ends with an error also when it only has a warning to give
    if (!end.ok() && (list.gpus.empty() || end.timed_out)) return {{}, end.describe()};
    return list;
}

std::vector<Gpu> find_amd_gpus(const std::string& root) {
    std::map<std::string, Gpu> by_address;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(root + "/sys/class/drm", error)) {
        std::string card = entry.path().filename().string();
        if (!card.starts_with("card") || card.find('-') != std::string::npos) continue; // card0-DP-1 is a connector
        const fs::path device = entry.path() / "device";
        auto value = [&](const char* name) { return std::string(trimmed(read_text((device / name).string()))); };
        if (value("vendor") != "0x1002") continue;
        std::int64_t memory = number(value("mem_info_vram_total")).value_or(0) >> 20;
        if (memory <= 0) continue;
        std::string address = fs::weakly_canonical(device, error).filename().string();
        std::string unique = value("unique_id");
        Gpu gpu;
        gpu.id = unique.empty() ? "" : "GPU-" + unique;
        gpu.name = value("product_name");
        if (gpu.name.empty()) gpu.name = "amd-" + value("device");
        gpu.type = gpu_type_word(gpu.name);
        gpu.memory_mib = memory;
        by_address.emplace(address == "device" ? card : address, std::move(gpu));
    }
    std::vector<Gpu> gpus;
    for (auto& [address, gpu] : by_address) {
        if (gpu.id.empty()) gpu.id = std::to_string(gpus.size());
        gpus.push_back(std::move(gpu));
    }
    return gpus;
}

std::string gpu_type_word(std::string_view name) {
    static constexpr std::array<std::string_view, 9> makers = {"nvidia", "amd",    "ati",      "tesla",   "geforce",
                                                               "quadro", "radeon", "instinct", "graphics"};
    std::string text = squeezed_word(name);
    std::string word;
    std::string_view rest = text;
    while (!rest.empty()) {
        std::size_t end = std::min(rest.find('-'), rest.size());
        std::string_view part = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        if (std::find(makers.begin(), makers.end(), part) != makers.end()) continue;
        if (!word.empty()) word += '-';
        word += part;
        if (has_digit(part)) return word;
    }
    return text;
}

GpuChoice choose_gpus(const std::vector<Gpu>& gpus) {
    std::map<std::string, int> count;
    for (const Gpu& gpu : gpus) ++count[gpu.type];
    std::string best;
    for (const Gpu& gpu : gpus) {
        if (best.empty() || count[gpu.type] > count[best]) best = gpu.type;
    }
    GpuChoice choice;
    for (const Gpu& gpu : gpus) (gpu.type == best ? choice.offered : choice.left_out).push_back(gpu);
    return choice;
}

std::vector<std::string> gpu_faults(const std::vector<std::string>& ids, const GpuList& now) {
    std::vector<std::string> faults;
    faults.reserve(ids.size());
    for (const std::string& id : ids) {
        if (!now.error.empty()) {
            faults.push_back(now.error);
            continue;
        }
        auto found = std::find_if(now.gpus.begin(), now.gpus.end(), [&](const Gpu& gpu) { return gpu.id == id; });
        faults.push_back(found == now.gpus.end() ? "is gone" : found->fault);
    }
    return faults;
}

} // namespace rcq::executor
