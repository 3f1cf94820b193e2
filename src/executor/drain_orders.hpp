// What the server is to be told about draining, and when. Two things that do not mix:
// - the condition of this process (it stops, its disk is full): told when it changes, and again and again while it
//   holds, because an administrator's resume ends the drain, but not the condition; told to be over when it passes
// - a fault that somebody has to look after (a prolog failed): told once, forgotten when the server has it
//
// A server of before 0.4 knows neither faults nor the end of a drain: it gets the call that it knows, and never "over".
#pragma once
#include <cstdint>
#include <optional>
#include <string>

namespace rcq::executor {

struct DrainCall {
    std::optional<std::string> reason; // nothing: the condition has passed
    bool until_resumed = false;
    bool old_server = false; // without the argument until_resumed
};

class DrainOrders {
public:
    void set_condition(std::optional<std::string> reason) { condition_ = std::move(reason); }
    [[nodiscard]] const std::optional<std::string>& condition() const { return condition_; }
    void add_fault(std::string reason) { fault_ = std::move(reason); }

    // Registered anew, perhaps with a server that was upgraded or has forgotten.
    void connected();

    // What is to be told now, if anything; again until it is answered. `repeat_ms`: after that a condition is told
    // anew.
    [[nodiscard]] std::optional<DrainCall> next(std::int64_t now_ms, std::int64_t repeat_ms);
    void answered(const DrainCall& call, std::int64_t now_ms);
    // The server has no such function: next() says it in the old way.
    void not_understood();

private:
    std::optional<std::string> condition_;
    std::optional<std::string> told_; // the condition as the server knows it
    bool known_ = true;               // that it does
    std::int64_t told_ms_ = 0;
    std::optional<std::string> fault_;
    bool old_server_ = false;
};

} // namespace rcq::executor
