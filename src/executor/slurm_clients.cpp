#include "executor/slurm_clients.hpp"

#include "executor/clock.hpp"
#include "executor/logging.hpp"
#include "executor/random.hpp"

#include <array>
#include <string_view>

namespace rcq::executor {

namespace {

constexpr std::size_t most_at_once = 4;
constexpr std::uint64_t limit_ms = 120'000; // longer than the usual MessageTimeout of Slurm

std::string failure_text(const ProgramResult& result) {
    if (!result.fault.empty()) return result.fault;
    std::string text = slurm_message(result.errors);
    return text.empty() ? "ended with " + std::to_string(result.exit_code) : text;
}

} // namespace

std::vector<std::string> slurm_environment(const std::vector<std::string>& inherited) {
    static constexpr std::array<std::string_view, 5> wanted = {"PATH=", "HOME=", "LANG=", "SLURM_CONF=", "TZ="};
    std::vector<std::string> environment;
    for (const std::string& variable : inherited) {
        for (std::string_view name : wanted) {
            if (variable.starts_with(name)) environment.push_back(variable);
        }
    }
    return environment;
}

SlurmClients::SlurmClients(uv_loop_t* loop, std::vector<std::string> environment)
    : loop_(loop), environment_(std::move(environment)) {}

void SlurmClients::list(const std::vector<std::string>& command,
                        const std::function<void(const std::string& output, std::int64_t asked_ms)>& done) {
    const std::int64_t asked_ms = boottime_ms();
    if (list_ != nullptr || asked_ms < list_after_ms_) return;
    list_ = std::make_unique<Program>(loop_, command, environment_, limit_ms, [=, this](const ProgramResult& result) {
        const std::unique_ptr<Program> ended = std::move(list_);
        if (!result.good()) return away(failure_text(result));
        // A list that takes long is asked for less often.
        list_after_ms_ = boottime_ms() + 4 * (boottime_ms() - asked_ms);
        back();
        done(result.output, asked_ms);
        start_next();
    });
}

void SlurmClients::run(std::vector<std::string> command, Done done) {
    waiting_.push_back({std::move(command), std::move(done)});
    start_next();
}

void SlurmClients::start_next() {
    while (reachable_ && !waiting_.empty() && running_.size() < most_at_once) {
        Command command = std::move(waiting_.front());
        waiting_.pop_front();
        running_.emplace_back();
        const auto place = std::prev(running_.end());
        *place = std::make_unique<Program>(loop_, std::move(command.arguments), environment_, limit_ms,
                                           [this, place, done = std::move(command.done)](const ProgramResult& result) {
                                               const std::unique_ptr<Program> ended = std::move(*place);
                                               running_.erase(place);
                                               if (!result.fault.empty() ||
                                                   (!result.good() && slurm_unreachable(result.errors))) {
                                                   away(failure_text(result));
                                               }
                                               done(result);
                                               start_next();
                                           });
    }
}

void SlurmClients::away(const std::string& message) {
    reachable_ = false;
    list_after_ms_ = boottime_ms() + static_cast<std::int64_t>(pause_.next(random_unit()));
    if (!complained_) spdlog::warn("event=slurm_away message={}", quoted(message));
    complained_ = true;
}

void SlurmClients::back() {
    if (complained_) spdlog::info("event=slurm_back");
    complained_ = false;
    reachable_ = true;
    pause_.reset();
}

} // namespace rcq::executor
