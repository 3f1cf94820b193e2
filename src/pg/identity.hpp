// Who acts: the user of rcq behind the SQL role.
#pragma once
#include "prelude.hpp"

namespace rcq::pg {

struct Caller {
    int32 user_id;
    bool is_admin;
};

// Error RC010 when the acting role is no user of rcq.
Caller caller();

} // namespace rcq::pg
