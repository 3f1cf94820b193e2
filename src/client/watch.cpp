#include "client/watch.hpp"

#include "client/text.hpp"
#include "client/times.hpp"
#include "core/option_values.hpp"
#include "core/submit_options.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace rcq::client {

database::Result Watch::ask(const database::Statement& statement, database::Format format) {
    while (true) {
        try {
            database::Result result = database_.query(statement, format);
            was_there_ = true;
            return result;
        } catch (const Refusal&) {
            throw;
        } catch (const Failure& failure) {
            if (!was_there_ || failure.code != ExitCode::unreachable) throw;
            come_back(failure);
        }
    }
}

void Watch::come_back(const Failure& loss) {
    constexpr double longest_pause_s = 1;
    const double began = monotonic_s();
    double pause_s = 0.05;
    say_(fmt::format("{}; connecting again, for {} at most", loss.what(), short_duration(patience_s_)));
    while (true) {
        try {
            database_.reconnect();
            return say_(fmt::format("connected again after {}", short_duration(monotonic_s() - began)));
        } catch (const Failure& failure) {
            if (monotonic_s() - began + pause_s > patience_s_) throw;
        }
        pause(pause_s);
        pause_s = std::min(2 * pause_s, longest_pause_s);
    }
}

void Watch::pause_while_read(double seconds) { sleep(seconds, STDOUT_FILENO); }

void Watch::sleep(double seconds, int reader) {
    const double until = monotonic_s() + seconds;
    while (true) {
        const double left = until - monotonic_s();
        if (left <= 0) return;
        std::array<pollfd, 2> waits = {pollfd{database_.interrupts().fd(), POLLIN, 0}, pollfd{reader, 0, 0}};
        const int count = poll(waits.data(), waits.size(), static_cast<int>(std::ceil(left * 1000)));
        if (database_.interrupts().take()) throw Interrupted();
        if (count > 0 && (waits[1].revents & POLLERR) != 0) throw Failure(ExitCode::broken_pipe, "");
        if (count > 0 && waits[1].revents != 0) reader = -1; // closed from the beginning: no longer of interest
    }
}

double seconds_option(std::string_view option, const std::string& value) {
    try {
        return std::stod(core::duration_json(option, value));
    } catch (const core::OptionError& error) {
        throw Failure(ExitCode::misused, error.message(), error.hint());
    }
}

} // namespace rcq::client
