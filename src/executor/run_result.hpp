// The result of a run: the JSON that it left in the file which RCQ_RESULT names.
#pragma once
#include <cstdint>
#include <string>
#include <sys/types.h>

namespace rcq::executor {

struct ResultCheck {
    std::int64_t bytes = 0; // of a result that can be reported; 0: there is none
    std::string fault;      // why what is there cannot be reported; empty: no fault
};

// Whether the file holds one JSON value that the server can store (rundir/result.hpp), of at most max_result_bytes. No
// file is no fault; a link, or a file of another owner, is.
// Throws std::system_error when it cannot be read now (is_shortage).
ResultCheck check_result(const std::string& path, uid_t owner);

// The content of the file, which is looked at again: whoever wrote it may have changed it since. Throws
// std::runtime_error when it cannot be reported.
std::string read_result(const std::string& path, uid_t owner);

} // namespace rcq::executor
