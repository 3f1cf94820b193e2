#include "start_bodies.hpp"

#include "definitions_cache.hpp"
#include "layouts.hpp"

extern "C" {
#include "utils/numeric.h"
}

namespace rcq::pg {

namespace {

// Values point to what they were made from. Those of a row are copied: it may go before they do.

JsonbValue null_value() {
    JsonbValue value;
    value.type = jbvNull;
    return value;
}

JsonbValue string_value(std::string_view string) {
    JsonbValue value;
    value.type = jbvString;
    value.val.string.val = const_cast<char*>(string.data());
    value.val.string.len = static_cast<int>(string.size());
    return value;
}

JsonbValue number_value(int64 number) {
    JsonbValue value;
    value.type = jbvNumeric;
    value.val.numeric = call([&] { return int64_to_numeric(number); });
    return value;
}

JsonbValue text_value(const FoundRow& row, int column) {
    if (row.is_null(column)) return null_value();
    const text* copy = call([&] { return DatumGetTextPCopy(row.datum(column)); });
    return string_value({VARDATA_ANY(copy), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(copy))});
}

JsonbValue json_value(const FoundRow& row, int column) {
    if (row.is_null(column)) return null_value();
    Jsonb* const copy = call([&] { return DatumGetJsonbPCopy(row.datum(column)); });
    JsonbValue value;
    value.type = jbvBinary;
    value.val.binary.data = &copy->root;
    value.val.binary.len = static_cast<int>(VARSIZE(copy) - VARHDRSZ);
    return value;
}

JsonbValue empty_object() {
    return call([] {
        JsonbParseState* state = nullptr;
        pushJsonbValue(&state, WJB_BEGIN_OBJECT, nullptr);
        Jsonb* const empty = JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, nullptr));
        JsonbValue value;
        value.type = jbvBinary;
        value.val.binary.data = &empty->root;
        value.val.binary.len = static_cast<int>(VARSIZE(empty) - VARHDRSZ);
        return value;
    });
}

class Object {
public:
    Object() {
        call([&] { pushJsonbValue(&state_, WJB_BEGIN_OBJECT, nullptr); });
    }
    void put(std::string_view key, JsonbValue value) {
        JsonbValue name = string_value(key);
        call([&] {
            pushJsonbValue(&state_, WJB_KEY, &name);
            pushJsonbValue(&state_, WJB_VALUE, &value);
        });
    }
    Datum finish() {
        return call(
            [&] { return JsonbPGetDatum(JsonbValueToJsonb(pushJsonbValue(&state_, WJB_END_OBJECT, nullptr))); });
    }

private:
    JsonbParseState* state_ = nullptr;
};

} // namespace

Scratch::Scratch()
    : context_(
          call([] { return AllocSetContextCreate(CurrentMemoryContext, "rcq scratch", ALLOCSET_DEFAULT_SIZES); })) {}

Scratch::~Scratch() { MemoryContextDelete(context_); }

Scratch::Use::Use(Scratch& scratch) {
    MemoryContextReset(scratch.context_);
    outside_ = MemoryContextSwitchTo(scratch.context_);
}

StartBodies::StartBodies(const Sight& sight, TimestampTz now)
    : sight_(sight), now_(now), jobs_(job::layout, Use::reading) {}

bool StartBodies::find(int64 job_id) {
    job_ = jobs_.find(sight_, job_id, {equals(job_id)});
    return job_ != nullptr;
}

StartBodies::Common StartBodies::read_common() const {
    const FoundRow row = job_->row();
    Common common;
    common.script = text_value(row, job::script);
    common.workdir = text_value(row, job::workdir);
    common.env = row.is_null(job::env) ? empty_object() : json_value(row, job::env);
    if (!row.is_null(job::type)) {
        common.type = text_value(row, job::type);
        common.payload = json_value(row, job::payload);
    }
    if (!row.is_null(job::array_size)) common.array_size = number_value(row.integer(job::array_size));
    return common;
}

// Makes array_common_ that of this array; false when there is no such job.
bool StartBodies::find_array(int64 array_id) {
    if (array_ == array_id) return true;
    array_ = 0;
    if (!find(array_id)) return false;
    const Scratch::Use use(array_scratch_);
    array_common_ = read_common();
    array_ = array_id;
    return true;
}

const StartBodies::User& StartBodies::user(int32 id) {
    const auto [entry, fresh] = users_.try_emplace(id);
    if (!fresh) return entry->second;
    if (const CachedUser* const user = user_by_id(id)) {
        entry->second.name = user->role_name ? *user->role_name : *user->email;
        entry->second.unix_user = user->unix_user.value_or("");
    }
    return entry->second;
}

const std::string& StartBodies::group(int32 id) {
    const auto [entry, fresh] = groups_.try_emplace(id);
    if (!fresh) return entry->second;
    if (const std::string* const name = group_name(id)) entry->second = *name;
    return entry->second;
}

JsonbValue StartBodies::time_limit(const FoundRow& live) const {
    const FoundRow row = job_->row();
    std::optional<double> limit;
    if (!row.is_null(job::time_limit))
        limit = call([&] {
            const Datum epoch = PointerGetDatum(cstring_to_text("epoch"));
            return DatumGetFloat8(DirectFunctionCall2(interval_part, epoch, row.datum(job::time_limit)));
        });
    if (!live.is_null(live::deadline)) {
        const double left = std::max(static_cast<double>(live.time(live::deadline) - now_) / 1e6, 1.0);
        limit = std::min(limit.value_or(left), left);
    }
    if (!limit) return null_value();
    JsonbValue value;
    value.type = jbvNumeric;
    value.val.numeric =
        call([&] { return DatumGetNumeric(DirectFunctionCall1(float8_numeric, Float8GetDatum(*limit))); });
    return value;
}

std::optional<Datum> StartBodies::of(const FoundRow& live) {
    const bool task = !live.is_null(live::array_id);
    if (task && !find_array(live.big(live::array_id))) return std::nullopt;
    if (!find(live.big(live::job_id))) return std::nullopt;
    const FoundRow row = job_->row();
    const User& owner = user(row.integer(job::user_id));
    const std::string& group_name = group(row.integer(job::group_id));

    const Scratch::Use use(scratch_);
    const Common common = task ? array_common_ : read_common();
    const auto granted = [&](int column, const FoundRow& otherwise, int asked) {
        return number_value(live.is_null(column) ? otherwise.integer(asked) : live.integer(column));
    };
    Object body;
    body.put("attempt", number_value(live.integer(live::attempt)));
    body.put("name", text_value(row, job::name));
    body.put("user", string_value(owner.name));
    body.put("group", string_value(group_name));
    body.put("script", common.script);
    body.put("workdir", common.workdir);
    body.put("env", common.env);
    body.put("cpu_cores", granted(live::granted_cores, row, job::cpu_cores));
    body.put("memory_mib", granted(live::granted_memory_mib, live, live::memory_mib));
    body.put("gpu_count", granted(live::granted_gpus, row, job::gpu_count));
    body.put("time_limit_s", time_limit(live));
    body.put("on_disconnect", string_value(row.boolean(job::kill_on_disconnect) ? "kill" : "continue"));
    if (!row.is_null(job::gpu_type)) body.put("gpu_type", text_value(row, job::gpu_type));
    if (common.type) {
        body.put("type", *common.type);
        body.put("payload", *common.payload);
    }
    if (task) {
        body.put("array_id", number_value(row.big(job::array_id)));
        body.put("array_index", number_value(row.integer(job::array_index)));
        body.put("array_size", common.array_size.value_or(null_value()));
    }
    if (!owner.unix_user.empty()) body.put("unix_user", string_value(owner.unix_user));
    return body.finish();
}

} // namespace rcq::pg
