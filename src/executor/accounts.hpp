// As which unix user a run is to be executed, when the executor was started as root.
#pragma once
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <sys/types.h>
#include <unordered_map>
#include <vector>

namespace rcq::executor {

struct Account {
    std::string name;
    std::string home;
    uid_t uid = 0;
    gid_t gid = 0;
    std::vector<gid_t> groups; // with gid
};

// The run cannot be executed; the text is for the person whose job it is.
class AccountError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// What the host knows of a user. Throws AccountError: no such user; HostFault.
Account look_up_account(const std::string& name);

class Accounts {
public:
    // `allowed` are names of users, or of groups with an @ before them. `fallback` is for people without a unix user;
    // empty: they are refused. It must be allowed as any other.
    Accounts(std::vector<std::string> allowed, std::string fallback,
             std::function<Account(const std::string&)> look_up = look_up_account);

    // Throws AccountError: no such user, the superuser, or not allowed; HostFault: the host's list of users cannot be
    // read now. Answers are kept for a minute, faults of the host are not.
    const Account& resolve(const std::string& unix_user);

private:
    struct Known {
        Account account;
        std::string fault;
        std::int64_t since_ms = 0;
    };
    void check(const Account& account) const;
    [[nodiscard]] bool is_allowed(const Account& account) const;

    std::vector<std::string> allowed_;
    std::string fallback_;
    std::function<Account(const std::string&)> look_up_;
    std::unordered_map<std::string, Known> known_;
};

} // namespace rcq::executor
