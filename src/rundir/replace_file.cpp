#include "rundir/replace_file.hpp"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

namespace rcq::rundir {

namespace {

bool write_all(int fd, std::string_view content) {
    while (!content.empty()) {
        const ssize_t written = write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

} // namespace

void replace_file(const std::string& path, std::string_view content) {
    std::string draft = path + ".XXXXXX";
    const int fd = mkostemp(draft.data(), O_CLOEXEC);
    if (fd < 0) throw std::system_error(errno, std::generic_category(), "cannot write " + path);
    bool done = write_all(fd, content);
    int error = errno;
    if (close(fd) != 0 && done) { // a full disk may be told only now
        done = false;
        error = errno;
    }
    if (done && std::rename(draft.c_str(), path.c_str()) == 0) return;
    if (done) error = errno;
    unlink(draft.c_str());
    throw std::system_error(error, std::generic_category(), "cannot write " + path);
}

} // namespace rcq::rundir
