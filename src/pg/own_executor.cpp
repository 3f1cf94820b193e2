#include "own_executor.hpp"

#include "../protocol/words.hpp"
#include "definitions_cache.hpp"
#include "identity.hpp"
#include "json_text.hpp"
#include "layouts.hpp"
#include "relations.hpp"
#include "values.hpp"

namespace rcq::pg {

namespace {

[[noreturn]] void refuse(const Table& executors, const Sight& sight, const std::string& role,
                         std::optional<int32> executor, std::optional<int64> incarnation) {
    const Oid by_name = call([] { return relation_id("executor_name_key"); });
    Scan names(executors, sight, 1, by_name);
    if (!names.find({Key{text_datum(role), BTEqualStrategyNumber, F_TEXTEQ}}))
        throw SqlError(protocol::error::no_executor_role, "role \"" + role + "\" is not an executor",
                       "An administrator makes the login of an executor: SELECT "
                       "rcq.create_executor_login('<name>').");
    if (!executor || !incarnation)
        throw SqlError(protocol::error::malformed_report, "executor and incarnation must be given",
                       "Pass what rcq.register_executor answered.");
    if (names.row().integer(executor::id) != *executor)
        throw SqlError(protocol::error::no_executor_role,
                       "role \"" + role + "\" is not executor " + std::to_string(*executor),
                       "Pass the number that rcq.register_executor answered.");
    if (names.row().is_null(executor::incarnation)) // its queue was made anew, or came from a dump
        throw SqlError(protocol::error::wrong_state, "executor \"" + role + "\" is not registered",
                       "Call rcq.register_executor first.");
    throw SqlError(protocol::error::replaced, "another process has registered executor \"" + role + "\" since",
                   "One process per executor: stop the other one, or give it a login of its own.");
}

} // namespace

int32 own_executor(const Sight& sight, std::optional<int32> executor, std::optional<int64> incarnation) {
    const char* const role = outer_role();
    const Table executors(executor::layout, Use::reading);
    Scan rows(executors, sight, 1);
    if (executor && incarnation && rows.find({equals(*executor)})) {
        const FoundRow row = rows.row();
        if (row.string(executor::name) == role && !row.is_null(executor::incarnation) &&
            row.big(executor::incarnation) == *incarnation)
            return *executor;
    }
    refuse(executors, sight, role, executor, incarnation);
}

std::string executor_terms() {
    std::string terms = "{\"lease_seconds\": ";
    append_json_number(terms, setting_number("lease"));
    terms += ", \"lost_after_seconds\": ";
    append_json_number(terms, setting_number("lost_after"));
    terms += '}';
    return terms;
}

} // namespace rcq::pg

RCQ_FUNCTION(rcq_own_executor) {
    using namespace rcq::pg;
    const Sight sight;
    return Int32GetDatum(own_executor(sight, PG_ARGISNULL(0) ? std::nullopt : std::optional(PG_GETARG_INT32(0)),
                                      PG_ARGISNULL(1) ? std::nullopt : std::optional(PG_GETARG_INT64(1))));
}

RCQ_FUNCTION(rcq_executor_terms) { return rcq::pg::text_datum(rcq::pg::executor_terms()); }
