#include "executor/accounts.hpp"

#include "rundir/status.hpp"

#include <algorithm>
#include <grp.h>
#include <pwd.h>

namespace rcq::executor {

namespace {

constexpr std::int64_t keep_ms = 60'000;
constexpr std::size_t most_known = 10'000;

} // namespace

Accounts::Accounts(std::vector<std::string> allowed, std::string fallback)
    : allowed_(std::move(allowed)), fallback_(std::move(fallback)) {}

const Account& Accounts::resolve(const std::string& unix_user) {
    const std::string& name = unix_user.empty() ? fallback_ : unix_user;
    if (name.empty()) {
        throw AccountError("this host runs jobs as unix users, and you have none here: an administrator sets it with "
                           "rcq.set_user(..., unix_user => '...')");
    }
    const std::int64_t now = rundir::boottime_ms();
    if (known_.size() > most_known) known_.clear();
    auto [entry, fresh] = known_.try_emplace(name);
    Known& known = entry->second;
    if (fresh || now - known.since_ms > keep_ms) {
        known = Known{};
        known.since_ms = now;
        try {
            known.account = look_up(name);
        } catch (const AccountError& error) {
            known.fault = error.what();
        }
    }
    if (!known.fault.empty()) throw AccountError(known.fault);
    return known.account;
}

// NOLINTBEGIN(concurrency-mt-unsafe): one thread
Account Accounts::look_up(const std::string& name) const {
    const std::string who = "unix user \"" + name + "\"";
    const passwd* entry = getpwnam(name.c_str());
    if (entry == nullptr) throw AccountError(who + " does not exist on this host");
    Account account;
    account.name = entry->pw_name;
    account.home = entry->pw_dir;
    account.uid = entry->pw_uid;
    account.gid = entry->pw_gid;
    if (account.uid == 0 || account.gid == 0) {
        throw AccountError(who + " is the superuser or of its group: jobs never run as that");
    }
    int count = 64;
    account.groups.resize(static_cast<std::size_t>(count));
    while (getgrouplist(account.name.c_str(), account.gid, account.groups.data(), &count) < 0) {
        count = std::max(count, static_cast<int>(account.groups.size()) * 2);
        account.groups.resize(static_cast<std::size_t>(count));
    }
    account.groups.resize(static_cast<std::size_t>(count));
    if (std::find(account.groups.begin(), account.groups.end(), gid_t{0}) != account.groups.end()) {
        throw AccountError(who + " is in the superuser's group: jobs never run with that");
    }
    if (!is_allowed(account)) throw AccountError(who + " is not allowed on this host: --allow-users does not name it");
    return account;
}

bool Accounts::is_allowed(const Account& account) const {
    return std::any_of(allowed_.begin(), allowed_.end(), [&account](const std::string& allowed) {
        if (!allowed.starts_with('@')) return allowed == account.name;
        const group* entry = getgrnam(allowed.c_str() + 1);
        return entry != nullptr &&
               std::find(account.groups.begin(), account.groups.end(), entry->gr_gid) != account.groups.end();
    });
}
// NOLINTEND(concurrency-mt-unsafe)

} // namespace rcq::executor
