#include "ranking.hpp"
#include <algorithm>

namespace rcq::core {
namespace {

// One lane being merged: the next of its jobs that was not placed.
struct Cursor {
    const LaneStanding* lane;
    const LaneEntry* entry;
    Rank rank;
};

// For heaps, whose top is the greatest.
bool by_rank(const Cursor& a, const Cursor& b) { return goes_before(b.rank, a.rank); }
bool by_age(const Cursor& a, const Cursor& b) { return b.entry->before(*a.entry); }

class Merge {
public:
    Merge(const Standing& standing, std::size_t count) : standing_(standing), count_(count) {
        for (const LaneStanding& lane : standing.lanes) {
            const LaneEntry* entry = lane.oldest;
            if (entry && standing.is_eligible(*entry)) cursors_.push_back({&lane, entry, {}});
        }
    }

    // Rule 2, scope job: everything that waited too long, oldest first.
    void all_lifted() {
        std::make_heap(cursors_.begin(), cursors_.end(), by_age);
        while (!done() && standing_.has_waited_too_long(*cursors_.front().entry)) {
            std::pop_heap(cursors_.begin(), cursors_.end(), by_age);
            add(cursors_.back(), true);
            if (advance(cursors_.back()))
                std::push_heap(cursors_.begin(), cursors_.end(), by_age);
            else
                cursors_.pop_back();
        }
    }

    // Rule 2, scope group: the oldest of each group that may lift.
    void one_lifted_per_group(const Settings& settings, const PlanState& state, Micros now) {
        std::vector<Cursor*> oldest;
        GroupId group = 0;
        for (Cursor& c : cursors_) { // ordered by group
            if (!standing_.has_waited_too_long(*c.entry)) continue;
            const GroupId owner = c.lane->lane->spec.group;
            if (oldest.empty() || group != owner) {
                if (!may_lift(state, owner, settings, now)) continue;
                oldest.push_back(&c);
                group = owner;
            } else if (c.entry->before(*oldest.back()->entry)) {
                oldest.back() = &c;
            }
        }
        std::sort(oldest.begin(), oldest.end(), [](auto* a, auto* b) { return a->entry->before(*b->entry); });
        for (Cursor* c : oldest) {
            if (ranked.size() == count_) return;
            add(*c, true);
            if (!advance(*c)) c->entry = nullptr;
        }
        std::erase_if(cursors_, [](const Cursor& c) { return !c.entry; });
    }

    // Rule 3.
    void rest() {
        for (Cursor& c : cursors_) c.rank = standing_.rank_of(*c.lane, *c.entry);
        std::make_heap(cursors_.begin(), cursors_.end(), by_rank);
        while (!done()) {
            std::pop_heap(cursors_.begin(), cursors_.end(), by_rank);
            Cursor& c = cursors_.back();
            add(c, false);
            if (advance(c)) {
                c.rank = standing_.rank_of(*c.lane, *c.entry);
                std::push_heap(cursors_.begin(), cursors_.end(), by_rank);
            } else {
                cursors_.pop_back();
            }
        }
    }

    std::vector<RankedJob> ranked;

private:
    bool done() const { return cursors_.empty() || ranked.size() == count_; }

    void add(const Cursor& c, bool lifted) {
        ranked.push_back(
            {c.entry->id, ranked.size() + 1, standing_.factors_of(*c.lane, *c.entry), c.lane->reason, lifted});
    }

    bool advance(Cursor& c) const {
        do c.entry = c.lane->lane->waiting.after(*c.entry);
        while (c.entry && standing_.placed.count(c.entry->id) != 0);
        return c.entry && standing_.is_eligible(*c.entry);
    }

    const Standing& standing_;
    std::size_t count_;
    std::vector<Cursor> cursors_;
};

} // namespace

bool may_lift(const PlanState& state, GroupId group, const Settings& settings, Micros now) {
    const auto last = state.last_lifted.find(group);
    return last == state.last_lifted.end() || now - last->second >= settings.guard_spacing;
}

std::vector<LaneReport> report_lanes(const Standing& standing) {
    std::vector<LaneReport> reports;
    for (const LaneStanding& l : standing.lanes) {
        if (!l.oldest) continue;
        const UserStanding& user = standing.users[l.user];
        LaneReport r;
        r.lane_key = l.lane->key;
        r.group = l.lane->spec.group;
        r.user = user.id;
        r.base = l.base;
        r.size = l.size;
        r.user_factor = user.factor;
        r.multiplier = standing.factors_of(l, *l.oldest).multiplier;
        r.reason = l.reason;
        r.count = l.lane->waiting.size() - l.placed;
        r.oldest_eligible_at = l.oldest->eligible_at;
        r.newest_eligible_at = l.lane->waiting.last()->eligible_at;
        reports.push_back(r);
    }
    return reports;
}

std::vector<RankedJob> rank_jobs(const Standing& standing, const Settings& settings, const PlanState& state, Micros now,
                                 std::size_t count) {
    Merge merge(standing, count);
    if (settings.guard_scope == GuardScope::job)
        merge.all_lifted();
    else
        merge.one_lifted_per_group(settings, state, now);
    merge.rest();
    return std::move(merge.ranked);
}

} // namespace rcq::core
