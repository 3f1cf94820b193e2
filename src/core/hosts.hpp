// Executors and what runs hold on them.
#pragma once
#include "matcher.hpp"
#include "timeline.hpp"
#include <unordered_map>

namespace rcq::core {

using HostReleases = Timeline<Resources>::Releases;

struct Host {
    // Of a consumable.
    struct Taken {
        std::int64_t amount = 0;
        Timeline<Count>::Releases releases;
    };
    std::optional<Executor> executor; // none: runs name it, but it is not registered
    Resources taken;
    GpuRoom gpus;                                     // free().gpu_milli by device
    std::map<std::int32_t, std::int32_t> shared_gpus; // thousandths that runs hold, by slot
    std::map<std::string, Taken, std::less<>> consumables_taken;
    std::vector<JobId> runs; // ascending
    HostReleases releases;

    Resources free() const { return executor->capacity - taken; }
    std::int64_t consumable_left(std::string_view name) const;
};

class Hosts {
public:
    // Features must be sorted. Capacity may become smaller than what runs hold: what is free is then negative and
    // nothing is placed. True if anything is new.
    bool put(const Executor& executor);
    // Leaves its runs alone; they hold nothing until an executor of this id is put again. False if unknown.
    bool drop(ExecutorId id);

    // The executor need not be known yet.
    void take(const Run& run, const HostReleases::value_type& release);
    // Exactly what take() took.
    void give_back(const Run& run, const HostReleases::value_type& release);
    // The same run gives back what it holds at another time.
    void retime(const Run& run, const HostReleases::value_type& from, const HostReleases::value_type& to);
    // See Holes::expect().
    void expect(std::shared_ptr<const Workload> workload) { holes_.expect(std::move(workload)); }

    const Host* find(ExecutorId id) const;
    const std::unordered_map<ExecutorId, Host>& all() const { return hosts_; }
    // All registered ones, in no order.
    std::vector<const Executor*> executors() const;
    const Holes& holes() const { return holes_; }
    // Changes whenever what executors could hold if they were empty may have changed.
    std::uint64_t version() const { return version_; }
    // Changes whenever what is free may have changed.
    std::uint64_t changes() const { return changes_; }

private:
    template <typename Change> void change(ExecutorId id, Change change);

    std::unordered_map<ExecutorId, Host> hosts_; // nodes do not move: holes point at the executors
    Holes holes_;
    std::uint64_t version_ = 0;
    std::uint64_t changes_ = 0;
};

} // namespace rcq::core
