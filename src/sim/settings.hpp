// What the options of a replay mean to the scheduling core.
#pragma once
#include "replay_options.hpp"

namespace rcq::sim {

// The core's settings for these options. Throws UsageError for what the core cannot do.
core::Settings core_settings(const ReplayOptions& options);

} // namespace rcq::sim
