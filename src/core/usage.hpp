// What groups and users have used: settled use of ended runs and what running ones have used so far, in a window.
//
// Exact at any instant and never added up again from history. Every use is made of steps: from some instant on a
// member uses so much per second more, or less. A run is one step up while it runs and one more down when it has
// ended, so taking a run back is a step down at the very instant of its start, and sums come back to exactly zero.
//
//     rolling, month   use = integral of the rate from the start of the window to now. Steps are collected in slots of
//                      time and leave with their slot, as a whole. A slot of a month is the month. Slots of a rolling
//                      window are short: what is used counts for at least the window and at most one slot longer
//     half_life        use = integral of rate(t) x 2^(-(now - t) / half-life) over all the past. A step of r at e adds
//                      r x h/ln2 x (1 - 2^(-(now - e) / h)), so a member is one constant, its rate x h/ln2, and one
//                      amount that everybody's decays alike: nothing is done for anybody when time passes
//
// A step to come counts when its time has come. Cost: constant per call, but for the slots and steps that advance()
// passes.
#pragma once
#include "billing.hpp"
#include "usage_window.hpp"
#include <map>
#include <unordered_map>

namespace rcq::core {

// A user as a member of a group: usage does not follow a person who changes groups.
struct Member {
    GroupId group = 0;
    UserId user = 0;
    friend auto operator<=>(const Member&, const Member&) = default;
};
struct MemberHash {
    std::size_t operator()(const Member& m) const {
        const auto high = static_cast<std::uint64_t>(static_cast<std::uint32_t>(m.group));
        return std::hash<std::uint64_t>()(high << 32 | static_cast<std::uint32_t>(m.user));
    }
};

class Usage {
public:
    // A slot of ten minutes against a window of 30 days is one part in 4320, and keeps the number of entries small.
    // `slot` > 0; only a rolling window uses it.
    explicit Usage(UsageWindow window, Micros slot = 10 * minute);

    // A run uses `rate` from `since` on, which may lie before the window.
    void start(Member member, BilledRate rate, Micros since) { step(member, since, {0, rate}); }

    // The run that start() announced with the same arguments never was. For one that ended, charge() what it used.
    void forget(Member member, BilledRate rate, Micros since) { step(member, since, {0, -rate}); }

    // Settled use of `rate` from `from` to `to`. An empty span is nothing.
    void charge(Member member, BilledRate rate, Micros from, Micros to);

    // Settled use whose times are not known in detail, as if all had happened at `at`. Not positive or not finite:
    // ignored.
    void charge_at(Member member, Micros at, double billed_core_seconds);

    // Time passes. It never goes backwards: an earlier `now` changes nothing.
    void advance(Micros now);

    // A shorter rolling window takes effect at once; a longer one cannot bring back what has left it, and grows from
    // here on. Any other change forgets everything, running use included: then true, and what runs must be started
    // again, and settled use charged.
    bool set_window(UsageWindow window);
    const UsageWindow& window() const { return window_; }

    // At the time last advanced to; parts of a unit are cut off. 0 or more.
    Billed group(GroupId group) const;
    Billed user(GroupId group, UserId user) const;
    Billed total() const { return amount(total_); } // of all groups

    // What to multiply these amounts with before they are compared with a quota for a month of 730 hours: in a steady
    // state a decayed sum stands for half-life / ln 2 of use. 1 for the other windows.
    double quota_scale() const;

private:
    // From an instant on: so much once, and a rate.
    struct Step {
        BilledWork once = 0;
        BilledRate rate = 0;
        friend bool operator==(const Step&, const Step&) = default;
    };
    struct Account {
        BilledRate rate = 0;       // now
        BilledRate start_rate = 0; // at the start of the window, as far as steps have left it
        BilledWork base = 0;       // rolling, month: use = base + rate x now - start_rate x start of the window
        double decaying = 0;       // half_life: use = rate x h/ln2 + decaying x 2^(-(now - origin) / h), in Billed
        std::size_t members = 0;   // of a group: users with an account

        bool is_empty() const { return rate == 0 && start_rate == 0 && base == 0; }
    };

    bool decays() const { return window_.kind == WindowKind::half_life; }
    std::int64_t slot_of(Micros time) const;
    Micros slot_start(std::int64_t slot) const;

    void step(Member member, Micros at, Step step);
    void apply(Member member, Micros at, Step step);
    void collect(Member member, Micros at, Step step);
    template <typename Change> void change(Member member, Change change);
    void pass_time();
    void pass_slots();
    void renew_origin();

    double decayed_amount(const Account& account) const;
    Billed amount(const Account& account) const;

    UsageWindow window_;
    Micros slot_;
    Micros now_ = INT64_MIN;                           // before the first advance() all steps are to come
    std::map<std::pair<Micros, Member>, Step> coming_; // later than now_
    std::unordered_map<Member, Account, MemberHash> users_;
    std::unordered_map<GroupId, Account> groups_;
    Account total_;

    // rolling, month
    Micros start_ = INT64_MIN; // of the window: that of a slot
    // Steps since start_ by slot, as what they add to base and rate.
    std::map<std::int64_t, std::unordered_map<Member, Step, MemberHash>> slots_;

    // half_life
    Micros origin_ = 0;
    double decay_ = 1; // 2^(-(now - origin) / half-life)
};

} // namespace rcq::core
