#include "database/passwords.hpp"
#include "executor/option_file.hpp"
#include "executor/options.hpp"
#include "temporary_directory.hpp"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace rcq::executor {
namespace {

using ::testing::HasSubstr;

std::string error_of(const std::string& text) {
    try {
        (void)parse_option_file(text, "f.conf");
    } catch (const OptionFileError& error) {
        return error.what();
    }
    return "";
}

std::string reading_error(const std::string& path) {
    try {
        (void)read_option_file(path);
    } catch (const OptionFileError& error) {
        return error.what();
    }
    return "";
}

Options parse(std::vector<std::string> arguments) {
    std::vector<const char*> list = {"rcq-executor"};
    for (const std::string& argument : arguments) list.push_back(argument.c_str());
    return parse_options(static_cast<int>(list.size()), list.data());
}

std::string parsing_error(const std::vector<std::string>& arguments) {
    try {
        (void)parse(arguments);
    } catch (const OptionsExit& early) {
        EXPECT_EQ(early.code, 1);
        return early.what();
    }
    return "";
}

TEST(OptionFile, names_values_and_lists_are_read_with_their_lines) {
    auto entries = parse_option_file("# a comment\n"
                                     "cpu-cores = 4   # four\n"
                                     "\n"
                                     "dsn='host=a,b  port=5432 # no comment'\r\n"
                                     "name = \"a \\\"b\\\" \\\\ \\t\"\n"
                                     "features = [\n  a, \"b c\",  # two\n  'd',\n]\n"
                                     "empty = []\n"
                                     "no-listen = true",
                                     "f");
    ASSERT_EQ(entries.size(), 6);
    EXPECT_EQ(entries[0].name, "cpu-cores");
    EXPECT_EQ(entries[0].line, 2);
    EXPECT_EQ(entries[0].values, (std::vector<std::string>{"4"}));
    EXPECT_EQ(entries[1].values, (std::vector<std::string>{"host=a,b  port=5432 # no comment"}));
    EXPECT_EQ(entries[2].values, (std::vector<std::string>{"a \"b\" \\ \t"}));
    EXPECT_EQ(entries[3].values, (std::vector<std::string>{"a", "b c", "d"}));
    EXPECT_EQ(entries[3].line, 6);
    EXPECT_TRUE(entries[4].values.empty());
    EXPECT_EQ(entries[5].line, 11);
    EXPECT_TRUE(parse_option_file("", "f").empty());
    EXPECT_TRUE(parse_option_file("# only a comment", "f").empty());
}

TEST(OptionFile, what_is_no_entry_is_named_with_its_line) {
    EXPECT_THAT(error_of("a = 1\n\nb c = 2"), HasSubstr("f.conf:3: \"b\" must be followed by ="));
    EXPECT_THAT(error_of("[section]"), HasSubstr("f.conf:1: sections are not used"));
    EXPECT_THAT(error_of("a ="), HasSubstr("f.conf:1: not a value"));
    EXPECT_THAT(error_of("a = \"b\nc = 1"), HasSubstr("f.conf:1: a quote is not closed"));
    EXPECT_THAT(error_of("a = 1\nb = [1, 2"), HasSubstr("f.conf:2: a list is not closed"));
    EXPECT_THAT(error_of("a = [1 2]"), HasSubstr("a comma or ]"));
    EXPECT_THAT(error_of("a = b c"), HasSubstr("\"a\": only one value may follow"));
    EXPECT_THAT(error_of("a = b,c"), HasSubstr("only one value may follow"));
    EXPECT_THAT(error_of("a = \"\\x\""), HasSubstr("after \\"));
    EXPECT_THAT(error_of("= 1"), HasSubstr("not a name"));
}

TEST(OptionFile, the_command_line_wins_over_the_environment_and_that_over_the_file) {
    TemporaryDirectory directory;
    std::string file = directory.file("executor.conf", "cpu-cores = 3\npoll = 7\nmemory-gb = 2\nno-listen = true\n"
                                                       "features = [\"x\", \"y\"]\nworkdir-allow = '/tmp'\n"
                                                       "no-cpu-affinity = false\ngpus = auto\n");
    setenv("RCQ_EXECUTOR_POLL", "8", 1);       // NOLINT(concurrency-mt-unsafe)
    setenv("RCQ_EXECUTOR_FEATURES", "e,f", 1); // NOLINT(concurrency-mt-unsafe)
    setenv("RCQ_EXECUTOR_CPU_CORES", "9", 1);  // NOLINT(concurrency-mt-unsafe)
    Options options = parse({"--config", file, "--cpu-cores", "5"});
    for (const char* name : {"RCQ_EXECUTOR_POLL", "RCQ_EXECUTOR_FEATURES", "RCQ_EXECUTOR_CPU_CORES"}) {
        unsetenv(name); // NOLINT(concurrency-mt-unsafe)
    }
    EXPECT_EQ(options.capacity.cpu_cores, 5);
    EXPECT_EQ(options.poll_s, 8);
    EXPECT_EQ(options.features, (std::vector<std::string>{"e", "f"}));
    EXPECT_EQ(options.capacity.memory_mib, 2048);
    EXPECT_FALSE(options.listen);
    EXPECT_TRUE(options.cpu_affinity);
    EXPECT_TRUE(options.gpus_auto);
    EXPECT_EQ(options.workdir_allow, (std::vector<std::string>{"/tmp"}));

    setenv("RCQ_EXECUTOR_CONFIG", file.c_str(), 1); // NOLINT(concurrency-mt-unsafe)
    EXPECT_EQ(parse({}).features, (std::vector<std::string>{"x", "y"}));
    unsetenv("RCQ_EXECUTOR_CONFIG"); // NOLINT(concurrency-mt-unsafe)
}

TEST(OptionFile, mistakes_in_it_name_the_file_and_the_line) {
    TemporaryDirectory directory;
    auto error_with = [&](const std::string& text) {
        return parsing_error({"--config", directory.file("executor.conf", text)});
    };
    EXPECT_THAT(error_with("poll = 1\ncpu-coers = 4\n"),
                HasSubstr("executor.conf:2: there is no option \"cpu-coers\""));
    EXPECT_THAT(error_with("check = true\n"), HasSubstr("executor.conf:1: there is no option \"check\""));
    EXPECT_THAT(error_with("config = '/x'\n"), HasSubstr("executor.conf:1: there is no option \"config\""));
    EXPECT_THAT(error_with("poll = 1\n\npoll = 2\n"), HasSubstr("executor.conf:3: \"poll\" stands in line 1 already"));
    EXPECT_THAT(error_with("cpu-cores = many\n"), HasSubstr("executor.conf:1: "));
    EXPECT_THAT(error_with("cpu-cores = 0\n"), HasSubstr("--cpu-cores"));
    EXPECT_THAT(error_with("cpu-cores = [1, 2]\n"), HasSubstr("executor.conf:1: "));
    EXPECT_THAT(error_with("no-listen = perhaps\n"), HasSubstr("executor.conf:1: "));
    EXPECT_THAT(parsing_error({"--config", directory.path() + "/none"}), HasSubstr("No such file"));
}

TEST(OptionFile, one_that_others_can_write_is_refused) {
    TemporaryDirectory directory;
    EXPECT_EQ(reading_error(directory.file("a.conf", "poll = 1\n", 0644)), "");
    EXPECT_THAT(reading_error(directory.file("b.conf", "poll = 1\n", 0664)), HasSubstr("chmod go-w"));
    EXPECT_THAT(reading_error(directory.file("c.conf", "poll = 1\n", 0646)), HasSubstr("chmod go-w"));
    EXPECT_THAT(reading_error(directory.path()), HasSubstr("no regular file"));
    EXPECT_EQ(reading_error("/dev/null"), "");
    std::string strangers = directory.file("d.conf", "poll = 1\n");
    if (geteuid() == 0) {
        ASSERT_EQ(chown(strangers.c_str(), 65534, 65534), 0);
        EXPECT_THAT(reading_error(strangers), HasSubstr("belongs to somebody else"));
    }
}

TEST(OptionFile, one_with_a_password_is_refused_when_everybody_can_read_it) {
    TemporaryDirectory directory;
    const std::string text = "poll = 1\ndsn = \"host=a password=secret\"\n";
    EXPECT_THAT(reading_error(directory.file("a.conf", text, 0644)), HasSubstr("a.conf:2: holds a password"));
    EXPECT_EQ(reading_error(directory.file("b.conf", text, 0640)), "") << "root's, readable by the executor's group";
    EXPECT_EQ(reading_error(directory.file("c.conf", "dsn = \"host=a\"\n", 0644)), "");
}

std::string hidden(std::string argument) {
    std::string program = "rcq-executor";
    std::vector<char*> arguments = {program.data(), argument.data()};
    database::hide_password_in_arguments(2, arguments.data());
    return argument;
}

TEST(Passwords, are_blotted_out_of_the_arguments) {
    EXPECT_EQ(hidden("--dsn=host=a password=secret user=b"), "--dsn=host=a password=xxxxxx user=b");
    EXPECT_EQ(hidden("host=a password = 'se cret' user=b"), "host=a password = xxxxxxxxx user=b");
    EXPECT_EQ(hidden("postgresql://bob:secret@host/db"), "postgresql://bob:xxxxxx@host/db");
    EXPECT_EQ(hidden("postgresql://host/db?password=se&x=1"), "postgresql://host/db?password=xx&x=1");
    EXPECT_EQ(hidden("host=a password='a\\'b"), "host=a password=xxxxx");
    EXPECT_EQ(hidden("passwordless password="), "passwordless password=");
    EXPECT_EQ(hidden("postgresql://bob@host/db"), "postgresql://bob@host/db");
    EXPECT_EQ(hidden("--features=a,b"), "--features=a,b");
}

} // namespace
} // namespace rcq::executor
