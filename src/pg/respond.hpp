// Answers of the REST routes. Each route is a function rcq_rest.NAME(bytea); its handler, rcq_private.rest_NAME(jsonb),
// is called inside a subtransaction, and whatever becomes of that is said by status, headers and a JSON text:
// an error is {"error": "what is wrong, and what to do"}, without anything of how the database is made.
#pragma once
#include "request_input.hpp"

namespace rcq::pg {

struct Problem {
    int status;
    std::string text;
};

// What a client is told of an error that was raised with this SQLSTATE, message and hint; none when that is the
// business of administrators alone.
std::optional<Problem> problem_for_client(int sqlstate, std::string_view message, std::string_view hint);

// The status of the answer of the route that is being served, when it is not 200.
void set_status(int status);

} // namespace rcq::pg
