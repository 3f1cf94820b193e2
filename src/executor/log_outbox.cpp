#include "executor/log_outbox.hpp"

#include "rundir/line_splitter.hpp"

namespace rcq::executor {

LogOutbox::LogOutbox(LogMemory& memory, LogLimits limits, Reader reader)
    : memory_(memory), limits_(limits), reader_(std::move(reader)) {}

LogOutbox::~LogOutbox() { memory_.used -= memory_used_; }

void LogOutbox::append(LogStream stream, std::string_view piece, std::uint64_t offset, bool in_file) {
    if (piece.empty()) return;
    head_full_ = head_full_ || head_used_ + piece.size() > limits_.head_bytes;
    if (head_full_) {
        if (in_file) {
            append_to_tail(stream, piece, offset);
        } else {
            left_out_ += piece.size();
        }
        return;
    }
    head_used_ += piece.size();
    if (grow_last(stream, piece, offset, in_file)) return;
    LogChunk chunk{0, stream, rundir::count_lines(piece), offset, piece.size(), false, piece.back() == '\n', {}};
    // What stands in no file has memory as its only place; the head is small enough for that.
    if (!in_file || fits_in_memory(piece.size())) {
        chunk.in_memory = true;
        chunk.data = piece;
    }
    queue_chunk(std::move(chunk));
}

bool LogOutbox::fits_in_memory(std::size_t bytes) const {
    return memory_used_ + bytes <= limits_.memory_bytes && memory_.used + bytes <= memory_.limit;
}

// Many small writes of a job become few rows: the last chunk grows while it was never sent.
bool LogOutbox::grow_last(LogStream stream, std::string_view piece, std::uint64_t offset, bool in_file) {
    if (queue_.size() <= frozen_) return false;
    LogChunk& last = queue_.back();
    if (last.stream != stream || !last.whole_lines || last.bytes + piece.size() > limits_.chunk_bytes) return false;
    if (last.in_memory) {
        if (in_file && !fits_in_memory(piece.size())) return false;
        last.data.append(piece);
        memory_used_ += piece.size();
        memory_.used += piece.size();
    } else if (!in_file || last.offset + last.bytes != offset) {
        return false;
    }
    std::uint64_t lines = rundir::count_lines(piece);
    last.lines += lines;
    last.bytes += piece.size();
    last.whole_lines = piece.back() == '\n';
    next_seq_ += lines;
    queue_bytes_ += piece.size();
    return true;
}

void LogOutbox::queue_chunk(LogChunk chunk) {
    chunk.seq = next_seq_;
    next_seq_ += chunk.lines;
    queue_bytes_ += chunk.bytes;
    if (chunk.in_memory) {
        memory_used_ += chunk.bytes;
        memory_.used += chunk.bytes;
    }
    queue_.push_back(std::move(chunk));
}

void LogOutbox::append_to_tail(LogStream stream, std::string_view piece, std::uint64_t offset) {
    tail_used_ += piece.size();
    LogChunk* last = tail_.empty() ? nullptr : &tail_.back();
    if (last != nullptr && last->stream == stream && last->whole_lines && last->offset + last->bytes == offset &&
        last->bytes + piece.size() <= limits_.chunk_bytes) {
        last->lines += rundir::count_lines(piece);
        last->bytes += piece.size();
        last->whole_lines = piece.back() == '\n';
    } else {
        tail_.push_back({0, stream, rundir::count_lines(piece), offset, piece.size(), false, piece.back() == '\n', {}});
    }
    while (tail_.size() > 1 && (tail_used_ > limits_.tail_bytes || tail_.size() > limits_.tail_chunks)) {
        left_out_ += tail_.front().bytes;
        tail_used_ -= tail_.front().bytes;
        tail_.pop_front();
    }
}

void LogOutbox::close(const std::string& log_file) {
    if (left_out_ > 0) {
        LogChunk marker;
        marker.stream = LogStream::err;
        marker.lines = 1;
        marker.in_memory = true;
        marker.data = "[rcq: " + std::to_string(left_out_) + " bytes left out here; full log: " + log_file + "]\n";
        marker.bytes = marker.data.size();
        queue_chunk(std::move(marker));
    }
    for (LogChunk& chunk : tail_) queue_chunk(std::move(chunk));
    tail_.clear();
    head_full_ = true;
}

void LogOutbox::drop() {
    memory_.used -= memory_used_;
    memory_used_ = 0;
    queue_.clear();
    tail_.clear();
    frozen_ = 0;
    queue_bytes_ = 0;
    tail_used_ = 0;
}

std::string LogOutbox::take_for_sending(std::size_t index) {
    if (frozen_ <= index) frozen_ = index + 1;
    const LogChunk& chunk = queue_[index];
    if (chunk.in_memory) return chunk.data;
    std::string data;
    if (reader_(chunk.offset, chunk.bytes, data) && data.size() == chunk.bytes) return data;
    // The job can remove its own log file. The number of lines must stay what the following seq counts on.
    std::string lost = "[rcq: part of the log file could not be read back]";
    for (std::uint64_t line = 0; line < chunk.lines; ++line) lost += '\n';
    return lost;
}

void LogOutbox::release(LogChunk& chunk) {
    queue_bytes_ -= chunk.bytes;
    if (!chunk.in_memory) return;
    memory_used_ -= chunk.bytes;
    memory_.used -= chunk.bytes;
}

void LogOutbox::answered(std::size_t count) {
    for (; count > 0 && !queue_.empty(); --count) {
        release(queue_.front());
        queue_.pop_front();
        if (frozen_ > 0) --frozen_;
    }
}

} // namespace rcq::executor
