// Small clusters made at random: plain lists of facts, for a plan and an oracle to disagree about.
#pragma once
#include "core/plan.hpp"
#include <random>

namespace rcq::core {

struct Charge {
    Member owner;
    std::int64_t rate;    // thousandths of a billed core
    std::int64_t seconds; // up to now
};

struct World {
    Settings settings;
    std::vector<Group> groups;
    std::vector<User> users;
    std::vector<Executor> executors;
    std::vector<Window> windows;
    std::map<std::string, std::int32_t> key_limits;
    Consumables stocks; // of the cluster
    std::vector<Job> jobs;
    std::vector<Run> runs;
    std::vector<Charge> charges;
    std::map<GroupId, Micros> lifted;
    std::map<JobId, PlanState::KeptRoom> preemptors;
    Micros now = 0;
    std::size_t max_placements = SIZE_MAX;
};

class Maker {
public:
    explicit Maker(unsigned seed) : random_(seed) {}

    World world() {
        World w;
        w.now = 20'000 * day + draw(day);
        w.settings = settings();
        if (chance(8)) w.max_placements = static_cast<std::size_t>(draw(6));
        const auto group_count = 1 + draw(4);
        for (GroupId g = 1; g <= group_count; ++g) {
            if (chance(8)) continue; // jobs may name groups that nobody put
            w.groups.push_back(group(g));
            if (chance(2)) w.lifted[g] = w.now - draw(20 * minute);
        }
        for (UserId u = 1; u <= 3; ++u) {
            if (chance(4)) continue;
            User user;
            user.id = u;
            user.group = static_cast<GroupId>(1 + draw(group_count));
            user.shares = static_cast<double>(draw(3));
            if (chance(4)) user.limits = limits();
            w.users.push_back(user);
        }
        const auto executor_count = draw(6);
        for (ExecutorId e = 1; e <= executor_count; ++e) w.executors.push_back(executor(e));
        if (chance(2)) w.stocks["licence"] = draw(5);
        if (chance(2)) w.key_limits["key"] = small(0, 3);
        for (auto n = chance(2) ? draw(4) : 0; n > 0; --n) w.windows.push_back(window(w.now, n, group_count));
        const auto job_count = draw(40);
        for (JobId id = 1; id <= job_count; ++id) w.jobs.push_back(job(id, group_count, w.now));
        if (chance(3) && job_count > 0) make_array(w);
        if (chance(4) && job_count > 0)
            for (int i = 0; i < 2; ++i) w.preemptors[1 + draw(job_count + 1)] = {small(1, 5), w.now + draw(3) * minute};
        const auto run_count = draw(12);
        for (JobId id = 1000; id < 1000 + run_count; ++id) add_run(w, id, group_count);
        for (Run& r : w.runs) throttle(r);
        const auto charge_count = draw(8);
        for (int i = 0; i < charge_count; ++i)
            w.charges.push_back({{small(1, 4), small(1, 3)}, 100 * draw(40), 1 + draw(30'000)});
        return w;
    }

private:
    static constexpr JobId array = 500;
    std::mt19937 random_;
    std::int32_t array_throttle_ = 0;

    std::int64_t draw(std::int64_t n) { return static_cast<std::int64_t>(random_()) % n; }
    std::int32_t small(std::int32_t low, std::int32_t high) {
        return low + static_cast<std::int32_t>(draw(high - low + 1));
    }
    bool chance(int one_in) { return draw(one_in) == 0; }
    template <typename T> const T& one_of(const std::vector<T>& list) {
        return list[static_cast<std::size_t>(draw(static_cast<std::int64_t>(list.size())))];
    }

    Settings settings() {
        Settings s;
        s.policy = one_of<Policy>({Policy::quota, Policy::quota, Policy::multifactor, Policy::fairtree, Policy::fifo});
        s.backfill = one_of<Backfill>(
            {Backfill::none, Backfill::easy, Backfill::easy, Backfill::easy, Backfill::depth, Backfill::conservative});
        s.backfill_depth = small(1, 4);
        if (chance(3)) s.backfill_order = BackfillOrder::shortest;
        if (chance(3)) s.guard_scope = GuardScope::job;
        if (chance(2)) s.max_wait = 0;
        if (chance(4)) s.guard_spacing = 0;
        if (chance(3)) s.user_fairness = false;
        if (chance(3)) s.count_planned = false;
        if (chance(3)) s.fairshare_cap = 10;
        if (chance(4)) s.bill_per_gpu_hour = 10;
        if (chance(4)) s.bill_per_gpu_type = {{"h1", 20}, {"h2", 0.5}};
        if (chance(4)) s.bill_per_gb_hour = 0.25;
        if (chance(5)) s.wait_boost_per_hour = 0;
        if (chance(3)) s.weight_size = 2;
        if (chance(6)) s.max_concurrent_jobs = small(1, 15);
        if (chance(8)) s.max_jobs_per_group = small(1, 8);
        if (chance(8)) s.max_jobs_per_user = small(1, 6);
        if (chance(2)) s.preemption = false;
        if (chance(4)) s.preempt_after = 2 * hour;
        return s;
    }

    Limits limits() {
        Limits l;
        if (chance(2)) l.jobs = small(0, 6);
        if (chance(2)) l.cores = small(0, 20);
        if (chance(3)) l.gpus = small(0, 4);
        return l;
    }

    Group group(GroupId id) {
        Group g;
        g.id = id;
        g.parent = chance(3) ? small(0, 4) : 0; // cycles are possible
        g.shares = static_cast<double>(draw(4));
        g.priority = small(1, 10);
        if (!chance(4)) g.quota_cpu_hours = static_cast<double>(draw(100));
        g.hard_quota = chance(3);
        if (chance(4)) g.default_estimate = (1 + draw(240)) * minute;
        if (chance(4)) g.limits = limits();
        g.paused = chance(15);
        return g;
    }

    Executor executor(ExecutorId id) {
        Executor e;
        e.id = id;
        e.capacity = {small(1, 16), 1024 * small(1, 64), chance(2) ? 0 : 1000 * small(0, 4)};
        e.gpu_type = one_of<std::string>({"", "h1", "h2"});
        e.features = features();
        if (chance(2)) e.consumables["disk"] = draw(5);
        e.accepting = !chance(8);
        e.draining = chance(8);
        return e;
    }

    Window window(Micros now, std::int64_t id, std::int64_t group_count) {
        Window w;
        w.id = static_cast<std::int32_t>(id);
        if (!chance(3)) w.executor = small(1, 6);
        if (chance(2)) w.group = static_cast<GroupId>(1 + draw(group_count));
        w.from = now + (draw(10) - 3) * hour;
        w.until = w.from + draw(5) * hour;
        return w;
    }

    Features features() {
        Features list;
        for (const char* f : {"a", "b"})
            if (!chance(3)) list.emplace_back(f);
        return list;
    }

    Shape shape() {
        Shape s;
        s.need = {small(1, chance(4) ? 20 : 3), 512 * small(1, 8), chance(3) ? 500 * small(1, 4) : 0};
        if (chance(8)) s.min_cores = small(1, s.need.cpu_cores);
        if (s.need.gpu_milli > 0 && chance(2)) s.gpu_type = one_of<std::string>({"h1", "h1|h2"});
        if (chance(5))
            s.constraint = std::get<Constraint>(Constraint::parse(one_of<std::string>({"a", "a&b", "!b", "a|b"})));
        if (chance(8)) s.consumables["licence"] = small(1, 3);
        if (chance(8)) s.consumables["disk"] = small(1, 3);
        s.exclusive = chance(12);
        return s;
    }

    Job job(JobId id, std::int64_t group_count, Micros now) {
        Job j;
        j.id = id;
        j.group = static_cast<GroupId>(1 + draw(group_count));
        j.user = small(1, 3);
        j.priority = chance(2) ? 5 : small(1, 10);
        j.shape = shape();
        if (chance(2)) j.shape = {{small(1, 4), 1024, 0}, 0, {}, {}, {}, false}; // many are alike
        j.preemptible = chance(5);
        if (chance(6)) j.concurrency_key = chance(3) ? "free" : "key";
        j.eligible_at = now - draw(10) * draw(16) * hour; // ties are common
        if (chance(3)) j.eligible_at -= draw(hour);
        if (chance(12)) j.eligible_at = now + 1 + draw(hour);
        if (chance(2)) j.estimate = chance(2) ? (1 + draw(10)) * 30 * minute : 1 + draw(5 * hour);
        if (chance(3)) j.time_limit = j.estimate.value_or(1) + draw(9 * hour);
        j.held = chance(10);
        return j;
    }

    // One array, alike but for what tasks may differ in: who asks, and how long.
    void make_array(World& w) {
        array_throttle_ = chance(4) ? 0 : small(1, 4);
        const Job first = one_of(w.jobs);
        for (Job& j : w.jobs) {
            if (chance(3)) continue;
            j.array = array;
            j.array_throttle = array_throttle_;
            if (chance(4)) continue;
            j.shape = first.shape;
            j.group = first.group;
            j.user = first.user;
        }
    }
    void throttle(Run& r) {
        if (array_throttle_ == 0 || chance(2)) return;
        r.array = array;
        r.array_throttle = array_throttle_;
    }

    // Most are where they have room: what overbooks an executor comes from one that came back smaller.
    void add_run(World& w, JobId id, std::int64_t group_count) {
        const Job j = job(id, group_count, w.now);
        Run r;
        r.job = id;
        r.executor = small(1, 6);
        r.group = j.group;
        r.user = j.user;
        if (w.settings.policy == Policy::multifactor || w.settings.policy == Policy::fairtree) {
            if (w.users.empty()) return; // a user nobody knows is in no tree of shares
            const User& owner = one_of(w.users);
            r.group = owner.group;
            r.user = owner.id;
        }
        r.resources = j.shape.need;
        r.resources.gpu_milli = r.resources.gpu_milli / 1000 * 1000;
        r.consumables = j.shape.consumables;
        r.preemptible = j.preemptible;
        r.concurrency_key = j.concurrency_key;
        r.placed_at = w.now - draw(20'000) * second;
        // Whole seconds before now: how elapsed time is rounded has tests of its own.
        if (!chance(3)) r.claimed_at = r.placed_at;
        r.estimate = j.estimate;
        r.time_limit = j.time_limit;
        r.cancelling = chance(8);
        r.preempting = chance(12);
        r.preempted = small(0, 4);
        Resources free;
        for (const Executor& e : w.executors)
            if (e.id == r.executor) free = e.capacity;
        for (const Run& other : w.runs)
            if (other.executor == r.executor) free -= other.resources;
        if (r.resources.fits_in(free) || chance(10)) w.runs.push_back(r);
    }
};

inline void load(Cluster& c, const World& w) {
    c.set_settings(w.settings);
    for (const Group& g : w.groups) c.put_group(g);
    for (const User& u : w.users) c.put_user(u);
    for (const Executor& e : w.executors) c.put_executor(e);
    c.set_windows(w.windows);
    c.set_concurrency_limits(w.key_limits);
    c.set_consumables(w.stocks);
    for (const Run& r : w.runs) c.put_run(r);
    for (const Charge& x : w.charges)
        c.charge(x.owner, static_cast<double>(x.rate * x.seconds) / 1000, w.now - x.seconds * second, w.now);
    for (const Job& j : w.jobs) c.put_job(j);
    c.advance(w.now);
}

} // namespace rcq::core
