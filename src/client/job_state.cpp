#include "client/job_state.hpp"

#include "client/times.hpp"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace rcq::client {

namespace {

std::string text_at(const PGresult* result, int row, int column) {
    return {PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column))};
}

template <class Number> std::optional<Number> number_at(const PGresult* result, int row, int column) {
    if (PQgetisnull(result, row, column) != 0) return std::nullopt;
    const char* text = PQgetvalue(result, row, column);
    Number number{};
    std::from_chars(text, text + PQgetlength(result, row, column), number);
    return number;
}

} // namespace

database::Statement job_states_statement(const std::vector<std::int64_t>& ids) {
    return {"SELECT s.id, s.status, s.reason, s.exit_code, s.signal, s.attempt, s.executor, s.progress, "
            "s.progress_message, s.message, extract(epoch FROM COALESCE(s.ended_at, clock_timestamp()) - s.started_at) "
            "FROM rcq.job_states($1) s",
            {database::bigints(ids)}};
}

std::vector<JobState> job_states(const database::Result& result) {
    const PGresult* rows = result.get();
    std::vector<JobState> states;
    for (int row = 0; row < PQntuples(rows); ++row) {
        JobState state;
        state.id = number_at<std::int64_t>(rows, row, 0).value_or(0);
        state.status = text_at(rows, row, 1);
        state.reason = text_at(rows, row, 2);
        state.exit_code = number_at<int>(rows, row, 3);
        state.signal = number_at<int>(rows, row, 4);
        state.attempt = number_at<int>(rows, row, 5).value_or(0);
        state.executor = text_at(rows, row, 6);
        state.progress = number_at<int>(rows, row, 7);
        state.progress_message = text_at(rows, row, 8);
        state.message = text_at(rows, row, 9);
        state.ran_s = number_at<double>(rows, row, 10);
        states.push_back(std::move(state));
    }
    return states;
}

std::vector<std::int64_t> missing_jobs(const std::vector<std::int64_t>& ids, const std::vector<JobState>& states) {
    std::vector<std::int64_t> missing;
    for (std::int64_t id : ids) {
        const bool known = std::any_of(states.begin(), states.end(), [&](const JobState& job) { return job.id == id; });
        if (!known) missing.push_back(id);
    }
    return missing;
}

int exit_code_of(const JobState& job) {
    if (job.status == "completed") return 0;
    if (job.status == "failed" && job.signal) return 128 + *job.signal;
    if (job.status == "failed" && job.exit_code.value_or(0) != 0) return *job.exit_code;
    return static_cast<int>(ExitCode::job_failed);
}

int exit_code_of(const std::vector<JobState>& jobs) {
    for (const JobState& job : jobs) {
        if (const int code = exit_code_of(job); code != 0) return code;
    }
    return 0;
}

std::string end_text(const JobState& job) {
    std::string text = job.status;
    if (job.status == "failed" && job.reason == "exit_code" && job.exit_code) {
        text += fmt::format(" with exit code {}", *job.exit_code);
    } else if (job.status == "failed" && job.reason == "signal" && job.signal) {
        text += fmt::format(" by signal {}", *job.signal);
    } else if (job.status == "failed" && !job.reason.empty()) {
        text += fmt::format(" ({})", job.reason);
    }
    if (job.ran_s) text += " after " + short_duration(*job.ran_s);
    if (job.status != "completed" && !job.message.empty()) text += ": " + job.message;
    return text;
}

std::string jobs_text(const std::vector<std::int64_t>& ids) {
    constexpr std::size_t most = 5;
    if (ids.size() == 1) return fmt::format("job {}", ids.front());
    const std::vector<std::int64_t> first(ids.begin(), ids.begin() + static_cast<long>(std::min(ids.size(), most)));
    const std::string list = fmt::format("jobs {}", fmt::join(first, ", "));
    return ids.size() <= most ? list : fmt::format("{} and {} more", list, ids.size() - most);
}

} // namespace rcq::client
