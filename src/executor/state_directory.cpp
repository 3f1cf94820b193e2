#include "executor/state_directory.hpp"

#include "executor/logging.hpp"
#include "executor/remover.hpp"
#include "rundir/paths.hpp"

#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

[[noreturn]] void refuse(const std::string& what) { throw std::runtime_error(what + ": " + std::strerror(errno)); }

void make_directory(const std::string& path, mode_t mode) {
    for (std::size_t at = 1; at != std::string::npos;) {
        at = path.find('/', at + 1);
        std::string part = path.substr(0, at);
        if (mkdir(part.c_str(), mode) != 0) {
            if (errno != EEXIST) refuse("cannot create the state directory " + part);
        } else if (chmod(part.c_str(), mode) != 0) { // not what the umask leaves of it
            refuse("cannot set the mode of " + part);
        }
    }
}

// Nothing: no such file.
bool read_file(const std::string& path, std::string& text) {
    std::ifstream file(path, std::ios::binary);
    if (!file) return false;
    std::ostringstream content;
    content << file.rdbuf();
    text = content.str();
    return true;
}

} // namespace

StateDirectory::StateDirectory(const std::string& path, bool other_users) : path_(path), runs_dir_(path + "/runs") {
    const mode_t mode = other_users ? 0711 : 0700;
    make_directory(runs_dir_, mode);
    for (const std::string& own : {path_, runs_dir_}) {
        if (other_users && chmod(own.c_str(), mode) != 0) refuse("cannot set the mode of " + own);
    }
    std::string lock = path_ + "/lock";
    lock_fd_ = open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock_fd_ < 0) refuse("cannot open " + lock);
    if (flock(lock_fd_, LOCK_EX | LOCK_NB) != 0) {
        bool taken = errno == EWOULDBLOCK;
        int error = errno;
        close(lock_fd_);
        if (taken)
            throw std::runtime_error("another executor uses the state directory " + path_ + "; give --state-dir");
        errno = error;
        refuse("cannot lock " + lock);
    }
}

StateDirectory::~StateDirectory() { close(lock_fd_); }

std::vector<FoundRun> StateDirectory::find_runs(Remover& remover) const {
    std::vector<FoundRun> found;
    std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(runs_dir_.c_str()), closedir);
    if (!directory) return found;
    while (const dirent* entry = readdir(directory.get())) { // NOLINT(concurrency-mt-unsafe): one thread
        if (entry->d_name[0] == '.') continue;
        const std::string path = runs_dir_ + "/" + entry->d_name;
        std::string text;
        if (!read_file(path + "/" + rundir::launch_file, text)) continue;
        try {
            found.push_back({path, rundir::decode_launch(text)});
        } catch (const rundir::LaunchError& error) {
            spdlog::warn("event=launch_unreadable path={} reason={}", quoted(path), quoted(error.what()));
            remover.remove(path);
        }
    }
    return found;
}

} // namespace rcq::executor
