// The one way in: checks requests, then stores jobs for all of them or for none.
#pragma once
#include "requests.hpp"

namespace rcq::pg {

struct Submitter {
    int32 user_id = 0;
    int32 group_id = 0;
    int32 max_priority = 10;
    std::optional<int32> max_pending; // none = the setting decides
};

// Who acts; errors as of caller().
Submitter acting_submitter();

// A dependency between two jobs of one submission, by their places in it, which count from 1.
struct Edge {
    int32 job;
    int32 on;
    std::string kind;
};

struct Submission {
    Submitter submitter;
    std::vector<Request> requests;
    std::vector<Edge> edges;
    std::optional<int32> schedule; // that they come from
    int64 rows_before = -1;        // they are rows that follow so many others; -1 = they are a list, or one alone
};

// Returns the ids in the order of the requests; the same key of idempotency gives the same id.
std::vector<int64> enqueue(Submission& submission);

// The same for the user who acts. What comes over HTTP is recorded with where it came from; over SQL, where it is
// faster than that would be, the job is the record.
std::vector<int64> enqueue_acting(Submission& submission);

} // namespace rcq::pg
