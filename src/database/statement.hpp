// One statement with its parameters, as it goes to libpq; the parameters of each type.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rcq::database {

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

namespace oid {
constexpr TypeOid boolean = 16;
constexpr TypeOid bytea = 17;
constexpr TypeOid int8 = 20;
constexpr TypeOid int4 = 23;
constexpr TypeOid text = 25;
constexpr TypeOid bytea_array = 1001;
constexpr TypeOid int4_array = 1007;
constexpr TypeOid text_array = 1009;
constexpr TypeOid int8_array = 1016;
constexpr TypeOid timestamptz = 1184;
constexpr TypeOid numeric = 1700;
constexpr TypeOid jsonb = 3802;
} // namespace oid

Parameter integer(int number);
Parameter bigint(std::int64_t number);
Parameter text(std::string value);
Parameter jsonb(std::string value);
Parameter boolean(bool value);
Parameter null(TypeOid type);
Parameter bigints(const std::vector<std::int64_t>& numbers);
Parameter texts(const std::vector<std::string>& values);

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

} // namespace rcq::database
