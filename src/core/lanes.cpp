#include "lanes.hpp"
#include <string_view>
#include <utility>

namespace rcq::core {
namespace {

class Fnv1a {
public:
    void byte(std::uint8_t b) { hash_ = (hash_ ^ b) * 0x100000001b3U; }
    void word32(std::int64_t value) { number(static_cast<std::uint64_t>(value), 4); }
    void word64(std::int64_t value) { number(static_cast<std::uint64_t>(value), 8); }
    void text(std::string_view s) {
        word32(static_cast<std::int64_t>(s.size()));
        for (char c : s) byte(static_cast<std::uint8_t>(c));
    }
    std::uint64_t value() const { return hash_; }

private:
    void number(std::uint64_t value, int bytes) {
        for (int i = 0; i < bytes; ++i) byte(static_cast<std::uint8_t>(value >> (8 * i)));
    }
    std::uint64_t hash_ = 0xcbf29ce484222325U;
};

} // namespace

std::uint64_t lane_key(GroupId group, UserId user, std::int32_t priority, const Shape& shape) {
    Fnv1a hash;
    hash.word32(group);
    hash.word32(user);
    hash.word32(priority);
    hash.word32(shape.need.cpu_cores);
    hash.word64(shape.need.memory_mib);
    hash.word32(shape.need.gpu_milli);
    Features sorted = shape.features;
    sort_features(sorted);
    for (const auto& feature : sorted) hash.text(feature);
    return hash.value();
}

Lane& Lanes::open(GroupId group, UserId user, std::int32_t priority, const Shape& shape) {
    LaneId id{group, user, priority, lane_key(group, user, priority, shape), shape};
    auto [it, fresh] = lanes_.try_emplace(std::move(id));
    if (fresh) it->second.id = it->first;
    return it->second;
}

void Lanes::close_if_empty(Lane& lane) {
    if (!lane.waiting.empty() || lane.held != 0) return;
    lanes_.erase(lanes_.find(lane.id));
}

} // namespace rcq::core
