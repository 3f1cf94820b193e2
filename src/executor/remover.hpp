// Removes directory trees a slice at a time, so that a job that left a million files does not stop the event loop. No
// link is followed, whatever the job's user puts in the place of a directory meanwhile, and a tree may be deeper than
// any path is long: it is walked by descriptors alone.
#pragma once
#include "executor/loop.hpp"

#include <deque>
#include <string>
#include <sys/types.h>
#include <vector>

namespace rcq::executor {

class Remover {
public:
    explicit Remover(uv_loop_t* loop);
    ~Remover();
    Remover(const Remover&) = delete;
    Remover& operator=(const Remover&) = delete;

    // Removes everything inside `directory` except the names of `keep` on its first level; the directory itself too
    // when nothing is kept. The directory above it must be one that only this user writes.
    void remove(std::string directory, std::vector<std::string> keep = {});

    [[nodiscard]] bool idle() const { return tasks_.empty(); }

    // Works until nothing is left, for the end, when the loop does not run any more.
    void finish();

private:
    struct Task {
        std::string root;
        std::vector<std::string> keep;
        int again = 0; // how often the tree has been changed under the walk
    };
    struct Level { // a directory on the way, and the name in it of the next one
        dev_t device = 0;
        ino_t inode = 0;
        std::string name;
    };
    enum class Found : bool { nothing, something };

    bool step();
    bool begin();
    void work(int& budget);
    Found remove_entry(const char* name, bool directory);
    void descend(const char* name);
    void ascend();
    void changed_meanwhile();
    void give_up(const char* name, int error);
    void end_task();
    void slice();

    std::deque<Task> tasks_;
    int fd_ = -1;              // of the directory in work, of the first task
    std::vector<Level> above_; // from the root of the task down to it
    Timer timer_;
};

} // namespace rcq::executor
