#include "nearest.hpp"
#include <algorithm>
#include <vector>

namespace rcq::core {

std::size_t edit_distance(std::string_view a, std::string_view b) {
    // rows of the table of distances between beginnings: of a[0, i - 2], a[0, i - 1] and a[0, i]
    std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); j++) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); i++) {
        std::swap(before, above);
        std::swap(above, row);
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); j++) {
            row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = std::min(row[j], before[j - 2] + 1);
        }
    }
    return row[b.size()];
}

std::string_view nearest(std::string_view name, std::span<const std::string_view> known) {
    constexpr std::size_t longest = 64, least_begin = 3; // nobody mistypes longer names; no memory for them
    if (name.size() > longest) return {};
    const std::size_t most = std::max<std::size_t>(1, name.size() / 3);
    std::string_view found;
    std::size_t least = most + 1;
    for (const std::string_view candidate : known) {
        const std::size_t distance = edit_distance(name, candidate);
        if (distance >= least || distance >= candidate.size()) continue;
        least = distance;
        found = candidate;
    }
    if (!found.empty() || name.size() < least_begin) return found;
    const auto begun = std::find_if(known.begin(), known.end(), [&](auto k) { return k.starts_with(name); });
    return begun == known.end() ? std::string_view() : *begun;
}

} // namespace rcq::core
