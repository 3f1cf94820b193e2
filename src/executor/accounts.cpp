#include "executor/accounts.hpp"

#include "executor/host_fault.hpp"
#include "rundir/status.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <grp.h>
#include <pwd.h>

namespace rcq::executor {

namespace {

constexpr std::int64_t keep_ms = 60'000;
constexpr std::size_t most_known = 10'000;

// What getpwnam and getgrnam leave in errno when there is no such name.
bool is_not_found(int error) { return error == 0 || error == ENOENT || error == ESRCH; }

} // namespace

Accounts::Accounts(std::vector<std::string> allowed, std::string fallback,
                   std::function<Account(const std::string&)> look_up)
    : allowed_(std::move(allowed)), fallback_(std::move(fallback)), look_up_(std::move(look_up)) {}

const Account& Accounts::resolve(const std::string& unix_user) {
    const std::string& name = unix_user.empty() ? fallback_ : unix_user;
    if (name.empty()) {
        throw AccountError("this host runs jobs as unix users, and you have none here: an administrator sets it with "
                           "rcq.set_user(..., unix_user => '...')");
    }
    const std::int64_t now = rundir::boottime_ms();
    if (known_.size() > most_known) known_.clear();
    auto known = known_.find(name);
    if (known == known_.end() || now - known->second.since_ms > keep_ms) {
        Known answer;
        answer.since_ms = now;
        try {
            answer.account = look_up_(name);
            check(answer.account);
        } catch (const AccountError& error) {
            answer.fault = error.what();
        }
        known = known_.insert_or_assign(name, std::move(answer)).first;
    }
    if (!known->second.fault.empty()) throw AccountError(known->second.fault);
    return known->second.account;
}

// NOLINTBEGIN(concurrency-mt-unsafe): one thread
Account look_up_account(const std::string& name) {
    const std::string who = "unix user \"" + name + "\"";
    errno = 0;
    const passwd* entry = getpwnam(name.c_str());
    if (entry == nullptr && !is_not_found(errno)) {
        throw HostFault("cannot look up " + who + ": " + std::strerror(errno), false);
    }
    if (entry == nullptr) throw AccountError(who + " does not exist on this host");
    Account account;
    account.name = entry->pw_name;
    account.home = entry->pw_dir;
    account.uid = entry->pw_uid;
    account.gid = entry->pw_gid;
    int count = 64;
    account.groups.resize(static_cast<std::size_t>(count));
    while (getgrouplist(account.name.c_str(), account.gid, account.groups.data(), &count) < 0) {
        count = std::max(count, static_cast<int>(account.groups.size()) * 2);
        account.groups.resize(static_cast<std::size_t>(count));
    }
    account.groups.resize(static_cast<std::size_t>(count));
    return account;
}

void Accounts::check(const Account& account) const {
    const std::string who = "unix user \"" + account.name + "\"";
    if (account.uid == 0 || account.gid == 0) {
        throw AccountError(who + " is the superuser or of its group: jobs never run as that");
    }
    if (std::find(account.groups.begin(), account.groups.end(), gid_t{0}) != account.groups.end()) {
        throw AccountError(who + " is in the superuser's group: jobs never run with that");
    }
    if (!is_allowed(account)) throw AccountError(who + " is not allowed on this host: --allow-users does not name it");
}

bool Accounts::is_allowed(const Account& account) const {
    return std::any_of(allowed_.begin(), allowed_.end(), [&account](const std::string& allowed) {
        if (!allowed.starts_with('@')) return allowed == account.name;
        errno = 0;
        const group* entry = getgrnam(allowed.c_str() + 1);
        if (entry == nullptr && !is_not_found(errno)) {
            throw HostFault("cannot look up the group \"" + allowed.substr(1) + "\": " + std::strerror(errno), false);
        }
        return entry != nullptr &&
               std::find(account.groups.begin(), account.groups.end(), entry->gr_gid) != account.groups.end();
    });
}
// NOLINTEND(concurrency-mt-unsafe)

} // namespace rcq::executor
