#include "executor/session.hpp"

#include "executor/logging.hpp"
#include "executor/random.hpp"

#include <utility>

namespace rcq::executor {

namespace {

constexpr std::uint64_t connect_limit_ms = std::uint64_t{1000} * database::connect_limit_s;
constexpr const char* application = "rcq-executor";
// A server that vanished without a word is noticed after this; no call of the protocol waits for a lock, and a large
// payload or result on its way counts as a word.
constexpr std::uint64_t statement_limit_ms = 30'000;

void on_notice(void*, const PGresult* notice) {
    const char* message = PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY);
    spdlog::info("event=server_notice message={}", quoted(database::one_line(message)));
}

} // namespace

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
    connection_ = database::begin_connect(dsn_, application);
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
    return connection_ == nullptr ? "out of memory" : database::one_line(PQerrorMessage(connection_));
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

void Session::send(const database::Statement& statement, std::function<void(database::Reply)> reply) {
    reply_ = std::move(reply);
    limit_timer_.start(statement_limit_ms);
    if (!database::send_statement(connection_, statement)) {
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
        database::Result result(PQgetResult(connection_));
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
    database::Reply reply = database::reply_of(std::move(last_result_), connection_);
    auto callback = std::exchange(reply_, nullptr);
    callback(std::move(reply));
}

} // namespace rcq::executor
