// Holes against an exhaustive search that keeps a list of devices per executor and takes fragmentation from its
// definition.
#include "core/matcher.hpp"
#include "fragmentation.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <random>
#include <set>

using namespace rcq::core;

namespace {

struct Host {
    Executor executor;
    Resources free;
    std::vector<std::int32_t> devices; // room of each
};

class Oracle {
public:
    explicit Oracle(unsigned seed) : random_(seed) {
        std::vector<Workload::Counted> jobs;
        const int classes = draw(4) == 0 ? 0 : draw(20);
        for (int i = 0; i < classes; ++i) jobs.push_back({shape(), 1 + draw(30)});
        workload = std::make_shared<const Workload>(Workload(jobs));
        for (ExecutorId id = 0; id < 12; ++id) {
            Host h;
            h.executor.id = id;
            h.executor.capacity = {8 * (1 + draw(4)), 8192 * (1 + draw(4)), draw(3) ? 1000 * (1 + draw(8)) : 0};
            h.executor.gpu_type = draw(2) ? "A" : "B";
            h.free = h.executor.capacity;
            h.devices.assign(static_cast<std::size_t>(h.free.gpu_milli / 1000), 1000);
            hosts.push_back(h);
        }
    }

    int draw(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }

    Shape shape() {
        const char* const types[] = {"", "", "A", "A|B"};
        Shape s;
        s.need = {1 + draw(8), 1024 * (1 + draw(8)),
                  draw(3) == 0 ? 0
                  : draw(2)    ? 1000 * (1 + draw(4))
                               : 50 + draw(950)};
        s.gpu_type = types[draw(4)];
        s.exclusive = draw(15) == 0;
        return s;
    }

    static bool can_take(const Host& h, const Shape& s) {
        if (s.exclusive && h.free != h.executor.capacity) return false;
        const std::int32_t of_each = std::min(s.need.gpu_milli, 1000);
        const auto enough = std::count_if(h.devices.begin(), h.devices.end(), [&](auto d) { return d >= of_each; });
        return s.need.cpu_cores <= h.free.cpu_cores && s.need.memory_mib <= h.free.memory_mib &&
               (s.need.gpu_milli == 0 || enough * of_each >= s.need.gpu_milli) && can_host(h.executor, s);
    }

    static bool is_share(const Shape& s) { return !s.exclusive && s.need.gpu_milli > 0 && s.need.gpu_milli < 1000; }

    // The host after the shape took the device of such a room, or whole devices.
    static Host after(Host h, const Shape& s, std::int32_t room) {
        if (s.exclusive) {
            h.free = {};
            h.devices.assign(h.devices.size(), 0);
            return h;
        }
        h.free -= s.need;
        if (is_share(s)) {
            *std::find(h.devices.begin(), h.devices.end(), room) -= s.need.gpu_milli;
        } else {
            for (std::int32_t left = s.need.gpu_milli; left > 0; left -= 1000)
                *std::find(h.devices.begin(), h.devices.end(), 1000) = 0;
        }
        return h;
    }

    static std::set<std::int32_t> rooms(const Host& h, const Shape& s) {
        if (!is_share(s)) return {1000};
        std::set<std::int32_t> all(h.devices.begin(), h.devices.end());
        all.erase(all.begin(), all.lower_bound(s.need.gpu_milli));
        return all;
    }

    std::int64_t fragments(const Host& h) const { return fragmentation(*workload, h.executor, h.free, h.devices); }

    // The room of the device that costs least, the tightest of equal ones; the increase of fragmentation; the rule's
    // second part in full, the same constant for every host subtracted.
    struct Cost {
        std::int32_t room;
        std::int64_t value;
    };
    Cost cost(const Host& h, const Shape& s) const {
        Cost least{0, INT64_MAX};
        for (const std::int32_t room : rooms(h, s)) {
            const Host left = after(h, s, room);
            const std::int64_t taken = h.free.gpu_milli - left.free.gpu_milli;
            const std::int64_t value = fragments(left) - fragments(h) + taken * workload->total_weight() +
                                       (s.exclusive ? 0 : workload->mismatch(s.need, h.free));
            if (value < least.value) least = {room, value};
        }
        return least;
    }

    std::shared_ptr<const Workload> workload;
    std::vector<Host> hosts;

private:
    std::mt19937 random_;
};

TEST(MatcherOracle, the_best_hole_is_that_of_an_exhaustive_search) {
    int placed = 0;
    for (unsigned seed = 0; seed < 300; ++seed) {
        Oracle oracle(seed);
        Holes holes;
        if (seed % 2) holes.expect(oracle.workload);
        for (const Host& h : oracle.hosts) holes.add(h.executor, h.free, GpuRoom(h.free.gpu_milli));
        holes.expect(oracle.workload);
        for (int step = 0; step < 60; ++step) {
            const Shape s = oracle.shape();
            const ExecutorId refused = oracle.draw(20);
            const Hole* hole = holes.best(s, [&](const Hole& h) { return h.executor->id != refused; });

            Host* best = nullptr;
            std::tuple<bool, std::int64_t, Fitness> least;
            for (Host& h : oracle.hosts) {
                if (h.executor.id == refused || !Oracle::can_take(h, s)) continue;
                const bool has_gpus = h.executor.capacity.gpu_milli > 0;
                const std::tuple rank(has_gpus, has_gpus && !oracle.workload->empty() ? oracle.cost(h, s).value : 0,
                                      fitness(h.executor, h.free));
                if (best && least < rank) continue;
                best = &h;
                least = rank;
            }
            ASSERT_EQ(hole ? hole->executor->id : -1, best ? best->executor.id : -1) << seed << ' ' << step;
            if (!hole) continue;

            ++placed;
            const GpuRoom before = hole->gpus;
            const int slot = holes.take(hole, s);
            const std::int32_t room = oracle.workload->empty() && Oracle::is_share(s)
                                          ? *Oracle::rooms(*best, s).begin() // the tightest
                                          : oracle.cost(*best, s).room;
            if (Oracle::is_share(s)) {
                const bool in_use = (before.used_slots() >> slot & 1) != 0;
                ASSERT_EQ(in_use ? before.room_at(slot) : 1000, room);
            } else {
                ASSERT_EQ(slot, GpuRoom::no_slot);
            }
            *best = Oracle::after(*best, s, room);
        }
        for (const Hole& hole : holes.all()) {
            const Host& h = oracle.hosts[static_cast<std::size_t>(hole.executor->id)];
            ASSERT_EQ(hole.free, h.free);
            ASSERT_EQ(hole.gpus.free_milli(), h.free.gpu_milli);
            ASSERT_EQ(oracle.workload->total_weight() * h.free.gpu_milli - hole.usable, oracle.fragments(h));
        }
        for (const Host& h : oracle.hosts) holes.remove(h.executor, h.free);
        ASSERT_TRUE(holes.all().empty());
    }
    EXPECT_GT(placed, 5000);
}

} // namespace
