// A connection that is opened again while something else must be able to end the wait for it.
#include "client/database.hpp"
#include "client/times.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <poll.h>

namespace rcq::client {

namespace {

[[noreturn]] void fail(const std::string& message) {
    throw Failure(ExitCode::unreachable, "no connection to the database: " + message);
}

// Until libpq can go on. Throws Interrupted.
void wait_for(const PGconn* connection, PostgresPollingStatusType state, double until_s, Interrupts& interrupts) {
    const double left_s = until_s - monotonic_s();
    if (left_s <= 0) fail("the server does not answer");
    const short events = state == PGRES_POLLING_READING ? POLLIN : POLLOUT;
    std::array<pollfd, 2> waits = {pollfd{PQsocket(connection), events, 0}, pollfd{interrupts.fd(), POLLIN, 0}};
    if (poll(waits.data(), waits.size(), static_cast<int>(left_s * 1000) + 1) < 0 && errno != EINTR) fail("poll");
    if (interrupts.take()) throw Interrupted();
}

} // namespace

void Database::reconnect() {
    if (!interrupts_) return connect();
    connection_.reset();
    database::Connection connection(database::begin_connect(dsn_, "rcq"));
    if (!connection) fail("out of memory");
    const double until_s = monotonic_s() + database::connect_limit_s;
    PostgresPollingStatusType state = PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (PQstatus(connection.get()) == CONNECTION_BAD || state == PGRES_POLLING_FAILED) {
            fail(database::one_line(PQerrorMessage(connection.get())));
        }
        wait_for(connection.get(), state, until_s, *interrupts_);
        state = PQconnectPoll(connection.get());
    }
    adopt(std::move(connection));
}

} // namespace rcq::client
