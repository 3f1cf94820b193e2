// The directory of one run: script, payload, result, pid file, log, out/. Made before the start, emptied after the end
// is answered.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace rcq::executor {

class Remover;

struct OutputFile {
    std::string name; // relative to the output directory
    std::int64_t bytes = 0;
};

struct Outputs {
    bool any = false; // the output directory holds something
    std::vector<OutputFile> files;
};

class RunDirectory {
public:
    // Makes nothing yet.
    RunDirectory(const std::string& runs_dir, std::int64_t job_id, std::int64_t attempt, std::int64_t token);

    // Throws std::system_error that names the path.
    void create(std::string_view script, const std::optional<std::string>& payload);

    // Records who runs here, so that a successor of a crashed executor finds it.
    void write_pid(pid_t pid, std::uint64_t start_ticks, const std::string& boot) const;

    // Removes the output directory when it is empty, else lists at most 100 regular files of it.
    [[nodiscard]] Outputs collect_outputs() const;

    // Removes everything but a log and outputs that are there; the directory too when neither is. Nothing when this
    // object did not make the directory.
    void tidy(Remover& remover, bool keep_outputs, bool keep_log) const;

    [[nodiscard]] const std::string& path() const { return path_; }
    [[nodiscard]] std::string script_path() const { return path_ + "/script"; }
    [[nodiscard]] std::string payload_path() const { return path_ + "/payload"; }
    [[nodiscard]] std::string result_path() const { return path_ + "/result"; }
    [[nodiscard]] std::string pid_path() const { return path_ + "/pid"; }
    [[nodiscard]] std::string log_path() const { return path_ + "/log"; }
    [[nodiscard]] std::string output_path() const { return path_ + "/out"; }

private:
    std::string path_;
    bool made_ = false;
};

// A script that begins with #! is executed itself.
inline bool has_interpreter_line(std::string_view script) { return script.starts_with("#!"); }

} // namespace rcq::executor
