#include "executor/log_reader.hpp"

#include "rundir/paths.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

namespace rcq::executor {

namespace {

constexpr std::uint64_t most_added_up = 1 << 22; // pieces of an index: a fraction of a second

} // namespace

// The two files, open as long as somebody reads.
class LogReader::Files {
public:
    explicit Files(const std::string& directory) : directory_(directory), index_(open_file(rundir::index_file)) {}
    ~Files() {
        if (index_ >= 0) ::close(index_);
        if (log_ >= 0) ::close(log_);
    }
    Files(const Files&) = delete;
    Files& operator=(const Files&) = delete;

    // Nothing when it is not there (yet). What no supervisor writes ends the index: a job may be able to reach it.
    const rundir::LogPiece* piece(std::uint64_t number) {
        if (number < first_ || number >= first_ + count_) load(number - number % block_.size());
        if (number < first_ || number >= first_ + count_) return nullptr;
        const rundir::LogPiece& piece = block_[number - first_];
        bool sound = piece.bytes > 0 && piece.bytes <= rundir::max_piece_bytes && piece.lines > 0 &&
                     piece.lines <= piece.bytes && piece.stream <= LogStream::err;
        return sound ? &piece : nullptr;
    }

    [[nodiscard]] std::uint64_t pieces() const { return size_of(index_) / sizeof block_[0]; }

    std::uint64_t log_bytes() {
        if (log_ < 0) log_ = open_file(rundir::log_file);
        return size_of(log_);
    }

    // Where the last of the pieces ends; nothing when they are too many to be added up.
    std::optional<std::uint64_t> indexed_bytes(std::uint64_t first, std::uint64_t offset, std::uint64_t pieces) {
        if (pieces > first + most_added_up) return std::nullopt;
        for (; first < pieces; ++first) {
            const rundir::LogPiece* one = piece(first);
            if (one == nullptr) break;
            offset += one->bytes;
        }
        return offset;
    }

    bool read_log(std::uint64_t offset, std::size_t bytes, std::string& data) {
        if (log_ < 0) log_ = open_file(rundir::log_file);
        data.resize(bytes);
        std::size_t have = 0;
        while (log_ >= 0 && have < bytes) {
            ssize_t got = pread(log_, data.data() + have, bytes - have, static_cast<off_t>(offset + have));
            if (got < 0 && errno == EINTR) continue;
            if (got <= 0) break;
            have += static_cast<std::size_t>(got);
        }
        return have == bytes;
    }

private:
    [[nodiscard]] int open_file(const char* name) const {
        return open((directory_ + "/" + name).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    }

    static std::uint64_t size_of(int fd) {
        struct stat status {};
        return fd >= 0 && fstat(fd, &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
    }

    void load(std::uint64_t first) {
        first_ = first;
        count_ = 0;
        if (index_ < 0) return;
        ssize_t got = pread(index_, block_.data(), sizeof block_, static_cast<off_t>(first * sizeof block_[0]));
        if (got > 0) count_ = static_cast<std::size_t>(got) / sizeof block_[0];
    }

    const std::string& directory_;
    int index_ = -1;
    int log_ = -1;
    std::array<rundir::LogPiece, 512> block_;
    std::uint64_t first_ = 0;
    std::size_t count_ = 0;
};

namespace {

// A text of just so many bytes and lines: what follows in the stream is counted on from both.
std::string blank_text(std::string_view text, std::uint64_t bytes, std::uint64_t lines, bool whole_lines) {
    const std::uint64_t newlines = whole_lines ? lines : lines - 1;
    std::string line(text.substr(0, bytes - newlines));
    line.resize(bytes - newlines, ' ');
    const std::string empty_lines(newlines, '\n');
    return whole_lines ? line + empty_lines : empty_lines + line;
}

} // namespace

LogReader::LogReader(std::string directory, LogLimits limits) : directory_(std::move(directory)), limits_(limits) {}

void LogReader::resume(std::uint64_t next_seq, std::uint64_t bytes) {
    at_ = Cursor{};
    at_.seq = next_seq;
    ahead_ = at_;
    stored_ahead_ = bytes;
    frozen_.clear();
    under_way_ = 0;
}

void LogReader::close(const std::string& place, std::optional<std::int64_t> dropped) {
    closed_ = true;
    place_ = place;
    dropped_ = dropped.value_or(0);
    supervisor_died_ = !dropped;
}

bool LogReader::has_tail() const {
    struct stat status {};
    return lstat((directory_ + "/" + rundir::log_file).c_str(), &status) == 0 &&
           static_cast<std::uint64_t>(status.st_size) > limits_.head_bytes;
}

// The item at the cursor, which moves on to the next part of the stream when this one is over; nothing when there is
// none, or none yet.
std::optional<LogReader::Item> LogReader::item_at(Files& files, Cursor& at) {
    if (at.part == Part::head) {
        const rundir::LogPiece* piece = files.piece(at.piece);
        if (piece != nullptr && at.offset + piece->bytes <= limits_.head_bytes) {
            return Item{piece->bytes, piece->lines, piece->stream, piece->whole_lines, {}};
        }
        if (!closed_) return std::nullopt;
        if (!tail_known_) find_tail(files, at);
        at.part = left_out_ > 0 ? Part::left_out : Part::tail;
    }
    if (at.part == Part::left_out) {
        std::string text = "[rcq: " + std::to_string(left_out_) + " bytes left out here; full log: " + place_ + "]\n";
        return Item{text.size(), 1, LogStream::err, true, std::move(text)};
    }
    if (at.part == Part::tail) {
        if (const rundir::LogPiece* piece = files.piece(at.piece)) {
            return Item{piece->bytes, piece->lines, piece->stream, piece->whole_lines, {}};
        }
        at.part = dropped_ > 0 ? Part::dropped : Part::end;
    }
    if (at.part == Part::dropped) {
        std::string text = "[rcq: " + std::to_string(dropped_) +
                           " bytes of output were dropped, beyond the limit of the "
                           "log or for want of room on the disk; the log ends here]\n";
        return Item{text.size(), 1, LogStream::err, true, std::move(text)};
    }
    return std::nullopt;
}

void LogReader::step_over(Cursor& at, const Item& item) {
    at.seq += item.lines;
    if (item.text.empty()) {
        ++at.piece;
        at.offset += item.bytes;
    } else {
        at.part = at.part == Part::left_out ? Part::tail : Part::end;
    }
}

// The head is over: the tail begins so many bytes before the end, but not before where the head ended. Of what lies
// between only the size is looked at, however long it is.
void LogReader::find_tail(Files& files, const Cursor& head_end) {
    tail_known_ = true;
    const std::uint64_t pieces = files.pieces();
    // A supervisor that died may have appended to the log what is not in the index.
    const std::optional<std::uint64_t> known =
        supervisor_died_ ? files.indexed_bytes(head_end.piece, head_end.offset, pieces) : files.log_bytes();
    const std::uint64_t end = known ? *known : files.log_bytes();
    std::uint64_t first = std::max(pieces, head_end.piece);
    std::uint64_t tail = 0;
    while (known && first > head_end.piece && pieces - first < limits_.tail_pieces) {
        const rundir::LogPiece* piece = files.piece(first - 1);
        if (piece == nullptr || tail + piece->bytes > limits_.tail_bytes) break;
        if (head_end.offset + tail + piece->bytes > end) break;
        tail += piece->bytes;
        --first;
    }
    left_out_ = end > head_end.offset + tail ? end - head_end.offset - tail : 0;
    tail_.piece = first;
    tail_.offset = head_end.offset + left_out_;
}

// Passes what an earlier executor has sent; true when that is done.
bool LogReader::skip_stored(Files& files) {
    if (stored_ahead_ == 0) return true;
    while (stored_ahead_ > 0) {
        const std::uint64_t seq = at_.seq;
        auto item = item_at(files, at_);
        if (!item) break;
        if (at_.part == Part::left_out) {
            at_.piece = tail_.piece;
            at_.offset = tail_.offset;
        }
        step_over(at_, *item);
        at_.seq = seq; // it was counted when it was stored
        stored_ahead_ -= std::min(stored_ahead_, item->bytes);
    }
    ahead_ = at_;
    return stored_ahead_ == 0;
}

// One chunk from the cursor on: as many items as `items` says when it was taken before, else as many as go together.
std::optional<LogChunk> LogReader::form_chunk(Files& files, Cursor& at, std::uint32_t& items, bool frozen) {
    auto item = item_at(files, at);
    if (!item) return std::nullopt;
    LogChunk chunk;
    chunk.seq = at.seq;
    chunk.stream = item->stream;
    if (!item->text.empty()) {
        chunk.lines = item->lines;
        chunk.data = item->text;
        if (at.part == Part::left_out) {
            at.piece = tail_.piece;
            at.offset = tail_.offset;
        }
        step_over(at, *item);
        items = 1;
        return chunk;
    }
    const std::uint64_t begin = at.offset;
    const Part part = at.part;
    std::uint64_t bytes = 0;
    std::uint32_t taken = 0;
    bool whole_lines = true;
    while (item && at.part == part && item->text.empty()) {
        if (frozen ? taken == items
                   : taken > 0 &&
                         (!whole_lines || item->stream != chunk.stream || bytes + item->bytes > limits_.chunk_bytes)) {
            break;
        }
        bytes += item->bytes;
        chunk.lines += item->lines;
        whole_lines = item->whole_lines;
        step_over(at, *item);
        ++taken;
        Cursor next = at; // a look must not leave the part
        item = item_at(files, next);
        if (next.part != part) break;
    }
    items = taken;
    const bool refused = blank_ && frozen && under_way_ == 0;
    if (refused || !files.read_log(begin, bytes, chunk.data)) {
        chunk.data = blank_text(refused ? "[rcq: the server refused this part of the log]"
                                        : "[rcq: this part of the log file could not be read back]",
                                bytes, chunk.lines, whole_lines);
    }
    return chunk;
}

LogReader::Taken LogReader::take(std::size_t bytes, std::size_t chunks) {
    Taken taken;
    if (at_.part == Part::end) return taken;
    Files files(directory_);
    if (!skip_stored(files)) return taken;
    std::size_t have = 0;
    for (;;) {
        Cursor next = ahead_;
        const bool frozen = under_way_ < frozen_.size();
        std::uint32_t items = frozen ? frozen_[under_way_] : 0;
        if (taken.chunks.size() >= chunks) {
            taken.more = item_at(files, next).has_value();
            return taken;
        }
        auto chunk = form_chunk(files, next, items, frozen);
        if (!chunk) return taken;
        if (!taken.chunks.empty() && have + chunk->data.size() > bytes) {
            taken.more = true;
            return taken;
        }
        have += chunk->data.size();
        if (!frozen) frozen_.push_back(items);
        ++under_way_;
        ahead_ = next;
        taken.chunks.push_back(std::move(*chunk));
    }
}

void LogReader::answered() {
    if (under_way_ > 0) blank_ = false;
    frozen_.erase(frozen_.begin(), frozen_.begin() + static_cast<std::ptrdiff_t>(under_way_));
    under_way_ = 0;
    at_ = ahead_;
}

void LogReader::rewind() {
    under_way_ = 0;
    ahead_ = at_;
}

bool LogReader::blank() {
    if (under_way_ == 0) return true;
    if (std::exchange(blank_, true)) return false;
    rewind();
    return true;
}

void LogReader::drop() {
    at_.part = Part::end;
    ahead_ = at_;
    frozen_.clear();
    under_way_ = 0;
    stored_ahead_ = 0;
}

bool LogReader::complete() {
    if (at_.part == Part::end) return true;
    if (!closed_ || !frozen_.empty()) return false;
    Files files(directory_);
    return skip_stored(files) ? !item_at(files, at_).has_value() : at_.part == Part::end;
}

} // namespace rcq::executor
