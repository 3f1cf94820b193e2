// rcq-job: what a job says of itself. It writes the files that RCQ_PROGRESS and RCQ_RESULT name, which the executor
// reads; it knows neither the database nor the executor.
#include "rundir/progress.hpp"
#include "rundir/replace_file.hpp"
#include "rundir/result.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace {

using namespace rcq;

constexpr int not_written = 1;
constexpr int mistake = 2;

constexpr const char* usage = R"(Usage: rcq-job progress PERCENT [MESSAGE]
       rcq-job result JSON | -
       rcq-job --help | --version

For use inside a job of rcq.
  progress  says how far the job is: a whole number from 0 to 100 and, if you like, one line of text of at most 1000
            bytes. It shows in rcq.jobs within a second or two, until the job says something else or ends.
  result    leaves a JSON value, of at most 64 MiB, as the result of the job, which is stored when the job ends with exit
            code 0; -: it is read from standard input. A later one takes its place.

Exit codes: 0 done, 1 it could not be written, 2 called wrongly, with something wrong, or outside a job.
)";

class Mistake : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

std::string variable(const char* name) {
    const char* value = std::getenv(name); // NOLINT(concurrency-mt-unsafe): one thread
    if (value == nullptr || *value == '\0') {
        throw Mistake(std::string(name) + " is not set: this program is for use inside a job that rcq-executor runs");
    }
    return value;
}

void write(const char* name, std::string_view content) {
    const std::string path = variable(name);
    try {
        rundir::replace_file(path, content);
    } catch (const std::system_error& error) {
        const int number = error.code().value();
        if (number != ENOENT && number != ENOTDIR) throw;
        throw Mistake("there is no directory for " + path + ", which " + name + " names: is the run over?");
    }
}

int percent_of(std::string_view text) {
    int percent = -1;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
    if (error != std::errc{} || end != text.data() + text.size() || percent < 0 || percent > 100) {
        throw Mistake("PERCENT is a whole number from 0 to 100, not \"" + std::string(text.substr(0, 100)) + "\"");
    }
    return percent;
}

void progress(const std::vector<std::string_view>& arguments) {
    if (arguments.empty()) throw Mistake("progress wants PERCENT");
    if (arguments.size() > 2) throw Mistake("progress wants one MESSAGE: put it into quotes");
    rundir::Progress said{percent_of(arguments[0]), std::string(arguments.size() == 2 ? arguments[1] : "")};
    if (said.message.size() > rundir::longest_progress_message) {
        throw Mistake("MESSAGE has " + std::to_string(said.message.size()) + " bytes, at most 1000 are stored");
    }
    std::replace(said.message.begin(), said.message.end(), '\n', ' ');
    write("RCQ_PROGRESS", rundir::encode(said));
}

std::string read_standard_input() {
    std::string text;
    std::array<char, 64 << 10> buffer;
    for (;;) {
        const ssize_t size = read(STDIN_FILENO, buffer.data(), buffer.size());
        if (size < 0 && errno == EINTR) continue;
        if (size < 0) throw Mistake(std::string("cannot read standard input: ") + std::strerror(errno));
        if (size == 0) return text;
        text.append(buffer.data(), static_cast<std::size_t>(size));
        if (text.size() > static_cast<std::size_t>(rundir::max_result_bytes)) return text;
    }
}

void result(const std::vector<std::string_view>& arguments) {
    if (arguments.size() != 1) throw Mistake("result wants one JSON value: put it into quotes, or - to read it");
    (void)variable("RCQ_RESULT"); // before anything is waited for
    const std::string text = arguments[0] == "-" ? read_standard_input() : std::string(arguments[0]);
    if (text.size() > static_cast<std::size_t>(rundir::max_result_bytes)) {
        throw Mistake("the result has more than 64 MiB: put it into $RCQ_OUTPUT_DIR");
    }
    if (const std::string fault = rundir::result_fault(text); !fault.empty()) throw Mistake("the result " + fault);
    write("RCQ_RESULT", text);
}

int run(const std::vector<std::string_view>& arguments) {
    if (arguments.empty()) throw Mistake("say what: progress or result");
    const std::string_view command = arguments[0];
    if (command == "--help" || command == "-h") return std::fputs(usage, stdout) < 0 ? not_written : 0;
    if (command == "--version") return std::puts("rcq-job " RCQ_VERSION) < 0 ? not_written : 0;
    const std::vector<std::string_view> rest(arguments.begin() + 1, arguments.end());
    if (command == "progress") {
        progress(rest);
    } else if (command == "result") {
        result(rest);
    } else {
        throw Mistake("there is no \"" + std::string(command.substr(0, 100)) + "\": say progress or result");
    }
    return 0;
}

int complain(const std::string& what, const char* more, int code) {
    (void)std::fputs(("rcq-job: " + what + more + "\n").c_str(), stderr);
    return code;
}

} // namespace

int main(int argc, char** argv) {
    try {
        const int code = run({argv + std::min(argc, 1), argv + argc});
        return std::fflush(stdout) == 0 ? code : not_written;
    } catch (const Mistake& error) {
        return complain(error.what(), "\nTry rcq-job --help", mistake);
    } catch (const std::exception& error) {
        return complain(error.what(), "", not_written);
    }
}
