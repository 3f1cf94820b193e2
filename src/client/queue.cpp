// `rcq queue`: what waits and what runs.
#include "client/commands.hpp"
#include "client/json.hpp"
#include "client/times.hpp"

#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>

namespace rcq::client {

namespace {

struct QueueOptions {
    int limit = 100;
};

constexpr const char* pending =
    "SELECT q.\"position\", q.id, q.user_name, q.group_name, q.name, 'pending' AS status, q.reason, q.cpu_cores, "
    "q.memory_gb, q.gpu_count, q.submitted_at, q.expected_start FROM rcq.queue q LIMIT $1";

ExitCode run_queue(Session& session, const QueueOptions& options) {
    const auto rows = session.database.rows({pending, {database::integer(options.limit)}});
    if (session.output.json()) {
        session.output.json_rows(rows);
        return ExitCode::good;
    }
    Table table({{"ID", Align::right}, {"STATUS"}, {"USER", Align::left, 8}, {"NAME", Align::left, 8}});
    for (const std::string& text : rows) {
        const Json row = parse_json(text);
        table.add(
            {{text_of(row, "id")}, {text_of(row, "status")}, {text_of(row, "user_name")}, {text_of(row, "name")}});
    }
    session.output.table(table);
    return ExitCode::good;
}

} // namespace

void add_queue_command(Commands& commands) {
    CLI::App* command = commands.add("queue", "Shows what waits and what runs", {"queue", "queue --limit 0"});
    auto options = std::make_shared<QueueOptions>();
    command->add_option("--limit", options->limit, "At most so many jobs; 0: all")->capture_default_str();
    commands.on_run(command, [options](Session& session) { return run_queue(session, *options); });
}

} // namespace rcq::client
