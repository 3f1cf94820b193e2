#include "executor/slurm_clients.hpp"

#include "executor/logging.hpp"
#include "executor/random.hpp"
#include "rundir/status.hpp"

#include <array>
#include <string_view>
#include <system_error>

namespace rcq::executor {

namespace {

constexpr std::size_t most_at_once = 4;
constexpr std::uint64_t limit_ms = 120'000; // longer than the usual MessageTimeout of Slurm
constexpr std::size_t output_limit = 64U << 20;

std::string failure_text(const ProgramEnd& end) {
    const std::string text = slurm_message(end.output);
    return end.timed_out || text.empty() ? end.describe() : text;
}

} // namespace

std::vector<std::string> slurm_environment(const char* const* inherited) {
    static constexpr std::array<std::string_view, 5> wanted = {"PATH=", "HOME=", "LANG=", "SLURM_CONF=", "TZ="};
    std::vector<std::string> environment;
    for (; *inherited != nullptr; ++inherited) {
        const std::string_view variable = *inherited;
        for (std::string_view name : wanted) {
            if (variable.starts_with(name)) environment.emplace_back(variable);
        }
    }
    return environment;
}

SlurmClients::SlurmClients(uv_loop_t* loop, std::vector<std::string> environment)
    : loop_(loop), setup_{std::move(environment), output_limit} {}

// Nothing, after an answer: it could not be started.
std::unique_ptr<Program> SlurmClients::start(const std::vector<std::string>& arguments, const Done& done) {
    try {
        return std::make_unique<Program>(loop_, arguments, limit_ms, done, setup_);
    } catch (const std::system_error& error) {
        ProgramEnd end;
        end.output = error.what();
        done(end);
        return nullptr;
    }
}

void SlurmClients::list(const std::vector<std::string>& command,
                        const std::function<void(const std::string& output, std::int64_t asked_ms)>& done) {
    const std::int64_t asked_ms = rundir::boottime_ms();
    if (list_ != nullptr || asked_ms < list_after_ms_) return;
    list_ = start(command, [=, this](const ProgramEnd& end) {
        const std::unique_ptr<Program> ended = std::move(list_);
        if (!end.ok()) return away(failure_text(end));
        // A list that takes long is asked for less often.
        list_after_ms_ = rundir::boottime_ms() + 4 * (rundir::boottime_ms() - asked_ms);
        back();
        done(end.output, asked_ms);
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
        const auto place = running_.emplace(running_.end());
        auto program = start(command.arguments, [this, place, done = std::move(command.done)](const ProgramEnd& end) {
            const std::unique_ptr<Program> ended = std::move(*place);
            running_.erase(place);
            if (!slurm_answered(end)) away(failure_text(end));
            done(end);
            start_next();
        });
        if (program != nullptr) *place = std::move(program);
    }
}

void SlurmClients::away(const std::string& message) {
    reachable_ = false;
    list_after_ms_ = rundir::boottime_ms() + static_cast<std::int64_t>(pause_.next(random_unit()));
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
