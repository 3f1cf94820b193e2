#include "supervisor/cgroup.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <string_view>
#include <unistd.h>
#include <utility>

namespace rcq::supervisor {

namespace {

void remove_tree(int parent, const char* name) {
    if (unlinkat(parent, name, AT_REMOVEDIR) == 0) return;
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR* directory = fd < 0 ? nullptr : fdopendir(fd);
    if (directory == nullptr) return;
    while (const dirent* entry = readdir(directory)) {
        if (entry->d_type == DT_DIR && entry->d_name[0] != '.') remove_tree(fd, entry->d_name);
    }
    closedir(directory);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

} // namespace

Cgroup::Cgroup(std::string path) : path_(std::move(path)) {
    if (path_.empty()) return;
    fd_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd_ < 0) error_ = errno;
}

Cgroup::~Cgroup() {
    if (fd_ >= 0) close(fd_);
}

std::optional<std::int64_t> Cgroup::number(const char* file, const char* key) const {
    if (fd_ < 0) return std::nullopt;
    int fd = openat(fd_, file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    std::array<char, 4096> buffer;
    ssize_t size = read(fd, buffer.data(), buffer.size());
    close(fd);
    std::string_view text(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
    const std::size_t key_size = std::strlen(key);
    while (!text.empty()) {
        std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() == text.size() ? line.size() : line.size() + 1);
        if (key_size > 0) {
            if (!line.starts_with(key) || line.size() <= key_size || line[key_size] != ' ') continue;
            line.remove_prefix(key_size + 1);
        }
        std::int64_t number = 0;
        if (std::from_chars(line.data(), line.data() + line.size(), number).ec != std::errc{}) return std::nullopt;
        return number;
    }
    return std::nullopt;
}

bool Cgroup::populated() const { return number("cgroup.events", "populated").value_or(0) > 0; }

std::int64_t Cgroup::memory_kills() const {
    return number("memory.events", "oom_kill").value_or(0) + number("memory.events", "oom_group_kill").value_or(0);
}

void Cgroup::kill() const {
    if (fd_ < 0) return;
    int fd = openat(fd_, "cgroup.kill", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    (void)!write(fd, "1", 1);
    close(fd);
}

void Cgroup::remove() {
    if (fd_ < 0) return;
    close(std::exchange(fd_, -1));
    remove_tree(AT_FDCWD, path_.c_str());
}

} // namespace rcq::supervisor
