#include "metrics.hpp"

namespace rcq::pg {

namespace {

template <std::size_t Cells> void clear(Histogram<Cells>& histogram) {
    for (pg_atomic_uint64& cell : histogram.cell) pg_atomic_init_u64(&cell, 0);
    pg_atomic_init_u64(&histogram.microseconds, 0);
}

} // namespace

void clear_metrics(Metrics& metrics) {
    for (pg_atomic_uint64& counter : metrics.counter) pg_atomic_init_u64(&counter, 0);
    clear(metrics.cycles);
    clear(metrics.waits);
    clear(metrics.runs);
    for (RequestCell& cell : metrics.request) {
        pg_atomic_init_u64(&cell.key, 0);
        pg_atomic_init_u32(&cell.named, 0);
        std::fill(std::begin(cell.route), std::end(cell.route), '\0');
        pg_atomic_init_u64(&cell.requests, 0);
    }
    pg_atomic_init_u64(&metrics.further_requests, 0);
    for (pg_atomic_uint64& hits : metrics.limit_hits) pg_atomic_init_u64(&hits, 0);
    memset(static_cast<void*>(&metrics.gauges), 0, sizeof metrics.gauges);
}

} // namespace rcq::pg
