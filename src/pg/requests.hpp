// A job as asked for (type rcq_private.request), before it is checked: the same from the arguments of rcq.submit, from
// JSON, from a row that is copied into rcq.inbox, and from SQL.
#pragma once
#include "guard.hpp"

#include <bit>
#include <span>

namespace rcq::pg {

namespace request {

// In the order of rcq_private.request, and of the arguments of rcq.submit, which end with retry_memory_factor.
enum Field : int {
    script,
    cpu_cores,
    memory_gb,
    gpu_count,
    estimated_hours,
    time_limit,
    priority,
    max_retries,
    name,
    workdir,
    env,
    features,
    hold,
    requeue,
    on_disconnect,
    cpu_cores_min,
    gpu_type,
    constraints,
    consumables,
    exclusive,
    preemptible,
    concurrency_key,
    array,
    depends_on,
    begin_time,
    deadline,
    idempotency_key,
    project,
    tags,
    external_id,
    on_dependency_failed,
    retry_on,
    retry_delay,
    retry_backoff,
    retry_max_delay,
    retry_jitter,
    retry_memory_factor,
    type,
    payload,
    fields // how many there are
};

struct Column {
    const char* name;
    Oid type;
    const char* expected; // the JSON types that it may be written as
};
extern const Column columns[fields];

constexpr uint64 bit(Field field) { return uint64{1} << field; }
template <class... Fields> constexpr uint64 bits(Fields... field) { return (bit(field) | ...); }

} // namespace request

// What was said and is not NULL, as values of the types of the columns, which point into what the request was made of.
class Request {
public:
    Request() = default;
    // From a value for each field; the array of values is made in the current memory context.
    Request(const Datum* values, const bool* nulls);

    uint64 given() const { return given_; }
    bool has(request::Field field) const { return (given_ & request::bit(field)) != 0; }
    // Only of what it has.
    Datum operator[](request::Field field) const { return values_[std::popcount(given_ & (request::bit(field) - 1))]; }
    int32 integer(request::Field field, int32 otherwise) const {
        return has(field) ? DatumGetInt32((*this)[field]) : otherwise;
    }
    double real(request::Field field, double otherwise) const {
        return has(field) ? DatumGetFloat8((*this)[field]) : otherwise;
    }
    bool boolean(request::Field field, bool otherwise) const {
        return has(field) ? DatumGetBool((*this)[field]) : otherwise;
    }
    // A text as a view of it; the first time a compressed one is asked for, it is expanded for good.
    std::string_view string(request::Field field) const;

    void spread(Datum* values, bool* nulls) const;

private:
    Datum& at(request::Field field) const { return values_[std::popcount(given_ & (request::bit(field) - 1))]; }
    uint64 given_ = 0;
    Datum* values_ = nullptr;
};

// Numbers of any size, so that the check that follows can name the allowed range.
Datum float_of(Numeric number);

// From and to an array of rcq_private.request.
std::vector<Request> requests_of(Datum array);
Datum requests_datum(std::span<const Request> requests);
Oid requests_type();

} // namespace rcq::pg
