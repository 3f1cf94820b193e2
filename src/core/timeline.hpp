// How much of something will be free when: of the resources of one executor, or of a consumable of the cluster.
//
// From what is free now it rises when runs reach their planned end, and dips where something is promised: to a
// reservation, or to a job that has just been placed. Only the dips can be in the way of a job that fits now, so
// they are kept; the releases are read in order and only as far as a question needs.
#pragma once
#include "types.hpp"
#include <algorithm>
#include <set>

namespace rcq::core {

// An amount of one thing, with the arithmetic of Resources.
struct Count {
    std::int64_t n = 0;
    bool fits_in(const Count& room) const { return n <= room.n; }
    Count& operator+=(const Count& other) {
        n += other.n;
        return *this;
    }
    Count& operator-=(const Count& other) {
        n -= other.n;
        return *this;
    }
    friend auto operator<=>(const Count&, const Count&) = default;
};

// What a run gives back, and when it is planned to. For a run past its plan `at` lies in the past: see overdue_end().
// One that was asked to stop counts as past its plan and its limit.
template <typename Amount> struct Release {
    Micros at = 0;
    JobId job = 0;
    Amount amount;
    Micros started = 0;
    std::optional<Micros> killed_at; // start + time limit
    friend bool operator<(const Release& a, const Release& b) { return a.at != b.at ? a.at < b.at : a.job < b.job; }
};

// The same run gives back so much of something else.
inline Release<Count> release_of(std::int64_t amount, const Release<Resources>& release) {
    return {release.at, release.job, {amount}, release.started, release.killed_at};
}

// One release goes, the other comes.
template <typename Releases>
void move_release(Releases& releases, const typename Releases::value_type& from,
                  const typename Releases::value_type& to) {
    auto node = releases.extract(from);
    node.value() = to;
    releases.insert(std::move(node));
}

// A run past its plan is planned to take twice as long as it has by now, though not longer than its limit.
inline Micros overdue_end(Micros started, std::optional<Micros> killed_at, Micros now) {
    Micros end = now + std::max(now - started, second);
    if (killed_at) end = std::min(end, *killed_at);
    return std::max(end, now + second);
}

inline constexpr Micros never = INT64_MAX;

// now + length, but never for what does not end in this world.
inline Micros later(Micros now, Micros length) { return length > never - now ? never : now + length; }

template <typename Amount> class Timeline {
public:
    using Releases = std::set<Release<Amount>>;

    // `free` is what is free now, what runs in `releases` hold not counted. The releases must outlive it.
    Timeline(const Amount& free, const Releases& releases, Micros now)
        : now_(now), free_(free), next_(releases.begin()), end_(releases.end()) {
        for (; next_ != end_ && next_->at <= now; ++next_)
            insert(overdue_end(next_->started, next_->killed_at, now), next_->amount, true);
    }

    const Amount& free_now() const { return free_; }

    // The first time from `from` on (not before now) at which so much is free for so long; never, if at no time.
    Micros earliest(const Amount& need, Micros length, Micros from) {
        Amount free = free_;
        std::size_t i = 0;
        for (; step_at(i) <= from; ++i) apply(steps_[i], free);
        Micros start = need.fits_in(free) ? std::max(from, now_) : never;
        for (;; ++i) {
            if (start != never && !dips_after(start)) return start;
            const Micros at = step_at(i);
            if (start != never && at >= later(start, length)) return start;
            if (at == never) return start;
            apply(steps_[i], free);
            if (step_at(i + 1) == at) continue; // all that happens at one time counts as one
            if (!need.fits_in(free))
                start = never;
            else if (start == never)
                start = at;
        }
    }

    // From now on `amount` is taken in [from, until).
    void promise(Micros from, Micros until, const Amount& amount) {
        for (Dip& dip : dips_)
            if (dip.at >= from && dip.at < until) dip.free -= amount;
        if (from <= now_) {
            free_ -= amount;
        } else {
            Amount free = free_;
            for (std::size_t i = 0; step_at(i) <= from; ++i) apply(steps_[i], free);
            free -= amount;
            dips_.push_back({from, free});
            last_dip_ = std::max(last_dip_, from);
            insert(from, amount, false);
        }
        if (until != never) insert(until, amount, true);
    }

    // How long so much is free from now on; never: for good. 0: not even now.
    Micros lasts(const Amount& need) const {
        if (!need.fits_in(free_)) return 0;
        Micros first = never;
        for (const Dip& dip : dips_)
            if (dip.at < first && !need.fits_in(dip.free)) first = dip.at;
        return first == never ? never : first - now_;
    }

private:
    struct Step {
        Micros at;
        Amount amount;
        bool gives;
    };
    struct Dip { // a time at which something promised begins, and what is free then
        Micros at;
        Amount free;
    };

    static void apply(const Step& step, Amount& free) {
        if (step.gives)
            free += step.amount;
        else
            free -= step.amount;
    }

    bool dips_after(Micros at) const { return last_dip_ > at; }

    void insert(Micros at, const Amount& amount, bool gives) {
        const auto place = std::upper_bound(steps_.begin(), steps_.end(), at,
                                            [](Micros time, const Step& step) { return time < step.at; });
        steps_.insert(place, Step{at, amount, gives});
    }

    // The time of the i-th step, after the releases that come before it have been read; never: there is none.
    Micros step_at(std::size_t i) {
        while (next_ != end_ && (i >= steps_.size() || next_->at <= steps_[i].at)) {
            insert(next_->at, next_->amount, true);
            ++next_;
        }
        return i < steps_.size() ? steps_[i].at : never;
    }

    Micros now_;
    Amount free_;
    typename Releases::const_iterator next_, end_; // releases not yet among the steps
    std::vector<Step> steps_;                      // by time
    std::vector<Dip> dips_;
    Micros last_dip_ = INT64_MIN;
};

} // namespace rcq::core
