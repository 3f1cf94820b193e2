#include "executor/run_directory.hpp"

#include "executor/host_fault.hpp"
#include "executor/logging.hpp"
#include "executor/remover.hpp"
#include "executor/spare_directories.hpp"
#include "rundir/paths.hpp"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr std::size_t most_files = 100;
constexpr int most_entries = 1000;
constexpr int deepest = 32; // each level costs a descriptor
constexpr std::size_t largest_end = 64U << 10;

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

[[noreturn]] void fail_closing(int fd, const std::string& what) {
    const int error = errno;
    close(fd);
    errno = error;
    fail(what);
}

void make_directory(const std::string& path, mode_t mode) {
    // not what the umask leaves of the mode
    if (mkdir(path.c_str(), mode) != 0 || chmod(path.c_str(), mode) != 0) fail("cannot create " + path);
}

void give_to(const std::string& path, const Account* account) {
    if (account != nullptr && lchown(path.c_str(), account->uid, account->gid) != 0) {
        fail("cannot give " + path + " to " + account->name);
    }
}

void write_file(const std::string& path, std::string_view content, mode_t mode, const Account* account) {
    int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) fail("cannot create " + path);
    struct stat status {}; // a spare directory has one
    if (fstat(fd, &status) != 0 || (status.st_size > static_cast<off_t>(content.size()) &&
                                    ftruncate(fd, static_cast<off_t>(content.size())) != 0)) {
        fail_closing(fd, "cannot write " + path);
    }
    while (!content.empty()) {
        ssize_t written = write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) fail_closing(fd, "cannot write " + path);
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    if (account != nullptr && fchown(fd, account->uid, account->gid) != 0) {
        fail_closing(fd, "cannot give " + path + " to " + account->name);
    }
    close(fd);
}

std::string join(const std::string& directory, const char* name) { return directory + "/" + name; }

// Lists regular files below an open directory, which it closes; notes whether there is anything at all.
void list_files(int fd, const std::string& prefix, int depth, int& visited, Outputs& outputs) {
    std::unique_ptr<DIR, int (*)(DIR*)> directory(fdopendir(fd), closedir);
    if (!directory) {
        close(fd);
        return;
    }
    while (const dirent* entry = readdir(directory.get())) { // NOLINT(concurrency-mt-unsafe): one thread
        const char* name = entry->d_name;
        if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
        outputs.any = true;
        if (outputs.files.size() >= most_files || ++visited > most_entries) return;
        struct stat status {};
        if (fstatat(fd, name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
        if (S_ISREG(status.st_mode)) outputs.files.push_back({prefix + name, status.st_size});
        if (!S_ISDIR(status.st_mode) || depth >= deepest) continue;
        const int below = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below >= 0) list_files(below, prefix + name + "/", depth + 1, visited, outputs);
    }
}

} // namespace

LockState lock_state(const std::string& directory) {
    const int fd = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? LockState::free : LockState::unknown;
    LockState state = LockState::free;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) state = errno == EWOULDBLOCK ? LockState::held : LockState::unknown;
    close(fd);
    return state;
}

DirectoryLock::~DirectoryLock() {
    if (fd_ >= 0) close(fd_);
}

RunDirectory::RunDirectory(const std::string& runs_dir, std::int64_t job_id, std::int64_t attempt, std::int64_t token)
    : path_(runs_dir + "/" + std::to_string(job_id) + "-" + std::to_string(attempt) + "-" + std::to_string(token)) {}

std::string RunDirectory::kept_path() const {
    const std::size_t name = path_.rfind('/');
    const std::size_t runs = path_.rfind('/', name - 1);
    return path_.substr(0, runs) + "/kept" + path_.substr(name);
}

std::string RunDirectory::kept_log_path() const { return join(kept_path(), rundir::log_file); }
std::string RunDirectory::kept_output_path() const { return join(kept_path(), rundir::output_dir); }
std::string RunDirectory::job_path() const { return join(path_, rundir::job_dir); }
std::string RunDirectory::script_path() const { return join(path_, rundir::script_file); }
std::string RunDirectory::payload_path() const { return join(path_, rundir::payload_file); }
std::string RunDirectory::result_path() const { return join(path_, rundir::result_file); }
std::string RunDirectory::progress_path() const { return join(path_, rundir::progress_file); }
std::string RunDirectory::log_path() const { return join(path_, rundir::log_file); }
std::string RunDirectory::output_path() const { return join(path_, rundir::output_dir); }

DirectoryLock RunDirectory::create(std::string_view script, const std::optional<std::string>& payload,
                                   const Account* account, SpareDirectories& spares) {
    const mode_t script_mode = has_interpreter_line(script) ? 0700 : 0600;
    const bool again = spares.take(path_, script, script_mode, payload, account);
    // The job's user may pass through, and read only what is its own.
    if (!again) make_directory(path_, account == nullptr ? 0700 : 0711);
    made_ = true;
    DirectoryLock lock(open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    if (lock.fd() < 0 || flock(lock.fd(), LOCK_EX | LOCK_NB) != 0) fail("cannot lock " + path_);
    if (again) return lock;
    make_directory(job_path(), 0700);
    make_directory(output_path(), 0700);
    give_to(output_path(), account);
    write_file(script_path(), script, script_mode, account);
    if (payload) write_file(payload_path(), *payload, 0600, account);
    give_to(job_path(), account); // at last: until now nobody else could reach what is in it
    return lock;
}

void RunDirectory::write_launch(const rundir::Launch& launch) const {
    write_file(join(path_, rundir::launch_file), encode(launch), 0600, nullptr);
}

std::optional<rundir::End> RunDirectory::read_end(double& age_s) const {
    int fd = open(join(path_, rundir::end_file).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && is_shortage(errno)) fail("cannot read the end of " + path_);
    if (fd < 0) return std::nullopt;
    struct stat status {};
    std::string text(largest_end, '\0');
    const ssize_t size = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) ? read(fd, text.data(), text.size()) : 0;
    close(fd);
    if (size <= 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(size));
    age_s = std::difftime(std::time(nullptr), status.st_mtime);
    return rundir::decode_end(text);
}

Outputs RunDirectory::collect_outputs() const {
    Outputs outputs;
    const int fd = open(output_path().c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0) {
        int visited = 0;
        list_files(fd, "", 0, visited, outputs);
        return outputs;
    }
    if (is_shortage(errno)) fail("cannot read " + output_path());
    // One that we may not read is of no interest when it is empty.
    outputs.any = rmdir(output_path().c_str()) != 0 && errno != ENOENT && errno != ENOTDIR;
    return outputs;
}

bool RunDirectory::has_log() const {
    struct stat status {};
    return lstat(log_path().c_str(), &status) == 0 && status.st_size > 0;
}

void RunDirectory::announce() const {
    const std::string target = ".." + path_.substr(path_.rfind('/', path_.rfind('/') - 1));
    if (symlink(target.c_str(), kept_path().c_str()) != 0 && errno != EEXIST) {
        spdlog::warn("event=keep_failed path={} reason={}", quoted(kept_path()), quoted(std::strerror(errno)));
    }
}

void RunDirectory::tidy(Remover& remover, bool keep_outputs) const {
    if (!made_) return;
    // First, so that no later executor takes this run over.
    unlink(join(path_, rundir::launch_file).c_str());
    const bool keep_log = has_log();
    if (!keep_outputs && !keep_log) {
        for (const char* name : {rundir::script_file, rundir::payload_file, rundir::result_file, rundir::progress_file,
                                 rundir::status_file, rundir::end_file, rundir::log_file, rundir::index_file}) {
            unlink(join(path_, name).c_str());
        }
        (void)rmdir(output_path().c_str());
        if (rmdir(job_path().c_str()) != 0 || (rmdir(path_.c_str()) != 0 && errno != ENOENT)) remover.remove(path_);
        return;
    }
    std::string place = kept_path();
    (void)unlink(place.c_str()); // what announce() made
    if (rename(path_.c_str(), place.c_str()) != 0) {
        spdlog::warn("event=keep_failed path={} reason={}", quoted(place), quoted(std::strerror(errno)));
        place = path_;
    }
    std::vector<std::string> keep;
    if (keep_log) keep.emplace_back(rundir::log_file);
    if (keep_outputs) {
        keep.emplace_back(rundir::job_dir);
        remover.remove(join(place, rundir::job_dir), {"out"});
    }
    remover.remove(place, std::move(keep));
}

} // namespace rcq::executor
