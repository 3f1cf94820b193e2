// Who acts: the user of rcq behind the SQL role, or behind the request over HTTP.
#pragma once
#include "prelude.hpp"

namespace rcq::pg {

struct Caller {
    int32 user_id;
    bool is_admin;
};

// Error RC010 when the acting role is no user of rcq, or the request has no user; RC005 when the user is disabled.
Caller caller();

// SET ROLE or the login role; inside SECURITY DEFINER functions still whoever called the outermost one.
const char* outer_role();

} // namespace rcq::pg
