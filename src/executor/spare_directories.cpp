#include "executor/spare_directories.hpp"

#include "executor/random.hpp"
#include "executor/remover.hpp"
#include "rundir/paths.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr off_t largest_script = 64 << 10; // a larger one gives its room back

class Descriptor {
public:
    explicit Descriptor(int fd) : fd_(fd) {}
    ~Descriptor() {
        if (fd_ >= 0) close(fd_);
    }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    [[nodiscard]] int get() const { return fd_; }

private:
    int fd_;
};

// Whether a directory holds nothing but `names`, and all of them.
template <std::size_t count> bool holds_just(int fd, const std::array<std::string_view, count>& names) {
    alignas(dirent64) std::array<char, 1024> buffer;
    std::size_t found = 0;
    for (ssize_t size = 0; (size = getdents64(fd, buffer.data(), buffer.size())) != 0;) {
        if (size < 0) return false;
        for (ssize_t at = 0; at < size;) {
            const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + at);
            at += entry->d_reclen;
            const std::string_view name = entry->d_name;
            if (name == "." || name == "..") continue;
            if (std::find(names.begin(), names.end(), name) == names.end()) return false;
            ++found;
        }
    }
    return found == count;
}

bool is_directory_of(int fd, uid_t owner) {
    struct stat status {};
    return fd >= 0 && fstat(fd, &status) == 0 && S_ISDIR(status.st_mode) && (status.st_mode & 07777) == 0700 &&
           status.st_uid == owner;
}

// With one name, so that nothing else is written with it.
bool is_file_of(int fd, uid_t owner) {
    struct stat status {};
    return fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 &&
           status.st_uid == owner && status.st_size <= largest_script;
}

int open_directory(int parent, const char* name) {
    return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
}

bool write_all(int fd, std::string_view content) {
    return write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size());
}

// The user may have put something else in its place. Nothing is cut to nothing and filled again: file systems hurry to
// write such a file to the disk.
bool write_again(const std::string& path, std::string_view content, mode_t mode, uid_t owner) {
    const Descriptor file(open(path.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat status {};
    if (!is_file_of(file.get(), owner) || fstat(file.get(), &status) != 0) return false;
    if ((status.st_mode & 07777) != mode && fchmod(file.get(), mode) != 0) return false;
    const auto size = static_cast<off_t>(content.size());
    return write_all(file.get(), content) && (status.st_size <= size || ftruncate(file.get(), size) == 0);
}

bool write_new(const std::string& path, std::string_view content, const Account* account) {
    const Descriptor file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    return file.get() >= 0 && write_all(file.get(), content) &&
           (account == nullptr || fchown(file.get(), account->uid, account->gid) == 0);
}

} // namespace

SpareDirectories::SpareDirectories(std::string directory, std::size_t most, Remover& remover)
    : directory_(std::move(directory)), most_(most), remover_(remover),
      name_(directory_ + "/" + std::to_string(random_positive()) + "-") {
    std::unique_ptr<DIR, int (*)(DIR*)> left(opendir(directory_.c_str()), closedir);
    if (!left) return;
    while (const dirent* entry = readdir(left.get())) { // NOLINT(concurrency-mt-unsafe): one thread
        if (entry->d_name[0] != '.') remover_.remove(directory_ + "/" + entry->d_name);
    }
}

bool SpareDirectories::put(const std::string& path, uid_t owner) {
    constexpr std::array<std::string_view, 4> of_run{rundir::job_dir, rundir::launch_file, rundir::status_file,
                                                     rundir::end_file};
    constexpr std::array<std::string_view, 2> of_job{"script", "out"};
    if (count_ >= most_) return false;
    const Descriptor run(open_directory(AT_FDCWD, path.c_str()));
    if (run.get() < 0 || !holds_just(run.get(), of_run)) return false;
    (void)unlinkat(run.get(), rundir::payload_file, 0);
    (void)unlinkat(run.get(), rundir::result_file, 0);
    (void)unlinkat(run.get(), rundir::progress_file, 0);
    const Descriptor job(open_directory(run.get(), rundir::job_dir));
    const Descriptor out(open_directory(run.get(), rundir::output_dir));
    if (!is_directory_of(job.get(), owner) || !is_directory_of(out.get(), owner)) return false;
    if (!holds_just(job.get(), of_job) || !holds_just(out.get(), std::array<std::string_view, 0>{})) return false;
    const Descriptor script(openat(run.get(), rundir::script_file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (!is_file_of(script.get(), owner)) return false;
    // First, so that no later executor takes this run over: what is left cannot be decoded.
    const Descriptor launch(openat(run.get(), rundir::launch_file, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    constexpr char nothing = '\0';
    if (launch.get() < 0 || !write_all(launch.get(), std::string_view(&nothing, 1))) return false;
    if (renameat(run.get(), rundir::end_file, run.get(), rundir::end_draft) != 0) return false;
    std::string spare = name_ + std::to_string(++last_);
    if (rename(path.c_str(), spare.c_str()) != 0) return false;
    by_owner_[owner].push_back(std::move(spare));
    ++count_;
    return true;
}

bool SpareDirectories::take(const std::string& path, std::string_view script, mode_t script_mode,
                            const std::optional<std::string>& payload, const Account* account) {
    const uid_t owner = account == nullptr ? geteuid() : account->uid;
    auto spares = by_owner_.find(owner);
    if (spares == by_owner_.end()) return false;
    while (!spares->second.empty()) {
        const std::string spare = std::move(spares->second.back());
        spares->second.pop_back();
        --count_;
        if (write_again(spare + "/" + rundir::script_file, script, script_mode, owner) &&
            (!payload || write_new(spare + "/" + rundir::payload_file, *payload, account)) &&
            rename(spare.c_str(), path.c_str()) == 0) {
            return true;
        }
        remover_.remove(spare);
    }
    by_owner_.erase(spares);
    return false;
}

void SpareDirectories::clear() {
    for (auto& [owner, spares] : by_owner_) {
        for (std::string& spare : spares) remover_.remove(std::move(spare));
    }
    by_owner_.clear();
    count_ = 0;
}

} // namespace rcq::executor
