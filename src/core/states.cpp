#include "states.hpp"
#include <algorithm>
#include <array>

namespace rcq::core {
namespace {

constexpr std::array transition_table{
    Transition{Status::pending, Status::assigned},   // placed by the scheduler
    Transition{Status::pending, Status::failed},     // a dependency failed, a deadline passed
    Transition{Status::pending, Status::cancelled},  // at once: nothing runs
    Transition{Status::assigned, Status::running},   // claimed by its executor
    Transition{Status::assigned, Status::pending},   // not claimed in time, or the executor went away
    Transition{Status::assigned, Status::cancelled}, // at once: nothing runs yet
    Transition{Status::running, Status::completed},  // ended well
    Transition{Status::running, Status::failed},     // ended badly, no retry left
    Transition{Status::running, Status::cancelled},  // the executor confirmed, or was lost
    Transition{Status::running, Status::pending},    // lost, retried or preempted
};

struct StatusWord {
    Status status;
    std::string_view word;
};
constexpr std::array status_words{
    StatusWord{Status::pending, "pending"}, StatusWord{Status::assigned, "assigned"},
    StatusWord{Status::running, "running"}, StatusWord{Status::completed, "completed"},
    StatusWord{Status::failed, "failed"},   StatusWord{Status::cancelled, "cancelled"},
};

struct ReasonWord {
    Reason reason;
    Status explains;
    std::string_view word;
};
constexpr std::array reason_words{
    ReasonWord{Reason::priority, Status::pending, "priority"},
    ReasonWord{Reason::resources, Status::pending, "resources"},
    ReasonWord{Reason::reserved, Status::pending, "reserved"},
    ReasonWord{Reason::dependency, Status::pending, "dependency"},
    ReasonWord{Reason::begin_time, Status::pending, "begin_time"},
    ReasonWord{Reason::held, Status::pending, "held"},
    ReasonWord{Reason::retry, Status::pending, "retry"},
    ReasonWord{Reason::array_throttle, Status::pending, "array_throttle"},
    ReasonWord{Reason::quota, Status::pending, "quota"},
    ReasonWord{Reason::limit, Status::pending, "limit"},
    ReasonWord{Reason::maintenance, Status::pending, "maintenance"},
    ReasonWord{Reason::drained, Status::pending, "drained"},
    ReasonWord{Reason::paused, Status::pending, "paused"},
    ReasonWord{Reason::no_executor, Status::pending, "no_executor"},
    ReasonWord{Reason::never_fits, Status::pending, "never_fits"},
    ReasonWord{Reason::restored, Status::pending, "restored"},
    ReasonWord{Reason::cancelling, Status::running, "cancelling"},
    ReasonWord{Reason::preempting, Status::running, "preempting"},
    ReasonWord{Reason::requeueing, Status::running, "requeueing"},
    ReasonWord{Reason::exit_code, Status::failed, "exit_code"},
    ReasonWord{Reason::signal, Status::failed, "signal"},
    ReasonWord{Reason::timeout, Status::failed, "timeout"},
    ReasonWord{Reason::oom, Status::failed, "oom"},
    ReasonWord{Reason::disk_quota, Status::failed, "disk_quota"},
    ReasonWord{Reason::deadline, Status::failed, "deadline"},
    ReasonWord{Reason::executor_lost, Status::failed, "executor_lost"},
    ReasonWord{Reason::not_started, Status::failed, "not_started"},
    ReasonWord{Reason::dependency_failed, Status::failed, "dependency_failed"},
    ReasonWord{Reason::spawn_error, Status::failed, "spawn_error"},
    ReasonWord{Reason::bad_result, Status::failed, "bad_result"},
    ReasonWord{Reason::tasks_failed, Status::failed, "tasks_failed"},
};

constexpr auto status_list = []() {
    std::array<Status, status_words.size()> list{};
    for (std::size_t i = 0; i < list.size(); ++i) list[i] = status_words[i].status;
    return list;
}();
constexpr auto reason_list = []() {
    std::array<Reason, reason_words.size()> list{};
    for (std::size_t i = 0; i < list.size(); ++i) list[i] = reason_words[i].reason;
    return list;
}();

} // namespace

std::span<const Transition> transitions() { return transition_table; }

bool may_become(Status from, Status to) {
    return std::any_of(transition_table.begin(), transition_table.end(),
                       [&](const Transition& t) { return t.from == from && t.to == to; });
}

bool is_final(Status status) {
    return std::none_of(transition_table.begin(), transition_table.end(),
                        [&](const Transition& t) { return t.from == status; });
}

std::string_view name(Status status) {
    for (const auto& w : status_words)
        if (w.status == status) return w.word;
    return {};
}

std::string_view name(Reason reason) {
    for (const auto& w : reason_words)
        if (w.reason == reason) return w.word;
    return {};
}

std::optional<Status> status_from(std::string_view name) {
    for (const auto& w : status_words)
        if (w.word == name) return w.status;
    return std::nullopt;
}

std::optional<Reason> reason_from(std::string_view name) {
    for (const auto& w : reason_words)
        if (w.word == name) return w.reason;
    return std::nullopt;
}

std::optional<Status> status_of(Reason reason) {
    for (const auto& w : reason_words)
        if (w.reason == reason) return w.explains;
    return std::nullopt;
}

std::span<const Status> all_statuses() { return status_list; }
std::span<const Reason> all_reasons() { return reason_list; }

} // namespace rcq::core
