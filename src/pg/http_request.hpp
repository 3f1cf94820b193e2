// The request over HTTP that the current transaction serves. PostgREST logs in as rcq_authenticator, becomes rcq_anon,
// rcq_user or rcq_admin, leaves the claims of the verified token in the parameter request.jwt.claims, and calls
// rcq.http_pre_request() before anything else. What that finds is kept until the transaction ends: whatever is done to
// the parameter afterwards changes nothing.
#pragma once
#include "identity.hpp"

namespace rcq::pg {

// Whether `role`, as which the session acts, was taken by PostgREST.
bool serves_http(const char* role);

// Whose request it is. Error RC010 when http_pre_request() has not looked at it, or it came without a token.
Caller requester();

} // namespace rcq::pg
