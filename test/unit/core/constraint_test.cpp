#include "core/constraint.hpp"
#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <map>
#include <random>
#include <set>

using namespace rcq::core;
using namespace std::string_literals;

namespace {

Constraint parsed(std::string_view expression) {
    auto result = Constraint::parse(expression);
    if (const auto* error = std::get_if<ConstraintError>(&result)) {
        ADD_FAILURE() << expression << ": " << error->message;
        return {};
    }
    return std::get<Constraint>(result);
}

ConstraintError refused(std::string_view expression) {
    auto result = Constraint::parse(expression);
    if (const auto* constraint = std::get_if<Constraint>(&result)) {
        ADD_FAILURE() << expression << " was accepted as " << constraint->text();
        return {};
    }
    return std::get<ConstraintError>(result);
}

std::string nested(std::size_t depth) { return std::string(depth, '(') + "a" + std::string(depth, ')'); }

TEST(Constraint, without_an_expression_it_accepts_everything) {
    EXPECT_TRUE(Constraint().accepts({}));
    EXPECT_TRUE(Constraint().accepts({"a"}));
    EXPECT_EQ(Constraint().text(), "");
    EXPECT_EQ(Constraint::all_of({}), Constraint());
    EXPECT_TRUE(Constraint().names().empty());
}

TEST(Constraint, not_binds_tightest_then_and_then_or) {
    const Constraint c = parsed("a&b|!c");
    EXPECT_TRUE(c.accepts({"a", "b", "c"}));
    EXPECT_TRUE(c.accepts({}));
    EXPECT_TRUE(c.accepts({"a"}));
    EXPECT_FALSE(c.accepts({"a", "c"}));
    EXPECT_FALSE(parsed("!a&b").accepts({}));
    EXPECT_TRUE(parsed("!(a&b)").accepts({}));
    EXPECT_FALSE(parsed("a&(b|c)").accepts({"b", "c"}));
    EXPECT_TRUE(parsed("a&b|c").accepts({"c"}));
    EXPECT_TRUE(parsed("!!a").accepts({"a"}));
}

TEST(Constraint, names_are_those_of_features) {
    const std::string longest(63, 'f');
    for (const std::string& name : {"a"s, "0"s, "gpu:a100"s, "x86-64_v3.1"s, longest}) {
        EXPECT_TRUE(is_feature_name(name)) << name;
        EXPECT_EQ(parsed(name).text(), name);
        EXPECT_TRUE(parsed(name).accepts({name}));
    }
    for (const std::string& name : {""s, "A"s, "_a"s, "a b"s, "aB"s, "é"s, "a\0"s, longest + "f"}) {
        EXPECT_FALSE(is_feature_name(name)) << name;
        EXPECT_TRUE(std::holds_alternative<ConstraintError>(Constraint::parse(name))) << name;
    }
}

TEST(Constraint, the_canonical_text_is_one_for_all_ways_of_writing) {
    const std::map<std::string, std::vector<std::string>> ways{
        {"a", {" a ", "(a)", "((a))", "a&a", "a|a", "!!a", "a&(a|a)", "\ta\n"}},
        {"!a", {"! a", "!(a)", "!!!a", "!(a&a)"}},
        {"a&b", {"b&a", "b & a & b", "(a)&(b)", "(a&b)", "!(!a|!b)", "a&(b&a)"}},
        {"a|b|c", {"c|b|a", "(c|(b|a))", "!(!a&!b&!c)", "a|b|c|b"}},
        {"a&b|c", {"c|(b&a)", "(c|b&a)", "!(!c&!(a&b))"}},
        {"(a|b)&c", {"c&(b|a)", "!(!c|!(a|b))", "(c)&((b)|a)&c"}},
        {"!a&!b", {"!(a|b)", "!b&!a"}},
        {"!a|!b", {"!(a&b)", "!b|!a"}},
        {"(a|b)&(c|d)&e", {"e&((d|c)&(b|a))"}}};
    for (const auto& [text, others] : ways) {
        EXPECT_EQ(parsed(text).text(), text);
        for (const std::string& other : others) {
            EXPECT_EQ(parsed(other).text(), text) << other;
            EXPECT_EQ(parsed(other), parsed(text)) << other;
        }
    }
}

TEST(Constraint, is_ordered_by_its_text) {
    EXPECT_LT(Constraint(), parsed("a"));
    EXPECT_LT(parsed("a"), parsed("a&b"));
    EXPECT_GT(parsed("c|b"), parsed("a|b"));
    EXPECT_NE(parsed("a"), parsed("b"));
    const Constraint c = parsed("a|b"), copy = c;
    EXPECT_EQ(c <=> copy, std::strong_ordering::equal);
    EXPECT_EQ(c <=> parsed("b|a"), std::strong_ordering::equal);
}

TEST(Constraint, a_list_of_features_means_all_of_them) {
    EXPECT_EQ(Constraint::all_of({"ssd", "avx2", "ssd"}).text(), "avx2&ssd");
    EXPECT_EQ(Constraint::all_of({"ssd", "avx2"}), parsed("avx2&ssd"));
    EXPECT_TRUE(Constraint::all_of({"ssd", "avx2"}).accepts({"avx2", "ssd"}));
    EXPECT_FALSE(Constraint::all_of({"ssd", "avx2"}).accepts({"ssd"}));
}

TEST(Constraint, what_is_no_name_is_offered_by_nobody_also_together_with_others) {
    const Constraint odd = Constraint::all_of({"afterok:1,"});
    EXPECT_FALSE(odd.accepts({"a"}));
    EXPECT_FALSE(Constraint::both(odd, parsed("a")).accepts({"a"}));
    EXPECT_FALSE(Constraint::both(parsed("!b"), odd).accepts({"a"}));
    EXPECT_FALSE(Constraint::both(Constraint::both(odd, parsed("a")), parsed("c")).accepts({"a", "c"}));
}

TEST(Constraint, both_of_two_means_what_each_means) {
    EXPECT_EQ(Constraint::both(parsed("a|b"), parsed("c")).text(), "(a|b)&c");
    EXPECT_EQ(Constraint::both(parsed("a&b"), parsed("c&a")).text(), "a&b&c");
    EXPECT_EQ(Constraint::both({}, parsed("a")), parsed("a"));
    EXPECT_EQ(Constraint::both(parsed("a"), {}), parsed("a"));
    EXPECT_EQ(Constraint::both({}, {}), Constraint());
    EXPECT_EQ(Constraint::both(parsed("a"), parsed("a")), parsed("a"));
}

TEST(Constraint, says_which_names_it_mentions_and_which_it_wants) {
    const Constraint c = parsed("!(a|!b)&(c|!d)&c");
    EXPECT_EQ(c.names(), (std::vector<std::string>{"a", "b", "c", "d"}));
    EXPECT_EQ(c.wanted_names(), (std::vector<std::string>{"b", "c"}));
}

TEST(Constraint, an_error_says_what_is_wrong_and_at_which_character) {
    struct Row {
        const char* expression;
        std::size_t position;
        const char* message;
    };
    for (const Row& row :
         std::initializer_list<Row>{{"", 1, "a feature is missing at its end"},
                                    {"  ", 3, "a feature is missing at its end"},
                                    {"a&", 3, "a feature is missing at its end"},
                                    {"!", 2, "a feature is missing at its end"},
                                    {"&a", 1, "a feature is missing before the \"&\" at character 1"},
                                    {"a||b", 3, "a feature is missing before the \"|\" at character 3"},
                                    {"a&()", 4, "a feature is missing before the \")\" at character 4"},
                                    {"a&é", 3, "a feature is missing at character 3"},
                                    {"a b", 3, "an operator is missing at character 3"},
                                    {"a(b)", 2, "an operator is missing at character 2"},
                                    {"a!b", 2, "an operator is missing at character 2"},
                                    {"(a b)", 4, "an operator is missing at character 4"},
                                    {"gpuA", 4, "an unexpected \"A\" at character 4"},
                                    {"a\x01", 2, "an unexpected character at character 2"},
                                    {"(a&b", 5, "a ) is missing at its end"},
                                    {"a&b)", 4, "there is a ) without its ( at character 4"}}) {
        const ConstraintError error = refused(row.expression);
        EXPECT_EQ(error.position, row.position) << row.expression;
        EXPECT_EQ(error.message, row.message) << row.expression;
        EXPECT_FALSE(error.hint.empty()) << row.expression;
    }
    EXPECT_EQ(refused("a|" + std::string(64, 'f')).message, "a name longer than 63 characters begins at character 3");
}

TEST(Constraint, length_and_nesting_are_bounded) {
    EXPECT_EQ(parsed(nested(50)).text(), "a");
    EXPECT_EQ(refused(nested(51)).message, "parentheses are nested deeper than 50 at character 52");
    EXPECT_EQ(parsed("a" + std::string(999, ' ')).text(), "a");
    EXPECT_EQ(refused("a" + std::string(1000, ' ')).position, 1001U);
    EXPECT_EQ(parsed(std::string(999, '!') + "a").text(), "!a");
    refused(std::string(1'000'000, '('));
    refused(std::string(1'000'000, '!'));
    // the canonical text is bounded too, so that what was stored can be read again
    std::string long_list;
    for (int i = 0; i < 190; ++i) long_list += (i == 0 ? "a" : "|a") + std::to_string(100 + i);
    EXPECT_NE(refused("!(" + long_list + ")").message.find("with every !"), std::string::npos);
    EXPECT_EQ(parsed(long_list).text(), long_list);
}

TEST(Constraint, the_canonical_text_of_the_deepest_expression_can_be_read_again) {
    for (const char* step : {"a&!(b|", "!(a|!(b&", "a&(b|", "!(a&b|", "c|!(a&"}) {
        std::string expression;
        while (std::count(expression.begin(), expression.end(), '(') +
                   std::count(step, step + std::strlen(step), '(') <=
               50)
            expression += step;
        expression +=
            "x" + std::string(static_cast<std::size_t>(std::count(expression.begin(), expression.end(), '(')), ')');
        const Constraint c = parsed(expression);
        EXPECT_EQ(parsed(c.text()).text(), c.text()) << expression;
        const Constraint twice =
            Constraint::both(Constraint::both(c, parsed("p|q")), Constraint::both(parsed("r|s"), c));
        EXPECT_EQ(twice, Constraint::both(Constraint::both(c, parsed("p|q")), parsed("r|s"))) << expression;
    }
}

// An expression made at random, with its meaning by definition.
struct Formula {
    char kind; // a letter, or one of ! & |
    std::vector<Formula> operands;

    bool holds(const std::set<char>& offered) const {
        if (kind == '!') return !operands[0].holds(offered);
        if (kind == '&') return operands[0].holds(offered) && operands[1].holds(offered);
        if (kind == '|') return operands[0].holds(offered) || operands[1].holds(offered);
        return offered.contains(kind);
    }
};

class Maker {
public:
    explicit Maker(unsigned seed) : random_(seed) {}
    std::size_t draw(std::size_t below) { return random_() % below; }

    Formula formula(int depth) {
        const auto kind = draw(depth == 0 ? 1 : 4);
        if (kind == 0) return {static_cast<char>('a' + draw(5)), {}};
        if (kind == 1) return {'!', {formula(depth - 1)}};
        return {kind == 2 ? '&' : '|', {formula(depth - 1), formula(depth - 1)}};
    }
    // Parentheses where they are needed, and sometimes where they are not.
    std::string text(const Formula& f, int strength = 0) {
        std::string out;
        int own = 3;
        if (f.kind == '!') {
            out = '!' + space() + text(f.operands[0], own);
        } else if (f.kind == '&' || f.kind == '|') {
            own = f.kind == '&' ? 2 : 1;
            out = text(f.operands[0], own) + space() + f.kind + space() + text(f.operands[1], own);
        } else {
            out = f.kind;
        }
        return own < strength || draw(8) == 0 ? '(' + space() + out + space() + ')' : out;
    }

private:
    std::string space() { return std::string(draw(4) == 0 ? 1 + draw(2) : 0, ' '); }
    std::mt19937 random_;
};

TEST(Constraint, accepts_exactly_what_the_expression_means_for_every_set_of_features) {
    int both = 0;
    for (unsigned seed = 0; seed < 5000; ++seed) {
        Maker maker(seed);
        const Formula f = maker.formula(static_cast<int>(1 + seed % 5)), g = maker.formula(2);
        const Constraint c = parsed(maker.text(f)), again = parsed(maker.text(f)), d = parsed(maker.text(g));
        const Constraint together = Constraint::both(c, d);
        EXPECT_EQ(c, again);
        EXPECT_EQ(parsed(c.text()).text(), c.text());
        EXPECT_EQ(parsed(together.text()), together);
        EXPECT_EQ(together, Constraint::both(d, c));
        for (unsigned bits = 0; bits < 32; ++bits) {
            std::set<char> offered;
            std::vector<std::string> features;
            for (unsigned i = 0; i < 5; ++i)
                if (bits >> i & 1) {
                    offered.insert(static_cast<char>('a' + i));
                    features.emplace_back(1, static_cast<char>('a' + i));
                }
            ASSERT_EQ(c.accepts(features), f.holds(offered)) << c.text();
            ASSERT_EQ(together.accepts(features), f.holds(offered) && g.holds(offered)) << together.text();
            both += together.accepts(features);
        }
    }
    EXPECT_GT(both, 10'000);
}

TEST(Constraint, any_bytes_are_either_refused_with_their_place_or_read) {
    std::mt19937 random(1);
    const std::string usual = "aab01&&||!()( ) :-_.A";
    int accepted = 0;
    for (int round = 0; round < 100'000; ++round) {
        std::string bytes(random() % (round % 100 == 0 ? 1100 : 12), ' ');
        for (char& c : bytes) c = random() % 50 == 0 ? static_cast<char>(random()) : usual[random() % usual.size()];
        auto result = Constraint::parse(bytes);
        if (const auto* error = std::get_if<ConstraintError>(&result)) {
            ASSERT_GE(error->position, 1U);
            ASSERT_LE(error->position, bytes.size() + 1);
            ASSERT_FALSE(error->message.empty() || error->hint.empty());
        } else {
            const Constraint& c = std::get<Constraint>(result);
            ASSERT_EQ(parsed(c.text()), c) << bytes;
            for (const std::string& name : c.names()) ASSERT_TRUE(is_feature_name(name));
            ++accepted;
        }
    }
    EXPECT_GT(accepted, 1000);
}

} // namespace
