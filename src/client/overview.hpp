// What `rcq top` shows: the cluster at one moment.
#pragma once
#include "client/database.hpp"
#include "client/json.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace rcq::client {

// {"cluster": {...}, "executors": [...], "groups": [...], "running": [...], "pending": [...]}, of jobs the first
// `jobs`. One answer of the server. Numbers of jobs are of the whole cluster; the jobs are those that the caller sees.
database::Statement overview_statement(int jobs);

// Its lines for people, in at most `columns` columns (0: any) and `rows` lines (0: any).
std::string overview_text(const Json& overview, int columns, int rows, bool colours);

} // namespace rcq::client
