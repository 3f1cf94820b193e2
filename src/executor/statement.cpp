#include "executor/statement.hpp"

namespace rcq::executor {

namespace {

void add_big_endian(std::string& text, std::uint64_t number, int bytes) {
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8) text += static_cast<char>((number >> shift) & 0xff);
}

} // namespace

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

} // namespace rcq::executor
