// Directories of runs that left neither log nor output, kept for runs of the same user: to make one takes seven new
// files and directories, to use it again none. What belongs to one user is never given to another, who might hold it
// open.
#pragma once
#include "executor/accounts.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

namespace rcq::executor {

class Remover;

class SpareDirectories {
public:
    // Keeps at most `most` in `directory`, which lies beside that of the runs; 0: none. What an earlier process left
    // there is removed.
    SpareDirectories(std::string directory, std::size_t most, Remover& remover);

    // Keeps the directory of an ended run if it holds just what every run has, apart from payload, result and progress;
    // else false, and it is still there.
    bool put(const std::string& path, uid_t owner);

    // Moves one to `path`, with this script and payload, all owned by `account`, or by us. False: there is none.
    bool take(const std::string& path, std::string_view script, mode_t script_mode,
              const std::optional<std::string>& payload, const Account* account);

    // Removes all, for the end.
    void clear();

private:
    std::string directory_;
    std::size_t most_;
    Remover& remover_;
    std::string name_; // of ours, a number follows
    std::uint64_t last_ = 0;
    std::size_t count_ = 0;
    std::map<uid_t, std::vector<std::string>> by_owner_; // paths
};

} // namespace rcq::executor
