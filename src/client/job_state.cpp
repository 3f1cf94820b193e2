#include "client/job_state.hpp"

#include "client/times.hpp"

#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

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

[[noreturn]] void refuse_unknown(const std::map<std::int64_t, std::string>& missing) {
    std::vector<AskedJob> jobs;
    jobs.reserve(missing.size());
    for (const auto& [id, label] : missing) jobs.push_back({id, label});
    throw Failure(ExitCode::unknown_job,
                  fmt::format("there {} no {} of yours", jobs.size() == 1 ? "is" : "are", jobs_text(jobs)),
                  "rcq queue and rcq history list your jobs");
}

} // namespace

std::vector<std::int64_t> ids_of(const std::vector<AskedJob>& jobs) {
    std::vector<std::int64_t> ids;
    ids.reserve(jobs.size());
    for (const AskedJob& job : jobs) ids.push_back(job.id);
    return ids;
}

std::vector<JobState> job_states(const database::Result& result, const std::vector<AskedJob>& jobs) {
    const PGresult* rows = result.get();
    std::vector<JobState> states;
    std::map<std::int64_t, std::string> labels;
    for (const AskedJob& job : jobs) labels[job.id] = job.label;
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
        if (const auto label = labels.extract(state.id)) state.label = label.mapped();
        states.push_back(std::move(state));
    }
    if (!labels.empty()) refuse_unknown(labels);
    return states;
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
    if (job.status != "completed" && !job.message.empty() && job.message != job.status) text += ": " + job.message;
    return text;
}

std::string jobs_text(const std::vector<AskedJob>& jobs) {
    constexpr std::size_t most = 5;
    std::vector<std::string> labels;
    for (const AskedJob& job : jobs) {
        if (labels.size() < most) labels.push_back(job.label);
    }
    const std::string text = fmt::format("{} {}", jobs.size() == 1 ? "job" : "jobs", fmt::join(labels, ", "));
    return jobs.size() <= most ? text : fmt::format("{} and {} more", text, jobs.size() - most);
}

} // namespace rcq::client
