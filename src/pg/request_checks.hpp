// Requests against the rules of src/core/request and src/core/request_options.
#pragma once
#include "../core/request.hpp"
#include "requests.hpp"

namespace rcq::pg {

// Where a request stands, for messages: in a list, or among rows; number 0 = it stands alone.
struct Place {
    int64 number = 0;
    bool row = false;
    std::string text() const; // "job 3 of the list: "
};

// What check_options() looks at, and what makes it worth calling.
constexpr uint64 option_fields =
    request::bits(request::begin_time, request::deadline, request::retry_on, request::tags, request::retry_delay,
                  request::retry_max_delay, request::retry_jitter, request::retry_memory_factor, request::retry_backoff,
                  request::on_dependency_failed, request::idempotency_key, request::project);

// Error RC001 or RC005 for the first fault. time_limit_s: that of the request, or the one it gets.
void check_request(const Request& request, std::optional<double> time_limit_s, const core::RequestLimits& limits,
                   const Place& place);
void check_options(const Request& request, TimestampTz now, const Place& place);

// That which the request has, or gets: 5, or the most that its user may where that is less.
inline int32 priority_of(const Request& request, int32 most) {
    return request.integer(request::priority, std::min(5, most));
}

// Values of fields that the request has.
double seconds(const Request& request, request::Field field);
std::vector<std::pair<std::string, double>> consumables_of(const Request& request, const Place& place);

// How a job is run again after a failure, as it is stored; none when the request says nothing about it.
std::optional<Datum> retry_policy(const Request& request);
constexpr uint64 retry_fields =
    request::bits(request::retry_on, request::retry_delay, request::retry_max_delay, request::retry_jitter,
                  request::retry_memory_factor, request::retry_backoff);

} // namespace rcq::pg
