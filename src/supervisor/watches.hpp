// What is looked at while a job runs, each in its own rhythm.
#pragma once
#include "rundir/status.hpp"
#include "supervisor/disk_usage.hpp"

#include <cstdint>
#include <string>

namespace rcq::supervisor {

// When the run must be over for lack of contact, by the file that the executor keeps of it. All moments are fixed by
// the last contact, so that a host that slept gives no time anew.
class ContactWatch {
public:
    ContactWatch(std::string path, std::int64_t kill_grace_ms)
        : path_(std::move(path)), kill_grace_ms_(kill_grace_ms) {}

    // A file that can no longer be read stays as it was last seen: there is no contact, then, either.
    void look();
    // When the job is to be asked to end, -1: not at all; and when all that is left of it is to be killed, a little
    // before the server may start it elsewhere, for that takes time.
    [[nodiscard]] std::int64_t end_at_ms() const;
    [[nodiscard]] std::int64_t kill_at_ms() const;
    [[nodiscard]] std::int64_t silent_ms(std::int64_t now_ms) const { return now_ms - last_.at_ms; }

private:
    std::string path_;
    std::int64_t kill_grace_ms_;
    rundir::Contact last_;
};

// The size of the job's directory: every 10 seconds, more often when little is left, in small steps.
class QuotaWatch {
public:
    QuotaWatch(int directory, std::int64_t quota_mib);

    // When to call step(); -1: never.
    [[nodiscard]] std::int64_t due_ms() const { return due_ms_; }
    void begin(std::int64_t now_ms);
    void step(std::int64_t now_ms);
    [[nodiscard]] bool exceeded() const { return disk_.so_far() > quota_bytes_; }
    [[nodiscard]] std::int64_t found_mib() const { return disk_.so_far() >> 20; }

private:
    DiskUsage disk_;
    std::int64_t quota_bytes_;
    std::int64_t due_ms_ = -1;
};

} // namespace rcq::supervisor
