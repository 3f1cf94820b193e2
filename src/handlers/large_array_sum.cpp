#include "handlers/handler.hpp"
#include "handlers/sum.hpp"

#include <algorithm>
#include <exception>
#include <thread>
#include <vector>

namespace rcq::handlers {

namespace {

struct Chunk {
    Sum sum;
    std::exception_ptr fault;
};

} // namespace

json large_array_sum(const json& payload, int threads) {
    const json& numbers = member(payload, "numbers", json::value_t::array);
    if (threads < 1) throw HandlerError("RCQ_CPU_CORES is not a number of cores");
    const std::size_t size = numbers.size();
    const std::size_t count = std::clamp<std::size_t>(size, 1, static_cast<std::size_t>(threads));
    std::vector<Chunk> chunks(count);
    const auto add_up = [&](std::size_t chunk) {
        try {
            for (std::size_t i = size * chunk / count; i < size * (chunk + 1) / count; ++i) {
                chunks[chunk].sum.add(numbers[i], i);
            }
        } catch (...) {
            chunks[chunk].fault = std::current_exception();
        }
    };
    std::vector<std::jthread> workers;
    for (std::size_t chunk = 1; chunk < count; ++chunk) workers.emplace_back(add_up, chunk);
    add_up(0);
    workers.clear(); // waits for them
    Sum total;
    for (const Chunk& chunk : chunks) {
        if (chunk.fault) std::rethrow_exception(chunk.fault);
        total.add(chunk.sum);
    }
    return {{"sum", total.value()}, {"chunks", count}};
}

} // namespace rcq::handlers
