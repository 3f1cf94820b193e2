// How jobs do, read by key: their status, why they wait, how far they are.
#pragma once
#include "layouts.hpp"
#include "publishing.hpp"

namespace rcq::pg {

// A column that may be NULL, which is empty then.
std::string_view text_or_none(const FoundRow& row, int column);

// What is published of a pending job, of its row of live.
PendingState pending_state(const FoundRow& live);

// What is being done to a running job, of its row of live; empty when nothing is.
std::string_view running_reason(const FoundRow& live);

// A job that was restored from a dump and not yet resumed.
struct RestoredJob {
    int32 user_id, priority;
};
std::optional<RestoredJob> restored_job(const Sight& sight, int64 job_id);

// What a run has said of how far it is.
struct RunProgress {
    int32 percent;
    std::optional<std::string> message;
};

// Reads what runs have said; of SQL objects that know nothing of it, none.
class ProgressReader {
public:
    explicit ProgressReader(const Sight& sight) : sight_(sight) {}
    // Of the run with this token, which may be none of the job any more.
    std::optional<RunProgress> of(int64 job_id, int64 token);

private:
    const Sight& sight_;
    struct Rows {
        explicit Rows(const Sight& sight) : table(progress::layout, Use::reading), by_job(table, sight, 1) {}
        Table table;
        Scan by_job;
    };
    std::optional<Rows> rows_;
};

// Counts the tasks of arrays that have ended.
class ArrayProgressReader {
public:
    explicit ArrayProgressReader(const Sight& sight) : sight_(sight) {}
    // Percent of them, rounded down; none when this is no array.
    std::optional<int32> of(int64 array_id);

private:
    struct Tables {
        explicit Tables(const Sight& sight);
        const Table arrays, ends;
        Scan array, lately;
    };
    const Sight& sight_;
    std::optional<Tables> tables_;
};

} // namespace rcq::pg
