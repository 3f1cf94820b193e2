#include "executor/own_process.hpp"

#include <climits>
#include <csignal>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::executor {

void prepare_process() {
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
