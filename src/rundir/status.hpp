// Small records of fixed size that are read while somebody writes them.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace rcq::rundir {

// The file `status` of a run: written whole at the start of the supervisor and about once a second while the job runs.
struct Status {
    std::uint32_t magic = 0x72637131; // "rcq1"
    std::int32_t supervisor = 0;      // pids
    std::int32_t leader = 0;          // of the job's session; 0: not begun (prolog), or ended
    std::int32_t reserved = 0;
    std::uint64_t supervisor_start_ticks = 0; // field 22 of /proc/PID/stat, so that a pid is never taken for another
    std::int64_t started_ms = 0;              // of the job, CLOCK_BOOTTIME
    std::int64_t cpu_us = 0;                  // of all processes of the job so far
    std::int64_t memory_kib = 0;              // now
    std::int64_t peak_kib = 0;
};

// The file `contact` in the executor's state directory, written by the executor after each sync. The server may start a
// run elsewhere at at_ms + lost_after_ms, so nothing of a run that ends without contact may live then.
struct Contact {
    std::int64_t at_ms = 0;         // CLOCK_BOOTTIME at which the last sync that succeeded was sent
    std::int64_t lost_after_ms = 0; // the server's rcq.lost_after, whole; 0: not known yet, no run is ended
};

// Nothing when the file is missing, short or of another kind. `directory_fd` may be AT_FDCWD.
std::optional<Status> read_status(int directory_fd, const char* path);
std::optional<Contact> read_contact(const char* path);

// False, with errno, when the file cannot be written. Creates it (mode 0600) when missing.
bool write_status(int directory_fd, const char* path, const Status& status);
bool write_contact(const char* path, const Contact& contact);

// Milliseconds of CLOCK_BOOTTIME, which goes on while the host sleeps and does not move with the time of day.
std::int64_t boottime_ms();

// This boot of the machine (/proc/sys/kernel/random/boot_id), read once.
const std::string& boot_id();

} // namespace rcq::rundir
