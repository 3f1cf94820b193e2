// The least that a run costs on this machine: for each of COUNT runs of /bin/true a directory with what a supervisor
// needs, a supervisor with its two pipes, a shell, the program; at most AT_ONCE at the same time. No database, no
// executor. Prints runs per second.
//   run_loop_bench DIRECTORY SUPERVISOR COUNT AT_ONCE
#include "rundir/launch.hpp"
#include "rundir/paths.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <fcntl.h>
#include <spawn.h>
#include <stdexcept>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace rcq;

void check(bool fine, const std::string& what) {
    if (!fine) throw std::runtime_error("cannot " + what);
}

void write_file(const std::string& path, const std::string& content) {
    int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    check(fd >= 0 && write(fd, content.data(), content.size()) == static_cast<ssize_t>(content.size()),
          "write " + path);
    close(fd);
}

void start(const std::string& top, const char* supervisor, int number) {
    const std::string path = top + "/" + std::to_string(number);
    for (const char* part : {"", rundir::job_dir, rundir::output_dir}) {
        const std::string directory = path + "/" + part;
        check(mkdir(directory.c_str(), 0700) == 0, "make " + directory);
    }
    const int directory = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(directory >= 0 && flock(directory, LOCK_EX | LOCK_NB) == 0, "lock " + path);
    write_file(path + "/" + rundir::script_file, "/bin/true\n");
    rundir::Launch launch;
    launch.job_id = launch.token = number + 1;
    launch.arguments = {"/bin/sh", path + "/" + rundir::script_file};
    launch.environment = {"PATH=/usr/bin:/bin"};
    launch.workdir = path + "/" + rundir::job_dir;
    write_file(path + "/" + rundir::launch_file, rundir::encode(launch));

    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, directory, rundir::directory_fd);
    char* const arguments[] = {const_cast<char*>(supervisor), nullptr};
    char* const environment[] = {nullptr};
    pid_t pid = 0;
    check(posix_spawn(&pid, supervisor, &actions, nullptr, arguments, environment) == 0, "start a supervisor");
    posix_spawn_file_actions_destroy(&actions);
    close(directory);
}

double now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("usage: run_loop_bench DIRECTORY SUPERVISOR COUNT AT_ONCE\n", stderr);
        return 2;
    }
    const int count = std::atoi(argv[3]);
    const int at_once = std::atoi(argv[4]);
    try {
        const double begin = now();
        int alive = 0;
        for (int number = 0; number < count; ++number) {
            if (alive == at_once) {
                check(wait(nullptr) > 0, "wait");
                --alive;
            }
            start(argv[1], argv[2], number);
            ++alive;
        }
        while (alive-- > 0) check(wait(nullptr) > 0, "wait");
        std::printf("%.1f\n", count / (now() - begin));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "run_loop_bench: %s\n", error.what());
        return 1;
    }
    return 0;
}
