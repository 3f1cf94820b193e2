#include "run_reports.hpp"

#include "../protocol/words.hpp"
#include "json_text.hpp"
#include "values.hpp"

namespace rcq::pg {

namespace {

constexpr int longest_message = 1000; // characters, as the next two
constexpr int longest_directory = 4096;
constexpr int longest_file_name = 1000;
constexpr int most_files = 100;

// The fields of an object; what is missing or null is none. A value that is not of the wanted type fails with an error
// of class 22, which for_each() puts in words.
class Item {
public:
    explicit Item(JsonbContainer* object) : object_(object) {}

    std::optional<JsonbValue> any(std::string_view key) const {
        JsonbValue value;
        const auto length = static_cast<int>(key.size());
        const bool found = call([&] {
            const JsonbValue* there = getKeyJsonValueFromContainer(object_, key.data(), length, &value);
            return there != nullptr && value.type != jbvNull;
        });
        return found ? std::optional(value) : std::nullopt;
    }
    std::optional<int64> big(std::string_view key) const {
        return read<int64>(key, [](char* s) { return DatumGetInt64(DirectFunctionCall1(int8in, CStringGetDatum(s))); });
    }
    std::optional<int32> integer(std::string_view key) const {
        return read<int32>(key, [](char* s) { return DatumGetInt32(DirectFunctionCall1(int4in, CStringGetDatum(s))); });
    }
    std::optional<float> real(std::string_view key) const {
        return read<float>(key,
                           [](char* s) { return DatumGetFloat4(DirectFunctionCall1(float4in, CStringGetDatum(s))); });
    }
    std::optional<double> number(std::string_view key) const {
        return read<double>(key,
                            [](char* s) { return DatumGetFloat8(DirectFunctionCall1(float8in, CStringGetDatum(s))); });
    }
    std::optional<std::string_view> string(std::string_view key) const {
        const std::optional<JsonbValue> value = any(key);
        if (!value) return std::nullopt;
        if (value->type == jbvString)
            return std::string_view(value->val.string.val, static_cast<std::size_t>(value->val.string.len));
        return call([&] { return text_of(*value); });
    }

private:
    // As ->> writes it. Behind the guard.
    static char* text_of(const JsonbValue& value) {
        switch (value.type) {
        case jbvString:
            return pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len));
        case jbvNumeric:
            return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
        case jbvBool:
            return pstrdup(value.val.boolean ? "true" : "false");
        default:
            return JsonbToCString(nullptr, value.val.binary.data, value.val.binary.len);
        }
    }
    template <class Value, class Convert> std::optional<Value> read(std::string_view key, Convert convert) const {
        const std::optional<JsonbValue> value = any(key);
        if (!value) return std::nullopt;
        return call([&] { return convert(text_of(*value)); });
    }

    JsonbContainer* object_;
};

[[noreturn]] void refuse(const std::string& message) { throw SqlError(protocol::error::malformed_report, message); }

[[noreturn]] void refuse_list(const std::string& what, const std::string& otherwise) {
    refuse("malformed " + what + ": " + otherwise);
}

// Calls f with the fields of each element of an array of objects until it returns false. what: of what it is part;
// otherwise: what it is when it is no such array.
template <class Each>
void for_each(JsonbContainer* list, const std::string& what, const std::string& otherwise, Each f) try {
    const bool array = JsonContainerIsArray(list) && !JsonContainerIsScalar(list);
    JsonbIterator* iterator = array ? call([&] { return JsonbIteratorInit(list); }) : nullptr;
    JsonbValue item;
    while (iterator) {
        const JsonbIteratorToken token = call([&] { return JsonbIteratorNext(&iterator, &item, true); });
        if (token == WJB_DONE) break;
        if (token != WJB_ELEM) continue;
        if (item.type != jbvBinary || !JsonContainerIsObject(item.val.binary.data)) refuse_list(what, otherwise);
        if (!f(Item(item.val.binary.data))) break;
    }
    if (!array) refuse_list(what, otherwise);
} catch (const PgError& error) {
    if (ERRCODE_TO_CATEGORY(error.sqlstate()) != ERRCODE_DATA_EXCEPTION) throw;
    refuse("malformed " + what + ": " + error.what());
}

// {"dir": "...", "files": [{"name": "...", "bytes": 1}, ...]}
const Jsonb* output_of(const Item& report, std::string_view directory) {
    std::string json = "{\"dir\": ";
    append_json_string(json, first_characters(directory, longest_directory));
    json += ", \"files\": [";
    int files = 0;
    if (const std::optional<JsonbValue> list = report.any("files")) {
        constexpr char otherwise[] = "files are not an array of objects";
        if (list->type != jbvBinary) refuse(std::string("malformed report: ") + otherwise);
        for_each(list->val.binary.data, "report", otherwise, [&](const Item& file) {
            json += files > 0 ? ", {\"name\": " : "{\"name\": ";
            if (const auto name = file.string("name"))
                append_json_string(json, first_characters(*name, longest_file_name));
            else
                json += "null";
            json += ", \"bytes\": ";
            if (const auto bytes = file.big("bytes"))
                append_json_number(json, *bytes);
            else
                json += "null";
            json += '}';
            return ++files < most_files;
        });
    }
    json += "]}";
    return call([&] { return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.c_str()))); });
}

TimestampTz ended_at(TimestampTz now, double seconds_ago) {
    constexpr double year_s = 31'536'000;
    const double ago = std::isnan(seconds_ago) ? year_s : std::clamp(seconds_ago, 0.0, year_s);
    return now - std::llround(ago * 1e6);
}

// None when it lacks something.
std::optional<RunReport> parse_report(const Item& fields, TimestampTz now) {
    RunReport report;
    const std::optional<int64> job_id = fields.big("job_id"), token = fields.big("token");
    const std::optional<std::string_view> end = fields.string("end");
    report.exit_code = fields.integer("exit_code");
    report.signal = fields.integer("signal");
    report.cpu_seconds = fields.real("cpu_seconds");
    report.peak_memory_mib = fields.integer("peak_memory_mib");
    report.ended_at = ended_at(now, fields.number("ended_ago_s").value_or(0));
    if (const auto message = fields.string("message")) {
        const std::string_view cut = first_characters(*message, longest_message);
        report.message = call([&] { return cstring_to_text_with_len(cut.data(), static_cast<int>(cut.size())); });
    }
    if (const auto directory = fields.string("output_dir")) report.output = output_of(fields, *directory);
    report.result = fields.any("result");
    if (!job_id || !token || !end) return std::nullopt;
    const std::optional<core::RunEnd> known = core::reported_end(*end);
    if (!known || (*known == core::RunEnd::exit_code && !report.exit_code)) return std::nullopt;
    report.job_id = *job_id;
    report.token = *token;
    report.end = *known;
    return report;
}

} // namespace

std::vector<RunReport> parse_reports(Jsonb* finished) {
    std::vector<RunReport> reports;
    int wrong = 0;
    const TimestampTz now = GetCurrentTimestamp();
    for_each(&finished->root, "report", "not an array of objects", [&](const Item& fields) {
        if (std::optional<RunReport> report = parse_report(fields, now))
            reports.push_back(*report);
        else
            wrong++;
        return true;
    });
    if (wrong > 0) refuse(std::to_string(wrong) + " of the reports lack job_id, token or a known end");
    return reports;
}

std::vector<RunUsage> parse_usage(Jsonb* usage) {
    std::vector<RunUsage> runs;
    for_each(&usage->root, "usage", "not an array of objects", [&](const Item& fields) {
        const std::optional<int64> job_id = fields.big("job_id"), token = fields.big("token");
        const RunUsage run{job_id.value_or(0), token.value_or(0), fields.real("cpu_seconds"),
                           fields.integer("peak_memory_mib")};
        if (job_id && token) runs.push_back(run);
        return true;
    });
    return runs;
}

} // namespace rcq::pg
