#include "http_counters.hpp"

namespace rcq::pg {

namespace {

DatabaseSlot* slot_of_database() { return shared ? own_slot() : nullptr; }

// 64-bit FNV-1a, never 0.
uint64 key_of(std::string_view route, int status) {
    uint64 hash = 14695981039346656037u;
    const auto mix = [&](unsigned char byte) { hash = (hash ^ byte) * 1099511628211u; };
    for (const char c : route) mix(static_cast<unsigned char>(c));
    for (int shift = 0; shift < 32; shift += 8) mix(static_cast<unsigned char>(static_cast<uint32>(status) >> shift));
    return hash == 0 ? 1 : hash;
}

// The cell of this key, taken if it is free; nullptr when the table is full.
RequestCell* cell_of(Metrics& metrics, uint64 key) {
    for (uint64 probe = 0; probe < Metrics::max_requests; probe++) {
        RequestCell& cell = metrics.request[(key + probe) % Metrics::max_requests];
        uint64 present = pg_atomic_read_u64(&cell.key);
        if (present == 0 && pg_atomic_compare_exchange_u64(&cell.key, &present, key)) return &cell;
        if (present == key) return &cell;
    }
    return nullptr;
}

} // namespace

void count_request(std::string_view route, int status) {
    DatabaseSlot* slot = slot_of_database();
    if (!slot) return;
    const std::string_view kept = route.substr(0, sizeof(RequestCell::route) - 1);
    RequestCell* cell = cell_of(slot->metrics, key_of(kept, status));
    if (!cell) {
        pg_atomic_fetch_add_u64(&slot->metrics.further_requests, 1);
        return;
    }
    if (pg_atomic_read_u32(&cell->named) == 0) { // whoever comes at the same time writes the same
        cell->status = status;
        for (std::size_t k = 0; k < kept.size(); k++) {
            const auto c = static_cast<unsigned char>(kept[k]);
            cell->route[k] = c > ' ' && c < 127 ? static_cast<char>(c) : '_';
        }
        pg_write_barrier();
        pg_atomic_write_u32(&cell->named, 1);
    }
    pg_atomic_fetch_add_u64(&cell->requests, 1);
}

void count_limit(HttpLimit limit) {
    if (DatabaseSlot* slot = slot_of_database())
        pg_atomic_fetch_add_u64(&slot->metrics.limit_hits[static_cast<int>(limit)], 1);
}

} // namespace rcq::pg
