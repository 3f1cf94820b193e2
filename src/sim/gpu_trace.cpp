#include "gpu_trace.hpp"
#include "line_reader.hpp"
#include "usage_error.hpp"
#include <charconv>
#include <memory>
#include <string_view>

namespace rcq::sim {
namespace {

constexpr std::int64_t max_cores = 1'000'000;
constexpr std::int64_t max_memory_mib = std::int64_t{1} << 40;
constexpr std::int64_t max_gpus = 10'000;

// Why a row is left out.
struct BadRow {
    const char* reason;
};

void split(std::string_view line, std::vector<std::string_view>& fields) {
    fields.clear();
    while (true) {
        const std::size_t end = line.find(',');
        fields.push_back(line.substr(0, end));
        if (end == std::string_view::npos) return;
        line.remove_prefix(end + 1);
    }
}

// The columns of a file by name, and the row that is being read.
class Table {
public:
    explicit Table(const std::string& path) : path_(path), lines_(path) {
        if (!next_line()) throw UsageError(path + " is empty");
        split(line_, fields_);
        names_.assign(fields_.begin(), fields_.end());
    }

    // Throws UsageError if there is no such column.
    std::size_t column(std::string_view name) const {
        const auto found = find_column(name);
        if (!found) throw UsageError(path_ + " has no column " + std::string(name));
        return *found;
    }
    std::optional<std::size_t> find_column(std::string_view name) const {
        for (std::size_t i = 0; i < names_.size(); ++i)
            if (names_[i] == name) return i;
        return std::nullopt;
    }

    // Calls use(row) for every line that is not empty; counts those for which it throws BadRow. Throws UsageError if
    // it was content with none.
    template <typename Use> Skipped for_each_row(Use use) {
        Skipped skipped;
        bool any = false;
        while (next_line()) {
            if (line_.empty()) continue;
            try {
                split(line_, fields_);
                if (fields_.size() != names_.size()) throw BadRow{"columns"};
                use();
                any = true;
            } catch (const BadRow& bad) {
                ++skipped[bad.reason];
            }
        }
        if (!any) throw UsageError(path_ + " has no usable rows");
        return skipped;
    }

    bool next_line() {
        if (!lines_.next(line_)) return false;
        if (line_.ends_with('\r')) line_.remove_suffix(1);
        return true;
    }

    std::string_view text(std::size_t column) const { return fields_[column]; }

    // A whole number from 0 to `max`. Throws BadRow.
    std::int64_t number(std::size_t column, std::int64_t max) const {
        const std::string_view field = fields_[column];
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
        if (error == std::errc::invalid_argument || end != field.data() + field.size()) throw BadRow{"number"};
        if (error != std::errc() || value > static_cast<std::uint64_t>(max)) throw BadRow{"range"};
        return static_cast<std::int64_t>(value);
    }

private:
    std::string path_;
    LineReader lines_;
    std::string_view line_;
    std::vector<std::string> names_;
    std::vector<std::string_view> fields_;
};

core::Resources amount(std::int64_t cpu_milli, std::int64_t memory_mib, std::int64_t gpu_milli) {
    return {static_cast<std::int32_t>(cpu_milli), memory_mib * trace_scale, static_cast<std::int32_t>(gpu_milli)};
}

} // namespace

Nodes read_nodes(const std::string& path) {
    Table table(path);
    const auto cpu = table.column("cpu_milli");
    const auto memory = table.column("memory_mib");
    const auto gpus = table.column("gpu");
    const auto model = table.column("model");
    Nodes nodes;
    nodes.skipped = table.for_each_row([&] {
        core::Executor e;
        e.capacity = amount(table.number(cpu, max_cores * 1000), table.number(memory, max_memory_mib),
                            table.number(gpus, max_gpus) * core::GpuRoom::device);
        if (e.capacity.cpu_cores == 0 || e.capacity.memory_mib == 0) throw BadRow{"empty"};
        e.gpu_type = table.text(model);
        e.id = static_cast<core::ExecutorId>(nodes.executors.size() + 1);
        nodes.executors.push_back(std::move(e));
    });
    return nodes;
}

Pods read_pods(const std::string& path) {
    Table table(path);
    const auto cpu = table.column("cpu_milli");
    const auto memory = table.column("memory_mib");
    const auto gpus = table.column("num_gpu");
    const auto share = table.column("gpu_milli");
    const auto models = table.find_column("gpu_spec");
    Pods pods;
    pods.skipped = table.for_each_row([&] {
        const std::int64_t count = table.number(gpus, max_gpus);
        core::Shape shape;
        shape.need = amount(table.number(cpu, max_cores * 1000), table.number(memory, max_memory_mib), 0);
        if (count > 0) {
            const std::int64_t milli = table.number(share, core::GpuRoom::device);
            if (milli == 0 || (count > 1 && milli != core::GpuRoom::device)) throw BadRow{"range"};
            shape.need.gpu_milli = static_cast<std::int32_t>(count * milli);
            if (models) shape.gpu_type = table.text(*models);
        }
        if (shape.need == core::Resources{}) throw BadRow{"empty"};
        pods.shapes.push_back(std::move(shape));
    });
    return pods;
}

} // namespace rcq::sim
