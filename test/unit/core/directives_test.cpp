#include "core/directives.hpp"
#include "core/submit_options.hpp"
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

using Fields = std::map<std::string, std::string, std::less<>>;

Fields fields(std::string_view script) {
    Fields all;
    for (const auto& [field, value] : read_directives(script).fields) all[field] = value.json;
    return all;
}

std::string refusal(std::string_view script) {
    try {
        read_directives(script);
    } catch (const DirectiveError& error) {
        EXPECT_TRUE(std::string_view(error.what()).starts_with(place_in_script(error.line()))) << error.what();
        EXPECT_TRUE(error.hint().ends_with('.') || error.hint().ends_with('?')) << error.hint();
        return error.what();
    }
    ADD_FAILURE() << script.substr(0, 200) << " was accepted";
    return {};
}

std::string hint(std::string_view script) {
    try {
        read_directives(script);
    } catch (const DirectiveError& error) {
        return error.hint();
    }
    return {};
}

TEST(Directives, several_stand_in_a_line_in_every_form) {
    EXPECT_EQ(fields("#!/bin/sh\n#RCQ --cpu-cores=8 --memory 32G -g1 -t 4h --hold\n#RCQ\t--name=train\necho\n"),
              (Fields{{"cpu_cores", "8"},
                      {"memory_gb", "32"},
                      {"gpu_count", "1"},
                      {"time_limit", "14400"},
                      {"hold", "true"},
                      {"name", "\"train\""}}));
    EXPECT_EQ(fields("#RCQ -c 8"), (Fields{{"cpu_cores", "8"}})) << "without an end of line";
    EXPECT_EQ(fields("#RCQ --hold=false --no-requeue"), (Fields{{"hold", "false"}, {"requeue", "false"}}));
}

TEST(Directives, each_field_knows_its_line) {
    const Directives directives = read_directives("#!/bin/sh\n\n#RCQ -c 8\n# more\n#RCQ --env A=1\n#RCQ --env B=2\n");
    EXPECT_EQ(directives.fields.at("cpu_cores").line, 3);
    EXPECT_EQ(directives.fields.at("env").line, 6);
    EXPECT_EQ(directives.fields.at("env").json, R"({"A":"1","B":"2"})");
}

TEST(Directives, end_at_the_first_command) {
    EXPECT_EQ(fields("#RCQ -c 2\n\n \t\n  # a comment\n#RCQ -m 2\necho\n#RCQ -c 4 --nonsense\n"),
              (Fields{{"cpu_cores", "2"}, {"memory_gb", "2"}}));
    EXPECT_EQ(fields("cat <<END\n#RCQ --priority=10\nEND\n"), Fields{});
    EXPECT_EQ(fields("\xef\xbb\xbf#!/bin/sh\n#RCQ -c 2\n"), Fields{}) << "what is no comment is a command";
}

TEST(Directives, are_marked_by_the_letters_and_a_space_at_the_beginning_of_a_line) {
    for (const char* comment : {" #RCQ --nonsense", "#RCQ", "#RCQ\r", "##RCQ --nonsense", "#RCQX --nonsense",
                                "#RCQ--nonsense", "#rcq --nonsense", "# RCQ --nonsense", "#RCQ: --nonsense", ""})
        EXPECT_EQ(fields(std::string(comment) + "\n#RCQ -c 3\n"), (Fields{{"cpu_cores", "3"}})) << comment;
    for (const char* empty : {"#RCQ ", "#RCQ \t ", "#RCQ # -c 8", "#RCQ #"}) EXPECT_EQ(fields(empty), Fields{});
}

TEST(Directives, a_word_that_begins_with_a_number_sign_ends_them) {
    EXPECT_EQ(fields("#RCQ -c 8 # --nonsense\n#RCQ --name=a#b #c"), (Fields{{"cpu_cores", "8"}, {"name", "\"a#b\""}}));
    EXPECT_EQ(fields("#RCQ --name '#1'"), (Fields{{"name", "\"#1\""}}));
}

TEST(Directives, lines_may_end_as_elsewhere) {
    EXPECT_EQ(fields("#!/bin/sh\r\n#RCQ -c 8 --hold\r\n\r\n#RCQ -J x\r\necho\r\n"),
              (Fields{{"cpu_cores", "8"}, {"hold", "true"}, {"name", "\"x\""}}));
}

TEST(Directives, quotes_hold_words_together) {
    EXPECT_EQ(fields(R"(#RCQ --name="two words" --workdir '/a b' --env="A=say \"hi\" \\ \n" --env 'B=it"s \')"),
              (Fields{{"name", "\"two words\""},
                      {"workdir", "\"/a b\""},
                      {"env", R"({"A":"say \"hi\" \\ \\n","B":"it\"s \\"})"}}));
    EXPECT_EQ(fields(R"(#RCQ --name=a"b c"'d e'f)"), (Fields{{"name", "\"ab cd ef\""}}));
    EXPECT_EQ(fields("#RCQ --name '--hold'"), (Fields{{"name", "\"--hold\""}})) << "a value, for it is quoted";
    EXPECT_EQ(refusal("#!/bin/sh\n#RCQ --name=\"two words"), "line 2 of the script: a quotation mark \" is not closed");
    EXPECT_EQ(refusal("#RCQ --name='a\n'"), "line 1 of the script: a quotation mark ' is not closed");
    EXPECT_EQ(refusal("#RCQ \"--hold\""), "line 1 of the script: \"--hold\" is no option");
}

TEST(Directives, unknown_options_are_errors_that_name_what_was_meant) {
    EXPECT_EQ(refusal("#!/bin/sh\n\n#RCQ --cpu-core=8\n"), "line 3 of the script: there is no option \"--cpu-core\"");
    EXPECT_EQ(hint("#RCQ --cpu-core=8"), "Did you mean --cpu-cores?");
    EXPECT_EQ(hint("#RCQ --mem=4G"), "Did you mean --memory?");
    EXPECT_EQ(hint("#RCQ -n 4"), "Did you mean --cpu-cores?");
    EXPECT_TRUE(hint("#RCQ --frobnicate").starts_with("Options are --cpu-cores, --cpu-cores-min, --memory, "));
    for (const char* bad : {"#RCQ -x 1", "#RCQ --c=8", "#RCQ --script=x", "#RCQ --user=root", "#RCQ --type=t", "#RCQ -",
                            "#RCQ --", "#RCQ --=8", "#RCQ ---hold"})
        EXPECT_TRUE(refusal(bad).starts_with("line 1 of the script: there is no option \"-")) << bad;
    for (const char* bad : {"#RCQ cpu-cores=8", "#RCQ -c 8 9", "#RCQ --hold true", "#RCQ \xc2\xa0--hold", "#RCQ -1"})
        EXPECT_TRUE(refusal(bad).ends_with(" is no option")) << bad;
}

TEST(Directives, values_that_are_missing_or_malformed_are_errors) {
    for (const char* bad : {"#RCQ -c", "#RCQ --cpu-cores", "#RCQ --cpu-cores=", "#RCQ -c ''", "#RCQ --cpu-cores --hold",
                            "#RCQ --cpu-cores -m 8", "#RCQ -c # 8"})
        EXPECT_EQ(refusal(bad), "line 1 of the script: --cpu-cores has no value") << bad;
    EXPECT_EQ(hint("#RCQ -c"), "Write --cpu-cores=N.");
    EXPECT_EQ(refusal("#RCQ --hold="), "line 1 of the script: --hold has no value");
    EXPECT_EQ(refusal("#RCQ -m 3X"), "line 1 of the script: --memory: \"3X\" is no amount of memory");
    EXPECT_EQ(hint("#RCQ -m 3X"), "Write 32G, 500M, 1.5T, or a number of GB.");
    EXPECT_EQ(refusal("#RCQ -c=8"), "line 1 of the script: --cpu-cores: \"=8\" is no whole number");
    EXPECT_EQ(fields("#RCQ -c -8"), (Fields{{"cpu_cores", "-8"}}))
        << "a number, of which the server says what it thinks";
}

TEST(Directives, an_option_is_given_once_unless_it_adds_up) {
    EXPECT_EQ(refusal("#RCQ -c 8\n#RCQ --cpu-cores=8\n"), "line 2 of the script: --cpu-cores is given twice");
    EXPECT_EQ(hint("#RCQ -c 8\n#RCQ --cpu-cores=8\n"), "Line 1 says it, too: leave one of them.");
    EXPECT_EQ(refusal("#RCQ --requeue --no-requeue"), "line 1 of the script: --no-requeue is given twice");
    EXPECT_EQ(fields("#RCQ --features a --features b,c --tag x"),
              (Fields{{"features", R"(["a","b","c"])"}, {"tags", R"(["x"])"}}));
    EXPECT_EQ(refusal("#RCQ --env A=1\n#RCQ --env A=2\n"), "line 2 of the script: --env: \"A\" is given twice");
}

TEST(Directives, what_names_one_submission_cannot_stand_in_a_script) {
    EXPECT_EQ(refusal("#RCQ --idempotency-key=k"), "line 1 of the script: --idempotency-key cannot stand in a script");
    EXPECT_EQ(refusal("#RCQ --external-id=5f6a0c0e-0000-4000-8000-000000000001"),
              "line 1 of the script: --external-id cannot stand in a script");
    EXPECT_EQ(hint("#RCQ --nonsense").find("idempotency"), std::string::npos);
}

TEST(Directives, are_looked_for_within_bounds) {
    const std::string padding = "#" + std::string(max_directive_bytes - 12, 'x') + "\n";
    EXPECT_EQ(fields(padding + "#RCQ -c 2\n"), (Fields{{"cpu_cores", "2"}}));
    EXPECT_EQ(refusal(padding + "#\n#RCQ -c 2\n"),
              "line 3 of the script: the directive is beyond the first 65536 bytes");
    EXPECT_EQ(fields(padding + "#\necho\n#RCQ -c 2\n"), Fields{});
    std::string many;
    for (std::size_t k = 0; k < max_directive_options; k++) many += "#RCQ --env=A" + std::to_string(k) + "=1\n";
    EXPECT_EQ(read_directives(many).fields.at("env").line, static_cast<int>(max_directive_options));
    EXPECT_EQ(refusal(many + "#RCQ -c 2"), "line 257 of the script: more than 256 options");
}

// A script at random: what it says, written in some way among what says nothing, is read back.
TEST(Directives, what_is_written_is_read_whatever_is_around_it) {
    std::mt19937 random(7);
    const auto below = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    const auto pick = [&](std::initializer_list<const char*> of) {
        return std::string(of.begin()[below(static_cast<int>(of.size()))]);
    };
    const auto any_text = [&] {
        std::string text;
        for (int n = 1 + below(12); n > 0; n--)
            text += pick({"a", "B", "7", " ", "\t", "#", "\"", "'", "\\", "=", ",", "-", "\xc3\xa4", "$x", "\x01"});
        return text;
    };
    const auto quoted = [&](const std::string& text) {
        std::string out;
        if (text.find('\'') == std::string::npos && below(2)) return "'" + text + "'";
        for (const char c : text) out += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
        return '"' + out + '"';
    };
    for (int round = 0; round < 3000; round++) {
        Fields expected;
        std::string script = below(2) ? "#!/bin/sh" + pick({"\n", "\r\n"}) : "", line;
        const auto end_line = [&] {
            if (!line.empty())
                script += "#RCQ" + line + pick({"", " ", " # note --nonsense \""}) + pick({"\n", "\r\n"});
            line.clear();
            for (int n = below(3); n > 0; n--)
                script += pick({"", " ", "# note", "  # --hold", "#RCQ", "##RCQ --x", " #RCQ --x", "#RCQx --x"}) +
                          pick({"\n", "\r\n"});
        };
        for (const SubmitOption& option : submit_options()) {
            if (below(3) || option.name == "external-id" || option.name == "idempotency-key") continue;
            if (option.name == "no-requeue" && expected.contains("requeue")) continue;
            for (int times = 1 + (is_repeatable(option.kind) ? below(3) : 0); times > 0; times--) {
                std::string value;
                switch (option.kind) {
                case OptionKind::integer:
                    value = std::to_string(below(20) - 5);
                    break;
                case OptionKind::memory:
                    value = pick({"32G", "500M", "7", "1.5T"});
                    break;
                case OptionKind::hours:
                case OptionKind::duration:
                    value = pick({"4h", "90m", "1:30:00", "2-12:00:00", "1h 5m"});
                    break;
                case OptionKind::number:
                    value = pick({"0.5", "2", "-1"});
                    break;
                case OptionKind::flag:
                    value = pick({"", "true", "false"});
                    break;
                case OptionKind::array:
                    value = pick({"1-10", "1-100:3%5"});
                    break;
                case OptionKind::dependency:
                    value = pick({"ok:41", "singleton", "afterany:1:2"});
                    break;
                case OptionKind::list:
                    value = pick({"a", "b c,d", "\"", "e,f,g"});
                    break;
                case OptionKind::env:
                    value = "V" + std::to_string(random()) + "=" + (below(3) ? any_text() : "");
                    break;
                case OptionKind::amounts:
                    value = "n" + std::to_string(random()) + pick({"", "=3"});
                    break;
                case OptionKind::text:
                case OptionKind::time:
                    value = any_text();
                }
                set_option(expected, option, value);
                line += pick({" ", "\t", "  "});
                if (value.empty())
                    line += "--" + std::string(option.name);
                else if (option.kind == OptionKind::flag)
                    line += "--" + std::string(option.name) + "=" + value;
                else if (option.letter && below(2))
                    line += std::string("-") + option.letter + pick({"", " ", "\t"}) + quoted(value);
                else
                    line += "--" + std::string(option.name) + pick({"=", " ", "  "}) + quoted(value);
                if (below(2)) end_line();
            }
        }
        end_line();
        script += pick({"", "echo\n#RCQ --nonsense\n", ":\n"});
        EXPECT_EQ(fields(script), expected) << script;
        if (HasFailure()) break;
    }
}

} // namespace
