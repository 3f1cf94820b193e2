// A configuration file: a mistake that is named, or options within their bounds; and the blotting out of passwords.
#include "database/passwords.hpp"
#include "executor/options.hpp"
#include "fuzz.hpp"

#include <string>
#include <sys/mman.h>
#include <unistd.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace rcq::executor;
    // gpu-query names a program that is run at once
    if (rcq::fuzz::text(data, size).find("gpu") != std::string_view::npos) return -1;
    const int file = memfd_create("options", MFD_CLOEXEC);
    rcq::fuzz::require(file >= 0 && write(file, data, size) == static_cast<ssize_t>(size));
    const std::string path = "/proc/self/fd/" + std::to_string(file);
    const char* const argv[] = {"rcq-executor", "--config", path.c_str()};
    try {
        const Options options = parse_options(3, argv);
        rcq::fuzz::require(options.capacity.cpu_cores >= 1 && options.capacity.memory_mib >= 1);
        rcq::fuzz::require(options.state_dir.starts_with('/') && !options.hostname.empty());
        rcq::fuzz::require(options.kill_grace_s >= 0 && options.poll_s > 0 && options.max_runs >= 1);
    } catch (const OptionsExit&) {
    }
    close(file);
    std::string dsn(rcq::fuzz::text(data, size));
    char* arguments[] = {dsn.data()};
    rcq::database::hide_password_in_arguments(1, arguments);
    rcq::fuzz::require(dsn.size() == size);
    return 0;
}
