// What a script says of itself (src/core/directives), as fields of a request.
#pragma once
#include "request_checks.hpp"
#include "requests.hpp"

namespace rcq::pg {

// Gives the request what the directives of its script say and it does not. Error RC001 for a malformed one, naming its
// line. A script without any costs a search; a typed job has no script.
void apply_directives(Request& request, const Place& place);

// "line 3 of the script: " when the value that the request has in this field is that of a directive, else nothing: for
// errors.
std::string place_of_directive(const Request& request, std::string_view field);

} // namespace rcq::pg
