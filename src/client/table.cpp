#include "client/table.hpp"

#include "client/text.hpp"

#include <algorithm>
#include <limits>
#include <numeric>

namespace rcq::client {

namespace {

constexpr int gap = 2;

std::string_view sequence(Colour colour) {
    switch (colour) {
    case Colour::good:
        return "\x1b[32m";
    case Colour::bad:
        return "\x1b[31m";
    case Colour::busy:
        return "\x1b[33m";
    case Colour::dim:
        return "\x1b[2m";
    case Colour::bold:
        return "\x1b[1m";
    case Colour::none:
        break;
    }
    return {};
}

} // namespace

std::string coloured(std::string_view text, Colour colour, bool colours) {
    if (!colours || colour == Colour::none) return std::string(text);
    return std::string(sequence(colour)).append(text).append("\x1b[0m");
}

// What is too wide leaves out the columns that are empty (-1), then takes from those that may be cut, always from the
// widest of them.
std::vector<int> Table::widths(const std::vector<std::vector<Cell>>& safe, bool titled, int width) const {
    constexpr int left_out = -1;
    const std::size_t first = titled ? 1 : 0;
    std::vector<int> widths(columns_.size());
    std::vector<bool> empty(columns_.size(), safe.size() > first);
    for (std::size_t row = 0; row < safe.size(); ++row) {
        for (std::size_t i = 0; i < widths.size(); ++i) {
            widths[i] = std::max(widths[i], display_width(safe[row][i].text));
            if (row >= first && !safe[row][i].text.empty()) empty[i] = false;
        }
    }
    if (width <= 0) return widths;
    int excess = std::accumulate(widths.begin(), widths.end(), 0) + gap * static_cast<int>(widths.size() - 1) - width;
    for (std::size_t i = 0; i < widths.size() && excess > 0; ++i) {
        if (!empty[i]) continue;
        excess -= widths[i] + gap;
        widths[i] = left_out;
    }
    for (bool last : {false, true}) {
        while (excess > 0) {
            std::size_t widest = widths.size();
            for (std::size_t i = 0; i < widths.size(); ++i) {
                const bool cuttable =
                    columns_[i].least > 0 && columns_[i].cut_last == last && widths[i] > columns_[i].least;
                if (cuttable && (widest == widths.size() || widths[i] > widths[widest])) widest = i;
            }
            if (widest == widths.size()) break; // lines are cut instead
            --widths[widest];
            --excess;
        }
    }
    return widths;
}

std::string Table::text(int width, bool colours) const {
    std::vector<std::vector<Cell>> safe;
    safe.reserve(rows_.size() + 1);
    std::vector<Cell> titles;
    for (const Column& column : columns_) titles.push_back({column.title, Colour::bold});
    const bool titled =
        std::any_of(titles.begin(), titles.end(), [](const Cell& title) { return !title.text.empty(); });
    if (titled) safe.push_back(std::move(titles));
    for (const auto& row : rows_) {
        std::vector<Cell> cells;
        cells.reserve(row.size());
        for (const Cell& cell : row) cells.push_back({safe_text(cell.text), cell.colour});
        safe.push_back(std::move(cells));
    }
    const std::vector<int> wide = widths(safe, titled, width);
    std::string text;
    for (const auto& row : safe) {
        int room = width > 0 ? width : std::numeric_limits<int>::max();
        for (std::size_t i = 0; i < row.size() && room > 0; ++i) {
            if (wide[i] < 0) continue;
            std::string cell = cut_to_width(row[i].text, std::min(wide[i], room));
            const std::string padding(
                static_cast<std::size_t>(std::max(0, std::min(wide[i], room) - display_width(cell))), ' ');
            cell = coloured(cell, row[i].colour, colours);
            text += columns_[i].align == Align::right ? padding + cell : cell + padding;
            room -= wide[i] + gap;
            if (i + 1 < row.size() && room > 0) text.append(gap, ' ');
        }
        while (!text.empty() && text.back() == ' ') text.pop_back();
        text += '\n';
    }
    return text;
}

} // namespace rcq::client
