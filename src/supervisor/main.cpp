// rcq-supervisor: runs one job and outlives the executor that started it. Started with the open, locked directory of
// the run at descriptor 3 (src/rundir/paths.hpp); or with --nursery, to fork such processes (src/rundir/nursery.hpp).
#include "protocol/words.hpp"
#include "rundir/nursery.hpp"
#include "rundir/paths.hpp"
#include "rundir/status.hpp"
#include "supervisor/nursery.hpp"
#include "supervisor/run_files.hpp"
#include "supervisor/signals.hpp"
#include "supervisor/supervision.hpp"

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <malloc.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

// Instead of the library's, which names the exception and needs a demangler and formatted output for that.
namespace __gnu_cxx { // NOLINT: the name under which the library looks for it
void __verbose_terminate_handler() { std::abort(); }
} // namespace __gnu_cxx

namespace {

using rcq::rundir::directory_fd;

int complain(const char* what) {
    (void)std::fprintf(stderr, "rcq-supervisor: %s: %s\n", what, std::strerror(errno));
    return 1;
}

bool is_directory(int fd) {
    struct stat status {};
    if (fstat(fd, &status) != 0) return false;
    errno = ENOTDIR;
    return S_ISDIR(status.st_mode);
}

// Nothing of the executor's stays but descriptor 3 and a place for complaints.
void leave_executor() {
    static_assert(directory_fd == rcq::rundir::nursery_fd);
    prctl(PR_SET_DUMPABLE, 0);
    setsid();
    umask(077);
    (void)fcntl(directory_fd, F_SETFD, FD_CLOEXEC);
    (void)close_range(directory_fd + 1, UINT_MAX, 0);
    for (int fd = 0; fd <= 2; ++fd) {
        if (fcntl(fd, F_GETFD) == -1) (void)open("/dev/null", O_RDWR);
    }
}

// Not inherited: each supervisor has its own tree of processes, in a session of its own.
void stand_alone() {
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    setsid();
}

rcq::rundir::End supervise(int signals) {
    try {
        return rcq::supervisor::Supervision(directory_fd, rcq::supervisor::read_launch(directory_fd), signals).run();
    } catch (const rcq::rundir::LaunchError& error) {
        rcq::rundir::End end;
        end.kind = rcq::protocol::run_end::spawn_error;
        end.message = error.what();
        end.ended_ms = rcq::rundir::boottime_ms();
        end.boot = rcq::rundir::boot_id();
        return end;
    }
}

} // namespace

int main(int argc, char** argv) {
    // What is freed goes back to the system: this program waits most of its life.
    mallopt(M_MMAP_THRESHOLD, 32 << 10);
    mallopt(M_TRIM_THRESHOLD, 32 << 10);
    const bool nursery = argc == 2 && std::strcmp(argv[1], rcq::rundir::nursery_argument) == 0;
    if (!nursery && !is_directory(directory_fd)) {
        return complain("started by rcq-executor only: descriptor 3 is no directory of a run");
    }
    leave_executor();
    if (nursery && (chdir("/") != 0 || !rcq::supervisor::nurse())) return 0;
    if (fchdir(directory_fd) != 0) return complain("cannot enter the run's directory");
    stand_alone();
    const int signals = rcq::supervisor::open_signals();
    if (signals < 0) return complain("cannot receive signals");
    const bool told = rcq::supervisor::write_end(directory_fd, supervise(signals));
    _exit(told ? 0 : complain("cannot write the run's end")); // nothing is left to tidy up
}
