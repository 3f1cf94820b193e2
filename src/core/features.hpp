// Names of properties of a host: "avx512", "nvme".
#pragma once
#include <string>
#include <vector>

namespace rcq::core {

// Sorted and without duplicates.
using Features = std::vector<std::string>;

// Makes it so; cheap when there is nothing to do.
void sort_features(Features& features);

} // namespace rcq::core
