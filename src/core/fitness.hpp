// The fitness function: which of the executors that can take a job gets it. One rule, in this order:
//   1. A job that needs no GPU goes to a host without GPUs: the smallest hole that is large enough (best fit).
//   2. On a host with GPUs, the least cost: increase of fragmentation, the GPU amount that the jobs to be expected
//      cannot use, plus mismatch, how far the job is from taking cores and GPUs in the ratio in which they are free.
//   3. Equal ones by best fit, few free GPUs before many, so that large holes stay for large jobs; then by id.
// Without a workload to expect, rule 2 falls away and best fit alone decides.
//
// Fragmentation is that of Weng et al., "Beware of Fragmentation", USENIX ATC 2023: with classes M of jobs of weight
// w(m), F(node) = sum over m of w(m) x (free GPU amount of the node that m cannot use). All of it, if no job of class m
// fits the node as it is; else what is free on devices with less room than m wants of one. A placement of g GPUs raises
// F by as much as it lowers sum w(m) x usable(m), less g x sum w(m), and the latter is the same on every node: so the
// least increase is the least loss of usable amount, and no loss is less than 0. Classes that need no GPU would add the
// same to every node and are left out. Other than the paper, a class needs its memory too.
//
// F sees a node whose cores run out before its GPUs only when the first class no longer fits: too late, the node has
// been emptied in the wrong ratio. Mismatch acts from the first placement on. With a and b the cores per GPU of the job
// and of what is free, it is |a - b| / (a + b), from 0 to 1, times most_mismatch.
#pragma once
#include "gpu_room.hpp"
#include "types.hpp"

namespace rcq::core {

// A core weighs as much as this much memory: the usual ratio of general-purpose hosts.
inline constexpr std::int64_t mib_per_core = 4096;

// Size of an amount of cores and memory, in MiB. If a fits in b, hole_size(a) <= hole_size(b).
inline std::int64_t hole_size(const Resources& r) { return r.cpu_cores * mib_per_core + r.memory_mib; }

// Best fit, least first. The value depends on the executor alone, not on the job: what a job takes is the same
// everywhere, so what is left orders as what is there. This lets one sorted list serve every job.
struct Fitness {
    bool has_gpus = false;
    std::int32_t gpu_free = 0; // thousandths
    std::int64_t size = 0;     // hole_size of what is free
    ExecutorId id = 0;         // makes the choice deterministic
    friend auto operator<=>(const Fitness&, const Fitness&) = default;
};

inline Fitness fitness(const Executor& executor, const Resources& free) {
    return {executor.capacity.gpu_milli > 0, free.gpu_milli, hole_size(free), executor.id};
}

// No executor that can take `need` is less fit than this.
inline Fitness least_fitness_for(const Resources& need) {
    return {need.gpu_milli > 0, need.gpu_milli, hole_size(need), INT32_MIN};
}

// The most that a mismatch can count, as thousandths of a GPU lost. On the OpenB trace any value from 100 to 600 gets
// 95.8 % of the GPUs allocated, where fragmentation alone gets 94.7 %; at 300 it turns large jobs away the latest.
inline constexpr std::int64_t most_mismatch = 300;

// Everything but what is free at the moment: the executor has what the shape asks of it.
bool can_host(const Executor& executor, const Shape& shape);

// The executor, if nothing else ran on it, could take the shape.
bool is_large_enough(const Executor& executor, const Shape& shape);

// What the shape takes of the executor.
inline const Resources& taken_by(const Shape& shape, const Executor& executor) {
    return shape.exclusive ? executor.capacity : shape.need;
}

// The jobs to be expected: shapes that need GPUs and how popular they are, from what is pending and running.
class Workload {
public:
    struct Class {
        Shape shape;
        std::int64_t weight = 0; // share of all jobs that need GPUs, in millionths, at least 1
        friend bool operator==(const Class&, const Class&) = default;
    };
    struct Counted {
        Shape shape;
        std::int64_t count = 0; // of jobs; less than 1 counts as none. The sum must stay below 2^43
    };
    // A set of classes, a bit each, by their place in classes().
    using ClassSet = std::uint64_t;
    static constexpr std::size_t max_classes = 64;

    // Nothing to expect.
    Workload() = default;
    // Keeps the most popular shapes, equal ones counted together, until they make up so many per cent of all jobs that
    // need GPUs, or max_classes. Exclusive shapes are not kept: what others leave them is never usable.
    explicit Workload(std::vector<Counted> jobs, int percent = 99);

    const std::vector<Class>& classes() const { return classes_; }
    bool empty() const { return classes_.empty(); }
    std::int64_t total_weight() const { return total_weight_; }

    // Those that the executor can host: does not change with what is free.
    ClassSet hosted_by(const Executor& executor) const;

    // Sum over the classes of `hosted` of weight x the GPU amount, in thousandths, that the class can use of this.
    std::int64_t usable(ClassSet hosted, const Resources& free, const GpuRoom& gpus) const;
    // The classes whose cores and memory are free, and the parts of which, for those, that sum is made: of the devices
    // that are wholly free, and of each device in shared use by its room.
    ClassSet fitting(const Resources& free) const;
    std::int64_t usable_whole(ClassSet fitting, std::int32_t devices) const;
    std::int64_t usable_shared(ClassSet fitting, std::int32_t room) const;

    // In the unit of usable(): total weight x thousandths of a GPU. 0 for a need without GPUs. `free` must have cores,
    // and GPUs if `need` has.
    std::int64_t mismatch(const Resources& need, const Resources& free) const;

    friend bool operator==(const Workload& a, const Workload& b) { return a.classes_ == b.classes_; }

private:
    // For each amount that some class needs, ascending, the classes that need at most so much.
    using Thresholds = std::vector<std::pair<std::int64_t, ClassSet>>;
    template <typename Need> Thresholds thresholds(Need need) const;
    static ClassSet within(const Thresholds& thresholds, std::int64_t amount);
    std::int64_t weight_of(ClassSet set) const;
    void index();

    std::vector<Class> classes_; // most popular first
    std::int64_t total_weight_ = 0;
    // What follows is made from classes_, so that no placement has to look at every class of every hole.
    Thresholds by_cores_;
    Thresholds by_memory_;
    Thresholds by_gpus_;                                 // in thousandths; classes that share a device need 1000
    std::vector<ClassSet> sharing_;                      // by room: the classes that can share a device that has it
    std::vector<std::array<std::int64_t, 256>> weights_; // by byte of a set and its value: sum of weights
};

} // namespace rcq::core
