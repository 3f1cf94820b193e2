#include "rundir/status.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

namespace rcq::rundir {

namespace {

template <class Record> std::optional<Record> read_record(int directory_fd, const char* path) {
    int fd = openat(directory_fd, path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) return std::nullopt;
    std::array<char, sizeof(Record) + 1> bytes; // one more, to see that the file is not longer
    ssize_t size = read(fd, bytes.data(), bytes.size());
    close(fd);
    if (size != static_cast<ssize_t>(sizeof(Record))) return std::nullopt;
    Record record;
    std::memcpy(&record, bytes.data(), sizeof record);
    return record;
}

template <class Record> bool write_record(int directory_fd, const char* path, const Record& record) {
    int fd = openat(directory_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) return false;
    ssize_t size = pwrite(fd, &record, sizeof record, 0);
    int error = size < 0 ? errno : ENOSPC; // of the parts of a record that fit no disk takes one
    close(fd);
    errno = error;
    return size == static_cast<ssize_t>(sizeof record);
}

} // namespace

std::optional<Status> read_status(int directory_fd, const char* path) {
    auto status = read_record<Status>(directory_fd, path);
    if (status && status->magic != Status{}.magic) return std::nullopt;
    return status;
}

std::optional<Contact> read_contact(const char* path) { return read_record<Contact>(AT_FDCWD, path); }

bool write_status(int directory_fd, const char* path, const Status& status) {
    return write_record(directory_fd, path, status);
}

bool write_contact(const char* path, const Contact& contact) { return write_record(AT_FDCWD, path, contact); }

std::int64_t boottime_ms() {
    timespec now{};
    clock_gettime(CLOCK_BOOTTIME, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

const std::string& boot_id() {
    static const std::string id = [] {
        std::array<char, 64> buffer;
        int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
        if (fd < 0) return std::string();
        ssize_t size = read(fd, buffer.data(), buffer.size());
        close(fd);
        std::string text(buffer.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
        return text.substr(0, text.find('\n'));
    }();
    return id;
}

} // namespace rcq::rundir
