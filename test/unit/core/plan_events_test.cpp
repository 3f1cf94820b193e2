// What must hold whatever happens: random sequences of events, a plan after each, checked against plain lists.
#include "random_world.hpp"
#include "runs.hpp"
#include <algorithm>
#include <gtest/gtest.h>
#include <set>

using namespace rcq::core;
namespace core = rcq::core;

namespace {

// A cluster that lives: facts come from a random world, and then things happen.
class Life {
public:
    explicit Life(unsigned seed) : w(Maker(seed).world()), random(seed + 1) {
        for (Executor& e : w.executors) {
            e.capacity.gpu_milli = e.capacity.gpu_milli / 1000 * 1000;
            w.runs.clear(); // those may overbook
        }
        w.runs.clear();
        w.lifted.clear();
        now = w.now;
        load(c, w);
        for (const Job& j : w.jobs) jobs[j.id] = j;
        for (const Executor& e : w.executors) executors[e.id] = e;
    }

    void step() {
        now += draw(20) * minute;
        if (draw(12) == 0) c.advance(now - 5 * hour); // a clock that went backwards is told so once
        c.advance(now);
        switch (draw(12)) {
        case 0:
        case 1:
        case 2:
            submit();
            break;
        case 3:
        case 4:
        case 5:
            end_one();
            break;
        case 6:
            toggle_executor();
            break;
        case 7:
            change_settings();
            break;
        case 8:
            change_windows();
            break;
        case 9:
            claim_or_cancel();
            break;
        default:
            break;
        }
        schedule();
    }

    void schedule() {
        last = plan(c, state, now);
        for (const Placement& p : last.placements) {
            const Job j = jobs.at(p.job);
            if (draw(20) == 0) continue; // could not be carried out
            if (draw(30) == 0) {         // its executor has gone in between, the run is booked all the same
                c.drop_executor(p.executor);
                executors.erase(p.executor);
            }
            const core::Run r = run_of(j, p, now, draw(4) == 0 ? std::nullopt : std::optional(now));
            c.put_run(r);
            runs[j.id] = r;
            jobs.erase(j.id);
        }
        for (const Preemption& p : last.preemptions) {
            core::Run& r = runs.at(p.run);
            r.preempting = true;
            c.put_run(r);
        }
    }

    void end(JobId id) {
        const core::Run r = runs.at(id);
        c.drop_run(id);
        if (r.claimed_at) c.charge({r.group, r.user}, 100, *r.claimed_at, now);
        runs.erase(id);
    }

    World w;
    std::mt19937 random;
    Micros now = 0;
    Cluster c;
    PlanState state;
    Plan last;
    std::map<JobId, Job> jobs;
    std::map<JobId, core::Run> runs;
    std::map<ExecutorId, Executor> executors;

private:
    std::int64_t draw(std::int64_t n) { return static_cast<std::int64_t>(random()) % n; }
    template <typename Map> auto some(Map& map) { return std::next(map.begin(), draw(static_cast<int>(map.size()))); }

    void submit() {
        if (w.jobs.empty()) return;
        for (auto n = draw(4); n > 0; --n) {
            Job j = w.jobs[static_cast<std::size_t>(draw(static_cast<std::int64_t>(w.jobs.size())))];
            j.id = next_id++;
            j.eligible_at = now - draw(3) * hour + draw(2) * hour;
            c.put_job(j);
            jobs[j.id] = j;
        }
    }
    void end_one() {
        if (runs.empty()) return;
        const auto it = some(runs);
        if (draw(3) == 0) { // lost or preempted: it waits again
            Job j;
            j.id = next_id++;
            j.group = it->second.group;
            j.user = it->second.user;
            j.shape.need = it->second.resources;
            j.eligible_at = now - hour;
            c.put_job(j);
            jobs[j.id] = j;
        }
        end(it->first);
    }
    void toggle_executor() {
        if (w.executors.empty()) return;
        Executor e = w.executors[static_cast<std::size_t>(draw(static_cast<std::int64_t>(w.executors.size())))];
        if (draw(3) == 0) {
            c.drop_executor(e.id);
            executors.erase(e.id);
            return;
        }
        e.draining = draw(5) == 0;
        e.accepting = draw(5) != 0;
        if (draw(8) == 0) e.capacity = {};
        c.put_executor(e);
        executors[e.id] = e;
    }
    void change_settings() {
        w.settings = Maker(static_cast<unsigned>(draw(10'000))).world().settings;
        c.set_settings(w.settings);
    }
    void change_windows() {
        w.windows = Maker(static_cast<unsigned>(draw(10'000))).world().windows;
        for (Window& x : w.windows) {
            x.from = now + draw(5) * hour;
            x.until = x.from + hour;
        }
        c.set_windows(w.windows);
    }
    void claim_or_cancel() {
        if (runs.empty()) return;
        core::Run& r = some(runs)->second;
        if (!r.claimed_at)
            r.claimed_at = now;
        else
            r.cancelling = true;
        c.put_run(r);
    }

    JobId next_id = 100'000;
};

void expect_nothing_exceeded_by(const Life& l, const std::vector<Placement>& placements,
                                const std::map<JobId, core::Run>& before) {
    std::map<std::string, std::int64_t> of_keys;
    std::map<JobId, std::int64_t> of_arrays;
    std::map<GroupId, Held> of_groups;
    std::map<UserId, Held> of_users;
    const auto add = [](Held& h, const core::Run& r) {
        ++h.jobs, h.cores += r.resources.cpu_cores, h.gpu_milli += r.resources.gpu_milli;
    };
    Consumables licences;
    for (const auto& [id, r] : l.runs) {
        add(of_groups[r.group], r);
        add(of_users[r.user], r);
        ++of_keys[r.concurrency_key];
        if (r.array_throttle > 0) ++of_arrays[r.array];
        for (const auto& [name, n] : r.consumables) licences[name] += n;
    }
    // What was there before may exceed what was changed since: only who starts is looked at.
    for (const Placement& p : placements) {
        const auto it = l.runs.find(p.job);
        if (it == l.runs.end() || before.count(p.job)) continue;
        const core::Run& r = it->second;
        if (const Group* g = l.c.find_group(r.group)) {
            const Limits limits = limits_of_group(*g, l.w.settings);
            ASSERT_TRUE(!limits.jobs || of_groups[r.group].jobs <= *limits.jobs);
            ASSERT_TRUE(!limits.cores || of_groups[r.group].cores <= *limits.cores);
            ASSERT_TRUE(!limits.gpus || of_groups[r.group].gpu_milli <= *limits.gpus * 1000);
            ASSERT_FALSE(g->paused);
        }
        for (const User& u : l.w.users) {
            if (u.id != r.user) continue;
            const Limits limits = limits_of_user(u, l.w.settings);
            ASSERT_TRUE(!limits.jobs || of_users[r.user].jobs <= *limits.jobs);
            ASSERT_TRUE(!limits.cores || of_users[r.user].cores <= *limits.cores);
            ASSERT_TRUE(!limits.gpus || of_users[r.user].gpu_milli <= *limits.gpus * 1000);
        }
        if (const auto key = l.w.key_limits.find(r.concurrency_key); key != l.w.key_limits.end()) {
            ASSERT_LE(of_keys[r.concurrency_key], key->second);
        }
        if (r.array_throttle > 0) {
            ASSERT_LE(of_arrays[r.array], r.array_throttle);
        }
        for (const auto& [name, n] : r.consumables) {
            if (const auto stock = l.w.stocks.find(name); stock != l.w.stocks.end()) {
                ASSERT_LE(licences[name], stock->second);
            } else if (const auto e = l.executors.find(r.executor); e != l.executors.end()) {
                std::int64_t held = 0;
                for (const auto& [id, other] : l.runs)
                    if (const auto mine = other.consumables.find(name);
                        other.executor == r.executor && mine != other.consumables.end())
                        held += mine->second;
                ASSERT_LE(held, e->second.consumables.at(name));
            }
        }
        if (const auto e = l.executors.find(r.executor); e != l.executors.end()) {
            ASSERT_TRUE(e->second.accepting && !e->second.draining);
            ASSERT_TRUE(Resources{}.fits_in(*l.c.free_of(r.executor)));
        }
    }
    const auto limit = l.w.settings.max_concurrent_jobs;
    if (limit > 0 && !placements.empty()) {
        ASSERT_LE(l.runs.size(), static_cast<std::size_t>(limit));
    }
}

TEST(PlanEvents, no_capacity_consumable_or_limit_is_exceeded_and_all_comes_back) {
    std::size_t started = 0, preempted = 0;
    for (unsigned seed = 0; seed < 400; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Life l(seed);
        for (int step = 0; step < 150; ++step) {
            const auto before = l.runs;
            l.step();
            ASSERT_NO_FATAL_FAILURE(expect_nothing_exceeded_by(l, l.last.placements, before)) << "step " << step;
            ASSERT_EQ(l.c.run_count(), l.runs.size());
            ASSERT_EQ(l.c.pending_count(), l.jobs.size());
            started += l.last.placements.size();
            preempted += l.last.preemptions.size();
        }
        while (!l.runs.empty()) l.end(l.runs.begin()->first);
        for (const auto& [id, e] : l.executors) {
            ASSERT_EQ(l.c.free_of(id), e.capacity);
            ASSERT_EQ(l.c.hosts().find(id)->gpus, GpuRoom(e.capacity.gpu_milli));
            for (const auto& [name, n] : e.consumables) ASSERT_EQ(l.c.hosts().find(id)->consumable_left(name), n);
        }
        ASSERT_EQ(l.c.holdings().of_cluster(), Held{});
        for (const auto& [name, n] : l.w.stocks) ASSERT_EQ(l.c.holdings().find_stock(name)->taken, 0);
        for (GroupId g = 0; g < 6; ++g) ASSERT_EQ(l.c.commitments().group(g), 0);
        ASSERT_EQ(l.c.preemptible_runs(), 0U);
    }
    EXPECT_GT(started, 5000U);
    EXPECT_GT(preempted, 20U);
}

TEST(PlanEvents, a_plan_is_the_same_whatever_the_history_and_the_order_of_facts) {
    for (unsigned seed = 0; seed < 60; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        Life l(seed);
        for (int step = 0; step < 40; ++step) l.step();
        // the same facts, put backwards into a new cluster; only usage has to have the same past
        Cluster other;
        for (auto it = l.executors.rbegin(); it != l.executors.rend(); ++it) other.put_executor(it->second);
        for (auto it = l.jobs.rbegin(); it != l.jobs.rend(); ++it) other.put_job(it->second);
        for (auto it = l.runs.rbegin(); it != l.runs.rend(); ++it) other.put_run(it->second);
        other.set_windows(l.w.windows);
        other.set_consumables(l.w.stocks);
        other.set_concurrency_limits(l.w.key_limits);
        for (auto it = l.w.users.rbegin(); it != l.w.users.rend(); ++it) other.put_user(*it);
        Settings settings = l.w.settings; // without the past: fifo asks for none, and quotas are off
        settings.policy = Policy::fifo;
        other.set_settings(settings);
        l.c.set_settings(settings);
        for (Group g : l.w.groups) {
            g.hard_quota = false;
            l.c.put_group(g);
            other.put_group(g);
        }
        l.now += 2 * minute; // what is to be expected of GPUs is looked at once in a while
        l.c.advance(l.now);
        other.advance(l.now);
        PlanState fresh;
        fresh.last_lifted = l.state.last_lifted;
        fresh.preemptors = l.state.preemptors;
        PlanState again = l.state;
        const Plan a = plan(l.c, l.state, l.now), b = plan(other, fresh, l.now), twice = plan(l.c, again, l.now);
        ASSERT_EQ(a.placements, b.placements);
        ASSERT_EQ(a.reservations, b.reservations);
        ASSERT_EQ(a.preemptions, b.preemptions);
        ASSERT_EQ(a.placements, twice.placements);
        ASSERT_EQ(a.reservations, twice.reservations);
        ASSERT_EQ(a.lanes.size(), b.lanes.size());
        for (std::size_t i = 0; i < a.lanes.size(); ++i) ASSERT_EQ(a.lanes[i].reason, b.lanes[i].reason);
        ASSERT_EQ(a.ranked.size(), b.ranked.size());
        for (std::size_t i = 0; i < a.ranked.size(); ++i) ASSERT_EQ(a.ranked[i].job, b.ranked[i].job);
    }
}

// Jobs of fifo order on machines where nothing unplanned happens but early ends: with EASY, the promise to the head of
// the queue never moves to a later time.
TEST(PlanEvents, backfill_never_moves_the_reservation_of_the_head_to_a_later_time) {
    std::size_t held = 0, backfilled = 0, earlier = 0;
    for (unsigned seed = 0; seed < 150; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        std::mt19937 random(seed);
        const auto draw = [&](int n) { return static_cast<std::int32_t>(random() % static_cast<unsigned>(n)); };
        Settings s;
        s.policy = Policy::fifo;
        s.max_wait = 0;
        s.backfill = Backfill::easy;
        if (seed % 3 == 0) s.backfill_order = BackfillOrder::shortest;
        Cluster c(s);
        PlanState state;
        for (ExecutorId id = 1; id <= 3; ++id) {
            Executor e;
            e.id = id;
            e.capacity = {4 + draw(8), 64 * 1024, 1000 * draw(3)};
            e.consumables["disk"] = 3;
            c.put_executor(e);
        }
        c.set_consumables({{"licence", 4}});
        std::map<JobId, std::pair<Micros, core::Run>> ends;
        std::optional<Reservation> head;
        JobId next_id = 1;
        Micros now = 0;
        for (int step = 0; step < 150; ++step) {
            now += draw(10) * minute;
            for (auto it = ends.begin(); it != ends.end();) {
                if (it->second.first > now) {
                    ++it;
                    continue;
                }
                c.drop_run(it->first);
                it = ends.erase(it);
            }
            for (int n = draw(3); n > 0; --n) {
                Job j;
                j.id = next_id++;
                j.group = 1 + draw(3);
                j.user = draw(3);
                j.shape.need = {1 + draw(draw(3) == 0 ? 12 : 3), 1024, draw(3) == 0 ? 1000 : 0};
                if (draw(5) == 0) j.shape.consumables["licence"] = 1 + draw(3);
                if (draw(5) == 0) j.shape.consumables["disk"] = 1 + draw(3);
                j.shape.exclusive = draw(10) == 0;
                j.eligible_at = now;
                j.estimate = (1 + draw(20)) * 10 * minute;
                c.put_job(j);
            }
            c.advance(now);
            const Plan p = plan(c, state, now);
            for (const Placement& x : p.placements) {
                const Job j = *c.find_job(x.job);
                if (head && j.id != head->job) ++backfilled;
                const core::Run r = run_of(j, x, now, now);
                c.put_run(r);
                // as planned or earlier
                ends[j.id] = {now + *j.estimate / (draw(2) == 0 ? 1 : 1 + draw(4)), r};
            }
            if (head && c.find_job(head->job)) {
                ASSERT_GE(head->start, now) << "the head was promised a start that did not come";
                if (!p.reservations.empty() && p.reservations[0].job == head->job) {
                    ASSERT_LE(p.reservations[0].start, head->start) << "step " << step;
                    if (p.reservations[0].start < head->start) ++earlier;
                    ++held;
                }
            }
            if (!p.reservations.empty()) head = p.reservations[0];
            if (head && !c.find_job(head->job)) head.reset();
        }
    }
    EXPECT_GT(held, 1000U);
    EXPECT_GT(backfilled, 500U);
    EXPECT_GT(earlier, 50U);
}

} // namespace
