// The file `launch`: LaunchError, or what can be written and read again unchanged.
#include "fuzz.hpp"
#include "rundir/launch.hpp"

#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace rcq::rundir;
    try {
        const Launch launch = decode_launch(rcq::fuzz::text(data, size));
        rcq::fuzz::require(launch.token != 0 && !launch.arguments.empty());
        const std::string written = encode(launch);
        rcq::fuzz::require(encode(decode_launch(written)) == written);
    } catch (const LaunchError&) {
    }
    return 0;
}
