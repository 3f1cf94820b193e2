// Usage against a list of everything that was ever used, added up afresh at random instants.
#include "core/usage.hpp"
#include <cmath>
#include <gtest/gtest.h>
#include <random>

using namespace rcq::core;

namespace {

struct Span {
    Member member;
    BilledRate rate;
    Micros from;
    std::optional<Micros> to; // none: runs
};

struct Instant {
    Member member;
    Micros at;
    std::int64_t core_seconds;
};

struct Book {
    UsageWindow window;
    Micros slot;
    std::vector<Span> spans;
    std::vector<Instant> instants;

    Micros start(Micros now) const {
        if (window.kind == WindowKind::month) return month_start(month_of(now, window.epoch_day), window.epoch_day);
        return floor_div(now - window.length, slot) * slot;
    }

    template <typename Mine> double decayed(Micros now, Mine mine) const {
        const auto weight = [&](Micros at) {
            return std::exp2(-static_cast<long double>(now - at) / static_cast<long double>(window.length));
        };
        const long double steady = static_cast<long double>(window.length) / second / std::log(2.0L);
        long double sum = 0;
        for (const Span& s : spans) {
            const Micros to = std::min(s.to.value_or(now), now);
            if (mine(s.member) && s.from < to)
                sum += static_cast<long double>(s.rate) * steady * (weight(to) - weight(s.from));
        }
        for (const Instant& i : instants)
            if (mine(i.member) && i.at <= now) sum += static_cast<long double>(i.core_seconds) * 1000 * weight(i.at);
        return static_cast<double>(sum);
    }

    template <typename Mine> Billed windowed(Micros now, Mine mine) const {
        const Micros begin = start(now);
        BilledWork sum = 0;
        for (const Span& s : spans) {
            const Micros from = std::max(s.from, begin);
            const Micros to = std::min(s.to.value_or(now), now);
            if (mine(s.member) && from < to) sum += static_cast<BilledWork>(s.rate) * (to - from);
        }
        for (const Instant& i : instants)
            if (mine(i.member) && i.at >= begin && i.at <= now)
                sum += static_cast<BilledWork>(i.core_seconds) * 1000 * second;
        return static_cast<Billed>(sum / second);
    }

    template <typename Mine> void expect(Billed kept, Micros now, Mine mine) const {
        if (window.kind != WindowKind::half_life)
            ASSERT_EQ(kept, windowed(now, mine));
        else // half a unit by rounding, half a unit each for what was let go
            ASSERT_NEAR(static_cast<double>(kept), decayed(now, mine), 2.0);
    }
};

class Story {
public:
    Story(unsigned seed, UsageWindow window, Micros slot)
        : random(seed), usage(window, slot), book{window, slot, {}, {}}, pace(window.length / 40 + hour) {
        usage.advance(now);
    }

    void step() {
        switch (draw(6)) {
        case 0:
        case 1:
            start();
            break;
        case 2:
            take_a_run(true);
            break;
        case 3:
            take_a_run(false);
            break;
        case 4:
            charge();
            break;
        default:
            pass();
        }
    }

    void check() const {
        book.expect(usage.total(), now, [](const Member&) { return true; });
        for (GroupId g = 1; g <= 3; ++g) {
            book.expect(usage.group(g), now, [g](const Member& m) { return m.group == g; });
            for (UserId u = 1; u <= 3; ++u)
                book.expect(usage.user(g, u), now, [m = Member{g, u}](const Member& other) { return other == m; });
        }
    }

    // All runs end or are lost, and time passes until nothing of the past counts.
    void finish() {
        while (runs > 0) take_a_run(draw(2) == 0);
        usage.advance(now + 4000 * day);
        EXPECT_EQ(usage.total(), 0);
        for (GroupId g = 1; g <= 3; ++g) {
            EXPECT_EQ(usage.group(g), 0);
            for (UserId u = 1; u <= 3; ++u) EXPECT_EQ(usage.user(g, u), 0);
        }
    }

private:
    std::mt19937_64 random;
    Usage usage;
    Book book; // the spans of runs come first
    std::size_t runs = 0;
    Micros pace;
    Micros now = 20'000 * day + 12'345;

    std::int64_t draw(std::int64_t n) { return static_cast<std::int64_t>(random() >> 1) % n; }
    Member member() { return {static_cast<GroupId>(1 + draw(3)), static_cast<UserId>(1 + draw(3))}; }
    // Mostly of the near past, some from before the window, some to come; now and then at the edge of a slot.
    Micros instant() {
        Micros at = now - draw(pace * (draw(8) == 0 ? 60 : 3));
        if (draw(10) == 0) at = now + draw(pace);
        return draw(8) == 0 ? floor_div(at, book.slot) * book.slot : at;
    }

    void start() {
        const Span s{member(), draw(50'000), instant(), {}};
        usage.start(s.member, s.rate, s.from);
        book.spans.insert(book.spans.begin(), s);
        ++runs;
    }

    void take_a_run(bool ends) {
        if (runs == 0) return;
        const std::int64_t at = draw(static_cast<std::int64_t>(runs--));
        Span s = book.spans[static_cast<std::size_t>(at)];
        book.spans.erase(book.spans.begin() + at);
        usage.forget(s.member, s.rate, s.from);
        if (!ends) return; // lost: charged nothing
        s.to = std::max(s.from, instant());
        usage.charge(s.member, s.rate, s.from, *s.to);
        book.spans.push_back(s);
    }

    void charge() {
        if (draw(2) == 0) {
            const Span s{member(), draw(50'000), instant(), instant()};
            usage.charge(s.member, s.rate, s.from, *s.to);
            book.spans.push_back(s);
        } else {
            const Instant i{member(), instant(), draw(1'000'000)};
            usage.charge_at(i.member, i.at, static_cast<double>(i.core_seconds));
            book.instants.push_back(i);
        }
    }

    void pass() {
        usage.advance(now - draw(pace)); // harmless
        now += draw(20) == 0 ? draw(pace * 50) : draw(pace);
        usage.advance(now);
    }
};

void tell(UsageWindow window, Micros slot) {
    for (unsigned seed = 1; seed <= 12; ++seed) {
        Story story(seed, window, slot);
        for (int i = 0; i < 250; ++i) {
            story.step();
            story.check();
            if (testing::Test::HasFatalFailure()) FAIL() << "seed " << seed << ", step " << i;
        }
        story.finish();
    }
}

TEST(UsageOracle, a_rolling_window_counts_every_use_since_its_first_slot) {
    tell({WindowKind::rolling, 30 * day, 0}, 10 * minute);
    tell({WindowKind::rolling, 7 * hour + 1, 0}, hour);
}

TEST(UsageOracle, a_month_counts_every_use_since_its_beginning) {
    tell({WindowKind::month, 30 * day, 0}, hour);
    tell({WindowKind::month, 30 * day, 10'957}, hour);
}

TEST(UsageOracle, a_half_life_weighs_every_use_by_its_age) {
    tell({WindowKind::half_life, 7 * day, 0}, hour);
    tell({WindowKind::half_life, 3 * hour, 0}, hour);
}

} // namespace
