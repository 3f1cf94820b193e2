// Requests from JSON, as rcq.submit_many and all others that take jobs as JSON understand it.
#pragma once
#include "requests.hpp"

namespace rcq::pg {

// Of an array of objects, with what the directives of their scripts add; error RC001 for the first that is not one,
// naming it by its place if it is not single. A single one may also be the object itself.
std::vector<Request> parse_requests(Jsonb* jobs, bool single);
[[noreturn]] void refuse_no_list();

} // namespace rcq::pg
