// Rows in columns, as wide as what stands in them and no wider than the terminal.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace rcq::client {

enum class Colour { none, good, bad, busy, dim, bold };

struct Cell {
    std::string text; // made safe when it is written
    Colour colour = Colour::none;
};

enum class Align { left, right };

struct Column {
    std::string title;
    Align align = Align::left;
    int least = 0;         // 0: is never cut; else it may be cut to so many columns where the terminal is too narrow
    bool cut_last = false; // not before all others are as narrow as they may be
};

class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

    // As many cells as there are columns.
    void add(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
    [[nodiscard]] bool empty() const { return rows_.empty(); }

    // A line of titles, unless all are empty, and the rows. Lines that end in \n, in at most `width` columns (0: any):
    // where they are too wide, columns in which nothing stands are left out. Colours as escape sequences.
    [[nodiscard]] std::string text(int width, bool colours) const;

private:
    [[nodiscard]] std::vector<int> widths(const std::vector<std::vector<Cell>>& safe, bool titled, int width) const;

    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

// The text in its colour.
std::string coloured(std::string_view text, Colour colour, bool colours);

} // namespace rcq::client
