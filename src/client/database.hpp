// The one connection of the command, opened by the first statement.
#pragma once
#include "client/failure.hpp"
#include "client/interrupts.hpp"
#include "database/connection.hpp"

#include <memory>
#include <string>
#include <vector>

namespace rcq::client {

// What the server answered to a statement that it refused.
class Refusal : public Failure {
public:
    explicit Refusal(const database::Reply& reply);
    std::string sqlstate;
};

class Database {
public:
    // A connection string, a URI, or the name of a database; empty: the environment decides, as for every libpq
    // program.
    explicit Database(std::string dsn) : dsn_(std::move(dsn)) {}

    // Every call below connects when it must. While it connects Ctrl-C ends the process at once, as ever. Throws
    // Failure (unreachable). A connection that was lost is opened again by the next call.
    void connect();
    // Once a connection has been lost: opens one again, and Ctrl-C meanwhile throws Interrupted (reconnect.cpp).
    void reconnect();

    // Waits for the answer. Throws Refusal; Failure (unreachable) when the connection is lost; Interrupted after
    // Ctrl-C, when the statement has been cancelled and the connection is good for the next one.
    database::Result query(const database::Statement& statement, database::Format format = database::Format::text);

    // The rows of a SELECT as JSON objects, each as the server wrote it: keys = columns in their order, numbers as
    // numbers, times ISO 8601.
    std::vector<std::string> rows(const database::Statement& statement);

    // For a loop of one's own around poll(): send, wait until fd() is readable (or interrupts().fd()), and call
    // finished() until it is true; then take_reply().
    void send(const database::Statement& statement, database::Format format = database::Format::text);
    [[nodiscard]] int fd() const;
    bool finished();              // throws Failure (unreachable)
    database::Reply take_reply(); // of the server: also a refusal
    // Asks the server to give the statement up; its reply is awaited and dropped.
    void cancel();

    [[nodiscard]] Interrupts& interrupts() { return *interrupts_; } // there is one once connected
    [[nodiscard]] bool connected() const { return connection_ != nullptr; }

private:
    void adopt(database::Connection connection);
    [[noreturn]] void lost();

    std::string dsn_;
    database::Connection connection_;
    std::unique_ptr<Interrupts> interrupts_;
    database::Result last_result_;
};

} // namespace rcq::client
