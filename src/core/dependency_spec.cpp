#include "dependency_spec.hpp"
#include "array_spec.hpp"
#include "quoted.hpp"
#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

namespace rcq::core {
namespace {

using Kind = Dependency::Kind;

struct KindWord {
    Kind kind;
    std::string_view word;
};
constexpr std::array kind_words{
    KindWord{Kind::after, "after"},         KindWord{Kind::afterany, "afterany"},
    KindWord{Kind::afterok, "afterok"},     KindWord{Kind::afternotok, "afternotok"},
    KindWord{Kind::aftercorr, "aftercorr"}, KindWord{Kind::singleton, "singleton"},
};

constexpr const char* grammar =
    "Write after, afterany, afterok, afternotok or aftercorr with ids of jobs, or singleton, "
    "joined by commas; for example afterok:41:42,afterany:7_3,singleton.";

[[noreturn]] void fail(std::string_view item, const std::string& what) {
    throw DependencyError{"depends_on: " + quoted(item) + " " + what, grammar};
}

// Digits alone, in [low, high].
template <typename Number> std::optional<Number> number(std::string_view digits, Number low, Number high) {
    Number value = 0;
    const char* end = digits.data() + digits.size();
    if (digits.empty() || digits.front() == '-') return std::nullopt;
    const auto [rest, error] = std::from_chars(digits.data(), end, value);
    if (error != std::errc() || rest != end || value < low || value > high) return std::nullopt;
    return value;
}

// Cuts off what comes before the next separator, and the separator.
std::string_view cut(std::string_view& text, char separator) {
    const std::size_t at = text.find(separator);
    const std::string_view head = text.substr(0, at);
    text = at == std::string_view::npos ? std::string_view() : text.substr(at + 1);
    return head;
}

Kind parse_kind(std::string_view word, std::string_view item) {
    for (const KindWord& k : kind_words)
        if (k.word == word) return k.kind;
    fail(item, "does not begin with a kind of dependency");
}

Dependency parse_job(Kind kind, std::string_view job, std::string_view item) {
    Dependency dependency{kind, 0, std::nullopt};
    const bool of_task = job.find('_') != std::string_view::npos;
    const std::optional id = number<std::int64_t>(cut(job, '_'), 1, INT64_MAX);
    if (!id) fail(item, "names a job by something else than an id from 1 to " + std::to_string(INT64_MAX));
    dependency.job = *id;
    if (!of_task) return dependency;
    dependency.task_index = number<std::int32_t>(job, 0, ArraySpec::max_index);
    if (!dependency.task_index)
        fail(item, "names a task by something else than an index from 0 to " + std::to_string(ArraySpec::max_index));
    if (kind == Kind::aftercorr) fail(item, "names one task, but aftercorr is for whole arrays");
    return dependency;
}

std::vector<Dependency> parse(std::string_view text) {
    if (text.empty()) throw DependencyError{"depends_on is empty", grammar};
    if (text.size() > max_dependency_characters)
        throw DependencyError{"depends_on has " + std::to_string(text.size()) + " characters, allowed is at most " +
                                  std::to_string(max_dependency_characters),
                              "Let a job in between wait for some of them, and this one for that."};
    if (text.find('?') != std::string_view::npos)
        throw DependencyError{"depends_on: " + quoted(text) + " joins items by ? (any of them), which is not supported",
                              "Join them by commas: the job then waits for all, for example afterok:41,afterany:42."};
    std::vector<Dependency> all;
    const auto add = [&](const Dependency& dependency) {
        all.push_back(dependency);
        if (all.size() > max_dependencies)
            throw DependencyError{"depends_on has more than " + std::to_string(max_dependencies) + " dependencies",
                                  "Let a job in between wait for some of them, and this one for that."};
    };
    if (text.back() == ',') fail(text, "ends with a comma");
    while (!text.empty()) {
        const std::string_view item = cut(text, ',');
        std::string_view jobs = item;
        const Kind kind = parse_kind(cut(jobs, ':'), item);
        const bool names_jobs = item.find(':') != std::string_view::npos;
        if (kind == Kind::singleton) {
            if (names_jobs) fail(item, "names jobs, but singleton goes by the name of this job");
            add({kind, 0, std::nullopt});
            continue;
        }
        if (!names_jobs) fail(item, "names no job");
        if (item.back() == ':') fail(item, "ends with a colon");
        while (!jobs.empty()) add(parse_job(kind, cut(jobs, ':'), item));
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

} // namespace

std::string_view name(Dependency::Kind kind) {
    for (const KindWord& k : kind_words)
        if (k.kind == kind) return k.word;
    return {};
}

std::variant<std::vector<Dependency>, DependencyError> parse_dependencies(std::string_view text) {
    try {
        return parse(text);
    } catch (DependencyError& error) {
        return std::move(error);
    }
}

std::string text(const std::vector<Dependency>& dependencies) {
    std::string text;
    const Dependency* last = nullptr;
    for (const Dependency& d : dependencies) {
        if (!last || last->kind != d.kind) {
            if (last) text += ',';
            text += name(d.kind);
        }
        last = &d;
        if (d.kind == Kind::singleton) continue;
        text += ':' + std::to_string(d.job);
        if (d.task_index) text += '_' + std::to_string(*d.task_index);
    }
    return text;
}

} // namespace rcq::core
