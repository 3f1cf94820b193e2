// What a request over HTTP says, as one JSON object. Error RC001 for whatever cannot be read.
#pragma once
#include "guard.hpp"

namespace rcq::pg {

// Where the parameters of a request stand: as a JSON object in its body (empty = no parameters), or in the query of its
// URL, then all of them are texts.
enum class Source { body, query };

// With the parameters that stand in the path (header X-Rcq-Path, a query string), whose names `sent` must not repeat.
Jsonb* read_request(Source source, std::string_view sent);

// One of the headers of the request as PostgREST hands it over; the name in lower case. None outside HTTP.
std::optional<std::string> request_header(std::string_view name);

} // namespace rcq::pg
