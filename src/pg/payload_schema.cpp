#include "payload_schema.hpp"

namespace rcq::pg {

namespace {

constexpr int max_schema_depth = 32;
constexpr std::string_view types[] = {"object", "array", "string", "number", "integer", "boolean", "null"};

std::string_view string_of(const JsonbValue& value) {
    return {value.val.string.val, static_cast<std::size_t>(value.val.string.len)};
}

// The members of an object, or nothing when the container is none. Nested values come as jbvBinary.
std::optional<std::vector<std::pair<std::string, JsonbValue>>> members(JsonbContainer* container) {
    std::vector<std::pair<std::string, JsonbValue>> found;
    if (!JsonContainerIsObject(container)) return std::nullopt;
    JsonbIterator* iterator = call([&] { return JsonbIteratorInit(container); });
    JsonbValue item;
    std::string key;
    for (;;) {
        const JsonbIteratorToken token = call([&] { return JsonbIteratorNext(&iterator, &item, true); });
        if (token == WJB_DONE) return found;
        if (token == WJB_KEY) key = string_of(item);
        if (token == WJB_VALUE) found.emplace_back(key, item);
    }
}

std::optional<std::vector<JsonbValue>> elements(const JsonbValue& value) {
    if (value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data)) return std::nullopt;
    std::vector<JsonbValue> found;
    JsonbIterator* iterator = call([&] { return JsonbIteratorInit(value.val.binary.data); });
    JsonbValue item;
    for (;;) {
        const JsonbIteratorToken token = call([&] { return JsonbIteratorNext(&iterator, &item, true); });
        if (token == WJB_DONE) return found;
        if (token == WJB_ELEM) found.push_back(item);
    }
}

// Reads one schema and those within it; `place` leads to it from the outermost.
class SchemaReader {
public:
    PayloadSchema read(JsonbContainer* container, const std::string& place, int depth) {
        if (depth > max_schema_depth) refuse(place, "is nested more than 32 levels deep");
        const auto keywords = members(container);
        if (!keywords) refuse(place, "is not an object");
        PayloadSchema schema;
        for (const auto& [keyword, value] : *keywords) read_keyword(schema, keyword, value, place, depth);
        return schema;
    }

private:
    [[noreturn]] static void refuse(const std::string& place, const std::string& fault) {
        throw SchemaError((place.empty() ? "the schema" : place) + " " + fault);
    }

    void read_keyword(PayloadSchema& schema, const std::string& keyword, const JsonbValue& value,
                      const std::string& outer, int depth) {
        const std::string place = outer.empty() ? keyword : outer + "." + keyword;
        if (keyword == "type") {
            schema.type = value.type == jbvString ? string_of(value) : "";
            if (std::find(std::begin(types), std::end(types), schema.type) == std::end(types)) {
                refuse(place, "is none of object, array, string, number, integer, boolean and null");
            }
        } else if (keyword == "properties") {
            const auto properties = value.type == jbvBinary ? members(value.val.binary.data) : std::nullopt;
            if (!properties) refuse(place, "is not an object");
            for (const auto& [name, inner] : *properties) {
                std::string inner_place = place;
                inner_place.append(".").append(name);
                schema.properties[name] = std::make_unique<PayloadSchema>(nested(inner, inner_place, depth));
            }
        } else if (keyword == "items") {
            schema.items = std::make_unique<PayloadSchema>(nested(value, place, depth));
        } else if (keyword == "required") {
            schema.required = names(value, place);
        } else if (keyword == "additionalProperties") {
            if (value.type != jbvBool) refuse(place, "is neither true nor false");
            schema.additional_properties = value.val.boolean;
        } else if (keyword == "minItems") {
            schema.min_items = count(value, place);
        } else if (keyword == "maxItems") {
            schema.max_items = count(value, place);
        } else if (keyword == "minLength") {
            schema.min_length = count(value, place);
        } else if (keyword == "maxLength") {
            schema.max_length = count(value, place);
        } else if (keyword == "minimum" || keyword == "maximum") {
            if (value.type != jbvNumeric) refuse(place, "is not a number");
            (keyword == "minimum" ? schema.minimum : schema.maximum) = value.val.numeric;
        } else if (keyword == "enum") {
            auto values = elements(value);
            if (!values || values->empty()) refuse(place, "is not an array of values");
            for (const JsonbValue& one : *values) {
                if (one.type == jbvBinary)
                    refuse(place, "holds an object or an array: only single values are compared");
            }
            schema.any_of = std::move(*values);
        } else {
            refuse(place, "is not among the keywords that are understood");
        }
    }

    PayloadSchema nested(const JsonbValue& value, const std::string& place, int depth) {
        if (value.type != jbvBinary) refuse(place, "is not an object");
        return read(value.val.binary.data, place, depth + 1);
    }

    static std::vector<std::string> names(const JsonbValue& value, const std::string& place) {
        const auto values = elements(value);
        if (!values) refuse(place, "is not an array of names");
        std::vector<std::string> list;
        for (const JsonbValue& name : *values) {
            if (name.type != jbvString) refuse(place, "is not an array of names");
            list.emplace_back(string_of(name));
        }
        return list;
    }

    static int64 count(const JsonbValue& value, const std::string& place) {
        const std::string text = value.type == jbvNumeric ? numeric_text(value.val.numeric) : "";
        if (text.empty() || text.size() > 18 || text.find_first_not_of("0123456789") != std::string::npos) {
            refuse(place, "is not a whole number from 0");
        }
        return std::stoll(text);
    }
};

} // namespace

std::string numeric_text(Numeric number) {
    return call([&] { return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(number))); });
}

PayloadSchema PayloadSchema::parse(Jsonb* schema) {
    if (JB_ROOT_IS_SCALAR(schema)) throw SchemaError("the schema is not an object");
    return SchemaReader().read(&schema->root, "", 1);
}

} // namespace rcq::pg
