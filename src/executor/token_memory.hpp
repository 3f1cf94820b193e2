// Tokens of runs that this process has ended and forgotten: a `start` that is offered again because an answer was lost
// must not run the job twice. Bounded: the oldest token is forgotten first.
#pragma once
#include <cstddef>
#include <cstdint>
#include <deque>
#include <unordered_set>

namespace rcq::executor {

class TokenMemory {
public:
    explicit TokenMemory(std::size_t limit) : limit_(limit) {}

    void remember(std::int64_t token) {
        if (!known_.insert(token).second) return;
        order_.push_back(token);
        if (order_.size() > limit_) {
            known_.erase(order_.front());
            order_.pop_front();
        }
    }

    [[nodiscard]] bool knows(std::int64_t token) const { return known_.contains(token); }
    [[nodiscard]] std::size_t size() const { return order_.size(); }

private:
    std::size_t limit_;
    std::deque<std::int64_t> order_;
    std::unordered_set<std::int64_t> known_;
};

} // namespace rcq::executor
