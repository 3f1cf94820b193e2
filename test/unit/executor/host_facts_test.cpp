#include "executor/check_command.hpp"
#include "executor/host.hpp"
#include "executor/host_facts.hpp"
#include "executor/option_checks.hpp"
#include "executor/options.hpp"
#include "executor/words.hpp"
#include "temporary_directory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <regex>

namespace rcq::executor {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

TEST(HostFacts, processors_become_words) {
    EXPECT_EQ(cpu_word("AMD EPYC 7763 64-Core Processor"), "amd-epyc-7763");
    EXPECT_EQ(cpu_word("Intel(R) Xeon(R) Gold 6248 CPU @ 2.50GHz"), "intel-xeon-gold-6248");
    EXPECT_EQ(cpu_word("12th Gen Intel(R) Core(TM) i7-12700"), "12th-gen-intel-core-i7-12700");
    EXPECT_EQ(squeezed_word("--A  b(c)"), "a-b-c");
    EXPECT_EQ(squeezed_word(std::string(100, 'x')).size(), 63);
}

TEST(HostFacts, are_read_from_the_system) {
    TemporaryDirectory root;
    std::string cpuinfo;
    for (int i = 0; i < 8; ++i) { // two sockets of two cores with two threads each
        cpuinfo += "processor\t: " + std::to_string(i) +
                   "\nmodel name\t: AMD EPYC 7763 64-Core Processor\nphysical id\t: " + std::to_string(i / 4) +
                   "\ncore id\t\t: " + std::to_string(i % 2) + "\n\n";
    }
    (void)root.file("proc/cpuinfo", cpuinfo);
    (void)root.file("proc/meminfo", "MemTotal:       2097152 kB\n");
    (void)root.file("etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12\"\nVERSION_ID=\"12\"\nID=debian\n");
    HostFacts facts = detect_host_facts("Node A", root.path());
    EXPECT_EQ(facts.threads, 8);
    EXPECT_EQ(facts.cores, 4);
    EXPECT_EQ(facts.sockets, 2);
    EXPECT_EQ(facts.memory_mib, 2048);
    facts.arch = "x86_64";
    facts.kernel = "6.1.0-18-amd64";
    EXPECT_EQ(host_features(facts, {Gpu{"GPU-a", "", "a100", 0, ""}, Gpu{"GPU-b", "", "a100", 0, ""}}),
              (std::vector<std::string>{"arch:x86_64", "cpu:amd-epyc-7763", "gpu:a100", "host:node-a", "kernel:6.1",
                                        "os:debian-12"}));
    auto info = nlohmann::json::parse(host_info(facts, {Gpu{"GPU-a", "NVIDIA A100", "a100", 81920, ""}}, 2.5));
    EXPECT_EQ(info["kill_grace_s"], 2.5);
    EXPECT_EQ(info["cpu_model"], "AMD EPYC 7763 64-Core Processor");
    EXPECT_EQ(info["gpus"][0]["id"], "GPU-a");
    EXPECT_EQ(info["gpus"][0]["memory_mib"], 81920);
    EXPECT_EQ(info["version"], RCQ_VERSION);
}

TEST(HostFacts, of_this_host_are_words_that_the_database_takes) {
    HostFacts facts = detect_host_facts("a-host-with-a-name-that-is-much-longer-than-a-feature-of-63-bytes-can-be");
    EXPECT_GE(facts.threads, 1);
    EXPECT_GE(facts.memory_mib, 1);
    auto features = host_features(facts, {});
    EXPECT_GE(features.size(), 4);
    for (const std::string& feature : features) {
        EXPECT_TRUE(std::regex_match(feature, std::regex("[a-z0-9][a-z0-9_.:-]{0,62}"))) << feature;
    }
}

Options options_with(const std::vector<std::string>& arguments) {
    std::vector<const char*> list = {"rcq-executor", "--config", "/dev/null", "--hostname", "n1"};
    for (const std::string& argument : arguments) list.push_back(argument.c_str());
    return parse_options(static_cast<int>(list.size()), list.data());
}

TEST(Host, gpus_are_found_and_offered_by_their_ids) {
    TemporaryDirectory directory;
    std::string query = directory.program("smi", "[ \"$2\" = --format=csv,noheader,nounits ] || exit 2\n"
                                                 "echo '0, GPU-a, Tesla T4, 15360'\n"
                                                 "echo '1, GPU-b, NVIDIA A100-SXM4-80GB, 81920'\n"
                                                 "echo '2, GPU-c, NVIDIA A100-SXM4-80GB, 81920'");
    Options options = options_with({"--gpus", "auto", "--gpu-query", query, "--features", "ib"});
    auto remarks = prepare_host(options);
    EXPECT_EQ(options.capacity.gpu_count, 2);
    EXPECT_EQ(options.capacity.gpu_type, "a100");
    EXPECT_EQ(options.gpu_ids, (std::vector<std::string>{"GPU-b", "GPU-c"}));
    EXPECT_THAT(options.features, Contains("gpu:a100"));
    EXPECT_THAT(options.features, Contains("host:n1"));
    EXPECT_THAT(options.features, Contains("ib"));
    ASSERT_EQ(remarks.size(), 1);
    EXPECT_THAT(remarks[0], HasSubstr("GPU GPU-a is not offered"));
    EXPECT_THAT(describe_registration(options), HasSubstr("\"id\": \"GPU-b\""));
}

TEST(Host, a_program_that_cannot_list_gpus_is_a_mistake) {
    TemporaryDirectory directory;
    Options options =
        options_with({"--gpus", "auto", "--gpu-query", directory.program("smi", "echo no driver; exit 9")});
    try {
        (void)prepare_host(options);
        FAIL();
    } catch (const OptionsExit& early) {
        EXPECT_THAT(early.what(), HasSubstr("no driver"));
    }
}

TEST(Host, nothing_is_added_to_the_features_when_nobody_wants_it) {
    Options options = options_with({"--no-detect", "--features", "a"});
    EXPECT_THAT(prepare_host(options), IsEmpty());
    EXPECT_EQ(options.features, (std::vector<std::string>{"a"}));
    EXPECT_NE(options.info, "");
}

TEST(Host, what_is_missing_is_named_all_at_once) {
    TemporaryDirectory directory;
    std::string supervisor = directory.program("rcq-supervisor", "exit 0");
    std::vector<std::string> fine = {"--supervisor", supervisor, "--prolog", supervisor, "--allow-users", "@nogroup"};
    EXPECT_THAT(host_problems(options_with(fine)), IsEmpty());
    auto problems = host_problems(
        options_with({"--supervisor", directory.path() + "/none", "--prolog", directory.file("p", "", 0644), "--epilog",
                      directory.path(), "--allow-users", "@nogroup"}));
    ASSERT_EQ(problems.size(), 3);
    EXPECT_THAT(problems[0], HasSubstr("--supervisor: "));
    EXPECT_THAT(problems[0], HasSubstr("No such file"));
    EXPECT_THAT(problems[1], HasSubstr("cannot be executed"));
    EXPECT_THAT(problems[2], HasSubstr("is no file"));
}

TEST(Host, started_as_root_it_must_be_told_who_jobs_may_run_as) {
    if (geteuid() != 0) GTEST_SKIP() << "not root";
    TemporaryDirectory directory;
    std::string supervisor = directory.program("rcq-supervisor", "exit 0");
    auto problems = [&](std::vector<std::string> arguments) {
        arguments.insert(arguments.end(), {"--supervisor", supervisor});
        return host_problems(options_with(arguments));
    };
    EXPECT_THAT(problems({}), Contains(HasSubstr("--allow-users: started as root")));
    EXPECT_THAT(problems({"--allow-users", "nobody"}), IsEmpty());
    EXPECT_THAT(problems({"--allow-users", "no-such-user"}), Contains(HasSubstr("there is no unix user")));
    EXPECT_THAT(problems({"--allow-users", "@no-such-group"}), Contains(HasSubstr("there is no unix group")));
    EXPECT_THAT(problems({"--allow-users", "root"}), Contains(HasSubstr("is root")));
    EXPECT_THAT(problems({"--allow-users", "nobody", "--default-user", "nouser"}),
                Contains(HasSubstr("--default-user")));
    EXPECT_THAT(problems({"--allow-users", "nobody", "--prolog", directory.file("p", "", 0777)}),
                Contains(HasSubstr("others can change it")));
}

TEST(Check, a_state_directory_is_looked_at_and_not_made) {
    TemporaryDirectory directory;
    EXPECT_EQ(state_directory_problem(directory.path()), "");
    EXPECT_EQ(state_directory_problem(directory.path() + "/a/b"), "");
    EXPECT_FALSE(std::filesystem::exists(directory.path() + "/a"));
    EXPECT_THAT(state_directory_problem(directory.file("f", "")), HasSubstr("is no directory"));
    EXPECT_THAT(state_directory_problem(directory.path() + "/f/x"), HasSubstr("--state-dir"));
}

TEST(Check, prints_the_registration) {
    Options options = options_with({"--cpu-cores", "3", "--check"});
    options.hostname = "n\"1";
    std::string text = describe_registration(options);
    EXPECT_THAT(text, HasSubstr(R"("hostname": "n\"1")"));
    EXPECT_THAT(text, HasSubstr(R"("cpu_cores": 3)"));
}

} // namespace
} // namespace rcq::executor
