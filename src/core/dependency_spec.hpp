// What a job waits for before it may start: afterok:41,afterany:42:43,afterok:50_7,singleton
//
//   dependencies = dependency { "," dependency }
//   dependency   = kind ":" job { ":" job } | "singleton"
//   kind         = "after" | "afterany" | "afterok" | "afternotok" | "aftercorr"
//   job          = id [ "_" index ]        the index names one task of an array job
//
// All of them must be met. There are no spaces.
#pragma once
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace rcq::core {

enum class DependencyKind {
    after,      // the job has started, or ended without
    afterany,   // it has ended
    afterok,    // it has completed
    afternotok, // it has failed or was cancelled
    aftercorr,  // task i of this array job waits for task i of the other one to complete
    singleton   // all earlier jobs of the same user and name have ended
};

std::string_view name(DependencyKind kind);

struct Dependency {
    DependencyKind kind = DependencyKind::afterok;
    std::int64_t job = 0;             // 1 to 2^63 - 1; 0 of a singleton
    std::optional<std::int32_t> task; // index, 0 to ArraySpec::max_index; never of aftercorr and singleton
    friend auto operator<=>(const Dependency&, const Dependency&) = default;
};

// Why a text was refused.
struct DependencyError {
    std::string message; // what is wrong, with the part
    std::string hint;    // what to do about it, with an example
};

constexpr std::size_t max_dependencies = 10'000; // that one text may name, one that is named twice counts twice

// Sorted and without duplicates.
std::variant<std::vector<Dependency>, DependencyError> parse_dependencies(std::string_view text);

// The canonical text of sorted dependencies, which parse_dependencies() gives back as they are.
std::string text(const std::vector<Dependency>& dependencies);

} // namespace rcq::core
