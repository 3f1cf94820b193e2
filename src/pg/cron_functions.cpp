// When schedules are due, by src/core/cron and the time zones of the server.
#include "../core/cron.hpp"

#include "../protocol/words.hpp"
#include "guard.hpp"

namespace rcq::pg {

namespace {

// The first 100 characters of a text argument, for a message.
std::string shown(FunctionCallInfo fcinfo, int i) {
    constexpr int most = 100;
    return call([&] {
        char* whole = text_to_cstring(PG_GETARG_TEXT_PP(i));
        whole[pg_mbcharcliplen(whole, static_cast<int>(strlen(whole)), most)] = '\0';
        return whole;
    });
}

core::Cron cron_argument(FunctionCallInfo fcinfo, int i) {
    const text* value = call([&] { return PG_GETARG_TEXT_PP(i); });
    auto parsed = core::Cron::parse({VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))});
    if (const auto* error = std::get_if<core::CronError>(&parsed))
        throw SqlError(protocol::error::bad_request, "cron \"" + shown(fcinfo, i) + "\": " + error->message,
                       error->hint);
    return std::get<core::Cron>(parsed);
}

class ServerZone : public core::Zone {
public:
    explicit ServerZone(const pg_tz* zone) : Zone(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE), zone_(zone) {}
    int offset_at(core::Micros utc) const override {
        const pg_time_t time = timestamptz_to_time_t(utc);
        const pg_tm* local = pg_localtime(&time, zone_);
        return local ? static_cast<int>(local->tm_gmtoff) : 0;
    }

private:
    const pg_tz* zone_;
};

// Of the zones in the IANA database alone. PostgreSQL would take what it does not find there for a rule of POSIX, where
// UTC+3 lies west of UTC; such a rule has an offset, so a digit, and of the names only those in Etc have one that are
// not kept for the past's sake.
bool may_be_name(const char* name) {
    return !strpbrk(name, "0123456789") || pg_strncasecmp(name, "Etc/GMT", strlen("Etc/GMT")) == 0;
}

ServerZone zone_argument(FunctionCallInfo fcinfo, int i) {
    pg_tz* zone = call([&]() -> pg_tz* {
        const char* name = text_to_cstring(PG_GETARG_TEXT_PP(i));
        if (*name == '\0' || strlen(name) > TZ_STRLEN_MAX || !may_be_name(name)) return nullptr;
        pg_tz* found = pg_tzset(name);
        return found && pg_tz_acceptable(found) ? found : nullptr;
    });
    constexpr int most = 24 * 3600; // Etc/GMT+99 is a rule again
    if (!zone || std::abs(ServerZone(zone).offset_at(0)) >= most)
        throw SqlError(protocol::error::bad_request, "there is no time zone \"" + shown(fcinfo, i) + "\"",
                       "Use a name such as Europe/Berlin, America/New_York or UTC; all of them: SELECT name FROM "
                       "pg_timezone_names.");
    return ServerZone(zone);
}

} // namespace

} // namespace rcq::pg

// (expression, timezone, anchor, after) -> when it is due next, strictly after `after`; NULL: never in the years it
// knows
RCQ_FUNCTION(rcq_cron_next) {
    using namespace rcq::pg;
    const auto cron = cron_argument(fcinfo, 0);
    const auto zone = zone_argument(fcinfo, 1);
    const auto next = cron.next(PG_GETARG_TIMESTAMPTZ(3), PG_GETARG_TIMESTAMPTZ(2), zone);
    if (!next) PG_RETURN_NULL();
    PG_RETURN_TIMESTAMPTZ(*next);
}

// (expression, timezone): RC001 when either is malformed
RCQ_FUNCTION(rcq_cron_check) {
    using namespace rcq::pg;
    cron_argument(fcinfo, 0);
    zone_argument(fcinfo, 1);
    PG_RETURN_VOID();
}
