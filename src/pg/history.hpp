// Looks after the history: makes partitions before they are needed, drops them when their time is over; and deletes
// what runs that are over have said of how far they were.
#pragma once
#include "store.hpp"

namespace rcq::pg {

class History {
public:
    // Does what is due, beside the scheduling cycle: in transactions of its own, which are short but for one that drops
    // a partition with much to tidy up (about a second), and stops after about 50 ms. Never throws: what fails is
    // logged and tried again. To be called where the scheduler works (not while it idles).
    void maintain();
    // Something may be due sooner than it was: settings changed, or an administrator asks for pruning.
    void hurry() { due_ = 0; }

private:
    void look(TimestampTz tick);
    void extend(TimestampTz tick);
    bool drop(const store::HistoryPart& part, TimestampTz tick);

    TimestampTz due_ = 0;                 // by a clock that nobody sets
    TimestampTz retry_after_ = 1'000'000; // us, doubled with every attempt in vain
    int64 waits_for_ = -1;                // first id of a partition that could not be dropped, logged once
};

} // namespace rcq::pg
