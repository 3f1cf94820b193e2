#include "generate.hpp"

#include "usage_error.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <random>
#include <vector>

namespace rcq::sim {
namespace {

constexpr double day_s = 86'400;
constexpr double longest_span_s = 300 * 365.25 * day_s; // what a reader of the format still takes

struct Task {
    std::int32_t user = 0;
    std::int32_t processors = 1;
    std::int64_t run_s = 1;
    std::int64_t requested_s = 0; // 0: no job yet
};

// The distributions of the standard library differ from one to the other, its engines do not.
class Random {
public:
    explicit Random(std::uint64_t seed) : engine_(seed) {}
    double unit() { return static_cast<double>(engine_() >> 11) * 0x1p-53; } // 0 up to 1, exclusive
    bool chance(double probability) { return unit() < probability; }
    double log_uniform(double low, double high) { return low * std::pow(high / low, unit()); }

private:
    std::mt19937_64 engine_;
};

class Generator {
public:
    explicit Generator(const WorkloadModel& model) : model_(model), random_(model.seed) {
        double sum = 0;
        for (std::int32_t user = 0; user < model.users; ++user) user_weights_.push_back(sum += 1.0 / (user + 1));
        last_task_.resize(static_cast<std::size_t>(model.users));
    }

    std::string swf() {
        std::vector<Task> tasks;
        double area = 0; // processor-seconds
        for (std::int64_t i = 0; i < model_.jobs; ++i) {
            tasks.push_back(next_task());
            area += static_cast<double>(tasks.back().processors) * static_cast<double>(tasks.back().run_s);
        }
        const double span_s = area / (model_.processors * model_.load);
        if (span_s > longest_span_s)
            throw UsageError("so many jobs at so low a load take more than 300 years: fewer --jobs or a higher --load");
        const std::vector<std::int64_t> submits = arrivals(span_s);

        std::string text = "; Version: 2.2\n; Computer: synthetic workload of rcq-sim generate, seed " +
                           std::to_string(model_.seed) + "\n; MaxJobs: " + std::to_string(model_.jobs) +
                           "\n; MaxProcs: " + std::to_string(model_.processors) + "\n";
        for (std::size_t i = 0; i < tasks.size(); ++i) {
            const Task& task = tasks[i];
            for (const std::int64_t field :
                 {static_cast<std::int64_t>(i + 1), submits[i], std::int64_t{-1}, task.run_s,
                  std::int64_t{task.processors}, std::int64_t{-1}, std::int64_t{-1}, std::int64_t{task.processors},
                  task.requested_s, std::int64_t{-1}, std::int64_t{1}, std::int64_t{task.user + 1}})
                text.append(std::to_string(field)).append(" ");
            text += "-1 -1 -1 -1 -1 -1\n";
        }
        return text;
    }

private:
    // Half of the jobs are the user's last one again, with another input.
    Task next_task() {
        const std::int32_t user = next_user();
        Task& last = last_task_[static_cast<std::size_t>(user)];
        const bool again = last.requested_s > 0 && random_.chance(0.5);
        if (again)
            last.run_s = std::clamp<std::int64_t>(
                std::llround(static_cast<double>(last.run_s) * random_.log_uniform(0.5, 2)), 1, last.requested_s);
        else
            last = new_task(user);
        return last;
    }

    // Zipf's law: the first user submits twice as much as the second, three times as much as the third.
    std::int32_t next_user() {
        const double at = random_.unit() * user_weights_.back();
        const auto it = std::upper_bound(user_weights_.begin(), user_weights_.end() - 1, at);
        return static_cast<std::int32_t>(it - user_weights_.begin());
    }

    Task new_task(std::int32_t user) {
        Task task;
        task.user = user;
        task.processors = next_size();
        task.run_s = std::llround(random_.log_uniform(10, 18 * 3600));
        task.requested_s = round_request(static_cast<double>(task.run_s) / (0.05 + 0.95 * random_.unit()));
        return task;
    }

    // A quarter serial, of the others three quarters a power of two, small ones more often than large ones.
    std::int32_t next_size() {
        if (model_.processors == 1 || random_.chance(0.25)) return 1;
        const double size = std::exp2(random_.unit() * random_.unit() * std::log2(model_.processors));
        const double rounded = random_.chance(0.75) ? std::exp2(std::round(std::log2(size))) : std::round(size);
        return std::clamp(static_cast<std::int32_t>(rounded), 1, model_.processors);
    }

    static std::int64_t round_request(double seconds) {
        constexpr std::array<std::int64_t, 12> usual = {300,    900,    1'800,  3'600,  7'200,   14'400,
                                                        28'800, 43'200, 64'800, 86'400, 129'600, 172'800};
        const auto it = std::lower_bound(usual.begin(), usual.end() - 1, seconds,
                                         [](std::int64_t a, double b) { return static_cast<double>(a) < b; });
        return *it;
    }

    // As many moments of [0, span] as jobs, nine times as dense at two in the afternoon as at two in the morning. The
    // first is 0 and the last the span, so that the load is met.
    std::vector<std::int64_t> arrivals(double span_s) {
        constexpr double pi = 3.14159265358979323846;
        std::vector<double> at;
        while (at.size() < static_cast<std::size_t>(model_.jobs)) {
            const double t = random_.unit() * span_s;
            const double density = 1 + 0.8 * std::cos(2 * pi * (t / day_s - 14.0 / 24));
            if (random_.unit() * 1.8 < density) at.push_back(t);
        }
        std::sort(at.begin(), at.end());
        at.front() = 0;
        if (at.size() > 1) at.back() = span_s;
        std::vector<std::int64_t> whole;
        whole.reserve(at.size());
        for (const double t : at) whole.push_back(std::llround(t));
        return whole;
    }

    const WorkloadModel& model_;
    Random random_;
    std::vector<double> user_weights_; // sums up to and including each user
    std::vector<Task> last_task_;
};

} // namespace

std::string generate_swf(const WorkloadModel& model) { return Generator(model).swf(); }

} // namespace rcq::sim
