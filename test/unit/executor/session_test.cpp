// The connection to a server that answers as the test wants.
#include "executor/session.hpp"
#include "rundir/status.hpp"
#include "temporary_directory.hpp"

#include <array>
#include <cstring>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace rcq::executor {
namespace {

using namespace std::string_literals;

// Listens where libpq looks for a server, and says what it is told to say.
class FakeServer {
public:
    explicit FakeServer(const std::string& directory) : listener_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        const std::string path = directory + "/.s.PGSQL.5432";
        std::memcpy(static_cast<char*>(address.sun_path), path.c_str(), path.size() + 1);
        if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener_, 5) != 0)
            throw std::runtime_error("cannot listen");
    }
    ~FakeServer() {
        if (client_ >= 0) close(client_);
        close(listener_);
    }
    FakeServer(const FakeServer&) = delete;
    FakeServer& operator=(const FakeServer&) = delete;

    void accept() { client_ = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); }
    // So many bytes wait to be read.
    [[nodiscard]] int waiting() const {
        int bytes = 0;
        return client_ >= 0 && ioctl(client_, FIONREAD, &bytes) == 0 ? bytes : 0;
    }
    void read_all() const {
        std::array<char, 4096> buffer{};
        while (waiting() > 0 && read(client_, buffer.data(), buffer.size()) > 0) {
        }
    }
    void say(const std::string& messages) const {
        ASSERT_EQ(write(client_, messages.data(), messages.size()), static_cast<ssize_t>(messages.size()));
    }
    void hang_up() {
        close(client_);
        client_ = -1;
    }

private:
    int listener_;
    int client_ = -1;
};

std::string message(char kind, const std::string& body) {
    return kind + "\0\0\0"s + static_cast<char>(body.size() + 4) + body;
}

const std::string welcome = message('R', "\0\0\0\0"s) + message('Z', "I");
const std::string farewell = message('E', "SFATAL\0VFATAL\0C57P01\0Mterminating connection\0\0"s);

// What is on it lets go of its handles by its next turn, after which it must be empty.
struct Loop {
    uv_loop_t uv{};
    Loop() { uv_loop_init(&uv); }
    ~Loop() {
        uv_run(&uv, UV_RUN_NOWAIT);
        EXPECT_EQ(uv_loop_close(&uv), 0) << "something is left on the loop";
    }
};

class SessionTest : public ::testing::Test {
protected:
    SessionTest()
        : server_(directory_.path()),
          session_(&loop_.uv, "host=" + directory_.path() + " port=5432 user=u dbname=d target_session_attrs=any") {
        session_.set_events({[this] { connected_++; }, [this] { lost_++; }, nullptr});
    }
    ~SessionTest() override { session_.close(); }

    // Whether this becomes true in much less than the time after which an answer is given up.
    bool turn(const std::function<bool()>& condition) {
        Timer tick(&loop_.uv, [] {});
        tick.start(1, 5);
        const std::int64_t until = rundir::boottime_ms() + 20'000;
        while (rundir::boottime_ms() < until && !condition()) uv_run(&loop_.uv, UV_RUN_ONCE);
        return condition();
    }
    void connect() {
        session_.connect();
        server_.accept();
        ASSERT_TRUE(turn([&] { return server_.waiting() > 0; }));
        server_.read_all();
        server_.say(welcome);
        ASSERT_TRUE(turn([&] { return connected_ == 1; }));
    }

    TemporaryDirectory directory_;
    FakeServer server_;
    Loop loop_;
    Session session_;
    int connected_ = 0, lost_ = 0;
};

TEST_F(SessionTest, a_server_that_ends_without_having_read_what_was_asked_is_missed_at_once) {
    connect();
    bool answered = false;
    session_.send({"SELECT 1", {}}, [&](const database::Reply&) { answered = true; });
    ASSERT_TRUE(turn([&] { return server_.waiting() > 0; }));
    server_.say(farewell);
    server_.hang_up(); // with the question unread: the socket of the client has an error
    EXPECT_TRUE(turn([&] { return lost_ == 1; }));
    EXPECT_FALSE(answered);
}

TEST_F(SessionTest, a_server_that_ends_between_two_questions_is_missed_at_once) {
    connect();
    server_.say(farewell);
    server_.hang_up();
    EXPECT_TRUE(turn([&] { return lost_ == 1; }));
}

} // namespace
} // namespace rcq::executor
