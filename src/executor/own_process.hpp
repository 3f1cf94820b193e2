// This process itself.
#pragma once

namespace rcq::executor {

// Not dumpable, stdio open, nothing inherited by children, umask 077, and as many descriptors as the host allows: too
// few would hide which runs live. Call first in main, before secrets are read.
void prepare_process();

// While it lives, a child gets the soft limit of open files that this process was started with.
class InheritedFileLimit {
public:
    InheritedFileLimit();
    ~InheritedFileLimit();
    InheritedFileLimit(const InheritedFileLimit&) = delete;
    InheritedFileLimit& operator=(const InheritedFileLimit&) = delete;
};

} // namespace rcq::executor
