#include "rundir/progress.hpp"

#include "rundir/cut.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace rcq::rundir {

namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
// File systems tell times by a clock that may tick this slowly (NFS, ext3).
constexpr std::int64_t fresh_ns = 2 * second_ns;

// Bytes of the character of UTF-8 that the text begins with; 0: it begins with none.
std::size_t character_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned char first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(i) & 0xC0U) != 0x80) return 0;
    }
    // overlong, a surrogate, beyond U+10FFFF
    if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) || (first == 0xF0 && byte(1) < 0x90) ||
        (first == 0xF4 && byte(1) > 0x8F)) {
        return 0;
    }
    return length;
}

// U+0000 to U+001F, U+007F to U+009F: a terminal may take them for orders.
bool is_control(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    if (character.size() == 1) return first < 0x20 || first == 0x7F;
    return first == 0xC2 && static_cast<unsigned char>(character[1]) < 0xA0;
}

std::string plain_text(std::string_view text) {
    std::string plain;
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        const std::string_view character = text.substr(0, length);
        if (length == 0) {
            plain += "\xEF\xBF\xBD";
        } else if (is_control(character)) {
            plain += ' ';
        } else {
            plain += character;
        }
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return plain;
}

std::string_view trimmed(std::string_view text) {
    const std::size_t first = text.find_first_not_of(' ');
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(' ') - first + 1);
}

FileStamp stamp_of(const struct stat& status) {
    FileStamp stamp{status.st_ino, status.st_size,
                    static_cast<std::int64_t>(status.st_mtim.tv_sec) * second_ns + status.st_mtim.tv_nsec, false};
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    const std::int64_t age_ns = static_cast<std::int64_t>(now.tv_sec) * second_ns + now.tv_nsec - stamp.changed_ns;
    stamp.fresh = age_ns < fresh_ns && age_ns > -fresh_ns;
    return stamp;
}

} // namespace

std::string encode(const Progress& progress) {
    std::string text = std::to_string(progress.percent);
    if (!progress.message.empty()) text.append(" ").append(progress.message);
    return text.append("\n");
}

std::optional<Progress> decode_progress(std::string_view text) {
    text = text.substr(0, text.find('\n'));
    Progress progress;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), progress.percent);
    if (error != std::errc{} || progress.percent < 0 || progress.percent > 100 || text[0] == '-') return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    if (!text.empty() && text[0] != ' ' && text[0] != '\t' && text[0] != '\r') return std::nullopt;
    const std::string message = plain_text(text);
    progress.message = trimmed(cut(trimmed(message), longest_progress_message));
    return progress;
}

std::optional<ProgressLook> look_at_progress(const std::string& path, uid_t owner, const FileStamp& known) {
    // opened and not just asked for: over NFS only that fetches what is true now; a pipe would keep us waiting, a link
    // could lead to what only we may read
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return std::nullopt;
    struct stat status {};
    if (fstat(fd, &status) != 0) {
        close(fd);
        return std::nullopt;
    }
    ProgressLook look{stamp_of(status), std::nullopt};
    if (look.stamp == known && !known.fresh) {
        close(fd);
        return std::nullopt;
    }
    // a hard link to what only we may read is a file of somebody else
    if (S_ISREG(status.st_mode) && status.st_uid == owner && status.st_size <= static_cast<off_t>(largest_progress)) {
        std::array<char, largest_progress> bytes;
        const ssize_t size = read(fd, bytes.data(), bytes.size());
        if (size >= 0) look.progress = decode_progress({bytes.data(), static_cast<std::size_t>(size)});
    }
    close(fd);
    return look;
}

} // namespace rcq::rundir
