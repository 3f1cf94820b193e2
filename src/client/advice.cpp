#include "client/advice.hpp"

#include <array>
#include <regex>

namespace rcq::client {

namespace {

struct Call {
    const char* sql;
    const char* command;
};

constexpr std::array calls = {
    Call{R"(SELECT rcq\.(cancel|hold|release|requeue)\((\d+)\))", "rcq $1 $2"},
    Call{R"(SELECT rcq\.set_priority\((\d+), ?(\d+)\))", "rcq priority $1 $2"},
    Call{R"(SELECT \* FROM rcq\.resubmit\(ARRAY\[(\d+)\]\))", "rcq resubmit $1"},
    Call{R"(SELECT rcq\.resubmit_failed_tasks\((\d+)\))", "rcq resubmit --failed-tasks $1"},
    Call{R"(SELECT \* FROM rcq\.explain\((\d+)\))", "rcq explain $1"},
    Call{R"(SELECT \* FROM rcq\.(jobs WHERE id|dependencies WHERE job_id) = (\d+))", "rcq show $2"},
    Call{R"(SELECT id, status FROM rcq\.jobs)", "rcq queue and rcq history"},
};

} // namespace

std::string as_commands(const std::string& text) {
    if (text.find("SELECT ") == std::string::npos) return text;
    std::string said = text;
    for (const Call& call : calls) said = std::regex_replace(said, std::regex(call.sql), call.command);
    return said;
}

std::string as_commands(const std::string& text, const std::string& id, const std::string& label) {
    std::string said = as_commands(text);
    if (id == label || said == text) return said;
    return std::regex_replace(said, std::regex("(rcq [a-z]+) " + id + "\\b"), "$1 " + label);
}

} // namespace rcq::client
