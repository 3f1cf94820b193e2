// The file `end`: nothing, or what can be written and read again unchanged.
#include "fuzz.hpp"
#include "rundir/end.hpp"

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace rcq::rundir;
    if (const auto end = decode_end(rcq::fuzz::text(data, size))) {
        const std::string written = encode(*end);
        const auto again = decode_end(written);
        rcq::fuzz::require(again && encode(*again) == written);
    }
    return 0;
}
