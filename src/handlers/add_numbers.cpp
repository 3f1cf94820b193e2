#include "handlers/handler.hpp"
#include "handlers/sum.hpp"

namespace rcq::handlers {

const json& member(const json& payload, const char* name, json::value_t type) {
    if (!payload.is_object()) throw HandlerError("the payload is not a JSON object");
    const auto found = payload.find(name);
    if (found == payload.end()) throw HandlerError(std::string(name) + " is missing");
    if (found->type() != type) {
        throw HandlerError(std::string(name) + " is not a JSON " + json(type).type_name());
    }
    return *found;
}

json add_numbers(const json& payload) {
    Sum sum;
    std::size_t place = 0;
    for (const json& number : member(payload, "numbers", json::value_t::array)) sum.add(number, place++);
    return {{"sum", sum.value()}};
}

} // namespace rcq::handlers
