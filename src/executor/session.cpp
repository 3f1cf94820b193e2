#include "executor/session.hpp"

#include "executor/logging.hpp"
#include "executor/random.hpp"

#include <array>
#include <cstdlib>
#include <vector>

namespace rcq::executor {

namespace {

constexpr std::uint64_t connect_limit_ms = 10'000;
// A server that vanished without a word is noticed after this; no call of the protocol waits for a lock, and a large
// payload or result on its way counts as a word.
constexpr std::uint64_t statement_limit_ms = 30'000;

std::string one_line(const char* text) {
    std::string line = text == nullptr ? "" : text;
    while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
    return line;
}

void on_notice(void*, const PGresult* notice) {
    const char* message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    spdlog::info("event=server_notice message={}", quoted(one_line(message)));
}

struct ConnectionWords {
    // Earlier ones are defaults which the connection string overrides; the last ones are not for choice.
    std::vector<const char*> keys = {"keepalives_idle", "keepalives_interval", "keepalives_count", "tcp_user_timeout"};
    std::vector<const char*> values = {"30", "10", "3", "30000"};

    explicit ConnectionWords(const std::string& dsn) {
        if (std::getenv("PGTARGETSESSIONATTRS") == nullptr) { // NOLINT(concurrency-mt-unsafe): one thread
            keys.push_back("target_session_attrs");
            values.push_back("primary");
        }
        keys.insert(keys.end(), {"connect_timeout", "fallback_application_name", "dbname", "client_encoding", nullptr});
        values.insert(values.end(), {"10", "rcq-executor", dsn.empty() ? nullptr : dsn.c_str(), "UTF8", nullptr});
    }
};

PGconn* begin_connect(const std::string& dsn) {
    ConnectionWords words(dsn);
    return PQconnectStartParams(words.keys.data(), words.values.data(), 1);
}

} // namespace

Connection connect_and_wait(const std::string& dsn) {
    ConnectionWords words(dsn);
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

Session::Session(uv_loop_t* loop, std::string dsn)
    : loop_(loop), dsn_(std::move(dsn)), retry_timer_(loop, [this] { connect(); }),
      limit_timer_(
          loop,
          [this] { reconnect(state_ == State::connecting ? "no connection within 10 s" : "no answer within 30 s"); }),
      input_timer_(loop, [this] { read_input(); }) {}

Session::~Session() { disconnect(); }

void Session::connect() {
    disconnect();
    state_ = State::connecting;
    limit_timer_.start(connect_limit_ms);
    connection_ = begin_connect(dsn_);
    if (connection_ == nullptr || PQstatus(connection_) == CONNECTION_BAD) return reconnect(connection_error());
    PQsetNoticeReceiver(connection_, on_notice, nullptr);
    watch(UV_WRITABLE);
}

void Session::disconnect() {
    poll_.reset(); // before libpq closes the descriptor
    retry_timer_.stop();
    limit_timer_.stop();
    input_timer_.stop();
    last_result_.reset();
    reply_ = nullptr;
    if (connection_ != nullptr) PQfinish(connection_);
    connection_ = nullptr;
    state_ = State::closed;
}

void Session::close() { disconnect(); }

void Session::reconnect(const std::string& reason) {
    bool was_ready = state_ == State::ready;
    disconnect();
    state_ = State::waiting;
    std::uint64_t wait_ms = backoff_.next(random_unit());
    spdlog::warn("event={} retry_ms={} reason={}", was_ready ? "connection_lost" : "connect_failed", wait_ms,
                 quoted(reason));
    retry_timer_.start(wait_ms);
    if (was_ready && events_.lost) events_.lost();
}

std::string Session::connection_error() const {
    return connection_ == nullptr ? "out of memory" : one_line(PQerrorMessage(connection_));
}

void Session::watch(int events) {
    if (!poll_) {
        poll_ = std::make_unique<Poll>(loop_, PQsocket(connection_),
                                       [this](int status, int happened) { on_io(status, happened); });
    }
    poll_->start(events);
}

void Session::on_io(int status, int events) {
    if (state_ == State::connecting) return advance_connect();
    if (state_ != State::ready) return;
    if (reply_) limit_timer_.start(statement_limit_ms);
    if ((events & UV_WRITABLE) != 0) flush();
    if (state_ == State::ready && (status < 0 || (events & UV_READABLE) != 0)) read_input();
    // A server that ended without having read what was sent: its last words may be all that could be read so far, and
    // libuv, which has seen the error, looks no more.
    if (status < 0 && state_ == State::ready) {
        poll_.reset();
        flush();
    }
}

void Session::advance_connect() {
    // libpq may go on to another socket, of the same number even: the loop forgets the old one first.
    poll_.reset();
    switch (PQconnectPoll(connection_)) {
    case PGRES_POLLING_READING:
        return watch(UV_READABLE);
    case PGRES_POLLING_WRITING:
        return watch(UV_WRITABLE);
    case PGRES_POLLING_OK:
        break;
    default:
        return reconnect(connection_error());
    }
    state_ = State::ready;
    limit_timer_.stop();
    PQsetnonblocking(connection_, 1);
    watch(UV_READABLE);
    spdlog::info("event=connected host={} port={} database={} user={}", quoted(PQhost(connection_)),
                 PQport(connection_), quoted(PQdb(connection_)), quoted(PQuser(connection_)));
    if (events_.connected) events_.connected();
}

void Session::send(const Statement& statement, std::function<void(Reply)> reply) {
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
    int count = static_cast<int>(statement.parameters.size());
    reply_ = std::move(reply);
    limit_timer_.start(statement_limit_ms);
    if (PQsendQueryParams(connection_, statement.sql.c_str(), count, types.data(), values.data(), lengths.data(),
                          formats.data(), 0) == 0) {
        poll_.reset();
        return input_timer_.start(0);
    }
    flush();
}

// A write that cannot go on makes libpq read, too: the answer may be in its buffer, or the socket closed, and then no
// event follows. What came is dealt with from the loop, never inside send().
void Session::flush() {
    int left = PQflush(connection_);
    if (PQsocket(connection_) < 0 || left < 0 || PQstatus(connection_) == CONNECTION_BAD) {
        poll_.reset();
        return input_timer_.start(0);
    }
    watch(left > 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE);
    if (PQisBusy(connection_) == 0) input_timer_.start(0);
}

void Session::read_input() {
    if (PQsocket(connection_) < 0 || PQconsumeInput(connection_) == 0) return reconnect(connection_error());
    deliver_notifications();
    while (state_ == State::ready && reply_ && PQisBusy(connection_) == 0) {
        Result result(PQgetResult(connection_));
        if (!result) {
            deliver_notifications(); // libpq leaves those that came with the answer unread until now
            return deliver_reply();
        }
        last_result_ = std::move(result);
    }
    if (state_ == State::ready && PQstatus(connection_) == CONNECTION_BAD) reconnect(connection_error());
}

void Session::deliver_notifications() {
    bool any = false;
    while (PGnotify* notification = PQnotifies(connection_)) {
        any = true;
        PQfreemem(notification);
    }
    if (any && events_.notified) events_.notified();
}

void Session::deliver_reply() {
    if (PQstatus(connection_) == CONNECTION_BAD) return reconnect(connection_error());
    limit_timer_.stop();
    Reply reply;
    reply.result = std::move(last_result_);
    ExecStatusType status = reply.result ? PQresultStatus(reply.result.get()) : PGRES_FATAL_ERROR;
    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        const char* code = reply.result ? PQresultErrorField(reply.result.get(), PG_DIAG_SQLSTATE) : nullptr;
        const char* text = reply.result ? PQresultErrorField(reply.result.get(), PG_DIAG_MESSAGE_PRIMARY) : nullptr;
        reply.sqlstate = code != nullptr ? code : "XX000";
        reply.message = text != nullptr ? one_line(text) : connection_error();
    }
    auto callback = std::exchange(reply_, nullptr);
    callback(std::move(reply));
}

} // namespace rcq::executor
