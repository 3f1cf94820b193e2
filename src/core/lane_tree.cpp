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
    insert_at(root_, std::move(node));
    ++size_;
}

bool LaneTree::erase(const LaneEntry& entry) {
    const bool was_first = first_ && !first_->before(entry);
    const bool found = erase_at(root_, entry);
    if (!found) return false;
    --size_;
    if (was_first) first_ = find(root_.get(), nullptr, {});
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

const LaneEntry* LaneTree::after(const LaneEntry& entry) const { return find(root_.get(), &entry, {}); }
const LaneEntry* LaneTree::first_within(const PlanBound& bound) const { return find(root_.get(), nullptr, bound); }
const LaneEntry* LaneTree::next_within(const LaneEntry& entry, const PlanBound& bound) const {
    return find(root_.get(), &entry, bound);
}

} // namespace rcq::core
