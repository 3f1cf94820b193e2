#include "executor/slurm_record.hpp"

#include "rundir/paths.hpp"

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>

namespace rcq::executor {

namespace {

// $1: directory of the run; $2: rcq-supervisor. Everything after the first line that fails would be a second start.
constexpr std::string_view batch_script = R"(#!/bin/sh
exec 3<"$1" 2>>"$1/slurm.log" || exit 1
mkdir "$1/started" || exit 1
exec "$2"
)";

constexpr std::size_t most_bytes = 64U << 10;

[[noreturn]] void fail(const std::string& path) {
    throw std::system_error(errno, std::generic_category(), "cannot write \"" + path + "\"");
}

void write_file(const std::string& path, std::string_view text, mode_t mode) {
    const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    if (fd < 0) fail(path);
    const ssize_t written = write(fd, text.data(), text.size());
    const bool stored = written == static_cast<ssize_t>(text.size()) && fsync(fd) == 0;
    const int error = written < 0 || stored ? errno : ENOSPC;
    if (close(fd) != 0 && stored) fail(path); // NFS may tell of a full disk only here
    if (stored) return;
    errno = error;
    fail(path);
}

void replace_file(const std::string& draft, const std::string& path, std::string_view text, mode_t mode = 0600) {
    write_file(draft, text, mode);
    if (rename(draft.c_str(), path.c_str()) != 0) fail(path);
}

std::optional<std::string> read_file(const std::string& path) {
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return std::nullopt;
    std::string text(most_bytes, '\0');
    const ssize_t got = read(fd, text.data(), text.size());
    close(fd);
    if (got < 0) return std::nullopt;
    text.resize(static_cast<std::size_t>(got));
    return text;
}

} // namespace

void write_batch_script(const std::string& run_path) {
    const std::string path = run_path + "/" + slurm_script_file;
    replace_file(path + ".tmp", path, batch_script, 0700);
}

void write_slurm_job(const std::string& run_path, std::int64_t id) {
    const std::string path = run_path + "/" + slurm_job_file;
    replace_file(path + ".tmp", path, std::to_string(id) + "\n");
}

void write_run_end(const std::string& run_path, const rundir::End& end) {
    // A draft of our own: the supervisor may be writing its one.
    replace_file(run_path + "/slurm-end.tmp", run_path + "/" + rundir::end_file, rundir::encode(end));
}

bool take_start(const std::string& run_path) {
    const std::string path = run_path + "/" + slurm_start_dir;
    if (mkdir(path.c_str(), 0700) == 0) return true;
    if (errno != EEXIST) fail(path);
    return false;
}

std::optional<std::int64_t> read_slurm_job(const std::string& run_path) {
    const std::optional<std::string> text = read_file(run_path + "/" + slurm_job_file);
    std::int64_t id = 0;
    if (!text || std::from_chars(text->data(), text->data() + text->size(), id).ec != std::errc() || id <= 0) {
        return std::nullopt;
    }
    return id;
}

std::optional<rundir::End> read_run_end(const std::string& run_path) {
    const std::optional<std::string> text = read_file(run_path + "/" + rundir::end_file);
    return text ? rundir::decode_end(*text) : std::nullopt;
}

std::string read_slurm_log(const std::string& run_path) {
    const std::string text = read_file(run_path + "/" + slurm_log_file).value_or("");
    return text.substr(0, text.find('\n'));
}

} // namespace rcq::executor
