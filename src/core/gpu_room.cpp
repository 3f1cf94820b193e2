#include "gpu_room.hpp"
#include <algorithm>
#include <bit>
#include <numeric>

namespace rcq::core {

GpuRoom::GpuRoom(std::int32_t free_milli) {
    if (free_milli <= 0) return;
    whole_ = free_milli / device;
    if (const std::int32_t rest = free_milli % device; rest != 0) {
        shared_[0] = static_cast<std::int16_t>(rest);
        used_ = 1;
    }
}

bool GpuRoom::fits(std::int32_t milli) const {
    if (milli <= 0) return milli == 0;
    if (milli >= device) return milli % device == 0 && milli / device <= whole_;
    return unused_slot() != no_slot || *std::max_element(shared_.begin(), shared_.end()) >= milli;
}

int GpuRoom::take(std::int32_t milli) {
    if (milli % device == 0) {
        whole_ -= milli / device;
        return no_slot;
    }
    int slot = tightest_slot(milli);
    if (slot == no_slot) slot = unused_slot();
    take_at(milli, slot);
    return slot;
}

void GpuRoom::take_at(std::int32_t milli, int slot) {
    const auto bit = static_cast<std::uint16_t>(1U << slot);
    auto& room = shared_[static_cast<std::size_t>(slot)];
    if ((used_ & bit) == 0) {
        used_ |= bit;
        --whole_;
        room = device;
    }
    room = static_cast<std::int16_t>(room - milli);
}

void GpuRoom::give(std::int32_t milli, int slot) {
    if (slot == no_slot) {
        whole_ += milli / device;
        return;
    }
    auto& room = shared_[static_cast<std::size_t>(slot)];
    room = static_cast<std::int16_t>(room + milli);
    if (room < device) return;
    room = 0;
    used_ = static_cast<std::uint16_t>(used_ & ~(1U << slot));
    ++whole_;
}

int GpuRoom::unused_slot() const {
    const int slot = std::countr_one(used_);
    return whole_ > 0 && slot < max_shared ? slot : no_slot;
}

int GpuRoom::tightest_slot(std::int32_t milli) const {
    int tightest = no_slot;
    std::int32_t least = device;
    for (int slot = 0; slot < max_shared; ++slot) {
        const std::int32_t room = shared_[static_cast<std::size_t>(slot)];
        if (room < milli || room >= least) continue;
        tightest = slot;
        least = room;
    }
    return tightest;
}

std::int32_t GpuRoom::free_milli() const { return std::accumulate(shared_.begin(), shared_.end(), whole_ * device); }

} // namespace rcq::core
