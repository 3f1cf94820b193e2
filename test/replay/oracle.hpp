// A second simulator, deliberately simple and independent of the core: one pool of processors, rules as they are
// defined, everything computed anew at every event. For a replay through the core to agree with, start by start.
#pragma once
#include "sim/trace.hpp"
#include <algorithm>
#include <cmath>
#include <numeric>

namespace rcq::sim::oracle {

using core::Micros;

enum class Queue {
    fcfs,           // by (submit, number)
    fair_share_age, // by 2^(-U/S) + age weight x min(1, age / 7 d); U: part of all decayed usage, S: 1 / users
    quota           // by clamp(quota / usage, 0.01, 2) x (1 + boost x hours); waited longer than max_wait: before all
};

enum class Gaps {
    none,          // nobody overtakes
    easy,          // only the first blocked job has a reservation
    easy_shortest, // the same, gaps offered to the shortest request first
    conservative   // every job has one
};

struct Rules {
    Queue queue = Queue::fcfs;
    Gaps gaps = Gaps::none;
    double age_weight = 1;
    double boost_per_hour = 0.01;
    Micros max_wait = 0; // 0: never
};

class Simulator {
public:
    Simulator(const Trace& trace, const Rules& rules)
        : trace_(trace), rules_(rules), free_(trace.processors), starts_(trace.jobs.size()),
          used_(static_cast<std::size_t>(trace.users)) {}

    std::vector<Micros> run() {
        std::size_t arrived = 0;
        while (arrived < trace_.jobs.size() || !running_.empty()) {
            now_ = INT64_MAX;
            if (arrived < trace_.jobs.size()) now_ = trace_.jobs[arrived].submit;
            for (const std::size_t job : running_) now_ = std::min(now_, end_of(job));
            end_jobs();
            for (; arrived < trace_.jobs.size() && trace_.jobs[arrived].submit == now_; ++arrived)
                queue_.push_back(arrived);
            sort_queue();
            if (rules_.gaps == Gaps::conservative)
                start_conservatively();
            else
                start_heads_and_fill_gaps();
        }
        return starts_;
    }

private:
    const TraceJob& job(std::size_t index) const { return trace_.jobs[index]; }
    Micros end_of(std::size_t index) const { return starts_[index] + job(index).run; }
    Micros planned_end_of(std::size_t index) const { return starts_[index] + job(index).requested; }

    void end_jobs() {
        std::erase_if(running_, [&](std::size_t index) {
            if (end_of(index) != now_) return false;
            free_ += job(index).processors;
            charge(job(index));
            return true;
        });
    }

    void start(std::size_t index) {
        starts_[index] = now_;
        free_ -= job(index).processors;
        running_.push_back(index);
        queue_.erase(std::find(queue_.begin(), queue_.end(), index));
    }

    void start_heads_and_fill_gaps() {
        while (!queue_.empty() && job(queue_.front()).processors <= free_) start(queue_.front());
        if (queue_.empty() || rules_.gaps == Gaps::none) return;

        // The head can start, by the requested ends of what runs, at the shadow time; what is free then beside it is
        // extra, and may be held longer.
        std::vector<std::size_t> ends = running_;
        std::sort(ends.begin(), ends.end(),
                  [&](std::size_t a, std::size_t b) { return planned_end_of(a) < planned_end_of(b); });
        Micros shadow = now_;
        std::int32_t then_free = free_;
        for (const std::size_t index : ends) {
            if (then_free >= job(queue_.front()).processors && planned_end_of(index) > shadow) break;
            then_free += job(index).processors;
            shadow = planned_end_of(index);
        }
        std::int32_t extra = then_free - job(queue_.front()).processors;

        std::vector<std::size_t> candidates(queue_.begin() + 1, queue_.end());
        if (rules_.gaps == Gaps::easy_shortest)
            std::stable_sort(candidates.begin(), candidates.end(),
                             [&](std::size_t a, std::size_t b) { return job(a).requested < job(b).requested; });
        for (const std::size_t index : candidates) {
            if (job(index).processors > free_) continue;
            const bool ends_before = now_ + job(index).requested <= shadow;
            if (!ends_before && job(index).processors > extra) continue;
            if (!ends_before) extra -= job(index).processors;
            start(index);
        }
    }

    // What is free from each of these times on, up to the next; the last for ever.
    struct Step {
        Micros from;
        std::int32_t free;
    };

    void start_conservatively() {
        std::vector<Step> profile = {{now_, trace_.processors}};
        for (const std::size_t index : running_) take(profile, now_, planned_end_of(index), job(index).processors);
        for (const std::size_t index : std::vector<std::size_t>(queue_)) {
            const Micros at = earliest(profile, job(index));
            take(profile, at, at + job(index).requested, job(index).processors);
            if (at == now_) start(index);
        }
    }

    static std::size_t split(std::vector<Step>& profile, Micros at) {
        std::size_t i = 0;
        while (i < profile.size() && profile[i].from < at) ++i;
        if (i == profile.size() || profile[i].from != at)
            profile.insert(profile.begin() + static_cast<std::ptrdiff_t>(i), {at, profile[i - 1].free});
        return i;
    }

    static void take(std::vector<Step>& profile, Micros from, Micros to, std::int32_t processors) {
        const std::size_t first = split(profile, from);
        const std::size_t last = split(profile, to);
        for (std::size_t i = first; i < last; ++i) profile[i].free -= processors;
    }

    static Micros earliest(const std::vector<Step>& profile, const TraceJob& job) {
        for (std::size_t first = 0;; ++first) {
            std::size_t i = first;
            const Micros end = profile[first].from + job.requested;
            while (i < profile.size() && profile[i].from < end && profile[i].free >= job.processors) ++i;
            if (i == profile.size() || profile[i].from >= end) return profile[first].from;
        }
    }

    // --- usage: every processor-second counts half as much after seven days, in a run under way as in one that ended

    struct Decayed {
        double amount = 0;
        Micros at = 0;
    };
    static constexpr double half_life_s = 7 * 86'400;
    static double seconds(Micros duration) { return static_cast<double>(duration) / core::second; }

    static double at_time(const Decayed& usage, Micros now) {
        return usage.amount * std::exp2(-seconds(now - usage.at) / half_life_s);
    }
    // What a run is worth now that began so long ago and lasts until now.
    static double worth(const TraceJob& job, Micros elapsed) {
        return job.processors * half_life_s / std::log(2.0) * (1 - std::exp2(-seconds(elapsed) / half_life_s));
    }
    void charge(const TraceJob& job) {
        Decayed& usage = used_[static_cast<std::size_t>(job.user)];
        usage = {at_time(usage, now_) + worth(job, job.run), now_};
    }
    std::vector<double> usage_now() const {
        std::vector<double> usage;
        for (const Decayed& settled : used_) usage.push_back(at_time(settled, now_));
        for (const std::size_t index : running_)
            usage[static_cast<std::size_t>(job(index).user)] += worth(job(index), now_ - starts_[index]);
        return usage;
    }

    void sort_queue() {
        if (rules_.queue == Queue::fcfs) return; // arrived in order
        std::sort(queue_.begin(), queue_.end());
        const std::vector<double> usage = usage_now();
        const double all = std::accumulate(usage.begin(), usage.end(), 0.0);
        std::vector<double> priorities(trace_.jobs.size());
        for (const std::size_t index : queue_)
            priorities[index] = priority(job(index), usage[static_cast<std::size_t>(job(index).user)], all);
        std::stable_sort(queue_.begin(), queue_.end(),
                         [&](std::size_t a, std::size_t b) { return priorities[a] > priorities[b]; });
        if (rules_.max_wait > 0) // the lifted ones in order of age; all of the others behind
            std::stable_sort(queue_.begin(), queue_.end(), [&](std::size_t a, std::size_t b) {
                const bool a_lifted = now_ - job(a).submit > rules_.max_wait;
                const bool b_lifted = now_ - job(b).submit > rules_.max_wait;
                return a_lifted != b_lifted ? a_lifted : a_lifted && a < b;
            });
    }

    double priority(const TraceJob& job, double usage, double all) const {
        const double waited_h = seconds(now_ - job.submit) / 3600;
        if (rules_.queue == Queue::fair_share_age) {
            const double share_used = all > 0 ? usage / all : 0;
            return std::exp2(-share_used * trace_.users) + rules_.age_weight * std::min(1.0, waited_h / (7 * 24));
        }
        const double quota_h = trace_.processors * 730.0 / trace_.users;
        const double month_h = usage / 3600 * 730 * 3600 * std::log(2.0) / half_life_s;
        const double multiplier = month_h > 0 ? std::clamp(quota_h / month_h, 0.01, 2.0) : 2.0;
        return multiplier * (1 + rules_.boost_per_hour * waited_h);
    }

    const Trace& trace_;
    Rules rules_;
    Micros now_ = 0;
    std::int32_t free_;
    std::vector<std::size_t> queue_;
    std::vector<std::size_t> running_;
    std::vector<Micros> starts_;
    std::vector<Decayed> used_; // by user
};

// The start of every job.
inline std::vector<Micros> simulate(const Trace& trace, const Rules& rules) { return Simulator(trace, rules).run(); }

} // namespace rcq::sim::oracle
