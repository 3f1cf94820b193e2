// Run times as a user's own past foretells them (Tsafrir, Etsion, Feitelson, "Backfilling using system-generated
// predictions rather than user runtime estimates", TPDS 18(6), 2007): the mean of the last two jobs of the same user
// that have ended, never more than the user asked for.
#pragma once
#include "trace.hpp"

namespace rcq::sim {

class LastTwoPredictor {
public:
    explicit LastTwoPredictor(std::int32_t users) : last_(static_cast<std::size_t>(users)) {}

    // The requested time as long as fewer than two jobs of the user have ended.
    core::Micros predict(const TraceJob& job) const {
        const auto& [newer, older] = last_[static_cast<std::size_t>(job.user)];
        return older > 0 ? std::min(job.requested, newer / 2 + older / 2) : job.requested;
    }

    void job_ended(const TraceJob& job) {
        auto& [newer, older] = last_[static_cast<std::size_t>(job.user)];
        older = newer;
        newer = job.run;
    }

private:
    std::vector<std::pair<core::Micros, core::Micros>> last_; // run times of the last and the last but one; 0 = none
};

} // namespace rcq::sim
