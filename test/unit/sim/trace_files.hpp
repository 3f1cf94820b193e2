// Trace files for tests, removed at the end of each.
#pragma once
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <string>

namespace rcq::sim {

class TraceFiles : public ::testing::Test {
protected:
    TraceFiles() {
        std::string name = (std::filesystem::temp_directory_path() / "rcq-sim-XXXXXX").string();
        if (!mkdtemp(name.data())) throw std::runtime_error("cannot make a folder for the test");
        folder_ = name;
    }
    ~TraceFiles() override { std::filesystem::remove_all(folder_); }

    std::string path(const std::string& name) const { return (folder_ / name).string(); }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(path(name), std::ios::binary) << text;
        return path(name);
    }

private:
    std::filesystem::path folder_;
};

} // namespace rcq::sim
