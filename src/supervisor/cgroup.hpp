// The run's own cgroup (version 2), which the executor made with its limits: what it tells, its end.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace rcq::supervisor {

class Cgroup {
public:
    // An empty path: none. Otherwise is_open() tells whether it is there, and error() why not.
    explicit Cgroup(std::string path);
    ~Cgroup();
    Cgroup(const Cgroup&) = delete;
    Cgroup& operator=(const Cgroup&) = delete;

    [[nodiscard]] bool is_open() const { return fd_ >= 0; }
    [[nodiscard]] int error() const { return error_; }
    [[nodiscard]] int fd() const { return fd_; }

    // The number that stands behind `key` in a file, or alone in it when the key is empty. Nothing when the kernel or
    // the set of controllers has none.
    [[nodiscard]] std::optional<std::int64_t> number(const char* file, const char* key = "") const;

    // False also when there is no cgroup.
    [[nodiscard]] bool populated() const;
    // How often the kernel killed a process of it at its memory limit.
    [[nodiscard]] std::int64_t memory_kills() const;

    // Kills everything in it; a kernel before 5.14 cannot.
    void kill() const;
    // Removes it and what the job made below it.
    void remove();

private:
    std::string path_;
    int fd_ = -1;
    int error_ = 0;
};

} // namespace rcq::supervisor
