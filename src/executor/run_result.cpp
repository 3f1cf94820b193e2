#include "executor/run_result.hpp"

#include "executor/host_fault.hpp"
#include "rundir/result.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <stdexcept>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace rcq::executor {

namespace {

[[noreturn]] void fail(const std::string& what) { throw std::runtime_error("the result " + what); }

struct File {
    int fd = -1;
    std::int64_t bytes = 0;

    File() = default;
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    ~File() {
        if (fd >= 0) close(fd);
    }
};

// False when there is no such file.
bool open_result(const std::string& path, uid_t owner, File& file) {
    // a pipe would keep us waiting, a link could lead to what only we may read
    file.fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (file.fd < 0 && errno == ENOENT) return false;
    if (file.fd < 0 && is_shortage(errno))
        throw std::system_error(errno, std::generic_category(), "cannot read " + path);
    if (file.fd < 0) fail(std::string("cannot be read: ") + std::strerror(errno));
    struct stat status {};
    if (fstat(file.fd, &status) != 0 || !S_ISREG(status.st_mode)) fail("is not a regular file");
    if (status.st_uid != owner) fail("is a file of somebody else"); // a hard link to what only we may read
    file.bytes = status.st_size;
    if (file.bytes > rundir::max_result_bytes) {
        fail("has " + std::to_string(file.bytes) + " bytes, more than 64 MiB: put it into $RCQ_OUTPUT_DIR");
    }
    return true;
}

std::string read_all(const File& file) {
    std::string text(static_cast<std::size_t>(file.bytes), '\0');
    std::size_t have = 0;
    while (have < text.size()) {
        ssize_t got = read(file.fd, text.data() + have, text.size() - have);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) fail("cannot be read: " + std::string(got < 0 ? std::strerror(errno) : "it was cut short"));
        have += static_cast<std::size_t>(got);
    }
    return text;
}

// Nothing: there is no file. Throws std::runtime_error: what is there is no result.
std::optional<std::string> read_valid(const std::string& path, uid_t owner) {
    File file;
    if (!open_result(path, owner, file)) return std::nullopt;
    std::string text = read_all(file);
    if (const std::string fault = rundir::result_fault(text); !fault.empty()) fail(fault);
    return text;
}

} // namespace

ResultCheck check_result(const std::string& path, uid_t owner) {
    ResultCheck check;
    try {
        const auto text = read_valid(path, owner);
        check.bytes = text ? static_cast<std::int64_t>(text->size()) : 0;
    } catch (const std::system_error&) {
        throw;
    } catch (const std::runtime_error& error) {
        check.fault = error.what();
    }
    return check;
}

std::string read_result(const std::string& path, uid_t owner) {
    auto text = read_valid(path, owner);
    if (!text) fail("is gone");
    return std::move(*text);
}

} // namespace rcq::executor
