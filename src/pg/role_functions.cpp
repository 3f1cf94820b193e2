// What statements about roles need.
#include "values.hpp"

extern "C" {
#include "commands/user.h"
#include "libpq/crypt.h"
}

// (role, password) -> what the server stores of it, by its setting password_encryption
RCQ_FUNCTION(rcq_role_password) {
    using namespace rcq::pg;
    const std::string role(text_argument(fcinfo, 0)), password(text_argument(fcinfo, 1));
    return call([&] {
        return CStringGetTextDatum(
            encrypt_password(static_cast<PasswordType>(Password_encryption), role.c_str(), password.c_str()));
    });
}
