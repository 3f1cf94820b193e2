#include "core/gpu_room.hpp"
#include <algorithm>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <vector>

using namespace rcq::core;

namespace {

// Devices as a plain list, and who holds what of which.
struct Model {
    struct Device {
        int room = 1000;
        bool shared = false;
    };
    std::vector<Device> devices;
    std::map<int, std::size_t> device_of_slot;

    int whole_free() const {
        return static_cast<int>(std::count_if(devices.begin(), devices.end(), [](auto& d) { return d.room == 1000; }));
    }
    bool fits(int milli) const {
        if (milli % 1000 == 0) return whole_free() >= milli / 1000;
        if (milli > 1000) return false;
        if (whole_free() > 0 && device_of_slot.size() < GpuRoom::max_shared) return true;
        return std::any_of(devices.begin(), devices.end(), [&](auto& d) { return d.shared && d.room >= milli; });
    }
    int tightest(int milli) const {
        int least = 1000;
        for (auto& d : devices)
            if (d.shared && d.room >= milli) least = std::min(least, d.room);
        return least;
    }
    std::size_t any_whole() const {
        for (std::size_t i = 0; i < devices.size(); ++i)
            if (devices[i].room == 1000) return i;
        return devices.size();
    }
    int sum() const {
        int all = 0;
        for (auto& d : devices) all += d.room;
        return all;
    }
};

TEST(GpuRoom, a_request_below_one_gpu_needs_a_single_device_with_that_much_room) {
    GpuRoom room(2000);
    EXPECT_EQ(room.take(600), 0);
    EXPECT_EQ(room.take(700), 1);
    EXPECT_EQ(room.free_milli(), 700);
    EXPECT_TRUE(room.fits(400));
    EXPECT_FALSE(room.fits(500)) << "400 and 300 are free, on two devices";
}

TEST(GpuRoom, whole_requests_need_wholly_free_devices) {
    GpuRoom room(3000);
    room.take(1);
    EXPECT_TRUE(room.fits(2000));
    EXPECT_FALSE(room.fits(3000));
    EXPECT_EQ(room.take(2000), GpuRoom::no_slot);
    EXPECT_FALSE(room.fits(1000));
    EXPECT_TRUE(room.fits(999));
}

TEST(GpuRoom, amounts_that_are_neither_a_share_nor_whole_devices_fit_nowhere) {
    const GpuRoom room(8000);
    EXPECT_FALSE(room.fits(1500));
    EXPECT_FALSE(room.fits(-1));
    EXPECT_FALSE(room.fits(-1000));
    EXPECT_TRUE(room.fits(0));
    EXPECT_TRUE(GpuRoom().fits(0));
}

TEST(GpuRoom, what_is_not_whole_of_a_packed_amount_lies_on_one_device_in_shared_use) {
    GpuRoom room(2300);
    EXPECT_EQ(room.whole_free(), 2);
    EXPECT_EQ(room.take(300), 0);
    EXPECT_EQ(room.free_milli(), 2000);
    EXPECT_EQ(GpuRoom(-500), GpuRoom());
}

TEST(GpuRoom, ten_thousand_whole_devices_are_only_counted) {
    GpuRoom room(10'000'000);
    room.take(9'999'000);
    EXPECT_TRUE(room.fits(1000));
    EXPECT_FALSE(room.fits(2000));
    room.give(9'999'000, GpuRoom::no_slot);
    EXPECT_EQ(room, GpuRoom(10'000'000));
}

TEST(GpuRoom, no_more_than_the_maximum_of_devices_are_in_shared_use) {
    GpuRoom room(20'000);
    for (int i = 0; i < GpuRoom::max_shared; ++i) EXPECT_EQ(room.take(900), i);
    EXPECT_FALSE(room.fits(900));
    EXPECT_TRUE(room.fits(100));
    EXPECT_TRUE(room.fits(4000));
    room.give(900, 7);
    EXPECT_EQ(room.take(900), 7);
}

TEST(GpuRoom, takes_and_gives_as_a_list_of_devices_does) {
    std::mt19937 random(11);
    const auto draw = [&](int n) { return static_cast<int>(random() % static_cast<unsigned>(n)); };
    for (int round = 0; round < 200; ++round) {
        Model model;
        model.devices.resize(static_cast<std::size_t>(draw(24)));
        GpuRoom room(static_cast<std::int32_t>(model.devices.size()) * 1000);
        struct Grant {
            int milli;
            int slot;
        };
        std::vector<Grant> grants;
        std::vector<std::size_t> whole_taken;
        for (int step = 0; step < 200; ++step) {
            if (!grants.empty() && draw(5) < 2) {
                const auto which = grants.begin() + draw(static_cast<int>(grants.size()));
                room.give(which->milli, which->slot);
                if (which->slot == GpuRoom::no_slot) {
                    for (int i = 0; i < which->milli / 1000; ++i) {
                        model.devices[whole_taken.back()].room = 1000;
                        whole_taken.pop_back();
                    }
                } else {
                    Model::Device& device = model.devices[model.device_of_slot.at(which->slot)];
                    device.room += which->milli;
                    device.shared = device.room < 1000;
                    if (!device.shared) model.device_of_slot.erase(which->slot);
                }
                grants.erase(which);
            } else {
                const int milli = draw(2) ? 1000 * draw(6) : 1 + 10 * draw(150);
                ASSERT_EQ(room.fits(milli), model.fits(milli)) << milli;
                if (!model.fits(milli)) continue;
                const int tightest = milli % 1000 ? model.tightest(milli) : 0;
                const int slot = room.take(milli);
                grants.push_back({milli, slot});
                if (milli % 1000 == 0) {
                    ASSERT_EQ(slot, GpuRoom::no_slot);
                    for (int i = 0; i < milli / 1000; ++i) {
                        whole_taken.push_back(model.any_whole());
                        model.devices[whole_taken.back()].room = 0;
                    }
                } else {
                    const auto [it, opened] = model.device_of_slot.try_emplace(slot, model.any_whole());
                    Model::Device& device = model.devices.at(it->second);
                    ASSERT_EQ(device.room, tightest);
                    ASSERT_EQ(opened, tightest == 1000);
                    device.room -= milli;
                    device.shared = true;
                }
            }
            ASSERT_EQ(room.whole_free(), model.whole_free());
            ASSERT_EQ(room.free_milli(), model.sum());
            for (const auto& [slot, device] : model.device_of_slot)
                ASSERT_EQ(room.room_at(slot), model.devices[device].room);
        }
    }
}

} // namespace
