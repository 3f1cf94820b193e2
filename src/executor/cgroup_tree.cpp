#include "executor/cgroup_tree.hpp"

#include "executor/logging.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr std::string_view leaf = "executor";
constexpr int deepest = 200; // cgroups in a cgroup that a job made
constexpr std::array<std::string_view, 4> wanted_controllers{"memory", "cpu", "pids", "cpuset"};

std::string read_file(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    return text.str();
}

// False, with errno.
bool write_file(const std::string& path, std::string_view text) {
    int fd = open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd < 0) return false;
    const bool done = write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
    const int error = errno;
    close(fd);
    errno = error;
    return done;
}

std::vector<std::string> words(const std::string& text) {
    std::istringstream stream(text);
    std::vector<std::string> list;
    for (std::string word; stream >> word;) list.push_back(word);
    return list;
}

[[noreturn]] void fail(const std::string& what) {
    const int error = errno;
    throw CgroupError(what + ": " + std::strerror(error), error);
}

std::string list_of(const std::vector<int>& numbers) {
    std::string text;
    for (int number : numbers) text += (text.empty() ? "" : ",") + std::to_string(number);
    return text;
}

// mountinfo writes space, tab, newline and backslash as \ooo.
std::string unescape(std::string_view text) {
    std::string plain;
    for (std::size_t at = 0; at < text.size(); ++at) {
        int code = 0;
        if (text[at] == '\\' && at + 3 < text.size() &&
            std::from_chars(text.data() + at + 1, text.data() + at + 4, code, 8).ptr == text.data() + at + 4) {
            plain += static_cast<char>(code);
            at += 3;
        } else {
            plain += text[at];
        }
    }
    return plain;
}

} // namespace

std::string own_cgroup(std::string_view cgroup, std::string_view mountinfo) {
    std::string path;
    std::istringstream lines{std::string(cgroup)};
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("0::/")) path = line.substr(3);
    }
    if (path.empty()) return {};
    std::istringstream mounts{std::string(mountinfo)};
    for (std::string line; std::getline(mounts, line);) {
        // ID PARENT DEVICE ROOT MOUNTPOINT OPTIONS [FIELDS] - TYPE SOURCE SUPER
        const auto fields = words(line);
        auto dash = std::find(fields.begin(), fields.end(), "-");
        if (fields.size() < 6 || dash == fields.end() || dash + 1 == fields.end() || *(dash + 1) != "cgroup2") continue;
        const std::string root = unescape(fields[3]);
        std::string mount = unescape(fields[4]);
        if (root == "/") return path == "/" ? mount : mount + path;
        if (path == root) return mount;
        if (path.starts_with(root + "/")) return mount + path.substr(root.size());
    }
    return {};
}

CgroupTree::CgroupTree(const std::string& mode, const std::string& owner) : run_prefix_("run-" + owner + "-") {
    if (mode == "off") return;
    const bool given = mode.starts_with('/');
    const bool strict = given || mode == "required";
    try {
        std::string base = given ? mode : own_cgroup(read_file("/proc/self/cgroup"), read_file("/proc/self/mountinfo"));
        if (base.empty()) throw CgroupError("no cgroup of version 2 is mounted on this host");
        // Started from within the leaf of an executor before this one.
        if (const std::string tail = "/" + std::string(leaf); !given && base.ends_with(tail)) {
            base.resize(base.size() - tail.size());
        }
        set_up(base);
        if (strict && !limits_memory()) {
            throw CgroupError(
                "the memory controller cannot be enabled in " + base +
                ": it must be delegated to the executor (systemd: Delegate=yes), and the cgroup must hold "
                "no other process");
        }
    } catch (const CgroupError& error) {
        if (strict) throw CgroupError("--cgroup " + mode + ": " + error.what());
        base_.clear();
        controllers_.clear();
        spdlog::debug("event=cgroup_not_used reason={}", quoted(error.what()));
    }
}

void CgroupTree::set_up(const std::string& base) {
    const std::string own = base + "/" + std::string(leaf);
    if (mkdir(own.c_str(), 0755) != 0 && errno != EEXIST) fail("cannot make " + own);
    if (!write_file(own + "/cgroup.procs", std::to_string(getpid()))) fail("cannot move into " + own);
    base_ = base;
    const auto available = words(read_file(base + "/cgroup.controllers"));
    for (std::string_view controller : wanted_controllers) {
        if (std::find(available.begin(), available.end(), controller) == available.end()) continue;
        if (write_file(base + "/cgroup.subtree_control", "+" + std::string(controller))) {
            controllers_.emplace_back(controller);
        } else {
            spdlog::warn("event=cgroup_controller_failed controller={} reason={}", controller,
                         quoted(std::strerror(errno)));
        }
    }
}

bool CgroupTree::has(std::string_view controller) const {
    return std::find(controllers_.begin(), controllers_.end(), controller) != controllers_.end();
}

std::string CgroupTree::describe() const {
    auto by = [this](std::string_view controller, const char* otherwise) {
        return has(controller) ? std::string("cgroup") : std::string(otherwise);
    };
    return "cgroup=" + (usable() ? quoted(base_) : "none") + " memory=" + by("memory", "watched") +
           " cpu=" + by("cpu", "shared") + " processes=" + by("pids", "rlimit");
}

std::string CgroupTree::make(std::int64_t token, const CgroupLimits& limits) const {
    if (!usable()) return {};
    std::string path = base_ + "/" + run_prefix_ + std::to_string(token);
    if (mkdir(path.c_str(), 0755) != 0) fail("cannot make the cgroup " + path);
    auto set = [&path](const char* file, const std::string& value) {
        if (write_file(path + "/" + file, value)) return;
        const std::string what = "cannot set " + std::string(file) + " of the cgroup " + path;
        const int error = errno;
        rmdir(path.c_str());
        errno = error;
        fail(what);
    };
    if (has("memory") && limits.memory_mib > 0) {
        set("memory.max", std::to_string(limits.memory_mib << 20));
        set("memory.oom.group", "1");
        (void)write_file(path + "/memory.swap.max", "0"); // not there without swap accounting
    }
    if (has("cpu")) set("cpu.weight", std::to_string(std::clamp(limits.cpu_cores * 100, 1, 10000)));
    if (has("pids") && limits.max_processes > 0) set("pids.max", std::to_string(limits.max_processes));
    if (has("cpuset") && !limits.cpus.empty()) set("cpuset.cpus", list_of(limits.cpus));
    return path;
}

std::vector<std::string> CgroupTree::others(const std::function<bool(std::int64_t)>& held) const {
    std::vector<std::string> paths;
    if (!usable()) return paths;
    std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(base_.c_str()), closedir);
    if (!directory) return paths;
    while (const dirent* entry = readdir(directory.get())) { // NOLINT(concurrency-mt-unsafe): one thread
        std::string_view name = entry->d_name;
        if (!name.starts_with(run_prefix_)) continue;
        name.remove_prefix(run_prefix_.size());
        std::int64_t token = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), token).ptr != name.data() + name.size()) continue;
        if (!held(token)) paths.push_back(base_ + "/" + entry->d_name);
    }
    return paths;
}

namespace {

// Before Linux 5.14 there is no cgroup.kill, which kills those below, too.
void kill_processes(const std::string& path) {
    for (const std::string& word : words(read_file(path + "/cgroup.procs"))) {
        pid_t pid = 0;
        (void)std::from_chars(word.data(), word.data() + word.size(), pid);
        if (pid > 1) (void)kill(pid, SIGKILL); // 0: in a namespace that we do not see into
    }
}

bool kill_and_remove(const std::string& path, int depth) {
    if (rmdir(path.c_str()) == 0 || errno == ENOENT) return true;
    if (depth > 0 || !write_file(path + "/cgroup.kill", "1")) kill_processes(path);
    std::vector<std::string> below;
    if (std::unique_ptr<DIR, int (*)(DIR*)> directory(opendir(path.c_str()), closedir); directory) {
        while (const dirent* entry = readdir(directory.get())) { // NOLINT(concurrency-mt-unsafe): one thread
            if (entry->d_type == DT_DIR && entry->d_name[0] != '.') below.push_back(path + "/" + entry->d_name);
        }
    }
    for (const std::string& one : below) {
        if (depth < deepest) (void)kill_and_remove(one, depth + 1);
    }
    return rmdir(path.c_str()) == 0 || errno == ENOENT;
}

} // namespace

bool kill_and_remove_cgroup(const std::string& path) { return kill_and_remove(path, 0); }

} // namespace rcq::executor
