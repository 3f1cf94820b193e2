// Which known name somebody meant who wrote an unknown one.
#pragma once
#include <cstddef>
#include <span>
#include <string_view>

namespace rcq::core {

// How many bytes must be inserted, removed, replaced, or exchanged with their neighbour, to make `b` of `a`. No byte is
// touched twice. O(a x b).
std::size_t edit_distance(std::string_view a, std::string_view b);

// The first of the least distance from `name`, if it is at most a third of its length away (one byte for the shortest),
// or the first that `name` begins, of three bytes or more; empty when none is near.
std::string_view nearest(std::string_view name, std::span<const std::string_view> known);

} // namespace rcq::core
