#include "core/dependency_spec.hpp"
#include <algorithm>
#include <gtest/gtest.h>
#include <random>
#include <set>

using namespace rcq::core;

namespace {

std::vector<Dependency> parsed(const std::string& text) {
    auto result = parse_dependencies(text);
    if (const auto* error = std::get_if<DependencyError>(&result)) {
        ADD_FAILURE() << text.substr(0, 100) << ": " << error->message;
        return {};
    }
    return std::get<std::vector<Dependency>>(result);
}

std::string refused(const std::string& text) {
    const auto result = parse_dependencies(text);
    if (const auto* error = std::get_if<DependencyError>(&result)) {
        EXPECT_FALSE(error->hint.empty());
        return error->message;
    }
    ADD_FAILURE() << text.substr(0, 100) << " was accepted";
    return {};
}

TEST(DependencySpec, every_kind_is_read) {
    const std::vector<Dependency> expected{{DependencyKind::after, 7, {}},      {DependencyKind::afterany, 42, {}},
                                           {DependencyKind::afterany, 43, {}},  {DependencyKind::afterok, 41, {}},
                                           {DependencyKind::afterok, 41, 7},    {DependencyKind::afternotok, 9, {}},
                                           {DependencyKind::aftercorr, 50, {}}, {DependencyKind::singleton, 0, {}}};
    EXPECT_EQ(parsed("afterok:41,afterany:42:43,after:7,afternotok:9,aftercorr:50,afterok:41_7,singleton"), expected);
}

TEST(DependencySpec, the_text_is_canonical) {
    EXPECT_EQ(text(parsed("singleton,afterok:9:41_7:3,after:2,afterok:9,afterok:41")),
              "after:2,afterok:3:9:41:41_7,singleton");
    EXPECT_EQ(text(parsed("afterok:007_03")), "afterok:7_3");
    EXPECT_EQ(text(parsed("singleton,singleton")), "singleton");
}

TEST(DependencySpec, ids_go_from_1_to_the_greatest_bigint) {
    EXPECT_EQ(parsed("afterok:9223372036854775807")[0].job, INT64_MAX);
    EXPECT_EQ(parsed("afterok:1_2000000000")[0].task, 2'000'000'000);
    EXPECT_EQ(refused("afterok:9223372036854775808"),
              R"(dependency "afterok:9223372036854775808" names "9223372036854775808", which is no id of a job)");
    EXPECT_EQ(refused("afterok:0"), R"(dependency "afterok:0" names "0", which is no id of a job)");
    EXPECT_EQ(refused("afterok:-1"), R"(dependency "afterok:-1" names "-1", which is no id of a job)");
    EXPECT_EQ(refused("afterok:1_2000000001"),
              R"(dependency "afterok:1_2000000001" names "1_2000000001", which is no task of an array job)");
    EXPECT_EQ(refused("afterok:1_"), R"(dependency "afterok:1_" names "1_", which is no task of an array job)");
}

TEST(DependencySpec, what_is_malformed_is_named) {
    EXPECT_EQ(refused(""), "there is no dependency in it");
    EXPECT_EQ(refused("afterok:41?afterok:42"), "? (any of several dependencies) is not supported");
    EXPECT_EQ(refused("afterok:41, afterok:42"), "there is a space in it");
    EXPECT_EQ(refused("41"), R"(dependency "41" begins with no kind of dependency)");
    EXPECT_EQ(refused("afterok:41,,singleton"), R"(dependency "" begins with no kind of dependency)");
    EXPECT_EQ(refused("afterok:41,"), R"(dependency "" begins with no kind of dependency)");
    EXPECT_EQ(refused("afterok"), R"(dependency "afterok" names no job)");
    EXPECT_EQ(refused("afterok:"), R"(dependency "afterok:" names "", which is no id of a job)");
    EXPECT_EQ(refused("afterok:4:"), R"(dependency "afterok:4:" names "", which is no id of a job)");
    EXPECT_EQ(refused("singleton:4"), R"(dependency "singleton:4" names a job, and singleton takes none)");
    EXPECT_EQ(refused("aftercorr:4_1"),
              R"(dependency "aftercorr:4_1" names one task, and aftercorr is between two array jobs)");
    EXPECT_EQ(refused("after:4+10"), R"(dependency "after:4+10" has a delay after a +, which is not supported)");
}

TEST(DependencySpec, ten_thousand_are_the_most) {
    std::string list = "afterok";
    for (int job = 1; job <= 10'000; job++) list += ":" + std::to_string(job);
    EXPECT_EQ(parsed(list).size(), 10'000);
    EXPECT_EQ(refused(list + ":1"), "there are more than 10000 dependencies");
    EXPECT_EQ(refused(list + ",singleton"), "there are more than 10000 dependencies");
}

TEST(DependencySpec, random_lists_come_back_as_the_set_that_they_are) {
    std::mt19937_64 random(20260822);
    for (int round = 0; round < 1000; round++) {
        std::set<Dependency> expected;
        std::string written;
        for (std::size_t parts = 1 + random() % 5; parts > 0; parts--) {
            const auto kind = static_cast<DependencyKind>(random() % 6);
            written += (written.empty() ? "" : ",") + std::string(name(kind));
            if (kind == DependencyKind::singleton) {
                expected.insert({kind, 0, {}});
                continue;
            }
            for (std::size_t jobs = 1 + random() % 4; jobs > 0; jobs--) {
                Dependency dependency{kind, static_cast<std::int64_t>(1 + random() % 5), {}};
                if (kind != DependencyKind::aftercorr && random() % 2 == 0)
                    dependency.task = static_cast<std::int32_t>(random() % 3);
                written += ":" + std::to_string(dependency.job);
                if (dependency.task) written += "_" + std::to_string(*dependency.task);
                expected.insert(dependency);
            }
        }
        const std::vector<Dependency> result = parsed(written);
        ASSERT_EQ(result, std::vector<Dependency>(expected.begin(), expected.end())) << written;
        EXPECT_EQ(parsed(text(result)), result);
    }
}

} // namespace
