// Sums of JSON numbers: exact as long as all of them are integers, compensated otherwise.
#pragma once
#include <nlohmann/json.hpp>

namespace rcq::handlers {

// Integers of 64 bits are added exactly in 128. All other numbers are doubles, added with Neumaier's compensation
// ("Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", 1974), whose error does not grow with how
// many they are; one of them makes the sum a double.
class Sum {
public:
    // Throws HandlerError when it is no number; `place` is its place in the list, from 0.
    void add(const nlohmann::json& number, std::size_t place);
    void add(const Sum& other);

    // An integer when all numbers were and the sum fits 64 bits, else a double. Throws HandlerError when the sum is
    // beyond a double.
    [[nodiscard]] nlohmann::json value() const;

private:
    void add_double(double number);

    __extension__ using Wide = __int128;
    Wide whole_ = 0; // of the integers
    double sum_ = 0; // of the others, and what rounding took from it
    double lost_ = 0;
    bool exact_ = true;
};

} // namespace rcq::handlers
