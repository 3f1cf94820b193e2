// Deadlines of jobs that have not started, in order: which have passed, and when the next one does.
#pragma once
#include "../core/types.hpp"
#include "prelude.hpp"

namespace rcq::pg {

class Deadlines {
public:
    // Of this job; replaces the one that it had.
    void put(core::JobId job, TimestampTz deadline);
    void drop(core::JobId job);
    void clear();
    // Those that have one, first <= id <= last.
    std::vector<core::JobId> ids_in(core::JobId first, core::JobId last) const;
    // Takes out jobs whose deadline is not after `now`, the earliest first, at most so many.
    std::vector<core::JobId> take_due(TimestampTz now, std::size_t at_most);
    // The earliest one.
    std::optional<TimestampTz> next() const;

private:
    std::set<std::pair<TimestampTz, core::JobId>> order_;
    std::map<core::JobId, TimestampTz> deadline_of_;
};

} // namespace rcq::pg
