// The size of a directory with all that lies below it, found in small steps, so that a tree of millions of files stops
// nothing else. What the job does to the tree meanwhile can make a walk begin anew, but never leave the tree.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace rcq::supervisor {

class DiskUsage {
public:
    DiskUsage(int parent, std::string name) : parent_(parent), name_(std::move(name)) {}
    ~DiskUsage();
    DiskUsage(const DiskUsage&) = delete;
    DiskUsage& operator=(const DiskUsage&) = delete;

    // Looks at some thousand entries more. The size in bytes once everything is counted; the next step then begins
    // a new walk. A file with several names counts once, all names together.
    std::optional<std::int64_t> step();

    // Bytes found by the walk so far.
    [[nodiscard]] std::int64_t so_far() const { return bytes_; }

private:
    struct Level { // a directory that the walk is to come back to
        dev_t device;
        ino_t inode;
        off_t position;
    };
    bool begin();
    bool descend(const char* name, off_t position);
    bool ascend();
    void end();

    int parent_;
    std::string name_;
    int fd_ = -1; // of the directory that the walk is in
    std::vector<Level> above_;
    std::int64_t bytes_ = 0;
};

} // namespace rcq::supervisor
