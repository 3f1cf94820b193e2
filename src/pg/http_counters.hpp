// What /metrics says about requests over HTTP. Counted in shared memory when the transaction of a request ends, so that
// requests that only read, and those that fail, count too.
#pragma once
#include "shared.hpp"

namespace rcq::pg {

// Which limit refused a request.
enum class HttpLimit : int { user_rate, login_failures, user_parallel };

// route: the function or view that PostgREST was asked for; status: that of the answer, 0 = PostgREST's own choice
// after an error. Neither allocates nor raises errors: it is called while a transaction ends.
void count_request(std::string_view route, int status);
void count_limit(HttpLimit limit);

} // namespace rcq::pg
