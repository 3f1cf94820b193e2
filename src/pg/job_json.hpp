// Jobs as the routes of the REST interface show them, read by key.
#pragma once
#include "layouts.hpp"

namespace rcq::pg {

class JobReader {
public:
    JobReader();
    // Appends the job to `json` as an object, with times in RFC 3339 and UTC; false when there is no such job, or it is
    // none of this user's (0 = whosever). A list shows of each job its first fields alone, and of its script the
    // beginning.
    enum class Show { all, list };
    bool append(StringInfo json, int64 id, int32 of_user, Show show);

private:
    Sight sight_;
    PartitionedTable jobs_, outcomes_;
    const Table live_;
    Scan live_scan_;
};

} // namespace rcq::pg
