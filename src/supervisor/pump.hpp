// Moves what a child writes into its two pipes to the log, in whole lines where they come in time.
#pragma once
#include "rundir/line_splitter.hpp"
#include "supervisor/log_writer.hpp"

#include <array>
#include <cstdint>
#include <poll.h>

namespace rcq::supervisor {

class Pump {
public:
    explicit Pump(LogWriter& log) : log_(log) {}
    ~Pump();
    Pump(const Pump&) = delete;
    Pump& operator=(const Pump&) = delete;

    // The ends that are for the child: stdout, stderr. Closed by close_child_ends() once it has them.
    bool open_pipes();
    [[nodiscard]] int child_end(rundir::LogStream stream) const { return write_[static_cast<std::size_t>(stream)]; }
    void close_child_ends();

    // Two entries for poll; those of closed pipes are ignored by it.
    void prepare(pollfd* entries) const;
    void take(const pollfd* entries);
    // Hands unfinished lines to the log whose time is over.
    void flush_due(std::int64_t now_ms);
    // When flush_due has something to do; -1: not at all.
    [[nodiscard]] std::int64_t next_flush_ms() const;

    [[nodiscard]] bool at_end() const { return read_[0] < 0 && read_[1] < 0; }
    // Gives up what may still come; what came goes to the log.
    void close();

private:
    void take_from(std::size_t index);
    void flush(std::size_t index);

    LogWriter& log_;
    std::array<int, 2> read_{-1, -1};
    std::array<int, 2> write_{-1, -1};
    std::array<rundir::LineSplitter, 2> lines_;
    std::array<std::int64_t, 2> partial_since_ms_{};
};

} // namespace rcq::supervisor
