#include "rundir/launch.hpp"

#include <charconv>
#include <limits>

namespace rcq::rundir {

namespace {

// Numbers stay far from where sums and products of them would overflow.
constexpr std::int64_t largest = std::int64_t{1} << 50;

// The last field: without it the file was cut short.
constexpr std::string_view last_field = "complete";

// The names of the fields, once for both directions.
template <class Record, class Visitor> void visit_fields(Record& launch, Visitor& visit) {
    visit("job_id", launch.job_id);
    visit("attempt", launch.attempt);
    visit("token", launch.token);
    visit("argument", launch.arguments);
    visit("env", launch.environment);
    visit("workdir", launch.workdir);
    visit("workdir_allow", launch.workdir_allow);
    visit("time_limit_ms", launch.time_limit_ms);
    visit("kill_grace_ms", launch.kill_grace_ms);
    visit("memory_mib", launch.memory_mib);
    visit("quota_mib", launch.quota_mib);
    visit("log_limit", launch.log_limit);
    visit("contact_file", launch.contact_file);
    visit("cgroup", launch.cgroup);
    visit("cgroup_memory", launch.cgroup_memory);
    visit("cpu", launch.cpus);
    visit("cpu_cores", launch.cpu_cores);
    visit("switch_user", launch.switch_user);
    visit("uid", launch.uid);
    visit("gid", launch.gid);
    visit("group", launch.groups);
    visit("max_open_files", launch.max_open_files);
    visit("max_processes", launch.max_processes);
    visit("max_core_bytes", launch.max_core_bytes);
    visit("prolog", launch.prolog);
    visit("epilog", launch.epilog);
    visit("hook_limit_ms", launch.hook_limit_ms);
    visit("hook_env", launch.hook_environment);
    visit("interpreter", launch.interpreter);
    visit("gpu", launch.gpus);
    visit("boot", launch.boot);
    visit("log_place", launch.log_place);
}

class Writer {
public:
    void operator()(std::string_view name, const std::string& value) {
        if (value.find('\0') != std::string::npos) {
            throw LaunchError("field \"" + std::string(name) + "\" of the launch file contains a zero byte");
        }
        bytes_.append(name).push_back('\0');
        bytes_.append(value).push_back('\0');
    }
    template <class Number>
    requires std::is_arithmetic_v<Number>
    void operator()(std::string_view name, const Number& value) { (*this)(name, std::to_string(value)); }
    template <class Value> void operator()(std::string_view name, const std::vector<Value>& values) {
        for (const Value& value : values) (*this)(name, value);
    }

    std::string take() { return std::move(bytes_); }

private:
    std::string bytes_;
};

// Takes one name and its value to the field of that name.
class Reader {
public:
    Reader(std::string_view name, std::string_view value) : name_(name), value_(value) {}

    void operator()(std::string_view name, std::string& field) const {
        if (name == name_) field = value_;
    }
    template <class Number>
    requires std::is_arithmetic_v<Number>
    void operator()(std::string_view name, Number& field) const {
        if (name == name_) field = number<Number>();
    }
    void operator()(std::string_view name, std::vector<std::string>& field) const {
        if (name == name_) field.emplace_back(value_);
    }
    template <class Number> void operator()(std::string_view name, std::vector<Number>& field) const {
        if (name == name_) field.push_back(number<Number>());
    }

private:
    template <class Number> [[nodiscard]] Number number() const {
        std::int64_t number = 0;
        auto [end, error] = std::from_chars(value_.data(), value_.data() + value_.size(), number);
        if (error != std::errc{} || end != value_.data() + value_.size()) {
            throw LaunchError("field \"" + std::string(name_) + "\" of the launch file is not a number: \"" +
                              std::string(value_.substr(0, 100)) + "\"");
        }
        std::int64_t limit = largest;
        if constexpr (sizeof(Number) < sizeof number) limit = std::numeric_limits<Number>::max();
        // The tokens and ids of the server may be any of their type.
        if constexpr (sizeof(Number) == sizeof number) {
            if (name_ == "job_id" || name_ == "token") limit = std::numeric_limits<std::int64_t>::max();
        }
        if (number < 0 || number > limit) {
            throw LaunchError("field \"" + std::string(name_) +
                              "\" of the launch file is out of range: " + std::string(value_));
        }
        return static_cast<Number>(number);
    }

    std::string_view name_;
    std::string_view value_;
};

std::string_view take_string(std::string_view& bytes) {
    std::size_t end = bytes.find('\0');
    if (end == std::string_view::npos) throw LaunchError("the launch file is cut short");
    std::string_view taken = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    return taken;
}

} // namespace

std::string encode(const Launch& launch) {
    Writer writer;
    visit_fields(launch, writer);
    writer(last_field, std::string());
    return writer.take();
}

Launch decode_launch(std::string_view bytes) {
    Launch launch;
    for (bool complete = false; !complete;) {
        std::string_view name = take_string(bytes);
        Reader reader(name, take_string(bytes));
        visit_fields(launch, reader);
        complete = name == last_field;
    }
    if (launch.token == 0) throw LaunchError("the launch file has no token");
    if (launch.arguments.empty()) throw LaunchError("the launch file has no arguments");
    return launch;
}

} // namespace rcq::rundir
