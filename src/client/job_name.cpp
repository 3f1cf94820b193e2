#include "client/job_name.hpp"

#include "client/store.hpp"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

namespace rcq::client {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[noreturn]] void refuse(std::string_view text) {
    throw Failure(ExitCode::misused, "\"" + std::string(text) + "\" is no job",
                  "jobs are numbers (42), tasks of an array 41_7 or 41_1-10,20; rcq queue shows them");
}

} // namespace

JobName parse_job_name(std::string_view text) {
    JobName name;
    name.text = text;
    const std::string_view number = text.substr(0, text.find('_'));
    const char* end = number.data() + number.size();
    const auto [rest, error] = std::from_chars(number.data(), end, name.id);
    if (number.empty() || error != std::errc{} || rest != end || name.id <= 0) refuse(text);
    if (number.size() == text.size()) return name;
    name.tasks = text.substr(number.size() + 1);
    const bool indices = std::all_of(name.tasks.begin(), name.tasks.end(),
                                     [](char c) { return is_digit(c) || c == '-' || c == ',' || c == ':'; });
    if (name.tasks.empty() || !indices) refuse(text);
    return name;
}

std::vector<JobName> parse_job_names(const std::vector<std::string>& texts) {
    std::vector<JobName> names;
    names.reserve(texts.size());
    for (const std::string& text : texts) names.push_back(parse_job_name(text));
    return names;
}

std::int64_t job_id(Database& database, const JobName& name) {
    if (name.tasks.empty()) return name.id;
    int index = 0;
    const char* end = name.tasks.data() + name.tasks.size();
    const auto [rest, error] = std::from_chars(name.tasks.data(), end, index);
    if (error != std::errc{} || rest != end) {
        throw Failure(ExitCode::misused, name.text + " names several tasks", "one task is 41_7");
    }
    const database::Result result = database.query(store::task(name.id, index));
    return std::stoll(PQgetvalue(result.get(), 0, 0));
}

std::string job_label(const Json& row) {
    if (is_null(row, "array_id")) return text_of(row, "id");
    return text_of(row, "array_id") + "_" + text_of(row, "array_index");
}

} // namespace rcq::client
