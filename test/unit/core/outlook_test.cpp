#include "core/outlook.hpp"
#include <gtest/gtest.h>

using namespace rcq::core;

namespace {

class OutlookTest : public testing::Test {
protected:
    Executor put(ExecutorId id, std::int32_t cores) {
        Executor e;
        e.id = id;
        e.capacity = {cores, 8192, 0};
        c.put_executor(e);
        return e;
    }
    static Shape cores(std::int32_t wanted, std::int32_t least = 0) {
        Shape s;
        s.need = {wanted, 1024, 0};
        s.min_cores = least;
        return s;
    }
    Reason reason(const Shape& s) { return look_out(c, s).reason; }
    Cluster c;
};

TEST_F(OutlookTest, what_no_executor_could_hold_never_fits) {
    EXPECT_EQ(reason(cores(1)), Reason::no_executor);
    Executor e = put(1, 4);
    EXPECT_EQ(reason(cores(4)), Reason::resources);
    EXPECT_EQ(reason(cores(5)), Reason::never_fits);
    e.draining = true;
    c.put_executor(e);
    EXPECT_EQ(reason(cores(4)), Reason::drained);
    put(2, 2);
    EXPECT_EQ(reason(cores(2)), Reason::resources);
    EXPECT_EQ(reason(cores(3)), Reason::drained);
}

TEST_F(OutlookTest, consumables_are_those_of_the_cluster_or_else_of_an_executor_that_has_all) {
    Shape s = cores(1);
    s.consumables = {{"licence", 2}};
    Executor e = put(1, 4);
    EXPECT_EQ(reason(s), Reason::never_fits);
    e.consumables["licence"] = 1;
    c.put_executor(e);
    EXPECT_EQ(reason(s), Reason::never_fits);
    c.set_consumables({{"licence", 2}});
    EXPECT_EQ(reason(s), Reason::resources);
    c.set_consumables({{"licence", 1}});
    EXPECT_EQ(reason(s), Reason::never_fits);
    c.set_consumables({});
    e.consumables["licence"] = 2;
    e.accepting = false;
    c.put_executor(e);
    EXPECT_EQ(reason(s), Reason::no_executor);
}

TEST_F(OutlookTest, a_moldable_shape_takes_the_most_cores_that_can_be_had) {
    put(1, 4);
    put(2, 6);
    EXPECT_EQ(look_out(c, cores(16, 2)).shape.need.cpu_cores, 6);
    EXPECT_EQ(look_out(c, cores(5, 2)).shape.need.cpu_cores, 5);
    EXPECT_EQ(look_out(c, cores(16, 7)).shape.need.cpu_cores, 16);
    EXPECT_EQ(reason(cores(16, 7)), Reason::never_fits);
    EXPECT_EQ(reason(cores(16, 6)), Reason::resources);
    EXPECT_EQ(look_out(c, cores(16)).shape.need.cpu_cores, 16);
}

} // namespace
