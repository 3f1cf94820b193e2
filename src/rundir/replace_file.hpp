// A file that others read at any moment is written whole or not at all.
#pragma once
#include <string>
#include <string_view>

namespace rcq::rundir {

// Puts the content into another file beside it, with mode 0600, which then takes its name, whatever had that before.
// Throws std::system_error that names the path; nothing has changed then.
void replace_file(const std::string& path, std::string_view content);

} // namespace rcq::rundir
