// What `rcq top` shows: the cluster at one moment.
#pragma once
#include "client/json.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace rcq::client {

// The answer of store::overview for people, in at most `columns` columns (0: any) and `rows` lines (0: any).
std::string overview_text(const Json& overview, int columns, int rows, bool colours);

} // namespace rcq::client
