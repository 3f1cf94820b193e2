// Rows in columns.
#include "client/output.hpp"
#include "client/table.hpp"

#include <gtest/gtest.h>

namespace rcq::client {
namespace {

Table two_jobs() {
    Table table({{"JOB", Align::right}, {"STATUS", Align::left, 3}, {"NAME", Align::left, 4}});
    table.add({{"7"}, {"running"}, {"a-long-name-of-a-job"}});
    table.add({{"1234"}, {"pending"}, {""}});
    return table;
}

TEST(Table, is_as_wide_as_what_stands_in_it) {
    EXPECT_EQ(two_jobs().text(0, false), " JOB  STATUS   NAME\n"
                                         "   7  running  a-long-name-of-a-job\n"
                                         "1234  pending\n");
}

TEST(Table, takes_from_its_widest_column_where_the_terminal_is_narrow) {
    EXPECT_EQ(two_jobs().text(24, false), " JOB  STATUS   NAME\n"
                                          "   7  running  a-long-n~\n"
                                          "1234  pending\n");
}

TEST(Table, keeps_what_is_cut_last_and_leaves_out_empty_columns_where_the_terminal_is_narrow) {
    Table table({{"STATUS", Align::left, 3, true}, {"EMPTY"}, {"NAME", Align::left, 4}});
    table.add({{"failed (oom)"}, {""}, {"a-long-name"}});
    EXPECT_EQ(table.text(40, false), "STATUS        EMPTY  NAME\nfailed (oom)         a-long-name\n");
    EXPECT_EQ(table.text(20, false), "STATUS        NAME\nfailed (oom)  a-lon~\n");
    EXPECT_EQ(table.text(16, false), "STATUS      NAME\nfailed (o~  a-l~\n");
}

TEST(Table, is_never_wider_than_the_terminal) {
    EXPECT_EQ(two_jobs().text(8, false), " JOB  S~\n"
                                         "   7  r~\n"
                                         "1234  p~\n");
}

TEST(Table, escapes_what_would_move_the_cursor) {
    Table table({{"NAME"}});
    table.add({{"a\x1b[31m\nb"}});
    EXPECT_EQ(table.text(0, false), "NAME\na\\x1b[31m\\nb\n");
}

TEST(Table, without_titles_has_no_line_of_them) {
    Table table(std::vector<Column>{{""}, {""}});
    table.add({{"name"}, {"x"}});
    EXPECT_EQ(table.text(0, false), "name  x\n");
}

TEST(Table, colours_do_not_change_the_columns) {
    Table table({{"A"}, {"B"}});
    table.add({{"x", Colour::bad}, {"y"}});
    EXPECT_EQ(table.text(0, true), "\x1b[1mA\x1b[0m  \x1b[1mB\x1b[0m\n\x1b[31mx\x1b[0m  y\n");
}

TEST(JsonArray, has_one_object_on_a_line) {
    EXPECT_EQ(json_array({}), "[]");
    EXPECT_EQ(json_array({R"({"id":1})", R"({"id":2})"}), "[{\"id\":1},\n {\"id\":2}]");
}

} // namespace
} // namespace rcq::client
