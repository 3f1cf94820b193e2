// Faults of this host, as opposed to those of a job: what fails because of them can be tried again, here or elsewhere.
#pragma once
#include <cerrno>
#include <stdexcept>

namespace rcq::executor {

// For want of what others hold now: it is worth trying again in a moment.
inline bool is_shortage(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM || error == EAGAIN; }

// Passes by itself, or is watched otherwise (free disk); everything else needs somebody who mends it.
inline bool is_passing(int error) {
    return is_shortage(error) || error == ENOSPC || error == EDQUOT || error == EINTR || error == EBUSY;
}

// A run could not be started, and its job has no part in that.
class HostFault : public std::runtime_error {
public:
    // `lasting`: the next run will not be started either.
    HostFault(const std::string& what, bool lasting) : std::runtime_error(what), lasting_(lasting) {}
    [[nodiscard]] bool lasting() const { return lasting_; }

private:
    bool lasting_;
};

} // namespace rcq::executor
