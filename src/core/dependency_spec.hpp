// What a job waits for: afterok:41:42,afterany:7_3,singleton
//
//   list      = item { "," item }
//   item      = kind ":" job { ":" job } | "singleton"
//   job       = id [ "_" index of a task of that array ]
//
// Numbers are decimal; there are no spaces. The job waits for all of it.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rcq::core {

struct Dependency {
    enum class Kind {
        after,      // has started, or ended without
        afterany,   // has ended
        afterok,    // has completed
        afternotok, // has ended otherwise
        aftercorr,  // task by task: the task of the same index has completed
        singleton   // all older jobs of the same name and user have ended
    };
    Kind kind = Kind::afterok;
    std::int64_t job = 0;                   // 1 to 2^63 - 1; 0 for singleton
    std::optional<std::int32_t> task_index; // of an array; none: all of the job
    friend auto operator<=>(const Dependency&, const Dependency&) = default;
};

std::string_view name(Dependency::Kind kind);

// Why a text was refused.
struct DependencyError {
    std::string message; // what is wrong, with the item and the allowed range
    std::string hint;    // what to do about it, with an example
};

inline constexpr std::size_t max_dependencies = 10'000;           // of one job, those that are named twice included
inline constexpr std::size_t max_dependency_characters = 500'000; // enough for as many of the longest

// Sorted by kind, job, task, without duplicates; never empty.
std::variant<std::vector<Dependency>, DependencyError> parse_dependencies(std::string_view text);

// The canonical text of what parse_dependencies() gives: it depends on the set alone and is parsed as that.
std::string text(const std::vector<Dependency>& dependencies);

} // namespace rcq::core
