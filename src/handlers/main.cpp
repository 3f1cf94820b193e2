// rcq-handler TYPE: runs one of the reference types as a job: the payload from the file that RCQ_PAYLOAD names, the
// result into the one that RCQ_RESULT names.
#include "handlers/handler.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <system_error>

namespace {

using namespace rcq::handlers;

struct Handler {
    std::string_view type;
    std::function<json(const json&)> run;
};

constexpr const char* usage = "Usage: rcq-handler TYPE\n"
                              "Runs a job of type add_numbers, reverse_string, resize_image or large_array_sum: reads "
                              "the JSON of its payload from\n"
                              "the file $RCQ_PAYLOAD and writes that of its result into the file $RCQ_RESULT. "
                              "large_array_sum uses $RCQ_CPU_CORES\n"
                              "threads.\n"
                              "Exit codes: 0 done, 1 the payload cannot be worked on, 2 called wrongly.\n";

class UsageError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

std::string variable(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): before any thread
    if (value == nullptr || *value == '\0') {
        throw UsageError(std::string(name) + " is not set: this program is run by rcq-executor, as a job");
    }
    return value;
}

int granted_cores() { return std::atoi(variable("RCQ_CPU_CORES").c_str()); }

json read_payload(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::system_error(errno, std::generic_category(), "cannot read " + path);
    json payload = json::parse(std::string(std::istreambuf_iterator<char>(file), {}), nullptr, false);
    if (payload.is_discarded()) throw HandlerError("the payload is not JSON");
    return payload;
}

void write_result(const std::string& path, const json& result) {
    std::ofstream file(path, std::ios::binary | std::ios::trunc);
    file << result.dump() << '\n';
    file.close();
    if (!file) throw std::system_error(errno, std::generic_category(), "cannot write " + path);
}

int run(int argc, char** argv) {
    const std::vector<Handler> handlers = {
        {"add_numbers", add_numbers},
        {"reverse_string", reverse_string},
        {"resize_image", resize_image},
        {"large_array_sum", [](const json& payload) { return large_array_sum(payload, granted_cores()); }}};
    const std::string_view type = argc == 2 ? argv[1] : "";
    if (type == "--help") return std::fputs(usage, stdout) < 0 ? 1 : 0;
    const auto handler =
        std::find_if(handlers.begin(), handlers.end(), [&](const Handler& h) { return h.type == type; });
    if (handler == handlers.end()) {
        throw UsageError(argc == 2 ? "there is no type \"" + std::string(type) + "\"" : "name one type");
    }
    const std::string result_path = variable("RCQ_RESULT");
    write_result(result_path, handler->run(read_payload(variable("RCQ_PAYLOAD"))));
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const UsageError& error) {
        std::fputs(("rcq-handler: " + std::string(error.what()) + "\nTry rcq-handler --help\n").c_str(), stderr);
        return 2;
    } catch (const std::exception& error) {
        std::fputs(("rcq-handler: " + std::string(error.what()) + "\n").c_str(), stderr);
        return 1;
    }
}
