// The file `progress`, which jobs write: nothing, or plain text of bounded length that can be written and read again
// unchanged.
#include "fuzz.hpp"
#include "rundir/progress.hpp"

#include <algorithm>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace rcq::rundir;
    if (const auto progress = decode_progress(rcq::fuzz::text(data, size))) {
        rcq::fuzz::require(progress->percent >= 0 && progress->percent <= 100);
        rcq::fuzz::require(progress->message.size() <= longest_progress_message);
        rcq::fuzz::require(std::none_of(progress->message.begin(), progress->message.end(),
                                        [](unsigned char byte) { return byte < 0x20 || byte == 0x7f; }));
        rcq::fuzz::require(decode_progress(encode(*progress)) == progress);
    }
    return 0;
}
