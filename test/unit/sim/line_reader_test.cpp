#include "sim/line_reader.hpp"

#include "sim/usage_error.hpp"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <random>
#include <unistd.h>
#include <vector>
#include <zlib.h>

namespace rcq::sim {
namespace {

using testing::HasSubstr;

class Lines : public testing::Test {
protected:
    void SetUp() override { std::filesystem::create_directories(folder); }
    void TearDown() override { std::filesystem::remove_all(folder); }

    std::string plain(const std::string& content) const {
        std::string path = folder / "plain";
        std::ofstream(path, std::ios::binary) << content;
        return path;
    }
    std::string zipped(const std::string& content) const {
        std::string path = folder / "zipped";
        gzFile file = gzopen(path.c_str(), "wb");
        gzwrite(file, content.data(), static_cast<unsigned>(content.size()));
        gzclose(file);
        return path;
    }

    std::filesystem::path folder = std::filesystem::temp_directory_path() / ("rcq_lines." + std::to_string(getpid()));
};

std::vector<std::string> read(const std::string& path) {
    LineReader reader(path);
    std::vector<std::string> lines;
    for (std::string_view line; reader.next(line);) lines.emplace_back(line);
    return lines;
}

std::string complaint(const std::string& path) {
    try {
        read(path);
    } catch (const UsageError& error) {
        return error.what();
    }
    return "";
}

TEST_F(Lines, are_the_same_plain_and_compressed) {
    const std::vector<std::string> lines = {"a", "", "b\r", "c"};
    EXPECT_EQ(read(plain("a\n\nb\r\nc")), lines);
    EXPECT_EQ(read(zipped("a\n\nb\r\nc\n")), lines);
    EXPECT_TRUE(read(plain("")).empty());
}

TEST_F(Lines, longer_than_the_buffer_are_cut_and_the_next_one_is_whole) {
    const auto lines = read(zipped(std::string(1'000'000, 'x') + "\nnext\n"));
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].size(), LineReader::max_line);
    EXPECT_EQ(lines[1], "next");
}

TEST_F(Lines, of_many_buffers_come_out_as_they_went_in) {
    std::string text;
    for (int i = 0; i < 200'000; ++i) text += std::to_string(i) + "\n";
    const auto lines = read(zipped(text));
    ASSERT_EQ(lines.size(), 200'000U);
    for (std::size_t i = 0; i < lines.size(); ++i) ASSERT_EQ(lines[i], std::to_string(i));
}

TEST_F(Lines, of_a_file_that_cannot_be_read_are_an_error_that_names_it) {
    EXPECT_THAT(complaint(folder / "none"), HasSubstr((folder / "none").string() + ": No such file"));
    EXPECT_THAT(complaint(folder), HasSubstr("Is a directory"));
}

TEST_F(Lines, of_damaged_compression_are_an_error) {
    std::mt19937 random(3);
    std::string text;
    for (int i = 0; i < 20'000; ++i) text += std::to_string(random()) + "\n";
    const std::string path = zipped(text);
    const auto size = std::filesystem::file_size(path);
    std::filesystem::resize_file(path, size / 2);
    EXPECT_THAT(complaint(path), HasSubstr("damaged or cut short"));

    std::fstream file(zipped(text), std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(static_cast<std::streamoff>(size / 2));
    file << "not what was here";
    file.close();
    EXPECT_THAT(complaint(path), HasSubstr("damaged or cut short"));
}

} // namespace
} // namespace rcq::sim
