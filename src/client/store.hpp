// All SQL of the command: what it asks the database for, as statements. Names of columns are those of the views and
// functions; where rows are shown as JSON they are its keys.
#pragma once
#include "database/statement.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace rcq::client::store {

// Each row of the statement's answer as one JSON object.
database::Statement as_json(const database::Statement& statement);

// The id of a task of an array.
database::Statement task(std::int64_t array, int index);

// What is known of one job.
database::Statement job(std::int64_t id);
database::Statement runs(std::int64_t id);
database::Statement array(std::int64_t id);
database::Statement array_indices(std::int64_t id); // 1-100:2; no row: it is no array
database::Statement dependencies(std::int64_t id);
database::Statement findings(std::int64_t id); // kind, reason, message, data
// The same with times as of a time zone; an error 22023 when the server does not know it.
database::Statement findings(std::int64_t id, const std::string& time_zone);
database::Statement efficiency(std::int64_t id);
database::Statement user_efficiency();

// How jobs stand: id, status, reason, exit_code, signal, attempt, executor, progress, progress_message, message,
// seconds since the last start.
database::Statement job_states(const std::vector<std::int64_t>& ids);
// The same, whole.
database::Statement whole_job_states(const std::vector<std::int64_t>& ids);
// Seconds until a pending job is expected to start; no row, or NULL: nobody knows.
database::Statement expected_start(std::int64_t id);
// attempt, seq, stream, bytes, ended: from line `seq` of an attempt on, or of the latest one.
database::Statement log_chunks(std::int64_t id, std::optional<int> attempt, std::int64_t seq, int most_bytes);

// Which jobs a list is of; what is empty leaves nothing out.
struct ListFilter {
    std::vector<std::string> status;
    std::string user;
    std::string group;
    bool mine = false;
};
database::Statement queue_page(const ListFilter& filter, int at_most);
database::Statement queue_counts(const ListFilter& filter); // one column for each status that is asked for
database::Statement ended_jobs(const ListFilter& filter, const std::string& name, int at_most);

// {"cluster": {...}, "executors": [...], "groups": [...], "running": [...], "pending": [...]}, of jobs the first
// `jobs`. Numbers of jobs are of the whole cluster; the jobs are those that the caller sees.
database::Statement overview(int jobs);

// `requests`: a JSON array of jobs. Answers their ids.
database::Statement submit(std::string requests);
database::Statement resubmit(std::int64_t id); // the id of the new one, as below
database::Statement resubmit_failed_tasks(std::int64_t array);

// Of a job, or of some tasks of an array: `tasks` as of 1-10,20; empty: the job. Each answers one value.
database::Statement cancel(std::int64_t id, const std::string& tasks);
database::Statement hold(std::int64_t id, const std::string& tasks);
database::Statement release(std::int64_t id, const std::string& tasks);
database::Statement requeue(std::int64_t id);
database::Statement set_priority(std::int64_t id, int priority);

// How a value goes into a call whose arguments are chosen by the caller.
enum class ValueType { text, texts, bigints, integer, numeric, timestamp, seconds };

// An argument of rcq.change_jobs or rcq.update_job, by its name there. The value is text unless it is an array; seconds
// become an interval.
struct Argument {
    std::string name;
    ValueType type;
    database::Parameter value;
};
// Answers action, matched, changed.
database::Statement change_jobs(const std::string& action, bool dry_run, const std::vector<Argument>& arguments);
database::Statement update_job(std::int64_t id, const std::vector<Argument>& arguments);

} // namespace rcq::client::store
