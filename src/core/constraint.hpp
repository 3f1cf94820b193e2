// Which executors a job accepts: a boolean expression over the features that an executor offers.
//
//   avx512&(ssd|nvme)&!shared      ! binds tightest, then &, then |; parentheses and spaces as you like
#pragma once
#include <compare>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace rcq::core {

// Whether this is a name of a feature: [a-z0-9][a-z0-9_.:-]{0,62}
bool is_feature_name(std::string_view s);

// Why an expression was refused.
struct ConstraintError {
    std::size_t position = 0; // character, counted from 1
    std::string message;      // what is wrong and where
    std::string hint;         // what to do about it
};

// A copy costs a reference count. Two constraints with the same canonical text are equal; the order is that of the
// texts.
class Constraint {
public:
    static constexpr std::size_t max_characters = 1000; // of what parse() accepts, and of its canonical text
    static constexpr std::size_t max_depth = 50;        // of nested parentheses

    Constraint() = default; // accepts everything

    // An empty expression is an error: no constraint is said by giving none.
    static std::variant<Constraint, ConstraintError> parse(std::string_view expression);

    // Accepts who offers all of these; everything when there are none. Each a name of a feature.
    static Constraint all_of(const std::vector<std::string>& features);

    // Accepts what both accept; may be longer than parse() accepts.
    static Constraint both(const Constraint& a, const Constraint& b);

    // `offered` sorted and without duplicates. Allocates nothing; at most one look-up for each name in text().
    bool accepts(const std::vector<std::string>& offered) const;

    // The canonical text, which parse() gives back as it is: ! before names only, operands sorted and without
    // duplicates, no parentheses or spaces that could be left out. Empty when everything is accepted. Expressions that
    // mean the same have the same text when these rewritings alone lead from one to the other.
    const std::string& text() const;

    // Sorted and without duplicates: every name in text(); those that are not negated there.
    std::vector<std::string> names() const;
    std::vector<std::string> wanted_names() const;

    friend bool operator==(const Constraint& a, const Constraint& b) {
        return a.program_ == b.program_ || a.text() == b.text();
    }
    friend std::strong_ordering operator<=>(const Constraint& a, const Constraint& b) {
        return a.program_ == b.program_ ? std::strong_ordering::equal : a.text() <=> b.text();
    }

private:
    struct Program;
    explicit Constraint(std::shared_ptr<const Program> program) : program_(std::move(program)) {}
    std::shared_ptr<const Program> program_; // none: accepts everything
};

} // namespace rcq::core
