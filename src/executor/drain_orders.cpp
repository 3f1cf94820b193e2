#include "executor/drain_orders.hpp"

#include "executor/logging.hpp"

namespace rcq::executor {

void DrainOrders::connected() {
    old_server_ = false;
    if (condition_) known_ = false;
}

std::optional<DrainCall> DrainOrders::next(std::int64_t now_ms, std::int64_t repeat_ms) {
    if (fault_) return DrainCall{fault_, true, old_server_};
    const bool again = condition_ && now_ms - told_ms_ >= repeat_ms;
    if (known_ && told_ == condition_ && !again) return std::nullopt;
    if (!condition_ && old_server_) {
        spdlog::warn("event=drain_stays reason=\"the server is older than 0.4 and cannot end a drain: start this "
                     "executor anew\"");
        told_.reset();
        known_ = true;
        return std::nullopt;
    }
    known_ = false; // until it is answered
    return DrainCall{condition_, false, old_server_};
}

void DrainOrders::answered(const DrainCall& call, std::int64_t now_ms) {
    if (call.until_resumed) {
        if (fault_ == call.reason) fault_.reset();
        return;
    }
    told_ = call.reason;
    known_ = true;
    told_ms_ = now_ms;
}

void DrainOrders::not_understood() { old_server_ = true; }

} // namespace rcq::executor
