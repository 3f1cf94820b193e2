// A directory for the files of one test.
#pragma once
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace rcq::executor {

class TemporaryDirectory {
public:
    TemporaryDirectory() {
        if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp");
    }
    ~TemporaryDirectory() { std::filesystem::remove_all(path_); }
    TemporaryDirectory(const TemporaryDirectory&) = delete;
    TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

    // The path of a file with this text, in directories that are made.
    [[nodiscard]] std::string file(const std::string& name, const std::string& text, unsigned mode = 0644) const {
        std::filesystem::path path = std::filesystem::path(path_) / name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path) << text;
        std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
        return path.string();
    }
    // A shell script.
    [[nodiscard]] std::string program(const std::string& name, const std::string& text) const {
        return file(name, "#!/bin/sh\n" + text + "\n", 0755);
    }

private:
    std::string path_ = (std::filesystem::temp_directory_path() / "rcq-test-XXXXXX").string();
};

} // namespace rcq::executor
