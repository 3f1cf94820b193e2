// Appends pieces of output to `log` and what they are to `log.index`. Keeps both whole: a piece that does not get in
// entirely leaves no trace but the count of its bytes. The files appear with the first piece.
#pragma once
#include "rundir/log_index.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace rcq::supervisor {

class LogWriter {
public:
    // Log and index take at most `limit` bytes together; 0: no limit. One line more in the log says that it was reached.
    LogWriter(int directory, std::int64_t limit) : directory_(directory), limit_(limit) {}
    ~LogWriter();
    LogWriter(const LogWriter&) = delete;
    LogWriter& operator=(const LogWriter&) = delete;

    void append(rundir::LogStream stream, std::string_view output);

    // No more will come: tells of output that was lost last.
    void finish();

    // Bytes beyond the limit, or that the disk did not take.
    [[nodiscard]] std::int64_t dropped() const { return dropped_; }

private:
    void append_piece(rundir::LogStream stream, std::string_view piece);
    bool put(rundir::LogStream stream, std::string_view piece);
    bool open_files();
    bool write_marker(const std::string& text);
    bool tell_of_loss();

    int directory_;
    std::int64_t limit_;
    int log_ = -1;
    int index_ = -1;
    std::int64_t log_size_ = 0; // as far as the index names it
    std::int64_t index_size_ = 0;
    std::int64_t dropped_ = 0;
    std::int64_t lost_ = 0; // dropped for lack of space, which the log does not tell yet
    std::int64_t try_again_ms_ = 0;
    int error_ = 0;
    bool full_ = false;
};

} // namespace rcq::supervisor
