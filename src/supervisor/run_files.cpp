#include "supervisor/run_files.hpp"

#include "rundir/paths.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

namespace rcq::supervisor {

namespace {

constexpr int tries = 60;
constexpr int try_again_after_ms = 1000;

constexpr off_t greatest_end = 16 << 10; // encode() keeps the texts in it short

// What is there stays: room that was reserved would be gone.
int open_draft(int directory) {
    return openat(directory, rundir::end_draft, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool write_once(int directory, const std::string& text) {
    int fd = open_draft(directory);
    if (fd < 0) return false;
    const auto size = static_cast<ssize_t>(text.size());
    const bool whole = write(fd, text.data(), text.size()) == size && ftruncate(fd, size) == 0;
    // Some file systems find out late that there is no room.
    const bool closed = close(fd) == 0;
    return whole && closed && renameat(directory, rundir::end_draft, directory, rundir::end_file) == 0;
}

bool keep_trying(int directory, const std::string& text) {
    for (int i = 0; i < tries; ++i) {
        if (write_once(directory, text)) return true;
        poll(nullptr, 0, try_again_after_ms);
    }
    return false;
}

} // namespace

rundir::Launch read_launch(int directory) {
    int fd = openat(directory, rundir::launch_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    std::string bytes;
    std::array<char, 16384> buffer;
    ssize_t size = -1;
    while (fd >= 0 && (size = read(fd, buffer.data(), buffer.size())) > 0) {
        bytes.append(buffer.data(), static_cast<std::size_t>(size));
    }
    const int error = errno;
    if (fd >= 0) close(fd);
    if (size < 0) throw rundir::LaunchError(std::string("cannot read the launch file: ") + std::strerror(error));
    return rundir::decode_launch(bytes);
}

void reserve_end(int directory) {
    int fd = open_draft(directory);
    if (fd < 0) return;
    (void)fallocate(fd, 0, 0, greatest_end); // where the file system cannot, `end` takes its chance
    close(fd);
}

bool write_end(int directory, rundir::End end) {
    if (keep_trying(directory, encode(end))) return true;
    end.message.clear();
    end.boot.clear();
    return keep_trying(directory, encode(end));
}

} // namespace rcq::supervisor
