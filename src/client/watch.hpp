// Questions that are asked again and again, also through a restart of the server.
#pragma once
#include "client/database.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace rcq::client {

class Watch {
public:
    // A connection that is lost is opened again within `patience_s`. What is told about that goes to `say`.
    Watch(Database& database, double patience_s, std::function<void(std::string_view)> say)
        : database_(database), patience_s_(patience_s), say_(std::move(say)) {}

    // The answer of the server, however often it has to be asked. Throws Refusal; Interrupted; Failure (unreachable):
    // there was no connection at the first time, or none again in time.
    database::Result ask(const database::Statement& statement, database::Format format = database::Format::text);

    // Throws Interrupted when Ctrl-C comes meanwhile.
    void pause(double seconds) { sleep(seconds, -1); }
    // The same, and throws Failure (broken_pipe) when nobody reads stdout any more.
    void pause_while_read(double seconds);

private:
    void sleep(double seconds, int reader);
    void come_back(const Failure& loss);

    Database& database_;
    double patience_s_;
    std::function<void(std::string_view)> say_;
    bool was_there_ = false;
};

// "90s", "10m", "4h", "1:30:00". Throws Failure (misused) that names the option.
double seconds_option(std::string_view option, const std::string& value);

// How long a connection that was lost is tried again, unless --reconnect says.
constexpr const char* default_patience = "1m";

} // namespace rcq::client
