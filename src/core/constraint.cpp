#include "constraint.hpp"
#include <algorithm>
#include <cstdint>
#include <limits>
#include <set>
#include <utility>

namespace rcq::core {

// One test of a name, and where to go on with either answer: a test further down, or one of the two ends. So an answer
// needs neither a stack nor the tests that no longer matter.
struct Constraint::Program {
    static constexpr std::uint32_t accept = std::numeric_limits<std::uint32_t>::max();
    static constexpr std::uint32_t refuse = accept - 1;
    struct Test {
        std::string name;
        bool negated;
        std::uint32_t offered; // next, when the executor offers the name
        std::uint32_t lacking; // next, when it does not
    };
    std::string text;
    std::vector<Test> tests;
};

namespace {

constexpr std::size_t max_name_bytes = 63;

// ! is pushed down to the names while parsing (De Morgan), so a tree has two operators.
enum class Kind { name, all, any };

struct Node {
    Kind kind = Kind::name;
    bool negated = false;       // of a name
    std::string text;           // canonical; of a name with its !
    std::vector<Node> operands; // of an operator: two or more of another kind, ascending by text, all different
    std::uint32_t names = 1;    // below and including this node
};

Node name_node(std::string_view name, bool negated) {
    Node node;
    node.negated = negated;
    if (negated) node.text = '!';
    node.text += name;
    return node;
}

// The canonical node of operands that are canonical.
Node join(Kind kind, std::vector<Node> given) {
    Node node;
    node.kind = kind;
    for (Node& operand : given) {
        if (operand.kind == kind)
            std::move(operand.operands.begin(), operand.operands.end(), std::back_inserter(node.operands));
        else
            node.operands.push_back(std::move(operand));
    }
    std::vector<Node>& operands = node.operands;
    std::sort(operands.begin(), operands.end(), [](const Node& a, const Node& b) { return a.text < b.text; });
    operands.erase(
        std::unique(operands.begin(), operands.end(), [](const Node& a, const Node& b) { return a.text == b.text; }),
        operands.end());
    if (operands.size() == 1) return Node(std::move(operands.front()));
    node.names = 0;
    for (const Node& operand : operands) {
        const bool weaker = kind == Kind::all && operand.kind == Kind::any;
        if (!node.text.empty()) node.text += kind == Kind::all ? '&' : '|';
        node.text += weaker ? "(" + operand.text + ")" : operand.text;
        node.names += operand.names;
    }
    return node;
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_name_character(char c) { return is_lower_or_digit(c) || c == '_' || c == '.' || c == ':' || c == '-'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

constexpr const char* grammar =
    "Use names of features joined by & (and), | (or), ! (not), ( and ); for example avx512&(ssd|nvme).";

// Recursive descent. Throws ConstraintError.
class Parser {
public:
    Parser(std::string_view expression, std::size_t max_depth)
        : rest_(expression), whole_(expression), max_depth_(max_depth) {}

    Node whole() {
        Node node = any_of(false);
        if (!rest_.empty()) {
            if (rest_.front() == ')') fail("there is a ) without its (", "Remove it, or add the ( that it closes.");
            fail_for_want_of_operator();
        }
        return node;
    }

private:
    // What is wrong with the next character, or with the end.
    [[noreturn]] void fail(const std::string& what, std::string hint) const {
        const std::size_t position = whole_.size() - rest_.size() + 1;
        const std::string place = rest_.empty() ? "its end" : "character " + std::to_string(position);
        throw ConstraintError{position, what + " at " + place, std::move(hint)};
    }
    [[noreturn]] void fail_for_want_of_operator() const {
        if (is_lower_or_digit(rest_.front()) || rest_.front() == '(' || rest_.front() == '!')
            fail("an operator is missing", "Put & (and) or | (or) between two features.");
        fail(next_shown("an unexpected ", "an unexpected character"), grammar);
    }
    // The next character after `lead`, when it can be shown.
    std::string next_shown(const char* lead, const char* otherwise) const {
        const char c = rest_.front();
        return c > ' ' && c <= '~' ? std::string(lead) + '"' + c + '"' : std::string(otherwise);
    }

    void skip_spaces() {
        while (!rest_.empty() && is_space(rest_.front())) rest_.remove_prefix(1);
    }
    // Takes the character when it comes next.
    bool take(char c) {
        skip_spaces();
        if (rest_.empty() || rest_.front() != c) return false;
        rest_.remove_prefix(1);
        return true;
    }

    Node any_of(bool negated) {
        std::vector<Node> operands;
        do operands.push_back(all_of(negated));
        while (take('|'));
        return join(negated ? Kind::all : Kind::any, std::move(operands));
    }
    Node all_of(bool negated) {
        std::vector<Node> operands;
        do operands.push_back(operand(negated));
        while (take('&'));
        return join(negated ? Kind::any : Kind::all, std::move(operands));
    }
    Node operand(bool negated) {
        while (take('!')) negated = !negated;
        if (!take('(')) return name(negated);
        if (++depth_ > max_depth_)
            fail("parentheses are nested deeper than " + std::to_string(max_depth_), "Nest them less.");
        Node node = any_of(negated);
        if (!take(')')) {
            if (rest_.empty()) fail("a ) is missing", "Close every ( that you open.");
            fail_for_want_of_operator();
        }
        --depth_;
        return node;
    }
    Node name(bool negated) {
        if (rest_.empty()) fail("a feature is missing", grammar);
        if (!is_lower_or_digit(rest_.front())) fail("a feature is missing" + next_shown(" before the ", ""), grammar);
        const auto length =
            static_cast<std::size_t>(std::find_if_not(rest_.begin(), rest_.end(), is_name_character) - rest_.begin());
        if (length > max_name_bytes)
            fail("a name longer than 63 characters begins", "The features that executors offer are in rcq.executors.");
        Node node = name_node(rest_.substr(0, length), negated);
        rest_.remove_prefix(length);
        skip_spaces();
        return node;
    }

    std::string_view rest_;
    const std::string_view whole_;
    const std::size_t max_depth_; // bounds the recursion
    std::size_t depth_ = 0;
};

// Appends the tests of a node whose answer leads to one of the two places. Each operand leads to the first test of the
// next one, or decides.
template <class Test>
void emit(const Node& node, std::uint32_t on_true, std::uint32_t on_false, std::vector<Test>& tests) {
    if (node.kind == Kind::name) {
        tests.push_back(node.negated ? Test{node.text.substr(1), true, on_false, on_true}
                                     : Test{node.text, false, on_true, on_false});
        return;
    }
    for (const Node& operand : node.operands) {
        const bool last = &operand == &node.operands.back();
        const auto next = static_cast<std::uint32_t>(tests.size()) + operand.names;
        emit(operand, node.kind == Kind::all && !last ? next : on_true,
             node.kind == Kind::any && !last ? next : on_false, tests);
    }
}

template <class Program> std::shared_ptr<const Program> compile(Node node) {
    auto program = std::make_shared<Program>();
    program->tests.reserve(node.names);
    emit(node, Program::accept, Program::refuse, program->tests);
    program->text = std::move(node.text);
    return program;
}

} // namespace

bool is_feature_name(std::string_view s) {
    return !s.empty() && s.size() <= max_name_bytes && is_lower_or_digit(s[0]) &&
           std::all_of(s.begin(), s.end(), is_name_character);
}

std::variant<Constraint, ConstraintError> Constraint::parse(std::string_view expression) {
    const auto too_long = [](const char* when) {
        return ConstraintError{max_characters + 1,
                               "it has more than " + std::to_string(max_characters) + " characters" + when,
                               "Write a shorter expression."};
    };
    if (expression.size() > max_characters) return too_long("");
    try {
        Node node = Parser(expression, max_depth).whole();
        if (node.text.size() > max_characters) return too_long(" with every ! written before a feature");
        return Constraint(compile<Program>(std::move(node)));
    } catch (ConstraintError& error) {
        return std::move(error);
    }
}

Constraint Constraint::all_of(const std::vector<std::string>& features) {
    if (features.empty()) return {};
    std::vector<Node> nodes;
    nodes.reserve(features.size());
    for (const std::string& feature : features) nodes.push_back(name_node(feature, false));
    return Constraint(compile<Program>(join(Kind::all, std::move(nodes))));
}

Constraint Constraint::both(const Constraint& a, const Constraint& b) {
    if (!a.program_) return b;
    if (!b.program_ || a == b) return a;
    try {
        // two levels more than one of them: the parentheses added here, and those that an earlier both() left
        return Constraint(compile<Program>(Parser("(" + a.text() + ")&(" + b.text() + ")", max_depth + 2).whole()));
    } catch (const ConstraintError&) { // all_of() took what is no name, which nobody offers
        return all_of({a.text() + "&" + b.text()});
    }
}

const std::string& Constraint::text() const {
    static const std::string everything;
    return program_ ? program_->text : everything;
}

bool Constraint::accepts(const std::vector<std::string>& offered) const {
    if (!program_) return true;
    std::uint32_t next = 0;
    while (next < Program::refuse) {
        const Program::Test& test = program_->tests[next];
        next = std::binary_search(offered.begin(), offered.end(), test.name) ? test.offered : test.lacking;
    }
    return next == Program::accept;
}

std::vector<std::string> Constraint::names() const {
    std::set<std::string> names;
    if (program_)
        for (const Program::Test& test : program_->tests) names.insert(test.name);
    return {names.begin(), names.end()};
}

std::vector<std::string> Constraint::wanted_names() const {
    std::set<std::string> names;
    if (program_)
        for (const Program::Test& test : program_->tests)
            if (!test.negated) names.insert(test.name);
    return {names.begin(), names.end()};
}

} // namespace rcq::core
