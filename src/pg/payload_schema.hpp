// What the payload of a typed job must look like: a subset of JSON Schema (docs/howto/typed-jobs.md lists it). Keywords
// that are about one type of value leave values of other types alone.
#pragma once
#include "guard.hpp"

namespace rcq::pg {

// A malformed schema; the text says where and what.
class SchemaError : public std::exception {
public:
    explicit SchemaError(std::string message) : message_(std::move(message)) {}
    const char* what() const noexcept override { return message_.c_str(); }

private:
    std::string message_;
};

struct PayloadSchema {
    std::string type; // empty: any
    std::map<std::string, std::unique_ptr<PayloadSchema>, std::less<>> properties;
    std::vector<std::string> required;
    bool additional_properties = true;
    std::unique_ptr<PayloadSchema> items;
    int64 min_items = 0;
    int64 max_items = PG_INT64_MAX;
    int64 min_length = 0; // characters
    int64 max_length = PG_INT64_MAX;
    Numeric minimum = nullptr;
    Numeric maximum = nullptr;
    std::vector<JsonbValue> any_of; // keyword enum: scalars; empty: anything

    // The values stay where they are in `schema`, which must live as long as this. Throws SchemaError.
    static PayloadSchema parse(Jsonb* schema);
};

// The first violation, as "numbers[3] is a string, wanted a number"; nothing when there is none. Also a violation: more
// than `max_bytes` as JSON text without white space, more than 1,000 levels, a number of more than 1,000 characters.
std::optional<std::string> payload_violation(const PayloadSchema& schema, Jsonb* payload, int64 max_bytes);

std::string numeric_text(Numeric number);

} // namespace rcq::pg
