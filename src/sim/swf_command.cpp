#include "swf_command.hpp"

#include "arguments.hpp"
#include "line_reader.hpp"
#include "plot.hpp"
#include "progress.hpp"
#include "report.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <system_error>

namespace rcq::sim {
namespace {

constexpr const char* footer =
    R"(The machine is one pool of processors. Jobs without run time or processors and jobs larger than the
machine are left out; a run is cut at its requested time; at equal times jobs end before others start.
With quota, multifactor and fairtree every user of the trace is a group of equal share; its quota is its
part of the machine for a month of 730 hours.

Bounded slowdown is max(1, (wait + run) / max(run, 10 s)); utilisation is the processor time used over
processors x makespan; jain is Jain's index (sum x)^2 / (n sum x^2) over the users' mean bounded
slowdowns, 1 when all fare alike; the 95th percentile is the nearest rank.

DURATION is a number of seconds or 90s, 30m, 72h, 7d.

Exit codes: 0 done, 2 wrong arguments or a file that cannot be read, 1 anything else.)";

struct Arguments {
    std::string file;
    std::optional<std::int32_t> processors;
    std::optional<std::size_t> limit_jobs;
    ReplayOptions replay;
    std::string plot;
    bool json = false;
    std::optional<bool> progress;
};

SwfParser read_log(const std::string& path) {
    LineReader reader(path);
    SwfParser parser;
    for (std::string_view line; reader.next(line);) parser.add_line(line);
    return parser;
}

// Opened before the replay, so that a long one is not in vain.
std::ofstream open_plot(const std::string& path) {
    std::ofstream file(path);
    if (!file)
        throw UsageError("--plot: cannot write " + path + ": " + std::generic_category().message(errno) +
                         "; name a file in a directory that exists and may be written to");
    return file;
}

void run(const Arguments& arguments) {
    if (arguments.replay.floor > arguments.replay.cap)
        throw UsageError("--floor is above --cap: give a floor of at most the cap");
    const std::string source = arguments.file == "-" ? "standard input" : arguments.file;
    const Trace trace = make_trace(read_log(arguments.file), arguments.processors, arguments.limit_jobs, source);
    if (const std::string skipped = describe_skipped(trace); !skipped.empty())
        std::fprintf(stderr, "rcq-sim: %s: %s\n", source.c_str(), skipped.c_str());
    std::ofstream plot;
    if (!arguments.plot.empty()) plot = open_plot(arguments.plot);

    Replay result;
    {
        ProgressBar bar("replaying", arguments.progress);
        result = replay(trace, arguments.replay, [&](std::size_t done, std::size_t all) { bar.show(done, all); });
    }
    const std::string short_name = std::filesystem::path(source).filename().string();
    const Report report{short_name, trace, arguments.replay, result, measure(trace, result.starts)};
    std::fputs((arguments.json ? as_json(report) : as_table(report)).c_str(), stdout);
    if (plot.is_open()) {
        const std::string title = short_name + ": policy " + std::string(name(arguments.replay.policy)) +
                                  ", backfill " + name(arguments.replay.backfill) + ", " +
                                  std::to_string(trace.processors) + " processors";
        plot << draw_svg(make_series(trace, result.starts), title) << std::flush;
        if (!plot) throw std::runtime_error("cannot write " + arguments.plot);
    }
}

// One of the words for `choices`, with `usual` as the default that the help shows.
template <typename Target, typename Choices>
void add_choice(CLI::App& app, const std::string& option, Target& target, const Choices& choices,
                const std::string& usual, const std::string& text) {
    std::vector<std::string> words;
    words.reserve(choices.size());
    for (const auto choice : choices) words.emplace_back(name(choice));
    const auto set = [&target, choices](const std::string& word) {
        for (const auto choice : choices)
            if (name(choice) == word) target = choice;
    };
    app.add_option_function<std::string>(option, set, text)
        ->check(CLI::IsMember(words).description("")) // the help shows them in place of the type
        ->type_name("{" + CLI::detail::join(words, ",") + "}")
        ->default_str(usual);
}

void add_number(CLI::App& app, const std::string& option, double& target, double least, const std::string& text) {
    app.add_option(option, target, text)->check(between(least, 1e6))->type_name("X");
}

void add_scheduling(CLI::App& app, ReplayOptions& replay) {
    add_choice(app, "--policy", replay.policy, all_policies, std::string(name(replay.policy)), "order of the queue");
    const auto set_backfill = [&replay](const std::string& text) {
        try {
            replay.backfill = parse_backfill(text);
        } catch (const UsageError& error) {
            throw CLI::ValidationError("--backfill", error.what());
        }
    };
    app.add_option_function<std::string>(
           "--backfill", set_backfill,
           "who has a reservation of all blocked jobs: none (and nobody overtakes), easy:\n"
           "the first, depth:N: the first N, conservative: all; the others fill the gaps")
        ->type_name("{none,easy,depth:N,conservative}")
        ->default_str(name(replay.backfill));
    add_choice(app, "--order", replay.order, all_backfill_orders, std::string(name(replay.order)),
               "who fills a gap first: in the order of the queue, or the shortest planned time");
    add_choice(
        app, "--predict", replay.predict, all_predictions, std::string(name(replay.predict)),
        "planned time of a job: what it asked for, or at most the mean run time of the\nlast two jobs of its user");
}

void add_fair_share(CLI::App& app, ReplayOptions& replay) {
    add_duration(app, "--half-life", replay.half_life, 1, format_duration(replay.half_life),
                 "time in which past usage loses half its weight");
    app.add_flag("--count-planned", replay.count_planned, "count what running jobs are still planned to use as usage");
    add_number(app, "--cap", replay.cap, 1e-6, "quota: most that the multiplier quota / usage can be");
    add_number(app, "--floor", replay.floor, 1e-6, "quota: least that it can be");
    add_number(app, "--boost", replay.boost_per_hour, 0, "quota: what an hour of waiting adds, 0.01 = 1 %");
    add_number(app, "--age-weight", replay.age_weight, 0, "multifactor, fairtree: weight of the time waited / max age");
    add_duration(app, "--max-age", replay.max_age, 1, format_duration(replay.max_age),
                 "multifactor, fairtree: waiting longer counts as this");
    add_number(app, "--fair-share-weight", replay.fair_share_weight, 0,
               "multifactor, fairtree: weight of 2^(-usage / share), of the place in the tree");
    add_number(app, "--size-weight", replay.size_weight, 0,
               "multifactor, fairtree: weight of the part of the machine asked for");
    app.add_flag("--user-fairness", replay.user_fairness, "share between the users of a group, too");
}

void add_guard(CLI::App& app, ReplayOptions& replay) {
    add_choice(app, "--guard", replay.guard, all_guards, "",
               "who goes before all others after the longest wait: every job, oldest first, or\n"
               "one job of a group at a time, its oldest; default: job with quota and where a\n"
               "longest wait is given, else off");
    add_duration(app, "--max-wait", replay.max_wait, 0, "72h", "the longest wait; 0 = the guard never acts");
    add_duration(app, "--guard-spacing", replay.guard_spacing, 0, format_duration(replay.guard_spacing),
                 "guard group: least time between two such starts of one group");
}

} // namespace

void add_swf_command(CLI::App& app) {
    const auto arguments = std::make_shared<Arguments>();
    CLI::App* swf = app.add_subcommand("swf", "Replay a workload trace in the Standard Workload Format");
    swf->footer(footer);
    swf->option_defaults()->always_capture_default();
    swf->add_option("FILE", arguments->file, "trace, plain or compressed with gzip; - for standard input")
        ->required()
        ->type_name("");
    swf->add_option("--processors", arguments->processors,
                    "size of the machine; default: MaxProcs of the trace's header")
        ->check(between(1, 2'147'483'647))
        ->type_name("N");
    swf->add_option("--limit-jobs", arguments->limit_jobs, "replay the first N jobs alone")
        ->check(between(1, 1e15))
        ->type_name("N");
    swf->option_defaults()->group("Scheduling");
    add_scheduling(*swf, arguments->replay);
    swf->option_defaults()->group("Fair share");
    add_fair_share(*swf, arguments->replay);
    swf->option_defaults()->group("Starvation guard");
    add_guard(*swf, arguments->replay);
    swf->option_defaults()->group("Output");
    swf->add_flag("--json", arguments->json, "print one JSON object instead of a table");
    swf->add_option("--plot", arguments->plot, "draw utilisation and mean wait over time")->type_name("FILE.svg");
    swf->add_flag("--progress,!--no-progress", arguments->progress,
                  "show on stderr how far the replay is; default: if that is a terminal");
    swf->callback([arguments] { run(*arguments); });
}

} // namespace rcq::sim
