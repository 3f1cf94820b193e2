#include "supervisor/nursery.hpp"

#include "rundir/nursery.hpp"
#include "rundir/paths.hpp"
#include "rundir/status.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

namespace rcq::supervisor {

namespace {

using rundir::nursery_fd;

// The directory that came with a request, -1: the executor is gone. A request without one is answered EBADF.
int next_request(rundir::NurseryRequest& request) {
    for (;;) {
        iovec content{&request, sizeof request};
        alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
        msghdr message{};
        message.msg_iov = &content;
        message.msg_iovlen = 1;
        message.msg_control = control.data();
        message.msg_controllen = control.size();
        const ssize_t size = recvmsg(nursery_fd, &message, MSG_CMSG_CLOEXEC);
        if (size < 0 && errno == EINTR) continue;
        if (size != static_cast<ssize_t>(sizeof request)) return -1;
        const cmsghdr* header = CMSG_FIRSTHDR(&message);
        int directory = -1;
        if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
            std::memcpy(&directory, CMSG_DATA(header), sizeof directory);
            return directory;
        }
        const rundir::NurseryAnswer answer{request.token, 0, EBADF};
        (void)send(nursery_fd, &answer, sizeof answer, MSG_NOSIGNAL);
    }
}

} // namespace

bool nurse() {
    (void)rundir::boot_id(); // for all of them
    rundir::NurseryRequest request;
    for (int directory = -1; (directory = next_request(request)) >= 0;) {
        // A sibling, not a child: it is for the executor to wait for it.
        const auto pid = static_cast<pid_t>(syscall(SYS_clone, CLONE_PARENT | SIGCHLD, nullptr, nullptr, nullptr, 0));
        if (pid == 0) {
            static_assert(rundir::directory_fd == nursery_fd, "takes the place of the socket");
            if (dup3(directory, rundir::directory_fd, O_CLOEXEC) < 0) _exit(1);
            close(directory);
            return true;
        }
        const rundir::NurseryAnswer answer{request.token, pid > 0 ? pid : 0, pid > 0 ? 0 : errno};
        close(directory);
        (void)send(nursery_fd, &answer, sizeof answer, MSG_NOSIGNAL);
    }
    return false;
}

} // namespace rcq::supervisor
