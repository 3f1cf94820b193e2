// Command lines, an argument a line: a mistake that is named, or options within their bounds.
#include "executor/options.hpp"
#include "fuzz.hpp"

#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace rcq::executor;
    std::vector<std::string> arguments = {"rcq-executor"};
    for (std::string_view rest = rcq::fuzz::text(data, size); !rest.empty();) {
        const std::size_t end = std::min(rest.find('\n'), rest.size());
        arguments.emplace_back(rest.substr(0, rest.substr(0, end).find('\0')));
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    try {
        const Options options = parse_options(static_cast<int>(argv.size()), argv.data());
        rcq::fuzz::require(options.capacity.cpu_cores >= 1 && options.capacity.memory_mib >= 1);
        rcq::fuzz::require(options.state_dir.starts_with('/') && !options.hostname.empty());
        describe_registration(options);
    } catch (const OptionsExit&) {
    }
    hide_password_in_arguments(static_cast<int>(argv.size()), argv.data());
    return 0;
}
