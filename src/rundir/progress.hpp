// The file `job/progress` of a run, which RCQ_PROGRESS names: how far the job says it is. It is the job's, which may
// put anything in its place.
//
// One line, PERCENT or PERCENT MESSAGE: a whole number from 0 to 100, a space, any text. What follows the first line is
// not read. Whoever writes it writes another file and renames that, so that it is never read half.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace rcq::rundir {

inline constexpr std::size_t largest_progress = 4096;         // bytes of the file; a larger one is not read
inline constexpr std::size_t longest_progress_message = 1000; // bytes

struct Progress {
    int percent = 0; // 0 to 100
    std::string message;
    bool operator==(const Progress&) const = default;
};

// The content of the file.
std::string encode(const Progress& progress);

// Nothing when it does not begin with such a number. Of the message, bytes that are no UTF-8 become U+FFFD, control
// characters spaces, and what is beyond longest_progress_message is left out.
std::optional<Progress> decode_progress(std::string_view text);

// Tells whether a file is another one, or was written again.
struct FileStamp {
    std::uint64_t inode = 0; // 0: no file
    std::int64_t bytes = 0;
    std::int64_t changed_ns = 0;
    bool fresh = false; // changed when it was looked at, and may have been again at the same time by its clock
    bool operator==(const FileStamp&) const = default;
};

struct ProgressLook {
    FileStamp stamp;
    std::optional<Progress> progress; // nothing: what is there says none
};

// What stands in the file now; nothing when it is not there, cannot be read for now, or is as it was (`known`). A link,
// a pipe, a file of another owner than `owner` and one that is too large are never read, and say nothing.
std::optional<ProgressLook> look_at_progress(const std::string& path, uid_t owner, const FileStamp& known);

} // namespace rcq::rundir
