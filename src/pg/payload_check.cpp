// The walk over a payload. A payload may have millions of values, so the whole walk is one call into PostgreSQL: on its
// stack are plain values alone, and what it finds is put into words afterwards.
#include "payload_schema.hpp"

namespace rcq::pg {

namespace {

constexpr int max_depth = 1000;
constexpr std::size_t max_number_length = 1000;
constexpr uint64 values_between_interrupts = 1 << 16;

// One open object or array.
struct Level {
    const PayloadSchema* schema; // nullptr: anything goes
    const PayloadSchema* child;  // of the value that comes next
    bool is_object;
    int64 index; // in an array, of the value under way
    const char* key;
    int key_length;
};

enum class Fault {
    none,
    type,
    missing,
    not_known,
    too_few_items,
    too_many_items,
    too_short,
    too_long,
    too_small,
    too_large,
    not_in_enum,
    too_deep,
    too_big,
    long_number
};

struct Found {
    Fault fault = Fault::none;
    const PayloadSchema* schema = nullptr; // that was violated
    JsonbValue value{};                    // that violates it
    int depth = 0;                         // of the levels that lead to the value
    const char* name = nullptr;            // of what is missing or not known
    int name_length = 0;
    int64 amount = 0; // of items or characters
};

// JSON text of a string, in bytes, with its quotes.
int64 text_size(const char* text, int length) {
    int64 size = length + 2;
    for (int i = 0; i < length; i++) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c == '"' || c == '\\') size++;
        if (c >= 0x20) continue;
        size += c == '\b' || c == '\f' || c == '\n' || c == '\r' || c == '\t' ? 1 : 5;
    }
    return size;
}

bool same_value(const JsonbValue& a, const JsonbValue& b) {
    if (a.type != b.type) return false;
    switch (a.type) {
    case jbvNull:
        return true;
    case jbvBool:
        return a.val.boolean == b.val.boolean;
    case jbvNumeric:
        return DatumGetBool(
            DirectFunctionCall2(numeric_eq, NumericGetDatum(a.val.numeric), NumericGetDatum(b.val.numeric)));
    default:
        return a.val.string.len == b.val.string.len &&
               memcmp(a.val.string.val, b.val.string.val, static_cast<std::size_t>(a.val.string.len)) == 0;
    }
}

int compare(Numeric a, Numeric b) {
    return DatumGetInt32(DirectFunctionCall2(numeric_cmp, NumericGetDatum(a), NumericGetDatum(b)));
}

// Whether the text of a number has nothing but zeros behind its point.
bool is_integer(const char* text) {
    const char* point = strchr(text, '.');
    return point == nullptr || point[1 + strspn(point + 1, "0")] == '\0';
}

class Walk {
public:
    Walk(const PayloadSchema& schema, int64 max_bytes, Level* levels)
        : root_(schema), max_bytes_(max_bytes), levels_(levels) {}

    // Inside call(): no destructor may be needed on the way.
    void run(Jsonb* payload) {
        JsonbIterator* iterator = JsonbIteratorInit(&payload->root);
        JsonbValue item;
        uint64 values = 0;
        for (;;) {
            const JsonbIteratorToken token = JsonbIteratorNext(&iterator, &item, false);
            if (++values % values_between_interrupts == 0) CHECK_FOR_INTERRUPTS();
            if (token == WJB_DONE || !step(token, item, iterator)) return;
            if (bytes_ > max_bytes_) {
                found.fault = Fault::too_big;
                return;
            }
        }
    }

    Found found;

private:
    bool fail(Fault fault, const PayloadSchema* schema, const JsonbValue& value, int64 amount = 0) {
        found = {fault, schema, value, depth_, nullptr, 0, amount};
        return false;
    }

    bool step(JsonbIteratorToken token, const JsonbValue& item, JsonbIterator* iterator) {
        switch (token) {
        case WJB_BEGIN_ARRAY:
            return item.val.array.rawScalar || open(item, false, iterator);
        case WJB_BEGIN_OBJECT:
            return open(item, true, iterator);
        case WJB_END_ARRAY:
        case WJB_END_OBJECT:
            if (depth_ > 0) depth_--;
            return true;
        case WJB_KEY:
            return enter_member(item);
        default: // an element or a value
            return scalar(next_schema(), item);
        }
    }

    // The schema of a value that begins here, in its place.
    const PayloadSchema* next_schema() {
        if (depth_ == 0) return &root_;
        Level& level = levels_[depth_ - 1];
        if (!level.is_object) level.index++;
        bytes_++; // the comma before it, or the colon
        return level.child;
    }

    bool open(const JsonbValue& item, bool is_object, JsonbIterator* iterator) {
        const PayloadSchema* schema = next_schema();
        bytes_ += 2;
        if (schema != nullptr) {
            if (!schema->type.empty() && schema->type != (is_object ? "object" : "array"))
                return fail(Fault::type, schema, item);
            if (!schema->any_of.empty()) return fail(Fault::not_in_enum, schema, item);
            if (!is_object && item.val.array.nElems < schema->min_items)
                return fail(Fault::too_few_items, schema, item, item.val.array.nElems);
            if (!is_object && item.val.array.nElems > schema->max_items)
                return fail(Fault::too_many_items, schema, item, item.val.array.nElems);
        }
        if (depth_ == max_depth) return fail(Fault::too_deep, schema, item);
        levels_[depth_++] = {schema, schema == nullptr ? nullptr : schema->items.get(), is_object, -1, nullptr, 0};
        if (schema == nullptr || !is_object) return true;
        levels_[depth_ - 1].child = nullptr;
        for (const std::string& name : schema->required) {
            JsonbValue member;
            if (getKeyJsonValueFromContainer(iterator->container, name.data(), static_cast<int>(name.size()), &member))
                continue;
            depth_--; // it is the object that lacks it
            fail(Fault::missing, schema, item);
            found.name = name.data();
            found.name_length = static_cast<int>(name.size());
            return false;
        }
        return true;
    }

    bool enter_member(const JsonbValue& key) {
        Level& level = levels_[depth_ - 1];
        level.key = key.val.string.val;
        level.key_length = key.val.string.len;
        bytes_ += 1 + text_size(level.key, level.key_length);
        if (level.schema == nullptr) return true;
        const auto property =
            level.schema->properties.find(std::string_view(level.key, static_cast<std::size_t>(level.key_length)));
        level.child = property == level.schema->properties.end() ? nullptr : property->second.get();
        if (level.child != nullptr || level.schema->additional_properties) return true;
        depth_--;
        fail(Fault::not_known, level.schema, key);
        found.name = level.key;
        found.name_length = level.key_length;
        return false;
    }

    bool scalar(const PayloadSchema* schema, const JsonbValue& value) {
        bool whole = false;
        if (value.type == jbvNumeric) {
            char* text = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value.val.numeric)));
            const std::size_t length = strlen(text);
            whole = is_integer(text);
            pfree(text);
            bytes_ += static_cast<int64>(length);
            if (length > max_number_length) return fail(Fault::long_number, schema, value);
        } else {
            bytes_ += value.type == jbvString ? text_size(value.val.string.val, value.val.string.len) : 5;
        }
        if (schema == nullptr) return true;
        if (!schema->type.empty() && !has_type(*schema, value, whole)) return fail(Fault::type, schema, value);
        if (value.type == jbvNumeric) {
            if (schema->minimum != nullptr && compare(value.val.numeric, schema->minimum) < 0)
                return fail(Fault::too_small, schema, value);
            if (schema->maximum != nullptr && compare(value.val.numeric, schema->maximum) > 0)
                return fail(Fault::too_large, schema, value);
        }
        if (value.type == jbvString && (schema->min_length > 0 || schema->max_length < value.val.string.len)) {
            const int64 length = pg_mbstrlen_with_len(value.val.string.val, value.val.string.len);
            if (length < schema->min_length) return fail(Fault::too_short, schema, value, length);
            if (length > schema->max_length) return fail(Fault::too_long, schema, value, length);
        }
        if (schema->any_of.empty()) return true;
        for (const JsonbValue& allowed : schema->any_of) {
            if (same_value(value, allowed)) return true;
        }
        return fail(Fault::not_in_enum, schema, value);
    }

    static bool has_type(const PayloadSchema& schema, const JsonbValue& value, bool whole) {
        switch (value.type) {
        case jbvNull:
            return schema.type == "null";
        case jbvBool:
            return schema.type == "boolean";
        case jbvNumeric:
            return schema.type == "number" || (whole && schema.type == "integer");
        default:
            return schema.type == "string";
        }
    }

    const PayloadSchema& root_;
    const int64 max_bytes_;
    Level* const levels_;
    int depth_ = 0;
    int64 bytes_ = 0;
};

// A quoted text, cut at 60 characters.
std::string shown(const char* text, int length) {
    const int cut = call([&] { return pg_mbcharcliplen(text, length, 60); });
    return "\"" + std::string(text, static_cast<std::size_t>(cut)) + (cut < length ? "...\"" : "\"");
}

std::string shown(const JsonbValue& value) {
    switch (value.type) {
    case jbvNull:
        return "null";
    case jbvBool:
        return value.val.boolean ? "true" : "false";
    case jbvNumeric: {
        const std::string text = numeric_text(value.val.numeric);
        return text.size() <= 60 ? text : text.substr(0, 57) + "...";
    }
    case jbvString:
        return shown(value.val.string.val, value.val.string.len);
    case jbvObject:
        return "an object";
    default:
        return "an array";
    }
}

std::string with_article(const std::string& type) {
    if (type == "null") return type;
    return (type == "object" || type == "array" || type == "integer" ? "an " : "a ") + type;
}

std::string type_of(const PayloadSchema& schema, const JsonbValue& value) {
    if (value.type == jbvNumeric) return schema.type == "integer" ? shown(value) : "a number";
    if (value.type == jbvString) return "a string";
    return value.type == jbvBool ? "a boolean" : shown(value);
}

// numbers[3], a.b; empty for the payload itself.
std::string path(const std::vector<Level>& levels, int depth) {
    std::string text;
    for (int i = 0; i < depth && text.size() < 200; i++) {
        const Level& level = levels[static_cast<std::size_t>(i)];
        if (!level.is_object) {
            text += "[" + std::to_string(level.index) + "]";
            continue;
        }
        const std::string_view key(level.key, static_cast<std::size_t>(level.key_length));
        const bool word = !key.empty() && std::all_of(key.begin(), key.end(), [](char c) {
            return c == '_' || c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        });
        if (!text.empty()) text += ".";
        text += word && key.size() <= 60 ? std::string(key) : shown(level.key, level.key_length);
    }
    return text;
}

std::string counted(int64 amount, const char* what) {
    return std::to_string(amount) + " " + what + (amount == 1 ? "" : "s");
}

std::string list_of(const std::vector<JsonbValue>& values) {
    std::string text;
    for (const JsonbValue& value : values) text += (text.empty() ? "" : ", ") + shown(value);
    return text;
}

std::string known_names(const PayloadSchema& schema) {
    std::string text;
    for (const auto& [name, property] : schema.properties) text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "none" : text;
}

std::string in_words(const Found& found, const std::vector<Level>& levels, int64 max_bytes) {
    const std::string inner = path(levels, found.depth);
    const std::string place = inner.empty() ? "the payload" : inner;
    const auto below = [&](const char* name, int length) {
        std::vector<Level> one = {{nullptr, nullptr, true, -1, name, length}};
        return inner.empty() ? path(one, 1) : inner + "." + path(one, 1);
    };
    switch (found.fault) {
    case Fault::type:
        return place + " is " + type_of(*found.schema, found.value) + ", wanted " + with_article(found.schema->type);
    case Fault::missing:
        return below(found.name, found.name_length) + " is missing";
    case Fault::not_known:
        return below(found.name, found.name_length) + " is not known, wanted only: " + known_names(*found.schema);
    case Fault::too_few_items:
        return place + " has " + counted(found.amount, "item") + ", wanted at least " +
               std::to_string(found.schema->min_items);
    case Fault::too_many_items:
        return place + " has " + counted(found.amount, "item") + ", wanted at most " +
               std::to_string(found.schema->max_items);
    case Fault::too_short:
        return place + " has " + counted(found.amount, "character") + ", wanted at least " +
               std::to_string(found.schema->min_length);
    case Fault::too_long:
        return place + " has " + counted(found.amount, "character") + ", wanted at most " +
               std::to_string(found.schema->max_length);
    case Fault::too_small:
        return place + " is " + shown(found.value) + ", wanted at least " + numeric_text(found.schema->minimum);
    case Fault::too_large:
        return place + " is " + shown(found.value) + ", wanted at most " + numeric_text(found.schema->maximum);
    case Fault::not_in_enum:
        return place + " is " + shown(found.value) + ", wanted one of " + list_of(found.schema->any_of);
    case Fault::too_deep:
        return "the payload is nested more than " + std::to_string(max_depth) + " levels deep";
    case Fault::too_big:
        return "the payload is larger than " + std::to_string(max_bytes) + " bytes";
    case Fault::long_number:
        return place + " is a number of more than " + std::to_string(max_number_length) + " characters";
    case Fault::none:
        break;
    }
    return {};
}

} // namespace

std::optional<std::string> payload_violation(const PayloadSchema& schema, Jsonb* payload, int64 max_bytes) {
    std::vector<Level> levels(max_depth);
    Walk walk(schema, max_bytes, levels.data());
    call([&] { walk.run(payload); });
    if (walk.found.fault == Fault::none) return std::nullopt;
    return in_words(walk.found, levels, max_bytes);
}

} // namespace rcq::pg
