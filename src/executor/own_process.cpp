#include "executor/own_process.hpp"

#include <algorithm>
#include <climits>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {

namespace {

constexpr rlim_t most_files = 1 << 20;

rlim_t inherited_files = 0; // the soft limit at the start; 0: not raised
rlim_t raised_files = 0;

void set_soft_limit(rlim_t soft) {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = std::min(soft, limit.rlim_max);
    (void)setrlimit(RLIMIT_NOFILE, &limit);
}

void raise_file_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= std::min(limit.rlim_max, most_files)) return;
    inherited_files = limit.rlim_cur;
    raised_files = std::min(limit.rlim_max, most_files);
    set_soft_limit(raised_files);
}

} // namespace

InheritedFileLimit::InheritedFileLimit() {
    if (inherited_files > 0) set_soft_limit(inherited_files);
}

InheritedFileLimit::~InheritedFileLimit() {
    if (inherited_files > 0) set_soft_limit(raised_files);
}

void prepare_process() {
    raise_file_limit();
    prctl(PR_SET_DUMPABLE, 0);
    for (int fd = 0; fd <= 2; ++fd) {
        if (fcntl(fd, F_GETFD) == -1) (void)open("/dev/null", O_RDWR);
    }
    (void)close_range(3, UINT_MAX, CLOSE_RANGE_CLOEXEC);
    umask(077);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGHUP, SIG_IGN);
}

} // namespace rcq::executor
