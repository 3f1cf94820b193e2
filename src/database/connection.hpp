// Connections to the database, as every program of rcq opens them, and the answers that come over them. What waits, and
// how, is for the program: the executor has a loop, the client poll().
#pragma once
#include "database/statement.hpp"

#include <libpq-fe.h>
#include <memory>
#include <optional>
#include <string>

namespace rcq::database {

struct ResultDeleter {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ResultDeleter>;

struct ConnectionCloser {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, ConnectionCloser>;

// The answer to one statement: a result, or an error of the server.
struct Reply {
    Result result;
    std::string sqlstate; // empty: no error
    std::string message;
    std::string detail; // both may be empty
    std::string hint;
    [[nodiscard]] bool ok() const { return sqlstate.empty(); }
};

enum class Format { text = 0, binary = 1 };

// How long each host of the connection string may take.
constexpr int connect_limit_s = 10;

// Begins to connect (PQconnectStart): to the primary of several hosts, with keepalives, as UTF-8. The connection string
// may be empty (the environment decides), the name of a database, or more, and wins over all of these but UTF-8.
// `application` is the application_name unless somebody gave one. nullptr: out of memory.
PGconn* begin_connect(const std::string& dsn, const char* application);

// The same, waited for. It may have failed.
Connection connect_and_wait(const std::string& dsn, const char* application);

// What is wrong with a connection string, if anything.
std::optional<std::string> connection_string_error(const std::string& dsn);

// Queues the statement as PQsendQueryParams does; false: the connection is of no use any more.
bool send_statement(PGconn* connection, const Statement& statement, Format format = Format::text);

// The last result of a statement, with what the server said if it is an error.
Reply reply_of(Result result, const PGconn* connection);

// What libpq says, without the ends of line behind it; empty for nullptr.
std::string one_line(const char* text);

} // namespace rcq::database
