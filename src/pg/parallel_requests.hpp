// How many requests of one user are worked on at the same time. PostgREST works on as many as it has connections, and
// whoever sent enough of those that take long would have all of them.
#pragma once
#include "prelude.hpp"

namespace rcq::pg {

// Takes one of so many places that a user has, until the transaction ends; false when all of them stay taken for a
// moment, in which most requests end. most 0 = no limit.
bool take_request_place(int32 user_id, int most);

} // namespace rcq::pg
