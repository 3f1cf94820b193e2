#include "core/request_options.hpp"
#include <gtest/gtest.h>
#include <limits>

using namespace rcq::core;

namespace {

constexpr std::int64_t now = 1'000'000'000'000;
constexpr std::int64_t day = 86'400'000'000;
constexpr std::int64_t never = (std::numeric_limits<std::int64_t>::min)();
constexpr std::int64_t always = (std::numeric_limits<std::int64_t>::max)();
const double nan = std::numeric_limits<double>::quiet_NaN();
const std::string tag_100(100, 't'), tag_101(101, 't'), line_200(200, 'l'), line_201(201, 'l');
std::string umlauts(int count) {
    std::string text;
    for (int k = 0; k < count; k++) text += "\xc3\xbc";
    return text;
}
JobOptions::Texts many(std::size_t count) { return JobOptions::Texts(count, "t"); }

struct Row {
    const char* story;
    std::function<void(JobOptions&)> change;
    const char* field; // empty: accepted
};

const std::vector<Row> rows{
    {"nothing", [](auto&) {}, ""},
    {"begin in the past", [](auto& o) { o.begin_time = 0; }, ""},
    {"begin in ten years", [](auto& o) { o.begin_time = now + 3652 * day; }, ""},
    {"begin too late", [](auto& o) { o.begin_time = now + 3654 * day; }, "begin_time"},
    {"begin before all times", [](auto& o) { o.begin_time = never; }, "begin_time"},
    {"begin after all times", [](auto& o) { o.begin_time = always; }, "begin_time"},
    {"deadline in the past", [](auto& o) { o.deadline = now - 1; }, "deadline"},
    {"deadline now", [](auto& o) { o.deadline = now; }, "deadline"},
    {"deadline next", [](auto& o) { o.deadline = now + 1; }, ""},
    {"deadline too late", [](auto& o) { o.deadline = always; }, "deadline"},
    {"deadline at the begin", [](auto& o) { o.begin_time = o.deadline = now + day; }, "deadline"},
    {"deadline after the begin", [](auto& o) { o.begin_time = now + day, o.deadline = now + 2 * day; }, ""},
    {"fail", [](auto& o) { o.on_dependency_failed = "fail"; }, ""},
    {"wait", [](auto& o) { o.on_dependency_failed = "wait"; }, ""},
    {"maybe", [](auto& o) { o.on_dependency_failed = "maybe"; }, "on_dependency_failed"},
    {"no ends", [](auto& o) { o.retry_on.emplace(); }, "retry_on"},
    {"known ends",
     [](auto& o) {
         o.retry_on = JobOptions::Texts{"oom", "1", "255", "bad_result"};
     },
     ""},
    {"an unknown end",
     [](auto& o) {
         o.retry_on = JobOptions::Texts{"oom", "bad luck"};
     },
     "retry_on"},
    {"an end that is NULL", [](auto& o) { o.retry_on = JobOptions::Texts{std::nullopt}; }, "retry_on"},
    {"no delay", [](auto& o) { o.retry_delay_s = 0; }, ""},
    {"negative delay", [](auto& o) { o.retry_delay_s = -0.1; }, "retry_delay"},
    {"a year of delay", [](auto& o) { o.retry_max_delay_s = 31'536'000; }, ""},
    {"more than a year", [](auto& o) { o.retry_max_delay_s = 31'536'001; }, "retry_max_delay"},
    {"fixed", [](auto& o) { o.retry_backoff = "fixed"; }, ""},
    {"linear", [](auto& o) { o.retry_backoff = "linear"; }, "retry_backoff"},
    {"full jitter", [](auto& o) { o.retry_jitter = 1; }, ""},
    {"too much jitter", [](auto& o) { o.retry_jitter = 1.01; }, "retry_jitter"},
    {"jitter not a number", [](auto& o) { o.retry_jitter = nan; }, "retry_jitter"},
    {"a hundred times the memory", [](auto& o) { o.retry_memory_factor = 100; }, ""},
    {"less memory", [](auto& o) { o.retry_memory_factor = 0.9; }, "retry_memory_factor"},
    {"the longest key", [](auto& o) { o.idempotency_key = line_200; }, ""},
    {"too long a key", [](auto& o) { o.idempotency_key = line_201; }, "idempotency_key"},
    {"an empty key", [](auto& o) { o.idempotency_key = ""; }, "idempotency_key"},
    {"a project of two lines", [](auto& o) { o.project = "a\nb"; }, "project"},
    {"a project", [](auto& o) { o.project = "genome of the f\xc3\xbc rst"; }, ""},
    {"no tags", [](auto& o) { o.tags.emplace(); }, ""},
    {"most tags", [](auto& o) { o.tags = many(32); }, ""},
    {"too many tags", [](auto& o) { o.tags = many(33); }, "tags"},
    {"a tag that is NULL",
     [](auto& o) {
         o.tags = JobOptions::Texts{"a", std::nullopt};
     },
     "tags"},
    {"an empty tag",
     [](auto& o) {
         o.tags = JobOptions::Texts{"a", ""};
     },
     "tags"},
    {"the longest tag",
     [](auto& o) {
         o.tags = JobOptions::Texts{tag_100, umlauts(100)};
     },
     ""},
    {"too long a tag", [](auto& o) { o.tags = JobOptions::Texts{tag_101}; }, "tags"},
    {"too long a tag of characters of two bytes", [](auto& o) { o.tags = JobOptions::Texts{umlauts(101)}; }, "tags"},
};

std::optional<Violation> check(const JobOptions& options) {
    return check_options(options, now, [](const char* field) { return std::string("<") + field + ">"; });
}

} // namespace

TEST(RequestOptions, EveryRangeAndForm) {
    for (const Row& row : rows) {
        JobOptions options;
        row.change(options);
        const auto violation = check(options);
        EXPECT_EQ(violation ? violation->field : "", row.field) << row.story;
        if (!violation) continue;
        EXPECT_EQ(violation->kind, Violation::Kind::invalid) << row.story;
        EXPECT_EQ(violation->message.find(row.field), 0u) << row.story;
        EXPECT_FALSE(violation->hint.empty()) << row.story;
    }
}

TEST(RequestOptions, ValuesAreShownAsTheyWereWritten) {
    JobOptions options;
    options.begin_time = now + 2;
    options.deadline = now + 1;
    EXPECT_EQ(check(options)->message, "deadline <deadline> is not after begin_time <begin_time>");
    options = {};
    options.retry_backoff = "linear";
    EXPECT_EQ(check(options)->message, "retry_backoff cannot be \"linear\"");
}

TEST(RequestOptions, LongValuesAreCutBetweenCharacters) {
    JobOptions options;
    options.tags = JobOptions::Texts{umlauts(150)};
    EXPECT_NE(check(options)->message.find("\"" + umlauts(100) + "\" is empty"), std::string::npos);
}

TEST(RequestOptions, EndsOfRuns) {
    for (const char* end :
         {"exit_code", "signal", "timeout", "oom", "disk_quota", "spawn_error", "bad_result", "1", "007", "255"})
        EXPECT_TRUE(is_retry_end(end)) << end;
    for (const char* end : {"", "0", "000", "256", "0255", "-1", "1 ", "Oom", "exit"})
        EXPECT_FALSE(is_retry_end(end)) << end;
}
