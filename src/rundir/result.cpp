#include "rundir/result.hpp"

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace rcq::rundir {

namespace {

using nlohmann::json;

constexpr int max_depth = 1000;
// What numeric of PostgreSQL holds.
constexpr long max_decimals = 16'383;
constexpr long max_exponent = (1L << 30) - 2;

// Whether numeric can hold this number of JSON, which is no greater than a double.
bool is_storable_number(const std::string& text) {
    const std::size_t e = text.find_first_of("eE");
    const std::size_t point = text.find('.');
    const std::size_t end = std::min(e, text.size());
    const auto behind_point = static_cast<long>(point == std::string::npos ? 0 : end - point - 1);
    // of one that is no long: the greatest or least
    const long exponent = e == std::string::npos ? 0 : std::strtol(text.c_str() + e + 1, nullptr, 10);
    return exponent >= -max_exponent && exponent <= max_exponent && behind_point - exponent <= max_decimals;
}

// The parser's events, watched for what JSON allows and the server does not.
class Watcher : public nlohmann::json_sax<json> {
public:
    std::string fault;

    bool null() override { return one_more(); }
    bool boolean(bool) override { return one_more(); }
    bool number_integer(number_integer_t) override { return one_more(); }
    bool number_unsigned(number_unsigned_t) override { return one_more(); }
    bool number_float(number_float_t, const string_t& text) override {
        if (is_storable_number(text)) return one_more();
        fault =
            "contains the number " + text.substr(0, 60) + (text.size() > 60 ? "..." : "") +
            ", which cannot be stored: it has more than 16383 digits behind the point, or an exponent above 1073741822";
        return false;
    }
    bool binary(binary_t&) override { return one_more(); }
    bool string(string_t& text) override { return one_more() && storable(text); }
    bool key(string_t& text) override { return one_more() && storable(text); }
    bool start_object(std::size_t) override { return one_more() && deeper(); }
    bool start_array(std::size_t) override { return one_more() && deeper(); }
    bool end_object() override { return --depth_, true; }
    bool end_array() override { return --depth_, true; }
    bool parse_error(std::size_t, const std::string&, const json::exception& error) override {
        std::string text = error.what();
        fault = "is not JSON: " + text.substr(text.find(']') + 2); // without "[json.exception.parse_error.101] "
        return false;
    }

private:
    bool storable(const string_t& text) {
        if (text.find('\0') == string_t::npos) return true;
        fault = "contains \\u0000, which cannot be stored";
        return false;
    }
    bool one_more() {
        if (++values_ <= max_result_values) return true;
        fault = "has more than 1000000 JSON values: put it into $RCQ_OUTPUT_DIR";
        return false;
    }
    bool deeper() {
        if (++depth_ <= max_depth) return true;
        fault = "is nested more than 1000 levels deep";
        return false;
    }

    int depth_ = 0;
    std::int64_t values_ = 0;
};

} // namespace

std::string result_fault(const std::string& text) {
    if (text.starts_with("\xef\xbb\xbf")) return "begins with a byte order mark";
    Watcher watcher;
    return json::sax_parse(text, &watcher) ? std::string() : watcher.fault;
}

} // namespace rcq::rundir
