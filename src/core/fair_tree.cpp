#include "fair_tree.hpp"
#include <algorithm>
#include <limits>

namespace rcq::core {
namespace {

class Walk {
public:
    explicit Walk(const ShareTree& tree) : factors(tree.user_count()), tree_(tree) {}

    std::vector<double> factors; // of the users, by number

    // Ranks the users below one account, or below several equal ones. `tied`: an equal user has been ranked just
    // before, so the first ones here share its rank.
    void visit(const std::vector<std::size_t>& accounts, bool tied) {
        std::vector<std::pair<double, std::size_t>> children; // level fair share, node
        for (const std::size_t account : accounts) {
            const ShareTree::Node& parent = tree_.nodes()[account];
            for (std::size_t n = parent.first_child; n < parent.end_child; ++n)
                children.emplace_back(level_fair_share(tree_, tree_.nodes()[n]), n);
        }
        std::sort(children.begin(), children.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
        const std::size_t before = ranked_;
        for (auto first = children.begin(); first != children.end();) {
            const auto end =
                std::find_if(first, children.end(), [&](const auto& c) { return c.first != first->first; });
            visit_equals({first, end}, tied && ranked_ == before);
            first = end;
        }
    }

private:
    void visit_equals(std::span<const std::pair<double, std::size_t>> equals, bool tied) {
        std::vector<std::size_t> accounts;
        const std::size_t before = ranked_;
        if (!tied) rank_ = ranked_;
        for (const auto& [share, n] : equals) {
            const auto& user = tree_.nodes()[n].user;
            if (!user) {
                accounts.push_back(n);
                continue;
            }
            const auto all = static_cast<double>(factors.size());
            factors[*user] = (all - static_cast<double>(rank_)) / all;
            ++ranked_;
        }
        if (!accounts.empty()) visit(accounts, tied || ranked_ != before);
    }

    const ShareTree& tree_;
    std::size_t ranked_ = 0; // users so far
    std::size_t rank_ = 0;   // users ranked before those of the present rank
};

} // namespace

double level_fair_share(const ShareTree& tree, const ShareTree::Node& node) {
    if (node.share == 0) return 0;
    if (node.usage <= 0) return std::numeric_limits<double>::infinity();
    return node.share / (node.usage / tree.nodes()[node.parent].usage);
}

std::vector<double> fair_tree_factors(const ShareTree& tree) {
    Walk walk(tree);
    walk.visit({0}, false);
    return std::move(walk.factors);
}

} // namespace rcq::core
