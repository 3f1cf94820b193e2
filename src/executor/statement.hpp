// One statement with its parameters, as it goes to libpq.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rcq::executor {

using TypeOid = unsigned int; // libpq's Oid

struct Parameter {
    TypeOid type = 0;
    std::optional<std::string> value; // nothing: NULL
    bool binary = false;
};

struct Statement {
    std::string sql;
    std::vector<Parameter> parameters;
};

// A one-dimensional array in PostgreSQL's binary format.
class BinaryArray {
public:
    explicit BinaryArray(TypeOid element) : element_(element) {}
    void add(std::string_view bytes);
    void add(std::int64_t number);
    [[nodiscard]] std::string take() const;

private:
    TypeOid element_;
    std::int32_t count_ = 0;
    std::string body_;
};

} // namespace rcq::executor
