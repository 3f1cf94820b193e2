// Lines of a text file, plain or compressed with gzip, without holding the file in memory.
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace rcq::sim {

class LineReader {
public:
    static constexpr std::size_t max_line = 65'536;

    // "-" is standard input. Throws UsageError if it cannot be opened or is a directory.
    explicit LineReader(const std::string& path);
    ~LineReader();

    // The next line without its end; false at the end of the file. The view lasts until the next call. What of a line
    // goes beyond max_line bytes is left out. Throws UsageError if the file cannot be read or its compression is
    // damaged.
    bool next(std::string_view& line);

    // How much of the file, as stored, has been read, 0 to 1; 0 when its size is unknown.
    double share_read() const;

private:
    bool fill();

    struct File;
    std::unique_ptr<File> file_;
    std::string buffer_;
    std::size_t at_ = 0; // of buffer_, where what was not yet returned begins
    std::string line_;
};

} // namespace rcq::sim
