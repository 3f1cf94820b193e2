// Passwords in connection strings: found, and hidden from those who look at the process list.
#pragma once
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

namespace rcq::database {

// Where in a connection string or URI, or an argument that holds one, passwords stand: [from, to). Empty passwords are
// left out.
std::vector<std::pair<std::size_t, std::size_t>> password_places(std::string_view text);

// Blots out passwords inside arguments, as that of --dsn, so that it does not stand in the process list.
void hide_password_in_arguments(int argc, char** argv);

} // namespace rcq::database
