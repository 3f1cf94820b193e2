#include "database/connection.hpp"

#include <cstdlib>
#include <vector>

namespace rcq::database {

namespace {

struct ConnectionWords {
    // Earlier ones are defaults which the connection string overrides; the last ones are not for choice.
    std::vector<const char*> keys = {"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"};
    std::vector<const char*> values = {"30", "10", "3", "30000"};
    std::string limit = std::to_string(connect_limit_s);

    ConnectionWords(const std::string& dsn, const char* application) {
        if (std::getenv("PGTARGETSESSIONATTRS") == nullptr) { // NOLINT(concurrency-mt-unsafe): one thread
            keys.push_back("target_session_attrs");
            values.push_back("primary");
        }
        keys.insert(keys.end(), {"connect_timeout", "fallback_application_name", "dbname", "client_encoding", nullptr});
        values.insert(values.end(), {limit.c_str(), application, dsn.empty() ? nullptr : dsn.c_str(), "UTF8", nullptr});
    }
    ConnectionWords(const ConnectionWords&) = delete;
    ConnectionWords& operator=(const ConnectionWords&) = delete;
};

std::string field_of(const PGresult* result, int field) { return one_line(PQresultErrorField(result, field)); }

} // namespace

std::string one_line(const char* text) {
    std::string line = text == nullptr ? "" : text;
    while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
    return line;
}

PGconn* begin_connect(const std::string& dsn, const char* application) {
    const ConnectionWords words(dsn, application);
    return PQconnectStartParams(words.keys.data(), words.values.data(), 1);
}

Connection connect_and_wait(const std::string& dsn, const char* application) {
    const ConnectionWords words(dsn, application);
    return Connection(PQconnectdbParams(words.keys.data(), words.values.data(), 1));
}

std::optional<std::string> connection_string_error(const std::string& dsn) {
    bool is_string = dsn.find('=') != std::string::npos || dsn.find("://") != std::string::npos;
    if (!is_string) return std::nullopt; // empty, or the name of a database
    char* error = nullptr;
    PQconninfoOption* parsed = PQconninfoParse(dsn.c_str(), &error);
    std::optional<std::string> message;
    if (parsed == nullptr) message = one_line(error);
    PQconninfoFree(parsed);
    PQfreemem(error);
    return message;
}

bool send_statement(PGconn* connection, const Statement& statement, Format format) {
    std::vector<TypeOid> types;
    std::vector<const char*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
    for (const Parameter& parameter : statement.parameters) {
        types.push_back(parameter.type);
        values.push_back(parameter.value ? parameter.value->c_str() : nullptr);
        lengths.push_back(parameter.value ? static_cast<int>(parameter.value->size()) : 0);
        formats.push_back(parameter.binary ? 1 : 0);
    }
    return PQsendQueryParams(connection, statement.sql.c_str(), static_cast<int>(statement.parameters.size()),
                             types.data(), values.data(), lengths.data(), formats.data(),
                             static_cast<int>(format)) != 0;
}

Reply reply_of(Result result, const PGconn* connection) {
    Reply reply;
    reply.result = std::move(result);
    ExecStatusType status = reply.result ? PQresultStatus(reply.result.get()) : PGRES_FATAL_ERROR;
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) return reply;
    reply.sqlstate = field_of(reply.result.get(), PG_DIAG_SQLSTATE);
    reply.message = field_of(reply.result.get(), PG_DIAG_MESSAGE_PRIMARY);
    reply.detail = field_of(reply.result.get(), PG_DIAG_MESSAGE_DETAIL);
    reply.hint = field_of(reply.result.get(), PG_DIAG_MESSAGE_HINT);
    if (reply.sqlstate.empty()) reply.sqlstate = "XX000";
    if (reply.message.empty()) reply.message = one_line(PQerrorMessage(connection));
    return reply;
}

} // namespace rcq::database
