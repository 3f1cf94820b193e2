// Removes directory trees a slice at a time, so that a job that left a million files does not stop the event loop. No
// link is followed, whatever a job's user puts in the place of a directory meanwhile.
// Also sweeps run directories whose time is over.
#pragma once
#include "executor/loop.hpp"

#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace rcq::executor {

class Remover {
public:
    explicit Remover(uv_loop_t* loop);

    // Removes everything inside `directory` except the names of `keep` on its first level; the directory itself too
    // when nothing is kept.
    void remove(std::string directory, std::vector<std::string> keep = {});

    [[nodiscard]] bool idle() const { return tasks_.empty(); }

    // Works until nothing is left, for the start, before the loop runs.
    void finish();

private:
    struct Task {
        std::string root;
        std::vector<std::string> keep;
        std::vector<std::string> below; // names of directories from the root down to the one in work
        bool done = false;
    };
    void step();
    static void work_on(Task& task, int& budget);
    static void empty_directory(Task& task, int fd, int& budget);
    void slice();

    std::deque<Task> tasks_;
    Timer timer_;
};

// The directories of `runs_dir` whose last change is older than `age_s` and for which `in_use(name)` is false.
std::vector<std::string> find_expired(const std::string& runs_dir, double age_s,
                                      const std::function<bool(const std::string&)>& in_use);

} // namespace rcq::executor
