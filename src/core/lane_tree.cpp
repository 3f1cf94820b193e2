#include "lane_tree.hpp"
#include <algorithm>
#include <utility>

namespace rcq::core {
namespace {

// The finaliser of splitmix64: neighbouring ids get unrelated priorities.
std::uint64_t scatter(JobId id) {
    auto x = static_cast<std::uint64_t>(id) + 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

} // namespace

struct LaneTree::Node {
    LaneEntry entry;
    Link left;
    Link right;
    std::int64_t least_own_s = INT64_MAX; // of this subtree
    bool any_default = false;             // some entry of this subtree has no plan of its own

    explicit Node(const LaneEntry& e) : entry(e) { refresh(); }

    void refresh() {
        least_own_s = entry.own_plan_s.value_or(INT64_MAX);
        any_default = !entry.own_plan_s;
        for (const Node* child : {left.get(), right.get()}) {
            if (!child) continue;
            least_own_s = std::min(least_own_s, child->least_own_s);
            any_default = any_default || child->any_default;
        }
    }

    bool may_admit(const PlanBound& bound) const {
        return least_own_s <= bound.limit_s || (any_default && bound.default_s <= bound.limit_s);
    }
};

void LaneTree::NodeDeleter::operator()(Node* node) const { delete node; }

void LaneTree::split(Link tree, const LaneEntry& at, Link& before, Link& rest) {
    if (!tree) {
        before.reset();
        rest.reset();
        return;
    }
    if (tree->entry.before(at)) {
        Link inner;
        split(std::move(tree->right), at, inner, rest);
        tree->right = std::move(inner);
        tree->refresh();
        before = std::move(tree);
    } else {
        Link inner;
        split(std::move(tree->left), at, before, inner);
        tree->left = std::move(inner);
        tree->refresh();
        rest = std::move(tree);
    }
}

LaneTree::Link LaneTree::merge(Link before, Link rest) {
    if (!before) return rest;
    if (!rest) return before;
    if (scatter(before->entry.id) > scatter(rest->entry.id)) {
        before->right = merge(std::move(before->right), std::move(rest));
        before->refresh();
        return before;
    }
    rest->left = merge(std::move(before), std::move(rest->left));
    rest->refresh();
    return rest;
}

void LaneTree::insert_at(Link& tree, Link node) {
    if (!tree) {
        tree = std::move(node);
        return;
    }
    if (scatter(node->entry.id) > scatter(tree->entry.id)) {
        split(std::move(tree), node->entry, node->left, node->right);
        tree = std::move(node);
    } else if (node->entry.before(tree->entry)) {
        insert_at(tree->left, std::move(node));
    } else {
        insert_at(tree->right, std::move(node));
    }
    tree->refresh();
}

bool LaneTree::erase_at(Link& tree, const LaneEntry& entry) {
    if (!tree) return false;
    bool found = true;
    if (entry.before(tree->entry)) {
        found = erase_at(tree->left, entry);
    } else if (tree->entry.before(entry)) {
        found = erase_at(tree->right, entry);
    } else {
        tree = merge(std::move(tree->left), std::move(tree->right));
        return true;
    }
    tree->refresh();
    return found;
}

void LaneTree::insert(const LaneEntry& entry) {
    Link node(new Node(entry));
    if (!first_ || entry.before(*first_)) first_ = &node->entry;
    if (!last_ || last_->before(entry)) last_ = &node->entry;
    insert_at(root_, std::move(node));
    if (by_plan_ && entry.eligible_at <= now_) by_plan_->insert(entry);
    ++size_;
}

bool LaneTree::erase(const LaneEntry& entry) {
    const bool was_first = first_ && !first_->before(entry);
    const bool was_last = last_ && !entry.before(*last_);
    const bool found = erase_at(root_, entry);
    if (!found) return false;
    --size_;
    if (by_plan_) by_plan_->erase(entry);
    if (was_first) first_ = find(root_.get(), nullptr, {});
    if (was_last) last_ = last_of(root_.get());
    return true;
}

// A subtree whose least duration is admitted holds an answer, unless `after` cuts into it; that happens along one path
// only. So this goes down twice at most.
const LaneEntry* LaneTree::find(const Node* node, const LaneEntry* after, const PlanBound& bound) {
    while (node && node->may_admit(bound)) {
        if (after && !after->before(node->entry)) {
            node = node->right.get();
            continue;
        }
        if (const auto* earlier = find(node->left.get(), after, bound)) return earlier;
        if (bound.admits(node->entry)) return &node->entry;
        node = node->right.get();
        after = nullptr;
    }
    return nullptr;
}

const LaneEntry* LaneTree::last_of(const Node* node) {
    while (node && node->right) node = node->right.get();
    return node ? &node->entry : nullptr;
}

const LaneEntry* LaneTree::after(const LaneEntry& entry) const { return find(root_.get(), &entry, {}); }
const LaneEntry* LaneTree::first_within(const PlanBound& bound) const { return find(root_.get(), nullptr, bound); }
const LaneEntry* LaneTree::next_within(const LaneEntry& entry, const PlanBound& bound) const {
    return find(root_.get(), &entry, bound);
}

bool LaneTree::ByPlan::operator()(const LaneEntry& a, const LaneEntry& b) const {
    const auto a_s = a.own_plan_s.value_or(INT64_MAX);
    const auto b_s = b.own_plan_s.value_or(INT64_MAX);
    return a_s != b_s ? a_s < b_s : a.before(b);
}

void LaneTree::order_by_plan(bool keep) {
    if (keep == by_plan_.has_value()) return;
    by_plan_.reset();
    if (!keep) return;
    by_plan_.emplace();
    for (const LaneEntry* entry = first(); entry && entry->eligible_at <= now_; entry = after(*entry))
        by_plan_->insert(*entry);
}

void LaneTree::advance(Micros now) {
    const LaneEntry before{std::exchange(now_, now), INT64_MAX, {}};
    if (!by_plan_ || !last_ || last_->eligible_at <= before.eligible_at) return;
    for (const LaneEntry* entry = after(before); entry && entry->eligible_at <= now; entry = after(*entry))
        by_plan_->insert(*entry);
}

const LaneEntry* LaneTree::shortest_within(const LaneEntry* last, const PlanBound& bound) const {
    const auto plan_of = [&](const LaneEntry& e) { return e.own_plan_s.value_or(bound.default_s); };
    const auto comes_before = [&](const LaneEntry& a, const LaneEntry& b) {
        return plan_of(a) != plan_of(b) ? plan_of(a) < plan_of(b) : a.before(b);
    };
    // Two sorted runs, those with a plan of their own and those with the default, are merged.
    constexpr LaneEntry first_default{INT64_MIN, INT64_MIN, std::nullopt};
    const auto defaults = by_plan_->lower_bound(first_default);
    const auto next_in = [&](auto begin, auto end, const LaneEntry& key) {
        auto it = last ? by_plan_->upper_bound(key) : begin;
        return it == by_plan_->end() || it == end ? nullptr : &*it;
    };
    LaneEntry own_key, default_key;
    if (last) {
        own_key = default_key = *last;
        own_key.own_plan_s = plan_of(*last);
        default_key.own_plan_s.reset();
        if (plan_of(*last) < bound.default_s) default_key = first_default;         // none of the defaults has come yet
        if (plan_of(*last) > bound.default_s) default_key.eligible_at = INT64_MAX; // all have
    }
    const LaneEntry* own = next_in(by_plan_->begin(), defaults, own_key);
    const LaneEntry* other = next_in(defaults, by_plan_->end(), default_key);
    const LaneEntry* least = !own || (other && comes_before(*other, *own)) ? other : own;
    return least && bound.admits(*least) ? least : nullptr;
}

} // namespace rcq::core
