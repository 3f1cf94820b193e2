// Values of settings, as rcq.settings has them parsed, as the core wants them.
#pragma once
#include "../core/settings.hpp"
#include "prelude.hpp"

namespace rcq::pg {

// By name; durations in seconds, booleans as 0 or 1. Throws std::out_of_range when one is missing.
core::Settings to_settings(const std::map<std::string, std::string>& values);

} // namespace rcq::pg
