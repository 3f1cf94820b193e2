// This process itself.
#pragma once

namespace rcq::executor {

// Not dumpable, stdio open, nothing inherited by children, umask 077. Call first in main, before secrets are read.
void prepare_process();

} // namespace rcq::executor
