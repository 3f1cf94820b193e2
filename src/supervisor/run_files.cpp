#include "supervisor/run_files.hpp"

#include "rundir/cut.hpp"
#include "rundir/paths.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::supervisor {

namespace {

constexpr int tries = 60;
constexpr int try_again_after_ms = 1000;

// One block: all but the longest messages fit. What is more takes its chance, and is left out at last.
constexpr off_t room_for_end = 4096;
constexpr std::size_t last_words = 1000;

// What is there stays: room that was reserved would be gone.
int open_draft(int directory) {
    return openat(directory, rundir::end_draft, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
}

bool write_once(int directory, const std::string& text) {
    int fd = open_draft(directory);
    if (fd < 0) return false;
    const auto size = static_cast<ssize_t>(text.size());
    struct stat draft {};
    const bool whole = fstat(fd, &draft) == 0 && write(fd, text.data(), text.size()) == size &&
                       (draft.st_size <= size || ftruncate(fd, size) == 0);
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
        if (size < static_cast<ssize_t>(buffer.size())) break;
    }
    const int error = errno;
    if (fd >= 0) close(fd);
    if (size < 0) throw rundir::LaunchError(std::string("cannot read the launch file: ") + std::strerror(error));
    return rundir::decode_launch(bytes);
}

void reserve_end(int directory) {
    int fd = open_draft(directory);
    if (fd < 0) return;
    struct stat draft {};
    const bool has_room = fstat(fd, &draft) == 0 && draft.st_blocks > 0;
    if (!has_room) (void)fallocate(fd, 0, 0, room_for_end); // where the file system cannot, `end` takes its chance
    close(fd);
}

bool write_end(int directory, rundir::End end) {
    if (keep_trying(directory, encode(end))) return true;
    end.message.clear();
    end.boot.clear();
    end.host_fault = rundir::cut(end.host_fault, last_words);
    return keep_trying(directory, encode(end));
}

} // namespace rcq::supervisor
