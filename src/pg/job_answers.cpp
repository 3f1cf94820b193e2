// Answers of the routes that read and submit single jobs, and those of lists.
#include "../protocol/words.hpp"
#include "arrays.hpp"
#include "identity.hpp"
#include "job_json.hpp"
#include "request_json.hpp"
#include "respond.hpp"
#include "submission.hpp"
#include "values.hpp"

namespace rcq::pg {

namespace {

constexpr std::size_t most_digits = 18;

// A text or number of the request, as text; none when there is none.
std::optional<std::string> field(Jsonb* request, std::string_view name) {
    JsonbValue value;
    if (!call([&] {
            return getKeyJsonValueFromContainer(&request->root, name.data(), static_cast<int>(name.size()), &value) !=
                   nullptr;
        }))
        return std::nullopt;
    if (value.type == jbvNull) return std::nullopt;
    if (value.type == jbvString)
        return std::string(value.val.string.val, static_cast<std::size_t>(value.val.string.len));
    if (value.type != jbvNumeric) return std::string();
    return call([&] { return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric))); });
}

// The job that a path names.
int64 job_of(Jsonb* request) {
    const std::string id = field(request, "id").value_or("");
    if (id.empty() || id.size() > most_digits || id.find_first_not_of("0123456789") != std::string::npos)
        throw SqlError(protocol::error::not_found, "there is no such job of yours",
                       "A job is named by its id, a number.");
    return std::stoll(id);
}

// The first name in a request that is none of these.
std::optional<std::string> unknown_field(Jsonb* request, std::initializer_list<std::string_view> known) {
    JsonbIterator* iterator = call([&] { return JsonbIteratorInit(&request->root); });
    JsonbValue item;
    JsonbIteratorToken token;
    std::optional<std::string> first;
    while ((token = call([&] { return JsonbIteratorNext(&iterator, &item, true); })) != WJB_DONE) {
        if (token != WJB_KEY) continue;
        const std::string name(item.val.string.val, static_cast<std::size_t>(item.val.string.len));
        if (std::find(known.begin(), known.end(), name) == known.end() && (!first || name < *first)) first = name;
    }
    return first;
}

// The same with this text as a field.
Jsonb* with_field(Jsonb* request, std::string_view name, std::string_view value) {
    return call([&] {
        JsonbParseState* state = nullptr;
        JsonbValue item;
        const auto text = [&](std::string_view content) {
            item.type = jbvString;
            item.val.string.val = pnstrdup(content.data(), content.size());
            item.val.string.len = static_cast<int>(content.size());
            return &item;
        };
        pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
        pushJsonbValue(&state, WJB_KEY, text(name));
        pushJsonbValue(&state, WJB_VALUE, text(value));
        Jsonb* more = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr));
        return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(request), JsonbPGetDatum(more)));
    });
}

StringInfo start_answer() {
    return call([] { return makeStringInfo(); });
}

Datum end_answer(StringInfo answer) {
    return call([&] { return PointerGetDatum(cstring_to_text_with_len(answer->data, answer->len)); });
}

} // namespace

} // namespace rcq::pg

// (request) -> the job
RCQ_FUNCTION(rcq_rest_get_job) {
    using namespace rcq;
    using namespace rcq::pg;
    Jsonb* request = call([&] { return PG_GETARG_JSONB_P(0); });
    const int64 id = job_of(request);
    const Caller acting = caller();
    if (const std::optional<std::string> unknown = unknown_field(request, {"id"})) {
        const std::string shown(first_characters(*unknown, 100));
        throw SqlError(protocol::error::bad_request, "there is no \"" + shown + "\" here", "Known are: id.");
    }
    const StringInfo answer = start_answer();
    if (!JobReader().append(answer, id, acting.is_admin ? 0 : acting.user_id, JobReader::Show::all))
        throw SqlError(protocol::error::not_found, "there is no job " + std::to_string(id) + " of yours",
                       "GET /api/jobs lists those that there are.");
    return end_answer(answer);
}

// (ids) -> those of the jobs that there are, in this order, as a list shows them
RCQ_FUNCTION(rcq_jobs_answer) {
    using namespace rcq::pg;
    const StringInfo answer = start_answer();
    JobReader reader;
    call([&] { appendStringInfoChar(answer, '['); });
    int end = 0; // of the list without the last separator
    for (const int64 id : bigs_of(PG_GETARG_DATUM(0))) {
        if (!reader.append(answer, id, 0, JobReader::Show::list)) continue;
        end = answer->len;
        call([&] { appendStringInfoString(answer, ", "); });
    }
    call([&] {
        if (end > 0) answer->len = end;
        appendStringInfoChar(answer, ']');
    });
    return end_answer(answer);
}

// (request) -> what was submitted
RCQ_FUNCTION(rcq_rest_submit_job) {
    using namespace rcq;
    using namespace rcq::pg;
    constexpr std::string_view key_field = "idempotency_key";
    Jsonb* request = call([&] { return PG_GETARG_JSONB_P(0); });
    if (const auto key = request_header("idempotency-key")) {
        if (const auto other = field(request, key_field); other && *other != *key)
            throw SqlError(protocol::error::bad_request,
                           "the header Idempotency-Key and the field idempotency_key differ", "Give one of them.");
        request = with_field(request, key_field, *key);
    }
    Submission submission;
    submission.requests = parse_requests(request, true);
    const int64 id = enqueue_acting(submission).front();
    set_status(201);
    return text_datum(R"({"message" : "Job submitted successfully", "job_id" : )" + std::to_string(id) +
                      R"(, "status" : "pending"})");
}
