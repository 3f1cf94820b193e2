#include "history.hpp"

#include "monotonic.hpp"
#include "points.hpp"
#include "transaction.hpp"

namespace rcq::pg {

namespace {

constexpr TimestampTz interval = 10'000'000; // us
constexpr TimestampTz longest_retry = 60'000'000;
constexpr TimestampTz first_retry = 1'000'000;
constexpr TimestampTz longest_at_once = 50'000;

// Runs f in a transaction; what went wrong, or nothing.
template <class F> std::string in_transaction(F&& f) try {
    Transaction transaction;
    if (!OidIsValid(store::lock_extension())) return {};
    const Sight sight; // without one nothing may be executed; every statement takes a later one
    f();
    transaction.commit();
    return {};
} catch (const std::exception& e) {
    return e.what();
}

void log(const char* doing, const std::string& error) {
    if (!error.empty()) call([&] { ereport(LOG, (errmsg("rcq scheduler, %s: %s", doing, error.c_str()))); });
}

} // namespace

void History::maintain() try {
    const TimestampTz tick = monotonic();
    if (tick < due_) return;
    due_ = tick + interval;
    look(tick);
    // at last, because what is dropped at once is bounded by the time since the tick
    log("forgetting how far runs were", in_transaction([] { store::forget_progress(); }));
} catch (const std::exception& e) {
    log("looking after the history", e.what());
}

void History::look(TimestampTz tick) {
    bool settled = false;
    log("looking for restored jobs", in_transaction([&] { settled = store::settle_restore(); }));
    if (!settled) {
        due_ = tick + first_retry; // it is under way
        return;
    }
    extend(tick);
    std::vector<store::HistoryPart> parts;
    log("closing partitions", in_transaction([&] {
            store::close_history();
            RCQ_POINT("history.closed");
            parts = store::history_due();
        }));
    for (const store::HistoryPart& part : parts)
        if (!drop(part, tick)) return;
    retry_after_ = first_retry;
}

// One partition at a time, so that whoever needs one meanwhile does not wait long.
void History::extend(TimestampTz tick) {
    bool extended;
    do {
        extended = false;
        const std::string error = in_transaction([&] {
            extended = store::extend_history();
            RCQ_POINT("history.extended");
        });
        log("making a partition", error);
        if (!error.empty()) return;
    } while (extended && monotonic() - tick < longest_at_once);
    if (extended) due_ = 0;
}

// False when the rest must wait.
bool History::drop(const store::HistoryPart& part, TimestampTz tick) {
    if (monotonic() - tick > longest_at_once) {
        due_ = 0;
        return false;
    }
    // somebody who reads it is found out before much is done in vain
    bool may_drop = !part.whole;
    std::string error;
    if (part.whole) error = in_transaction([&] { may_drop = store::may_drop_history(part); });
    if (may_drop)
        error = in_transaction([&] {
            store::drop_history(part);
            RCQ_POINT("history.dropped");
        });
    if (error.empty()) return true;
    if (waits_for_ != part.first) log("dropping a partition, to be tried again", error);
    waits_for_ = part.first;
    log("noting that", in_transaction([&] { store::history_waits(part); }));
    due_ = tick + retry_after_;
    retry_after_ = std::min(2 * retry_after_, longest_retry);
    return false;
}

} // namespace rcq::pg
