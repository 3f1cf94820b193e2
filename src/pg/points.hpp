// Named points beside the steps that write, where a test has an error, an exception or the end of the process happen
// (test/injection). They are there in a library that is built with -DRCQ_DEBUG_POINTS; in any other RCQ_POINT is
// nothing. A point stands where both doors are open: outside of call(), inside of boundary(), no lock of shared memory
// held.
#pragma once

#ifdef RCQ_DEBUG_POINTS
namespace rcq::pg {
void pass_point(const char* name);
} // namespace rcq::pg
#define RCQ_POINT(name) ::rcq::pg::pass_point(name)
#else
#define RCQ_POINT(name) static_cast<void>(0)
#endif
