// Who may read a file besides this process's user.
#pragma once
#include <sys/types.h>

namespace rcq::supervisor {

// Lets this user read the open file, and nobody else: neither own it, which would let them write, nor by its group,
// which others may be in, but by an access list. A file system without these keeps the file private.
void let_read(int fd, uid_t user);

} // namespace rcq::supervisor
