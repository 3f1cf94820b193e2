#include "handlers/sum.hpp"

#include "handlers/handler.hpp"

#include <cmath>
#include <cstdint>
#include <limits>

namespace rcq::handlers {

void Sum::add(const json& number, std::size_t place) {
    if (number.is_number_unsigned()) {
        whole_ += number.get<std::uint64_t>();
    } else if (number.is_number_integer()) {
        whole_ += number.get<std::int64_t>();
    } else if (number.is_number_float()) {
        exact_ = false;
        add_double(number.get<double>());
    } else {
        throw HandlerError("numbers[" + std::to_string(place) + "] is no number");
    }
}

void Sum::add(const Sum& other) {
    whole_ += other.whole_;
    exact_ = exact_ && other.exact_;
    add_double(other.sum_);
    add_double(other.lost_);
}

void Sum::add_double(double number) {
    const double sum = sum_ + number;
    lost_ += std::abs(sum_) >= std::abs(number) ? (sum_ - sum) + number : (number - sum) + sum_;
    sum_ = sum;
}

json Sum::value() const {
    if (exact_) {
        if (whole_ >= 0 && whole_ <= std::numeric_limits<std::uint64_t>::max())
            return static_cast<std::uint64_t>(whole_);
        if (whole_ < 0 && whole_ >= std::numeric_limits<std::int64_t>::min()) return static_cast<std::int64_t>(whole_);
    }
    Sum total = *this;
    // in two parts, because a double holds 53 bits of the 128
    const auto high = static_cast<double>(whole_);
    total.add_double(high);
    total.add_double(static_cast<double>(whole_ - static_cast<Wide>(high)));
    const double value = total.sum_ + total.lost_;
    if (!std::isfinite(value)) throw HandlerError("the sum is out of range: its magnitude is above 1.8e308");
    return value;
}

} // namespace rcq::handlers
