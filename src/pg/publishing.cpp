#include "publishing.hpp"

namespace rcq::pg {

namespace {

// The element of this key in an array that is sorted by it; nullptr: none.
template <class Element, class Key>
const Element* find_sorted(const Element* array, int32 count, Key Element::*key, Key wanted) {
    const Element* end = array + count;
    const Element* found =
        std::lower_bound(array, end, wanted, [key](const Element& e, Key value) { return e.*key < value; });
    return found != end && found->*key == wanted ? found : nullptr;
}

template <class Element, class Key> void sort_by(std::vector<Element>& elements, Key Element::*key) {
    std::sort(elements.begin(), elements.end(), [key](const Element& a, const Element& b) { return a.*key < b.*key; });
}

// As many as there is room for.
template <class Element> int32 copy_to(Element* array, int32 room, const std::vector<Element>& elements) {
    const auto count = std::min(static_cast<std::size_t>(room), elements.size());
    std::copy_n(elements.begin(), count, array);
    return static_cast<int32>(count);
}

core::Settings to_settings(const PublishedWeights& weights) {
    core::Settings settings;
    settings.policy = static_cast<core::Policy>(weights.policy);
    settings.wait_boost_per_hour = weights.wait_boost_per_hour;
    settings.weight_age = weights.weight_age;
    settings.weight_fair_share = weights.weight_fair_share;
    settings.weight_priority = weights.weight_priority;
    settings.weight_size = weights.weight_size;
    settings.max_age = weights.max_age;
    return settings;
}

// Behind the jobs that the forecast reached, a lane is expected to go on as fast as it goes up to there; where a job
// stands in its lane is told by its age.
std::optional<TimestampTz> start_by_pace(const PublishedLane& lane, const PublishedPace& pace, TimestampTz made_at,
                                         TimestampTz eligible_at) {
    if (pace.jobs == 0 || pace.last_start <= made_at) return std::nullopt;
    const double span = static_cast<double>(std::max<int64>(lane.newest - lane.oldest, 1));
    const double place = std::clamp(static_cast<double>(eligible_at - lane.oldest) / span, 0.0, 1.0) *
                         static_cast<double>(std::max<int64>(lane.jobs, 1));
    const double behind = std::max(place - static_cast<double>(pace.jobs), 0.0);
    const double per_job = static_cast<double>(pace.last_start - made_at) / static_cast<double>(pace.jobs);
    return pace.last_start + static_cast<TimestampTz>(behind * per_job);
}

} // namespace

void publish_plan(DatabaseSlot& slot, const core::Plan& plan, const core::Settings& settings, bool paused) {
    std::vector<PublishedLane> lanes;
    for (const core::LaneReport& lane : plan.lanes) {
        const core::Reason reason = paused ? core::Reason::paused : lane.reason;
        lanes.push_back({lane.lane_key, lane.multiplier, lane.size, static_cast<int32>(lane.base),
                         static_cast<int32>(reason), static_cast<int64>(lane.count), lane.oldest_eligible_at,
                         lane.newest_eligible_at});
    }
    if (lanes.size() > Published::max_lanes) lanes.resize(Published::max_lanes);
    sort_by(lanes, &PublishedLane::key);
    std::vector<PublishedRank> ranks;
    for (const core::RankedJob& ranked : plan.ranked) {
        if (ranks.size() == Published::max_ranks) break;
        ranks.push_back({ranked.job, static_cast<int32>(ranked.position)});
    }
    sort_by(ranks, &PublishedRank::job_id);
    std::vector<PublishedReservation> reservations;
    for (const core::Reservation& reservation : plan.reservations)
        reservations.push_back({reservation.job, reservation.executor, reservation.start});

    LockGuard guard(slot.publish_lock, LW_EXCLUSIVE);
    Published& published = slot.published;
    published.weights = {static_cast<int32>(settings.policy),
                         settings.wait_boost_per_hour,
                         settings.weight_age,
                         settings.weight_fair_share,
                         settings.weight_priority,
                         settings.weight_size,
                         settings.max_age};
    published.lanes = copy_to(published.lane, Published::max_lanes, lanes);
    published.ranks = copy_to(published.rank, Published::max_ranks, ranks);
    published.reservations = copy_to(published.reservation, Published::max_reservations, reservations);
}

void publish_forecast(DatabaseSlot& slot, const core::Forecast& forecast) {
    std::vector<PublishedStart> starts;
    for (const core::ExpectedStart& start : forecast.starts()) starts.push_back({start.job, start.at});
    sort_by(starts, &PublishedStart::job_id);
    std::vector<PublishedPace> paces;
    for (const auto& [lane_key, pace] : forecast.paces())
        paces.push_back({lane_key, static_cast<int64>(pace.jobs), pace.last_start});
    sort_by(paces, &PublishedPace::lane_key);
    LockGuard guard(slot.publish_lock, LW_EXCLUSIVE);
    PublishedForecast& published = slot.forecast;
    published.made_at = forecast.made_at();
    published.starts = copy_to(published.start, PublishedForecast::max_starts, starts);
    published.paces = copy_to(published.pace, Published::max_lanes, paces);
}

PendingState published_state(const DatabaseSlot& slot, int64 job_id, uint64 lane_key, TimestampTz eligible_at,
                             TimestampTz now) {
    PendingState state;
    LockGuard guard(slot.publish_lock, LW_SHARED);
    const Published& published = slot.published;
    const PublishedForecast& forecast = slot.forecast;
    const PublishedLane* lane = find_sorted(published.lane, published.lanes, &PublishedLane::key, lane_key);
    if (lane) {
        state.known = true;
        state.reason = static_cast<core::Reason>(lane->reason);
        const core::OwnerFactors owners{
            lane->fair_share,
            static_cast<core::Policy>(published.weights.policy) == core::Policy::quota ? 1.0 : lane->fair_share};
        state.factors =
            core::factors(lane->base_priority, lane->size, now - eligible_at, owners, to_settings(published.weights));
    }
    if (const auto* rank = find_sorted(published.rank, published.ranks, &PublishedRank::job_id, job_id))
        state.position = rank->position;
    for (int32 i = 0; i < published.reservations; i++) {
        if (published.reservation[i].job_id != job_id) continue;
        state.reserved_executor = published.reservation[i].executor;
        state.reserved_start = published.reservation[i].start;
    }
    state.forecast_at = forecast.made_at;
    if (const auto* start = find_sorted(forecast.start, forecast.starts, &PublishedStart::job_id, job_id)) {
        state.expected_start = start->at;
    } else if (const auto* pace = find_sorted(forecast.pace, forecast.paces, &PublishedPace::lane_key, lane_key);
               lane && pace) {
        state.expected_start = start_by_pace(*lane, *pace, forecast.made_at, eligible_at);
        state.approximate = state.expected_start.has_value();
    }
    // a time that has passed was a wrong guess: soon
    if (state.expected_start) state.expected_start = std::max(*state.expected_start, now);
    return state;
}

} // namespace rcq::pg
