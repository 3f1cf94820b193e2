#include "supervisor/disk_usage.hpp"

#include <array>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include <utility>

namespace rcq::supervisor {

namespace {

constexpr int entries_per_step = 4000;
constexpr int directory_flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;

bool is_dots(const char* name) { return std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0; }

} // namespace

DiskUsage::~DiskUsage() { end(); }

void DiskUsage::end() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
    above_.clear();
}

bool DiskUsage::begin() {
    bytes_ = 0;
    fd_ = openat(parent_, name_.c_str(), directory_flags);
    return fd_ >= 0;
}

bool DiskUsage::descend(const char* name, off_t position) {
    struct stat here {};
    if (fstat(fd_, &here) != 0) return false;
    int below = openat(fd_, name, directory_flags);
    if (below < 0) return false; // removed, or not to be read
    above_.push_back({here.st_dev, here.st_ino, position});
    close(std::exchange(fd_, below));
    return true;
}

// False when the directory has been moved elsewhere, so that its parent is no longer the one that the walk came from.
bool DiskUsage::ascend() {
    const Level level = above_.back();
    above_.pop_back();
    int up = openat(fd_, "..", directory_flags);
    struct stat there {};
    if (up < 0) return false;
    close(std::exchange(fd_, up));
    return fstat(fd_, &there) == 0 && there.st_dev == level.device && there.st_ino == level.inode &&
           lseek(fd_, level.position, SEEK_SET) == level.position;
}

std::optional<std::int64_t> DiskUsage::step() {
    if (fd_ < 0 && !begin()) return 0;
    alignas(dirent64) std::array<char, 4096> buffer;
    for (int looked_at = 0; looked_at < entries_per_step;) {
        const ssize_t size = getdents64(fd_, buffer.data(), buffer.size());
        if (size <= 0) {
            if (above_.empty()) {
                end();
                return bytes_;
            }
            if (!ascend()) {
                end();
                return std::nullopt;
            }
            ++looked_at;
            continue;
        }
        for (ssize_t at = 0; at < size;) {
            const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
            at += entry->d_reclen;
            if (is_dots(entry->d_name)) continue;
            ++looked_at;
            struct statx file {};
            // What something else is mounted on is not the run's, and may hang.
            if (statx(fd_, entry->d_name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC,
                      STATX_TYPE | STATX_BLOCKS | STATX_NLINK, &file) != 0 ||
                (file.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) {
                continue;
            }
            const bool directory = S_ISDIR(file.stx_mode);
            const std::int64_t names = directory || file.stx_nlink == 0 ? 1 : file.stx_nlink;
            bytes_ += static_cast<std::int64_t>(file.stx_blocks) * 512 / names;
            if (directory && descend(entry->d_name, entry->d_off)) break; // the buffer is that of its parent
        }
    }
    return std::nullopt;
}

} // namespace rcq::supervisor
