#include "executor/run_directory.hpp"

#include "executor/logging.hpp"
#include "executor/remover.hpp"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace rcq::executor {

namespace {

[[noreturn]] void fail(const std::string& what) { throw std::system_error(errno, std::generic_category(), what); }

void write_file(const std::string& path, std::string_view content, mode_t mode) {
    int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) fail("cannot create " + path);
    while (!content.empty()) {
        ssize_t written = write(fd, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            int error = errno;
            close(fd);
            errno = error;
            fail("cannot write " + path);
        }
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    close(fd);
}

} // namespace

RunDirectory::RunDirectory(const std::string& runs_dir, std::int64_t job_id, std::int64_t attempt, std::int64_t token)
    : path_(runs_dir + "/" + std::to_string(job_id) + "-" + std::to_string(attempt) + "-" + std::to_string(token)) {}

void RunDirectory::create(std::string_view script, const std::optional<std::string>& payload) {
    if (mkdir(path_.c_str(), 0700) != 0) fail("cannot create " + path_);
    made_ = true;
    if (mkdir(output_path().c_str(), 0700) != 0) fail("cannot create " + output_path());
    write_file(script_path(), script, has_interpreter_line(script) ? 0700 : 0600);
    if (payload) write_file(payload_path(), *payload, 0600);
}

void RunDirectory::write_pid(pid_t pid, std::uint64_t start_ticks, const std::string& boot) const {
    try {
        write_file(pid_path(), std::to_string(pid) + " " + std::to_string(start_ticks) + " " + boot + "\n", 0600);
    } catch (const std::system_error& error) {
        spdlog::warn("event=pid_file_failed reason={}", quoted(error.what()));
    }
}

Outputs RunDirectory::collect_outputs() const {
    namespace fs = std::filesystem;
    Outputs outputs;
    const std::string top = output_path();
    if (rmdir(top.c_str()) == 0 || (errno != ENOTEMPTY && errno != EEXIST)) return outputs;
    outputs.any = true;
    std::error_code error;
    int visited = 0;
    for (auto at = fs::recursive_directory_iterator(top, fs::directory_options::skip_permission_denied, error);
         !error && at != fs::recursive_directory_iterator() && outputs.files.size() < 100 && ++visited <= 1000;
         at.increment(error)) {
        struct stat status {};
        if (lstat(at->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
        outputs.files.push_back({at->path().string().substr(top.size() + 1), status.st_size});
    }
    return outputs;
}

void RunDirectory::tidy(Remover& remover, bool keep_outputs, bool keep_log) const {
    if (!made_) return;
    unlink(script_path().c_str());
    unlink(payload_path().c_str());
    unlink(result_path().c_str());
    unlink(pid_path().c_str());
    if (!keep_outputs && !keep_log && (rmdir(path_.c_str()) == 0 || errno == ENOENT)) return;
    std::vector<std::string> keep;
    if (keep_outputs) keep.emplace_back("out");
    if (keep_log) keep.emplace_back("log");
    remover.remove(path_, std::move(keep));
}

} // namespace rcq::executor
