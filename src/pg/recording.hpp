// The record of what people change (rcq_private.audit).
#pragma once
#include "guard.hpp"

namespace rcq::pg {

// Adds that whoever acts did this; `old` and `changed` are jsonb.
void record_change(std::string_view action, std::string_view kind, std::string_view object,
                   std::optional<Datum> old = std::nullopt, std::optional<Datum> changed = std::nullopt);

// Ids as text, of at most 2,000 characters: 7,10-20.
std::string id_ranges(std::vector<int64> ids);

} // namespace rcq::pg
