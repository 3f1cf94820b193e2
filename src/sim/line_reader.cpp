#include "line_reader.hpp"

#include "usage_error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <zlib.h>

namespace rcq::sim {
namespace {

constexpr unsigned buffer_size = 262'144;

[[noreturn]] void cannot_read(const std::string& path, int error) {
    throw UsageError("cannot read " + path + ": " + std::generic_category().message(error) +
                     "; name a readable trace file, plain or .gz, or - for standard input");
}

int open_file(const std::string& path) {
    const int handle = path == "-" ? dup(STDIN_FILENO) : open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (handle < 0) cannot_read(path, errno);
    return handle;
}

} // namespace

// zlib reads what is not compressed unchanged.
struct LineReader::File {
    explicit File(const std::string& name) : path(name), handle(open_file(name)) {
        struct stat about {};
        int error = fstat(handle, &about) == 0 ? 0 : errno;
        if (error == 0 && S_ISDIR(about.st_mode)) error = EISDIR;
        if (error == 0 && S_ISREG(about.st_mode)) size = about.st_size;
        if (error == 0) {
            stream = gzdopen(handle, "rb");
            if (stream == nullptr) error = ENOMEM;
        }
        if (error != 0) {
            close(handle);
            cannot_read(path, error);
        }
        gzbuffer(stream, buffer_size);
    }
    ~File() { gzclose(stream); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;

    std::string path;
    int handle; // owned by the stream
    gzFile stream = nullptr;
    std::int64_t size = 0; // as stored; 0: not a regular file
};

LineReader::LineReader(const std::string& path) : file_(std::make_unique<File>(path)) {}
LineReader::~LineReader() = default;

bool LineReader::fill() {
    buffer_.resize(buffer_size);
    at_ = 0;
    errno = 0;
    const int count = gzread(file_->stream, buffer_.data(), buffer_size);
    const int read_error = errno;
    int status = Z_OK;
    const char* text = gzerror(file_->stream, &status);
    if (status == Z_ERRNO) cannot_read(file_->path, read_error);
    // A file that is cut short reads well up to its end and only then has a status.
    if (count < 0 || status != Z_OK)
        throw UsageError("cannot read " + file_->path + ": its compressed data is damaged or cut short (" + text +
                         "); fetch the file again");
    buffer_.resize(static_cast<std::size_t>(count));
    return count > 0;
}

bool LineReader::next(std::string_view& line) {
    line_.clear();
    bool some = false;
    while (at_ < buffer_.size() || fill()) {
        some = true;
        const std::size_t end = std::min(buffer_.find('\n', at_), buffer_.size());
        const std::size_t room = max_line - line_.size();
        line_.append(buffer_, at_, std::min(end - at_, room));
        at_ = end + 1;
        if (end < buffer_.size()) break;
    }
    line = line_;
    return some;
}

double LineReader::share_read() const {
    if (file_->size <= 0) return 0;
    return std::clamp(static_cast<double>(gzoffset(file_->stream)) / static_cast<double>(file_->size), 0.0, 1.0);
}

} // namespace rcq::sim
