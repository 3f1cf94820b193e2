#include "database/statement.hpp"

namespace rcq::database {

namespace {

void add_big_endian(std::string& text, std::uint64_t number, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) text += static_cast<char>((number >> shift) & 0xff);
}

} // namespace

Parameter integer(int number) { return {oid::int4, std::to_string(number)}; }
Parameter bigint(std::int64_t number) { return {oid::int8, std::to_string(number)}; }
Parameter text(std::string value) { return {oid::text, std::move(value)}; }
Parameter jsonb(std::string value) { return {oid::jsonb, std::move(value)}; }
Parameter boolean(bool value) { return {oid::boolean, value ? "true" : "false"}; }
Parameter null(TypeOid type) { return {type, std::nullopt}; }

Parameter bigints(const std::vector<std::int64_t>& numbers) {
    BinaryArray array(oid::int8);
    for (std::int64_t number : numbers) array.add(number);
    return {oid::int8_array, array.take(), true};
}

Parameter texts(const std::vector<std::string>& values) {
    BinaryArray array(oid::text);
    for (const std::string& value : values) array.add(value);
    return {oid::text_array, array.take(), true};
}

void BinaryArray::add(std::string_view bytes) {
    add_big_endian(body_, bytes.size(), 4);
    body_.append(bytes);
    ++count_;
}

void BinaryArray::add(std::int64_t number) {
    add_big_endian(body_, 8, 4);
    add_big_endian(body_, static_cast<std::uint64_t>(number), 8);
    ++count_;
}

std::string BinaryArray::take() const {
    std::string array;
    array.reserve(20 + body_.size());
    add_big_endian(array, count_ == 0 ? 0 : 1, 4); // dimensions
    add_big_endian(array, 0, 4);                   // no NULLs
    add_big_endian(array, element_, 4);
    if (count_ == 0) return array;
    add_big_endian(array, static_cast<std::uint64_t>(count_), 4);
    add_big_endian(array, 1, 4); // lower bound
    return array + body_;
}

} // namespace rcq::database
