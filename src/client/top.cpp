// `rcq top`: the cluster as it is, again and again.
#include "client/commands.hpp"
#include "client/overview.hpp"
#include "client/screen.hpp"
#include "client/store.hpp"
#include "client/text.hpp"
#include "client/watch.hpp"

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <unistd.h>

namespace rcq::client {

namespace {

constexpr int jobs_once = 20;

struct TopOptions {
    std::string interval = "2s";
    std::string patience = default_patience;
};

Json overview(Watch& watch, int jobs) {
    const auto result = watch.ask(store::overview(jobs));
    return parse_json({PQgetvalue(result.get(), 0, 0), static_cast<std::size_t>(PQgetlength(result.get(), 0, 0))});
}

ExitCode show_once(Session& session, Watch& watch) {
    const Json now = overview(watch, jobs_once);
    if (session.output.json()) {
        session.output.json_document(now.dump(1, ' ', false, Json::error_handler_t::replace));
    } else {
        session.output.write(overview_text(now, session.output.width(), 0, session.output.colours()));
    }
    return ExitCode::good;
}

// Until somebody presses q, or Ctrl-C.
ExitCode show_always(Session& session, Watch& watch, double interval_s) {
    session.database.connect(); // what is wrong with that is not for the other page
    Screen screen;
    while (true) {
        const Screen::Size size = Screen::size();
        const Json now = overview(watch, size.rows);
        Screen::show(overview_text(now, size.columns, size.rows, session.output.colours()));
        const char key = screen.key(interval_s, session.database.interrupts().fd());
        if (key == 'q' || key == 'Q' || session.database.interrupts().take()) return ExitCode::good;
    }
}

ExitCode run_top(Session& session, const TopOptions& options) {
    constexpr double shortest_s = 0.1; // the server has more to do
    constexpr double longest_s = 86400;
    const double interval_s = std::clamp(seconds_option("--interval", options.interval), shortest_s, longest_s);
    const double patience_s = seconds_option("--reconnect", options.patience);
    const bool always = session.output.terminal() && !session.output.json() && isatty(STDIN_FILENO) == 1;
    Watch watch(session.database, patience_s, [&](std::string_view text) {
        if (!always) return complain(text);
        std::string lines;
        for (std::string_view rest = text; !rest.empty();) { // what happened; what follows from it
            const std::size_t end = std::min(rest.find("; "), rest.size());
            lines += cut_to_width(safe_text(rest.substr(0, end)), Screen::size().columns) + "\n";
            rest.remove_prefix(std::min(end + 2, rest.size()));
        }
        Screen::show(lines + "Ctrl-C ends this");
    });
    if (!always) return show_once(session, watch);
    try {
        return show_always(session, watch, interval_s);
    } catch (const Interrupted&) { // while the server was asked
        return ExitCode::good;
    }
}

} // namespace

void add_top_command(Commands& commands) {
    CLI::App* command =
        commands.add("top", "Shows the cluster, its groups and jobs, and keeps that up to date; q ends it",
                     {"top", "top --interval 10s", "top --json"});
    auto options = std::make_shared<TopOptions>();
    command->add_option("--interval", options->interval, "Time between two looks on a terminal; elsewhere there is one")
        ->type_name("DURATION")
        ->capture_default_str();
    command->add_option("--reconnect", options->patience, "Go on trying so long when the connection is lost")
        ->type_name("DURATION")
        ->capture_default_str();
    commands.on_run(command, [options](Session& session) { return run_top(session, *options); });
}

} // namespace rcq::client
