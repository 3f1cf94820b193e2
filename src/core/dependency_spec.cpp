#include "dependency_spec.hpp"
#include "array_spec.hpp"
#include "quoted.hpp"
#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace rcq::core {

namespace {

constexpr std::array<std::string_view, 6> names{"after",      "afterany",  "afterok",
                                                "afternotok", "aftercorr", "singleton"}; // in the order of the kinds
constexpr const char* grammar = "Write it as afterok:41,afterany:42:43; kinds are after, afterany, afterok, afternotok "
                                "and aftercorr, each with ids of jobs, and singleton; all of them must be met.";

[[noreturn]] void fail(std::string message, std::string hint = grammar) {
    throw DependencyError{std::move(message), std::move(hint)};
}

// Takes what stands before the separator, and it, off the front; all of it when there is none.
std::string_view take_until(char separator, std::string_view& rest, bool& more) {
    const std::size_t end = rest.find(separator);
    more = end != std::string_view::npos;
    const std::string_view taken = rest.substr(0, end);
    rest.remove_prefix(more ? end + 1 : rest.size());
    return taken;
}

// Digits alone, in [least, greatest].
std::optional<std::int64_t> number(std::string_view digits, std::int64_t least, std::int64_t greatest) {
    if (digits.empty()) return std::nullopt;
    std::int64_t value = 0;
    for (const char c : digits) {
        if (c < '0' || c > '9') return std::nullopt;
        if (value > (greatest - (c - '0')) / 10) return std::nullopt;
        value = value * 10 + (c - '0');
    }
    return value >= least ? std::optional(value) : std::nullopt;
}

DependencyKind kind_from(std::string_view word, std::string_view part) {
    const auto found = std::find(names.begin(), names.end(), word);
    if (found == names.end()) fail("dependency " + quoted(part) + " begins with no kind of dependency");
    return static_cast<DependencyKind>(found - names.begin());
}

Dependency parse_job(DependencyKind kind, std::string_view word, std::string_view part) {
    bool has_task = false;
    std::string_view rest = word;
    const std::string_view digits = take_until('_', rest, has_task);
    const auto job = number(digits, 1, std::numeric_limits<std::int64_t>::max());
    if (!job) {
        if (word.find('+') != std::string_view::npos)
            fail("dependency " + quoted(part) + " has a delay after a +, which is not supported",
                 "Leave the delay out; the begin_time of the job can be set instead.");
        fail("dependency " + quoted(part) + " names " + quoted(word) + ", which is no id of a job");
    }
    Dependency dependency{kind, *job, std::nullopt};
    if (!has_task) return dependency;
    if (kind == DependencyKind::aftercorr)
        fail("dependency " + quoted(part) + " names one task, and aftercorr is between two array jobs",
             "Name the array job alone: each task waits for the task of the same index.");
    const auto task = number(rest, 0, ArraySpec::max_index);
    if (!task)
        fail("dependency " + quoted(part) + " names " + quoted(word) + ", which is no task of an array job",
             "Write it as 41_7: the task with index 7 of array job 41.");
    dependency.task = static_cast<std::int32_t>(*task);
    return dependency;
}

void parse_part(std::string_view part, std::vector<Dependency>& dependencies) {
    bool more = false;
    std::string_view rest = part;
    const DependencyKind kind = kind_from(take_until(':', rest, more), part);
    if (kind == DependencyKind::singleton) {
        if (more) fail("dependency " + quoted(part) + " names a job, and singleton takes none");
        dependencies.push_back({kind, 0, std::nullopt});
        return;
    }
    if (!more) fail("dependency " + quoted(part) + " names no job");
    while (more) {
        if (dependencies.size() == max_dependencies)
            fail("there are more than " + std::to_string(max_dependencies) + " dependencies",
                 "Let the job wait for one job that waits for the others.");
        const std::string_view word = take_until(':', rest, more);
        dependencies.push_back(parse_job(kind, word, part));
    }
}

} // namespace

std::string_view name(DependencyKind kind) { return names[static_cast<std::size_t>(kind)]; }

std::variant<std::vector<Dependency>, DependencyError> parse_dependencies(std::string_view text) {
    try {
        if (text.empty()) fail("there is no dependency in it", "Leave it out for a job that waits for nothing.");
        if (text.find('?') != std::string_view::npos)
            fail("? (any of several dependencies) is not supported",
                 "Join dependencies with a comma: all of them must be met.");
        if (text.find_first_of(" \t\r\n") != std::string_view::npos)
            fail("there is a space in it", "Write it without spaces: afterok:41,afterany:42:43.");
        std::vector<Dependency> dependencies;
        for (bool more = true; more;) {
            const std::string_view part = take_until(',', text, more);
            if (dependencies.size() == max_dependencies)
                fail("there are more than " + std::to_string(max_dependencies) + " dependencies",
                     "Let the job wait for one job that waits for the others.");
            parse_part(part, dependencies);
        }
        std::sort(dependencies.begin(), dependencies.end());
        dependencies.erase(std::unique(dependencies.begin(), dependencies.end()), dependencies.end());
        return dependencies;
    } catch (DependencyError& error) {
        return std::move(error);
    }
}

std::string text(const std::vector<Dependency>& dependencies) {
    std::string result;
    std::optional<DependencyKind> previous;
    for (const Dependency& dependency : dependencies) {
        if (previous != dependency.kind) {
            if (previous) result += ',';
            result += name(dependency.kind);
        }
        previous = dependency.kind;
        if (dependency.kind == DependencyKind::singleton) continue;
        result += ':' + std::to_string(dependency.job);
        if (dependency.task) result += '_' + std::to_string(*dependency.task);
    }
    return result;
}

} // namespace rcq::core
