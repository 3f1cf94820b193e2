#include "client/database.hpp"

#include "client/advice.hpp"
#include "client/store.hpp"
#include "client/text.hpp"
#include "protocol/words.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <poll.h>
#include <string_view>

namespace rcq::client {

namespace {

void on_notice(void*, const PGresult* notice) {
    const std::string text = database::one_line(PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));
    std::fputs(("rcq: " + safe_text(text) + "\n").c_str(), stderr);
}

bool mentions(std::string_view text, std::string_view part) { return text.find(part) != std::string_view::npos; }

// What to do when there is no connection, by what libpq says; the server's codes are not to be had before one is there.
std::string connect_hint(const PGconn* connection, std::string_view message) {
    if (PQconnectionNeedsPassword(connection) != 0) {
        return "put the password into ~/.pgpass (or PGPASSWORD), see "
               "https://www.postgresql.org/docs/current/libpq-pgpass.html";
    }
    if (mentions(message, "password authentication failed")) {
        return "the password in ~/.pgpass, PGPASSWORD or the connection string is not this user's";
    }
    if (mentions(message, "authentication failed"))
        return "the server knows you under another name? PGUSER or user=NAME";
    if (mentions(message, "role \""))
        return "PGUSER or user=NAME says as whom; an administrator of the server makes roles";
    if (mentions(message, "database \"")) return "PGDATABASE, dbname=NAME or rcq -d NAME says which database";
    if (mentions(message, "definition of service"))
        return "services stand in ~/.pg_service.conf or the file of PGSERVICEFILE";
    if (mentions(message, "no pg_hba.conf entry"))
        return "the server admits nobody from here: an entry in pg_hba.conf is missing";
    return "is the server running there? PGHOST and PGPORT, rcq -d 'host=HOST port=5432 dbname=NAME' or --service NAME "
           "say where";
}

[[noreturn]] void fail_to_connect(const PGconn* connection) {
    std::string message = connection == nullptr ? "out of memory" : database::one_line(PQerrorMessage(connection));
    std::string hint = connection == nullptr ? "" : connect_hint(connection, message);
    throw Failure(ExitCode::unreachable, "no connection to the database: " + message, hint);
}

// Ctrl-C ends the process while this is there, whatever had been done about it before.
class DefaultInterrupt {
public:
    DefaultInterrupt() {
        struct sigaction action {};
        action.sa_handler = SIG_DFL;
        sigaction(SIGINT, &action, &before_);
    }
    ~DefaultInterrupt() { sigaction(SIGINT, &before_, nullptr); }
    DefaultInterrupt(const DefaultInterrupt&) = delete;
    DefaultInterrupt& operator=(const DefaultInterrupt&) = delete;

private:
    struct sigaction before_ {};
};

// What the server's codes mean for people, where its own words do not say what to do.
struct Meaning {
    std::string_view sqlstate;
    ExitCode code;
    std::string_view hint;
};

constexpr std::array meanings = {
    Meaning{"RC002", ExitCode::unknown_job, ""},
    Meaning{"3F000", ExitCode::refused,
            "this database has no rcq: rcq -d NAME names another, or its owner runs CREATE EXTENSION rcq"},
    Meaning{"42P01", ExitCode::refused,
            "this database has no rcq, or an older one: rcq -d NAME names another, or its owner runs CREATE EXTENSION "
            "rcq or "
            "ALTER EXTENSION rcq UPDATE"},
    Meaning{"42883", ExitCode::refused,
            "the rcq of this database is older than this command: ALTER EXTENSION rcq UPDATE"},
    Meaning{"42703", ExitCode::refused,
            "the rcq of this database is older than this command: ALTER EXTENSION rcq UPDATE"},
    Meaning{"42501", ExitCode::refused, "an administrator gives rights: rcq.add_user makes a role a user of rcq"},
};

const Meaning* meaning_of(std::string_view sqlstate) {
    for (const Meaning& meaning : meanings) {
        if (meaning.sqlstate == sqlstate) return &meaning;
    }
    return nullptr;
}

ExitCode code_of(const database::Reply& reply) {
    const Meaning* meaning = meaning_of(reply.sqlstate);
    return meaning == nullptr ? ExitCode::refused : meaning->code;
}

std::string hint_of(const database::Reply& reply) {
    const Meaning* meaning = meaning_of(reply.sqlstate);
    // those of the server's own errors are about SQL
    return meaning == nullptr || meaning->hint.empty() ? as_commands(reply.hint) : std::string(meaning->hint);
}

std::string message_of(const database::Reply& reply) {
    return reply.detail.empty() ? reply.message : reply.message + " (" + reply.detail + ")";
}

} // namespace

Refusal::Refusal(const database::Reply& reply)
    : Failure(code_of(reply), message_of(reply), hint_of(reply)), sqlstate(reply.sqlstate) {}

void Database::connect() {
    connection_.reset();
    if (auto error = database::connection_string_error(dsn_)) {
        throw Failure(ExitCode::misused, "the connection string is wrong: " + *error,
                      "for example rcq -d 'host=db1 dbname=cluster user=ada', or rcq -d postgresql://ada@db1/cluster");
    }
    database::Connection connection;
    {
        const DefaultInterrupt at_once;
        connection = database::connect_and_wait(dsn_, "rcq");
    }
    if (PQstatus(connection.get()) != CONNECTION_OK) fail_to_connect(connection.get());
    adopt(std::move(connection));
}

void Database::adopt(database::Connection connection) {
    PQsetNoticeReceiver(connection.get(), on_notice, nullptr);
    connection_ = std::move(connection);
    if (!interrupts_) interrupts_ = std::make_unique<Interrupts>();
}

void Database::lost() {
    std::string message = database::one_line(PQerrorMessage(connection_.get()));
    message.resize(
        std::min(message.size(), message.find('\n'))); // libpq goes on with what it means, which nobody needs
    connection_.reset();
    last_result_.reset();
    throw Failure(ExitCode::unreachable, "the connection to the database was lost: " + message,
                  "whether the last request was carried out is not known: look before you repeat it");
}

void Database::send(const database::Statement& statement, database::Format format) {
    if (!connected()) connect();
    last_result_.reset();
    if (!database::send_statement(connection_.get(), statement, format)) lost();
}

int Database::fd() const { return PQsocket(connection_.get()); }

bool Database::finished() {
    if (PQconsumeInput(connection_.get()) == 0) lost();
    while (PQisBusy(connection_.get()) == 0) {
        database::Result result(PQgetResult(connection_.get()));
        if (!result) return true;
        last_result_ = std::move(result);
    }
    return false;
}

database::Reply Database::take_reply() {
    if (PQstatus(connection_.get()) == CONNECTION_BAD) lost();
    return database::reply_of(std::move(last_result_), connection_.get());
}

void Database::cancel() {
    PGcancel* cancel = PQgetCancel(connection_.get());
    std::array<char, 256> error{};
    const bool sent = cancel != nullptr && PQcancel(cancel, error.data(), error.size()) != 0;
    PQfreeCancel(cancel);
    if (!sent) return connection_.reset(); // the server sees it go
    while (PGresult* result = PQgetResult(connection_.get())) PQclear(result);
    last_result_.reset();
}

database::Result Database::query(const database::Statement& statement, database::Format format) {
    send(statement, format);
    while (!finished()) {
        std::array<pollfd, 2> waits = {pollfd{fd(), POLLIN, 0}, pollfd{interrupts_->fd(), POLLIN, 0}};
        if (poll(waits.data(), waits.size(), -1) < 0 && errno != EINTR) lost();
        if (interrupts_->take()) {
            cancel();
            throw Interrupted();
        }
    }
    database::Reply reply = take_reply();
    if (!reply.ok()) throw Refusal(reply);
    return std::move(reply.result);
}

std::vector<std::string> Database::rows(const database::Statement& statement) {
    const database::Result result = query(store::as_json(statement));
    std::vector<std::string> rows;
    const int count = PQntuples(result.get());
    rows.reserve(static_cast<std::size_t>(count));
    for (int row = 0; row < count; ++row) {
        rows.emplace_back(PQgetvalue(result.get(), row, 0),
                          static_cast<std::size_t>(PQgetlength(result.get(), row, 0)));
    }
    return rows;
}

} // namespace rcq::client
