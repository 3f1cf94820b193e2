// One connection to the database, without ever waiting for it: connects, reconnects with backoff, runs one statement at
// a time, hears notifications.
#pragma once
#include "database/connection.hpp"
#include "executor/backoff.hpp"
#include "executor/loop.hpp"

#include <functional>
#include <memory>
#include <string>

namespace rcq::executor {

class Session {
public:
    struct Events {
        std::function<void()> connected;
        std::function<void()> lost; // also instead of the reply to a statement under way
        std::function<void()> notified;
    };

    Session(uv_loop_t* loop, std::string dsn);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    void set_events(Events events) { events_ = std::move(events); }

    void connect();
    // Drops the connection and tries again after the backoff.
    void reconnect(const std::string& reason);
    // Work got done: the next reconnect begins with the shortest wait.
    void reset_backoff() { backoff_.reset(); }
    // The longest wait between two attempts to connect; 5 s unless set.
    void limit_backoff(std::uint64_t ms) { backoff_.set_limit(ms); }
    // For good, without an event.
    void close();

    [[nodiscard]] bool connected() const { return state_ == State::ready; }
    [[nodiscard]] bool idle() const { return state_ == State::ready && !reply_; }

    // Only while idle.
    void send(const database::Statement& statement, std::function<void(database::Reply)> reply);

private:
    enum class State { closed, waiting, connecting, ready };

    void watch(int events);
    void on_io(int status, int events);
    void advance_connect();
    void flush();
    void read_input();
    void deliver_notifications();
    void deliver_reply();
    void disconnect();
    [[nodiscard]] std::string connection_error() const;

    uv_loop_t* loop_;
    std::string dsn_;
    Events events_;
    State state_ = State::closed;
    PGconn* connection_ = nullptr;
    std::unique_ptr<Poll> poll_;
    Timer retry_timer_;
    Timer limit_timer_; // of connecting, then of each statement
    Timer input_timer_; // looks at input that libpq has read while it was writing
    Backoff backoff_{100, 5000};
    std::function<void(database::Reply)> reply_;
    database::Result last_result_;
};

} // namespace rcq::executor
