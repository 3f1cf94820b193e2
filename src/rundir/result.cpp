#include "rundir/result.hpp"

#include <nlohmann/json.hpp>

namespace rcq::rundir {

namespace {

using nlohmann::json;

constexpr int max_depth = 1000;

// The parser's events, watched for what JSON allows and the server does not.
class Watcher : public nlohmann::json_sax<json> {
public:
    std::string fault;

    bool null() override { return true; }
    bool boolean(bool) override { return true; }
    bool number_integer(number_integer_t) override { return true; }
    bool number_unsigned(number_unsigned_t) override { return true; }
    bool number_float(number_float_t, const string_t&) override { return true; }
    bool binary(binary_t&) override { return true; }
    bool string(string_t& text) override { return storable(text); }
    bool key(string_t& text) override { return storable(text); }
    bool start_object(std::size_t) override { return deeper(); }
    bool start_array(std::size_t) override { return deeper(); }
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
    bool deeper() {
        if (++depth_ <= max_depth) return true;
        fault = "is nested more than 1000 levels deep";
        return false;
    }

    int depth_ = 0;
};

} // namespace

std::string result_fault(const std::string& text) {
    if (text.starts_with("\xef\xbb\xbf")) return "begins with a byte order mark";
    Watcher watcher;
    return json::sax_parse(text, &watcher) ? std::string() : watcher.fault;
}

} // namespace rcq::rundir
