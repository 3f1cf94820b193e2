// Text of others on a terminal: nothing in it may move the cursor, and its width is known.
#pragma once
#include <string>
#include <string_view>

namespace rcq::client {

// The text with everything escaped that is not to be seen: control characters as \n, \t, \x1b and so on, bytes that are
// no UTF-8 as \xff, marks that turn the direction of writing as \u202e. A backslash stays one.
std::string safe_text(std::string_view text);

// The columns that safe text takes on a terminal: two for wide characters, none for combining ones.
int display_width(std::string_view safe);

// The text in at most `width` columns (1 or more); what was cut ends in "~".
std::string cut_to_width(std::string_view safe, int width);

// The word of the list that was probably meant; empty: none is near.
template <class Words> std::string nearest_word(std::string_view word, const Words& words);

// How many letters must be put in, left out, changed or swapped with their neighbour to make one word of the other.
int edit_distance(std::string_view a, std::string_view b);

template <class Words> std::string nearest_word(std::string_view word, const Words& words) {
    std::string nearest;
    int least = static_cast<int>(word.size()) / 3 + 2; // half a word that is wrong is another word
    for (const auto& candidate : words) {
        const int distance = edit_distance(word, candidate);
        if (distance < least) {
            least = distance;
            nearest = candidate;
        }
    }
    return nearest;
}

} // namespace rcq::client
