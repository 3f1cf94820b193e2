#include "core/nearest.hpp"
#include "core/submit_options.hpp"
#include <gtest/gtest.h>
#include <set>

using namespace rcq::core;

namespace {

using Fields = std::map<std::string, std::string, std::less<>>;

Fields with(Fields fields, std::string_view name, std::string_view value) {
    const SubmitOption* option = find_submit_option(name);
    if (!option) throw std::logic_error("no option " + std::string(name));
    set_option(fields, *option, value);
    return fields;
}

// The JSON that a value becomes.
std::string json(std::string_view name, std::string_view value) {
    const Fields fields = with({}, name, value);
    return fields.size() == 1 ? fields.begin()->second : "more than one field";
}

std::string refusal(std::string_view name, std::string_view value, const Fields& before = {}) {
    try {
        const Fields after = with(before, name, value);
        ADD_FAILURE() << name << "=" << value << " was accepted";
    } catch (const OptionError& error) {
        EXPECT_TRUE(error.hint().ends_with('.')) << error.hint();
        EXPECT_EQ(error.what(), error.message() + ". " + error.hint());
        return error.message();
    }
    return {};
}

TEST(SubmitOptions, names_letters_and_help_are_told_apart) {
    std::set<std::string_view> names;
    std::set<char> letters;
    for (const SubmitOption& option : submit_options()) {
        EXPECT_TRUE(names.insert(option.name).second) << option.name;
        EXPECT_GT(option.name.size(), 1u) << "one character is a letter";
        if (option.letter) {
            EXPECT_TRUE(letters.insert(option.letter).second) << option.letter;
            EXPECT_EQ(find_submit_option(std::string(1, option.letter)), &option);
        }
        EXPECT_EQ(find_submit_option(option.name), &option);
        EXPECT_EQ(option.argument.empty(), option.kind == OptionKind::flag) << option.name;
        EXPECT_FALSE(option.help.empty() || option.help.ends_with('.')) << option.name;
    }
    EXPECT_EQ(find_submit_option("cpu_cores"), nullptr);
    EXPECT_EQ(find_submit_option(""), nullptr);
    EXPECT_EQ(find_submit_option(std::string_view("\0", 1)), nullptr);
}

TEST(SubmitOptions, memory_is_gigabytes_however_it_is_written) {
    for (const char* same : {"32", "32G", "32g", "32GB", "32GiB", "32768M", "33554432K"})
        EXPECT_EQ(json("m", same), "32");
    EXPECT_EQ(json("memory", "500M"), "0.48828125");
    EXPECT_EQ(json("memory", "1.5T"), "1536");
    EXPECT_EQ(json("memory", ".5"), "0.5");
    for (const char* bad : {"", "G", "32X", "-1G", "1e3", "1.2.3", "32 G", "32GG", "b", "0x20", "nan", "inf", "32iB"})
        EXPECT_EQ(refusal("memory", bad), "--memory: \"" + std::string(bad) + "\" is no amount of memory");
    EXPECT_EQ(refusal("memory", "99999999999999999999T"), "--memory: \"99999999999999999999T\" is out of range");
}

TEST(SubmitOptions, durations_are_seconds_however_they_are_written) {
    for (const char* same :
         {"4h", "240m", "240min", "14400s", "4 hours", "3h60m", "4:00:00", "0-4", "0-4:00", "0-04:00:00"})
        EXPECT_EQ(json("t", same), "14400") << same;
    EXPECT_EQ(json("time-limit", "1h30m"), "5400");
    EXPECT_EQ(json("time-limit", "2-12:00:00"), "216000");
    EXPECT_EQ(json("time-limit", "2d"), "172800");
    EXPECT_EQ(json("time-limit", "100:00:00"), "360000");
    EXPECT_EQ(json("retry-delay", "0.5s"), "0.5");
    EXPECT_EQ(json("retry-delay", "0s"), "0");
    EXPECT_EQ(json("retry-delay", "1000000000s"), "1000000000");
    for (const char* bad : {"", "h", "4x", "-4h", "4h-", "1-", "1-24", "1:60:00", "1:00:60", "1:2:3:4", "::", "4h30",
                            "1-2-3", "UNLIMITED", "\x1b:1", "4h\n", "1:00:00h"})
        EXPECT_TRUE(refusal("time-limit", bad).ends_with(" is no duration")) << bad;
    EXPECT_EQ(refusal("time-limit", "9999999d"), "--time-limit: \"9999999d\" is too long");
}

TEST(SubmitOptions, a_duration_that_sbatch_reads_otherwise_is_refused) {
    EXPECT_EQ(refusal("time-limit", "90"), "--time-limit: \"90\" has no unit");
    EXPECT_EQ(refusal("time-limit", "1:30"), "--time-limit: \"1:30\" may be minutes and seconds, or hours and minutes");
}

TEST(SubmitOptions, an_estimate_is_hours) {
    EXPECT_EQ(json("estimate", "4"), "4");
    EXPECT_EQ(json("estimate", "90m"), "1.5");
    EXPECT_EQ(json("estimate", "1-0:00:00"), "24");
}

TEST(SubmitOptions, numbers_are_plain) {
    EXPECT_EQ(json("c", "8"), "8");
    EXPECT_EQ(json("c", "-1"), "-1") << "whether it is allowed is the server's affair";
    EXPECT_EQ(json("p", "0010"), "10");
    for (const char* bad : {"", "-", "8.0", "+8", "8 ", "0x8", "eight", "1e3"})
        EXPECT_TRUE(refusal("cpu-cores", bad).ends_with(" is no whole number")) << bad;
    EXPECT_TRUE(refusal("cpu-cores", "99999999999").ends_with(" is out of range"));
    EXPECT_EQ(json("retry-jitter", "0.1"), "0.1");
    EXPECT_EQ(json("retry-memory-factor", "-2"), "-2");
    for (const char* bad : {"", "x", "1e3", "--1", "1,5"})
        EXPECT_TRUE(refusal("retry-jitter", bad).ends_with(" is no number"));
}

TEST(SubmitOptions, a_flag_takes_nothing_or_says_it) {
    EXPECT_EQ(json("hold", ""), "true");
    EXPECT_EQ(json("hold", "false"), "false");
    EXPECT_EQ(with({}, "no-requeue", ""), (Fields{{"requeue", "false"}}));
    EXPECT_EQ(with({}, "no-requeue", "false"), (Fields{{"requeue", "true"}}));
    EXPECT_EQ(with({}, "requeue", "true"), (Fields{{"requeue", "true"}}));
    EXPECT_EQ(refusal("exclusive", "user"), "--exclusive: \"user\" is neither true nor false");
}

TEST(SubmitOptions, texts_become_json_whatever_is_in_them) {
    EXPECT_EQ(json("J", "train"), "\"train\"");
    EXPECT_EQ(json("name", "say \"hi\" \\ \x01\t\x7f \xc3\xa4"), "\"say \\\"hi\\\" \\\\ \\u0001\\u0009\x7f \xc3\xa4\"");
    EXPECT_EQ(json("begin", "now+2h"), "\"now+2h\"");
}

TEST(SubmitOptions, repeated_options_add_up) {
    Fields fields = with({}, "features", "avx512,nvme");
    fields = with(fields, "features", " ssd ");
    EXPECT_EQ(fields, (Fields{{"features", R"(["avx512","nvme","ssd"])"}}));
    for (const char* bad : {"", " ", ",", "a,", ",a", "a, ,b"})
        EXPECT_TRUE(refusal("features", bad).ends_with(" has an empty item"));

    fields = with({}, "env", "A=1");
    fields = with(fields, "env", "B=a=b,\"c\"");
    fields = with(fields, "env", "C=");
    EXPECT_EQ(fields, (Fields{{"env", R"({"A":"1","B":"a=b,\"c\"","C":""})"}}));
    EXPECT_EQ(refusal("env", "B=2", fields), "--env: \"B\" is given twice");
    for (const char* bad : {"", "A", "=1"}) EXPECT_TRUE(refusal("env", bad).ends_with(" is no variable"));

    fields = with(with({}, "consumable", "matlab=2"), "consumable", "lic");
    EXPECT_EQ(fields, (Fields{{"consumables", R"({"matlab":2,"lic":1})"}}));
    EXPECT_EQ(refusal("consumable", "lic=3", fields), "--consumable: \"lic\" is given twice");
    EXPECT_EQ(refusal("consumable", "lic=x"), "--consumable: \"x\" is no whole number");
}

TEST(SubmitOptions, a_name_within_a_value_is_not_taken_for_one_that_was_given) {
    Fields fields = with({}, "env", "A=,\"B\":");
    fields = with(fields, "env", "{\"C\":=1");
    EXPECT_NO_THROW(with(fields, "env", "B=2"));
    EXPECT_NO_THROW(with(fields, "env", "C=2"));
}

TEST(SubmitOptions, arrays_and_dependencies_are_checked_at_once) {
    EXPECT_EQ(json("a", "1-1000:2%50"), "\"1-1000:2%50\"");
    EXPECT_FALSE(refusal("array", "10-1").empty());
    EXPECT_EQ(json("d", "ok:41,any:42:43,notok:44,start:45,corr:46,singleton"),
              "\"afterok:41,afterany:42:43,afternotok:44,after:45,aftercorr:46,singleton\"");
    EXPECT_EQ(json("after", "afterok:41,after:42"), "\"afterok:41,after:42\"") << "as sbatch writes them";
    for (const char* bad : {"", "41", "ok", "ok:", "ok:x", "ok:41,", "maybe:41", "ok:41?any:42", "singleton:1"})
        EXPECT_TRUE(refusal("after", bad).ends_with(" names no jobs to wait for")) << bad;
}

TEST(SubmitOptions, what_is_refused_changes_nothing) {
    Fields fields = with(with({}, "env", "A=1"), "c", "4");
    const Fields before = fields;
    EXPECT_THROW(set_option(fields, *find_submit_option("env"), "A=2"), OptionError);
    EXPECT_THROW(set_option(fields, *find_submit_option("c"), "x"), OptionError);
    EXPECT_THROW(set_option(fields, *find_submit_option("features"), "a,,b"), OptionError);
    EXPECT_EQ(fields, before);
    EXPECT_EQ(with(fields, "c", "8").at("cpu_cores"), "8") << "what is given again replaces";
}

TEST(SubmitOptions, the_nearest_known_name_is_found) {
    EXPECT_EQ(nearest_submit_option("cpu-core"), "cpu-cores");
    EXPECT_EQ(nearest_submit_option("cpu_cores"), "cpu-cores");
    EXPECT_EQ(nearest_submit_option("prioirty"), "priority");
    EXPECT_EQ(nearest_submit_option("memroy"), "memory");
    EXPECT_EQ(nearest_submit_option("depend"), "");
    EXPECT_EQ(nearest_submit_option("idemp"), "idempotency-key");
    EXPECT_EQ(nearest_submit_option("frobnicate"), "");
    EXPECT_EQ(nearest_submit_option(""), "");
    EXPECT_EQ(nearest_submit_option("x"), "");
    EXPECT_EQ(nearest_submit_option(std::string(100'000, 'x')), "");
}

TEST(SubmitOptions, what_sbatch_calls_an_option_leads_to_ours) {
    for (const auto& [theirs, ours] : std::map<std::string, std::string>{{"mem", "memory"},
                                                                         {"cpus-per-task", "cpu-cores"},
                                                                         {"time", "time-limit"},
                                                                         {"job-name", "name"},
                                                                         {"dependency", "after"},
                                                                         {"gres", "gpus"},
                                                                         {"chdir", "workdir"},
                                                                         {"D", "workdir"}})
        EXPECT_EQ(nearest_submit_option(theirs), ours);
    for (const SubmitOption& option : submit_options()) EXPECT_EQ(nearest_submit_option(option.name), option.name);
}

TEST(EditDistance, counts_the_least_changes) {
    EXPECT_EQ(edit_distance("", ""), 0u);
    EXPECT_EQ(edit_distance("", "abc"), 3u);
    EXPECT_EQ(edit_distance("abc", ""), 3u);
    EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
    EXPECT_EQ(edit_distance("ab", "ba"), 1u);
    EXPECT_EQ(edit_distance("ca", "abc"), 3u);
}

} // namespace
