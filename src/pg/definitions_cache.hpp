// What nearly every call looks up and what seldom changes: users, names of groups and executors, what tokens are good
// for, settings. A backend keeps what it has looked up until a transaction that changed any of it has committed, in
// whatever session, which a counter in the database's shared memory tells: the change counts at the very next call.
//
// Read by the newest snapshot, in every isolation level and whoever asks: who may ask is the caller's business. Nothing
// is kept where the counter says nothing (a standby, a database without a slot, SQL objects without the triggers that
// note changes), nor by a transaction that has itself changed definitions. What is returned by reference or pointer
// lasts until the next call of a function of this header.
#pragma once
#include "prelude.hpp"

namespace rcq::pg {

// Another number after every commit that changed definitions, never the same for two databases; 0 = what is read now
// must not be kept. To be read before what is kept under it.
uint64 definitions_generation();

struct CachedUser {
    int32 id = 0;
    int32 group_id = 0;
    bool is_admin = false;
    int32 max_priority = 0;
    std::optional<int32> max_pending; // none = the setting decides
    std::optional<std::string> disabled, role_name, email, unix_user;
};

// nullptr when there is none.
const CachedUser* user_by_role(const char* role);
const CachedUser* user_by_id(int32 id);

const std::string* group_name(int32 id);
const std::string* executor_name(int32 id);

// The value in force, parsed: numbers, durations in seconds, booleans as 0 or 1; nullptr when there is no such setting.
const std::string* find_setting(std::string_view name);
// The same; std::out_of_range when there is none.
const std::string& setting_text(std::string_view name);
double setting_number(std::string_view name);

// Which tokens of the user's logins are valid; none when the user has no password.
std::optional<int32> token_version(int32 user_id);

// When the secret that signs tokens ends; none when there is no such secret (any more).
std::optional<TimestampTz> secret_end(int32 id);

struct CachedToken {
    int32 user_id = 0;
    std::string scope;
    bool revoked = false;
    TimestampTz expires_at = 0;
};
const CachedToken* api_token(std::string_view jti);

} // namespace rcq::pg
