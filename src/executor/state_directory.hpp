// The state directory of an executor: held by one process at a time, cleaned of what a crashed predecessor left.
#pragma once
#include <string>

namespace rcq::executor {

class Remover;

class StateDirectory {
public:
    // Makes the directory, locks it. Throws std::runtime_error with a message for people.
    explicit StateDirectory(const std::string& path);
    ~StateDirectory();
    StateDirectory(const StateDirectory&) = delete;
    StateDirectory& operator=(const StateDirectory&) = delete;

    // Kills every process of a run of a predecessor, waits until it is gone (at most 10 s), and tidies its directories.
    void clean_up_after_predecessor(Remover& remover) const;

    [[nodiscard]] const std::string& runs_dir() const { return runs_dir_; }

private:
    std::string path_;
    std::string runs_dir_;
    int lock_fd_ = -1;
};

} // namespace rcq::executor
