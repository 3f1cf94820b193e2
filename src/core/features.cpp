#include "features.hpp"
#include <algorithm>
#include <functional>

namespace rcq::core {

void sort_features(Features& features) {
    // Strictly ascending is the usual case: callers read the list from a column that was written sorted.
    if (std::adjacent_find(features.begin(), features.end(), std::greater_equal<>()) == features.end()) return;
    std::sort(features.begin(), features.end());
    features.erase(std::unique(features.begin(), features.end()), features.end());
}

} // namespace rcq::core
