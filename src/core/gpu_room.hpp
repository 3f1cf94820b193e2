// The GPUs of one executor, device by device, in thousandths of a device.
//
// A request below 1000 shares one device with others; any other is a multiple of 1000 and takes wholly free devices.
// Amounts that are neither fit nowhere. A device in shared use has a slot from the first request that shares it to
// the last that leaves it; devices that are wholly free or wholly taken are only counted, so that the value stays small
// (it is copied with every hole of every plan) whatever the number of GPUs.
#pragma once
#include <array>
#include <cstdint>

namespace rcq::core {

class GpuRoom {
public:
    static constexpr std::int32_t device = 1000; // thousandths
    static constexpr int max_shared = 16;        // devices in shared use at a time; hosts rarely have more than 16
    static constexpr int no_slot = -1;           // of requests that share no device

    // So much is free and packed: whole devices, and a remainder on one device in shared use. Negative: nothing.
    explicit GpuRoom(std::int32_t free_milli = 0);

    bool fits(std::int32_t milli) const;

    // Takes from the shared device that has the least room for it, else opens a free one. Returns the slot of the
    // shared device, no_slot for whole devices and nothing. The request must fit.
    int take(std::int32_t milli);
    // Takes a request below 1000 at a slot: a device in shared use that has room for it, or unused_slot().
    void take_at(std::int32_t milli, int slot);
    // Gives back what take() took and where.
    void give(std::int32_t milli, int slot);

    std::int32_t whole_free() const { return whole_; } // devices
    std::uint32_t used_slots() const { return used_; } // bit per slot in use
    std::int32_t room_at(int slot) const { return shared_[static_cast<std::size_t>(slot)]; }
    // Where take_at() opens a free device; no_slot: no free device, or too many in shared use.
    int unused_slot() const;
    std::int32_t free_milli() const;

    friend bool operator==(const GpuRoom&, const GpuRoom&) = default;

private:
    int tightest_slot(std::int32_t milli) const;

    std::int32_t whole_ = 0;
    std::uint16_t used_ = 0; // bit per slot
    std::array<std::int16_t, max_shared> shared_{};
};

} // namespace rcq::core
