#include "core/request.hpp"
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <limits>

using namespace rcq::core;

namespace {

JobRequest good() {
    JobRequest r;
    r.script = "echo hello";
    return r;
}

struct Row {
    const char* story;
    std::function<void(JobRequest&)> change;
    const char* field; // empty: accepted
};

const double nan = std::numeric_limits<double>::quiet_NaN();
const double infinity = std::numeric_limits<double>::infinity();
const std::string large(1 << 20, 'x');
const std::string too_large((1 << 20) + 1, 'x');
const std::string name_200(200, 'n');
const std::string name_201(201, 'n');
const std::string path_4096 = "/" + std::string(4095, 'p');
const std::string path_4097 = "/" + std::string(4096, 'p');
const std::string feature_63(63, 'f');
const std::string feature_64(64, 'f');
using namespace std::string_view_literals;

const std::vector<Row> rows{
    {"defaults", [](auto&) {}, ""},
    {"empty script", [](auto& r) { r.script = ""; }, "script"},
    {"blank script", [](auto& r) { r.script = " \t\r\n"; }, "script"},
    {"script with NUL", [](auto& r) { r.script = "a\0b"sv; }, "script"},
    {"largest script", [](auto& r) { r.script = large; }, ""},
    {"too large script", [](auto& r) { r.script = too_large; }, "script"},
    {"no cores", [](auto& r) { r.cpu_cores = 0; }, "cpu_cores"},
    {"negative cores", [](auto& r) { r.cpu_cores = -1; }, "cpu_cores"},
    {"most cores", [](auto& r) { r.cpu_cores = 100'000; }, ""},
    {"too many cores", [](auto& r) { r.cpu_cores = 100'001; }, "cpu_cores"},
    {"no memory", [](auto& r) { r.memory_gb = 0; }, "memory_gb"},
    {"negative memory", [](auto& r) { r.memory_gb = -1; }, "memory_gb"},
    {"little memory", [](auto& r) { r.memory_gb = 0.001; }, ""},
    {"most memory", [](auto& r) { r.memory_gb = 2147483647.0 / 1024; }, ""},
    {"too much memory", [](auto& r) { r.memory_gb = 2097152; }, "memory_gb"},
    {"memory not a number", [](auto& r) { r.memory_gb = nan; }, "memory_gb"},
    {"infinite memory", [](auto& r) { r.memory_gb = infinity; }, "memory_gb"},
    {"negative gpus", [](auto& r) { r.gpu_count = -1; }, "gpu_count"},
    {"most gpus", [](auto& r) { r.gpu_count = 10'000; }, ""},
    {"too many gpus", [](auto& r) { r.gpu_count = 10'001; }, "gpu_count"},
    {"zero estimate", [](auto& r) { r.estimated_hours = 0; }, "estimated_hours"},
    {"longest estimate", [](auto& r) { r.estimated_hours = 87'600; }, ""},
    {"too long estimate", [](auto& r) { r.estimated_hours = 87'601; }, "estimated_hours"},
    {"estimate not a number", [](auto& r) { r.estimated_hours = nan; }, "estimated_hours"},
    {"zero time limit", [](auto& r) { r.time_limit_s = 0; }, "time_limit"},
    {"negative time limit", [](auto& r) { r.time_limit_s = -5; }, "time_limit"},
    {"ten years", [](auto& r) { r.time_limit_s = 315'360'000; }, ""},
    {"more than ten years", [](auto& r) { r.time_limit_s = 315'360'001; }, "time_limit"},
    {"infinite time limit", [](auto& r) { r.time_limit_s = infinity; }, "time_limit"},
    {"estimate equal to the limit", [](auto& r) { r.estimated_hours = 1, r.time_limit_s = 3600; }, ""},
    {"estimate above the limit", [](auto& r) { r.estimated_hours = 1, r.time_limit_s = 3599; }, "estimated_hours"},
    {"priority 0", [](auto& r) { r.priority = 0; }, "priority"},
    {"priority 1", [](auto& r) { r.priority = 1; }, ""},
    {"priority 10", [](auto& r) { r.priority = 10; }, ""},
    {"priority 11", [](auto& r) { r.priority = 11; }, "priority"},
    {"negative retries", [](auto& r) { r.max_retries = -1; }, "max_retries"},
    {"most retries", [](auto& r) { r.max_retries = 1000; }, ""},
    {"too many retries", [](auto& r) { r.max_retries = 1001; }, "max_retries"},
    {"empty name", [](auto& r) { r.name = ""; }, "name"},
    {"longest name", [](auto& r) { r.name = name_200; }, ""},
    {"too long name", [](auto& r) { r.name = name_201; }, "name"},
    {"name in UTF-8", [](auto& r) { r.name = "Prüfung 7"; }, ""},
    {"name with a line break", [](auto& r) { r.name = "a\nb"; }, "name"},
    {"name with DEL", [](auto& r) { r.name = "a\x7f"; }, "name"},
    {"absolute workdir", [](auto& r) { r.workdir = "/data/x..y/..z"; }, ""},
    {"relative workdir", [](auto& r) { r.workdir = "data"; }, "workdir"},
    {"empty workdir", [](auto& r) { r.workdir = ""; }, "workdir"},
    {"longest workdir", [](auto& r) { r.workdir = path_4096; }, ""},
    {"too long workdir", [](auto& r) { r.workdir = path_4097; }, "workdir"},
    {"workdir with NUL", [](auto& r) { r.workdir = "/a\0b"sv; }, "workdir"},
    {"workdir that climbs", [](auto& r) { r.workdir = "/data/../etc"; }, "workdir"},
    {"workdir that climbs at its end", [](auto& r) { r.workdir = "/data/.."; }, "workdir"},
    {"good env",
     [](auto& r) {
         r.env = {{"PATH", "/bin"}, {"_x1", ""}};
     },
     ""},
    {"env without a name",
     [](auto& r) {
         r.env = {{"", "v"}};
     },
     "env"},
    {"env name with a digit first",
     [](auto& r) {
         r.env = {{"1A", "v"}};
     },
     "env"},
    {"env name with =",
     [](auto& r) {
         r.env = {{"A=B", "v"}};
     },
     "env"},
    {"reserved env name",
     [](auto& r) {
         r.env = {{"RCQ_JOB_ID", "1"}};
     },
     "env"},
    {"env value with NUL",
     [](auto& r) {
         r.env = {{"A", std::string("a\0b", 3)}};
     },
     "env"},
    {"largest env",
     [](auto& r) {
         r.env = {{"A", std::string((128 << 10) - 3, 'v')}};
     },
     ""},
    {"too large env",
     [](auto& r) {
         r.env = {{"A", std::string((128 << 10) - 2, 'v')}};
     },
     "env"},
    {"good features",
     [](auto& r) {
         r.features = {"gpu:a100", "avx-512", "x_1.2", feature_63};
     },
     ""},
    {"too long feature", [](auto& r) { r.features = {feature_64}; }, "features"},
    {"empty feature", [](auto& r) { r.features = {""}; }, "features"},
    {"feature in capitals", [](auto& r) { r.features = {"AVX"}; }, "features"},
    {"feature with a dash first", [](auto& r) { r.features = {"-a"}; }, "features"},
    {"32 features", [](auto& r) { r.features.assign(32, "a"); }, ""},
    {"33 features", [](auto& r) { r.features.assign(33, "a"); }, "features"},
    {"killed on disconnect", [](auto& r) { r.on_disconnect = "kill"; }, ""},
    {"something else on disconnect", [](auto& r) { r.on_disconnect = "Kill"; }, "on_disconnect"},
    {"fewer cores will do", [](auto& r) { r.cpu_cores = 8, r.cpu_cores_min = 1; }, ""},
    {"no fewer cores will do", [](auto& r) { r.cpu_cores = 8, r.cpu_cores_min = 8; }, ""},
    {"more cores at least than wanted", [](auto& r) { r.cpu_cores = 8, r.cpu_cores_min = 9; }, "cpu_cores_min"},
    {"no cores at least", [](auto& r) { r.cpu_cores_min = 0; }, "cpu_cores_min"},
    {"a gpu model", [](auto& r) { r.gpu_count = 1, r.gpu_type = "a100"; }, ""},
    {"either of two gpu models", [](auto& r) { r.gpu_count = 1, r.gpu_type = "h100 | a100-sxm4.80gb"; }, ""},
    {"a gpu model without gpus", [](auto& r) { r.gpu_type = "a100"; }, "gpu_type"},
    {"an empty gpu model", [](auto& r) { r.gpu_count = 1, r.gpu_type = ""; }, "gpu_type"},
    {"one of the gpu models empty", [](auto& r) { r.gpu_count = 1, r.gpu_type = "a100|"; }, "gpu_type"},
    {"a gpu model in capitals", [](auto& r) { r.gpu_count = 1, r.gpu_type = "A100"; }, "gpu_type"},
    {"two gpu models at once", [](auto& r) { r.gpu_count = 1, r.gpu_type = "a100&h100"; }, "gpu_type"},
    {"any gpu model but one", [](auto& r) { r.gpu_count = 1, r.gpu_type = "!a100"; }, "gpu_type"},
    {"gpu models in parentheses", [](auto& r) { r.gpu_count = 1, r.gpu_type = "(a100)"; }, "gpu_type"},
    {"a constraint", [](auto& r) { r.constraints = "avx512 & (ssd | !shared)"; }, ""},
    {"a constraint that ends early", [](auto& r) { r.constraints = "avx512 &"; }, "constraints"},
    {"an empty constraint", [](auto& r) { r.constraints = ""; }, "constraints"},
    {"consumables",
     [](auto& r) {
         r.consumables = {{"matlab", 1}, {"lic:ansys", 1e9}};
     },
     ""},
    {"nothing of a consumable",
     [](auto& r) {
         r.consumables = {{"matlab", 0}};
     },
     "consumables"},
    {"less than nothing of a consumable",
     [](auto& r) {
         r.consumables = {{"matlab", -1}};
     },
     "consumables"},
    {"half a consumable",
     [](auto& r) {
         r.consumables = {{"matlab", 1.5}};
     },
     "consumables"},
    {"too much of a consumable",
     [](auto& r) {
         r.consumables = {{"matlab", 1e9 + 1}};
     },
     "consumables"},
    {"infinitely much of a consumable",
     [](auto& r) {
         r.consumables = {{"matlab", infinity}};
     },
     "consumables"},
    {"consumable not a number",
     [](auto& r) {
         r.consumables = {{"matlab", nan}};
     },
     "consumables"},
    {"consumable in capitals",
     [](auto& r) {
         r.consumables = {{"Matlab", 1}};
     },
     "consumables"},
    {"consumable without a name",
     [](auto& r) {
         r.consumables = {{"", 1}};
     },
     "consumables"},
    {"16 consumables",
     [](auto& r) {
         r.consumables.assign(16, {"a", 1});
     },
     ""},
    {"17 consumables",
     [](auto& r) {
         r.consumables.assign(17, {"a", 1});
     },
     "consumables"},
    {"concurrency key", [](auto& r) { r.concurrency_key = "Zenodo uploads"; }, ""},
    {"longest concurrency key", [](auto& r) { r.concurrency_key = name_200; }, ""},
    {"too long concurrency key", [](auto& r) { r.concurrency_key = name_201; }, "concurrency_key"},
    {"empty concurrency key", [](auto& r) { r.concurrency_key = ""; }, "concurrency_key"},
    {"concurrency key with a line break", [](auto& r) { r.concurrency_key = "a\nb"; }, "concurrency_key"},
};

TEST(Request, each_row_of_the_table_is_accepted_or_names_its_field) {
    for (const Row& row : rows) {
        JobRequest r = good();
        row.change(r);
        const auto v = check(r, {});
        EXPECT_EQ(v ? v->field : "", row.field) << row.story << (v ? ": " + v->message : "");
        if (!v) continue;
        EXPECT_EQ(v->kind, Violation::Kind::invalid) << row.story;
        EXPECT_FALSE(v->message.empty()) << row.story;
        EXPECT_FALSE(v->hint.empty()) << row.story;
    }
}

TEST(Request, a_message_says_the_value_and_the_allowed_range) {
    JobRequest r = good();
    r.cpu_cores = 0;
    EXPECT_EQ(check(r, {})->message, "cpu_cores is 0, allowed is 1 to 100000");
    r = good();
    r.memory_gb = -1.5;
    EXPECT_EQ(check(r, {})->message, "memory_gb is -1.5 GB, allowed is above 0, at most 2097151.999 GB");
}

TEST(Request, a_malformed_constraint_is_named_with_its_place) {
    JobRequest r = good();
    r.constraints = "avx512&|ssd";
    EXPECT_EQ(check(r, {})->message,
              "constraints \"avx512&|ssd\": a feature is missing before the \"|\" at character 8");
}

TEST(Request, a_priority_above_your_own_limit_is_not_permitted_rather_than_invalid) {
    RequestLimits limits;
    limits.max_priority = 6;
    JobRequest r = good();
    r.priority = 6;
    EXPECT_FALSE(check(r, limits));
    r.priority = 7;
    ASSERT_TRUE(check(r, limits));
    EXPECT_EQ(check(r, limits)->kind, Violation::Kind::not_permitted);
    EXPECT_EQ(check(r, limits)->message, "priority is 7, your own limit is 6");
    r.priority = 11;
    EXPECT_EQ(check(r, limits)->kind, Violation::Kind::invalid);
}

TEST(Request, the_site_may_bound_time_limits_and_scripts) {
    RequestLimits limits;
    limits.max_time_limit_s = 3600;
    limits.max_script_bytes = 10;
    JobRequest r = good();
    EXPECT_FALSE(check(r, limits));
    r.time_limit_s = 3601;
    EXPECT_EQ(check(r, limits)->field, "time_limit");
    r.time_limit_s = 3600;
    EXPECT_FALSE(check(r, limits));
    r.script = "echo hello!";
    EXPECT_EQ(check(r, limits)->field, "script");
}

TEST(Request, the_first_violation_is_the_one_reported) {
    JobRequest r = good();
    r.cpu_cores = 0;
    r.priority = 99;
    EXPECT_EQ(check(r, {})->field, "cpu_cores");
}

TEST(Request, a_long_rejected_value_is_cut_between_characters) {
    std::string dir = "x"; // so that the cut falls inside a character
    for (int i = 0; i < 100; ++i) dir += "é";
    JobRequest r = good();
    r.workdir = dir;
    const auto message = check(r, {})->message;
    EXPECT_NE(message.find("é...\""), std::string::npos) << message;
    EXPECT_LT(message.size(), 150U);
}

TEST(Request, memory_is_rounded_up_to_the_next_mebibyte) {
    EXPECT_EQ(memory_mib(1), 1024);
    EXPECT_EQ(memory_mib(32), 32768);
    EXPECT_EQ(memory_mib(0.5), 512);
    EXPECT_EQ(memory_mib(0.0001), 1);
    EXPECT_EQ(memory_mib(1.0001), 1025);
    EXPECT_EQ(memory_mib(2147483647.0 / 1024), 2147483647);
}

} // namespace
