#include "claims.hpp"

#include "../protocol/words.hpp"
#include "arrays.hpp"
#include "changes.hpp"
#include "layouts.hpp"
#include "points.hpp"
#include "run_ends.hpp"
#include "start_bodies.hpp"

namespace rcq::pg {

namespace {

namespace sync_row = protocol::sync_row;

constexpr int64 payload_room = 64 << 20; // bytes in one answer, exceeded by at most one payload
constexpr int beyond_room = 1000;        // commands that are looked at in one call besides those that there is room for
constexpr int most_left_out = 100;       // starts without room, behind which no further ones are looked up

// Whether the row is that of the run which a command is about.
bool is_run(const FoundRow& live, int64 token) { return !live.is_null(live::token) && live.big(live::token) == token; }

class Offer {
public:
    Offer(const SyncCaller& caller, const ListedTokens& listed, int room, const Sight& sight, SyncAnswers& answers)
        : caller_(caller), listed_(listed), room_(room), now_(GetCurrentTimestamp()), answers_(answers),
          live_(live::layout), rows_(live_, sight, 1), bodies_(sight, now_) {}

    void look_at(const FoundRow& command);
    void finish();

private:
    struct Cancel {
        int64 seq, job_id, token;
    };
    bool claim(const FoundRow& live);
    void start(int64 seq, int64 job_id, int64 token);

    const SyncCaller& caller_;
    const ListedTokens& listed_;
    int room_; // for new runs, still
    TimestampTz now_;
    SyncAnswers& answers_;
    Table live_;
    Scan rows_;
    StartBodies bodies_;
    Fields fields_;
    std::vector<Cancel> cancels_;
    int64 payloads_ = 0;       // bytes
    bool claimed_ = false;     // anything, by this call
    bool too_large_ = false;   // a run was left out for its payload or that of others
    int64 last_ = 0;           // seq of the last command
    int left_out_ = 0;         // starts for want of room
    std::optional<int64> gap_; // seq of the first start that is left out
};

bool Offer::claim(const FoundRow& live) {
    if (room_ == 0) return false;
    if (payloads_ >= payload_room) {
        too_large_ = true;
        return false;
    }
    fields_.clear();
    fields_.time(live::claimed_at, now_).big(live::claimed_by, caller_.incarnation);
    RCQ_POINT("claim.row");
    if (!live_.update(live, fields_)) return false;
    RCQ_POINT("claim.updated");
    note_job(live.big(live::job_id), false);
    claimed_ = true;
    room_--;
    return true;
}

// Behind many that wait for room there may be one that was offered before; it is offered again once they are claimed.
void Offer::start(int64 seq, int64 job_id, int64 token) {
    if (left_out_ == most_left_out) return;
    if (!rows_.find({equals(job_id)})) return;
    const FoundRow live = rows_.row();
    if (!is_run(live, token)) return;
    const bool taken = !live.is_null(live::claimed_by);
    const bool known = listed_.listed() && listed_.contains(token);
    if (taken && (known || live.big(live::claimed_by) != caller_.incarnation)) return;
    if (!taken && (known || !claim(live))) {
        if (!gap_) gap_ = seq;
        if (room_ == 0) left_out_++;
        return;
    }
    if (!live.is_null(live::payload_bytes)) payloads_ += live.integer(live::payload_bytes);
    if (const std::optional<Datum> body = bodies_.of(live)) answers_.add(sync_row::start, {seq, job_id, token, *body});
}

void Offer::look_at(const FoundRow& command) {
    last_ = command.big(command::seq);
    if (command.string(command::kind) != sync_row::start) {
        cancels_.push_back({last_, command.big(command::job_id), command.big(command::token)});
        return;
    }
    start(last_, command.big(command::job_id), command.big(command::token));
}

void Offer::finish() {
    for (const Cancel& cancel : cancels_) answers_.add(sync_row::cancel, {cancel.seq, cancel.job_id, cancel.token, {}});
    const int64 ack = gap_ ? *gap_ - 1 : last_;
    const bool more = claimed_ && too_large_;
    if (ack <= caller_.acked_seq && !more) return;
    answers_.add(sync_row::ack, {ack, {}, {}, more ? std::optional(json_datum("{\"more\": true}")) : std::nullopt});
}

} // namespace

ListedTokens::ListedTokens(FunctionCallInfo fcinfo, int i) : listed_(!PG_ARGISNULL(i)) {
    if (!listed_) return;
    const Elements elements = elements_of(PG_GETARG_DATUM(i));
    for (int k = 0; k < elements.count; k++)
        if (elements.nulls[k])
            has_null_ = true;
        else
            tokens_.insert(DatumGetInt64(elements.data[k]));
}

void reconcile(const SyncCaller& caller, const ListedTokens& listed, const std::unordered_set<int64>& reported,
               SyncAnswers& answers) {
    std::vector<RunReport> lost;
    std::unordered_set<int64> known;
    {
        const Sight sight;
        const Table commands(command::layout, Use::reading), live(live::layout, Use::reading);
        Scan sent(commands, sight, 1), rows(live, sight, 1);
        sent.start({equals(caller.executor)});
        while (sent.next()) {
            const FoundRow command = sent.row();
            if (command.string(command::kind) != sync_row::start) continue;
            const int64 job_id = command.big(command::job_id), token = command.big(command::token);
            if (!rows.find({equals(job_id)}) || !is_run(rows.row(), token)) continue;
            const FoundRow row = rows.row();
            if (row.is_null(live::claimed_at)) continue;
            const bool offered = (row.is_null(live::claimed_by) || row.big(live::claimed_by) == caller.incarnation) &&
                                 command.big(command::seq) > caller.acked_seq;
            known.insert(token);
            if (offered || listed.contains(token)) continue;
            lost.push_back(lost_run(job_id, token, "not known to its executor any more"));
            // another process of this executor started it, which may not have heard yet that it was replaced
            lost.back().may_go_on = !row.is_null(live::claimed_by) && row.big(live::claimed_by) != caller.incarnation;
        }
    }
    if (!lost.empty()) end_runs(caller.executor, std::move(lost));
    for (const int64 token : listed.all())
        if (known.count(token) == 0 && reported.count(token) == 0) answers.add(sync_row::kill, {{}, {}, token, {}});
}

void offer_commands(const SyncCaller& caller, const ListedTokens& listed, int room, SyncAnswers& answers) {
    const Sight sight;
    const Table commands(command::layout, Use::reading);
    Scan sent(commands, sight, 2);
    sent.start({equals(caller.executor), above(caller.acked_seq)});
    std::optional<Offer> offer;
    for (int left = room + beyond_room; left > 0 && sent.next(); left--) {
        if (!offer) offer.emplace(caller, listed, room, sight, answers);
        call([] { CHECK_FOR_INTERRUPTS(); });
        offer->look_at(sent.row());
    }
    if (offer) offer->finish();
    RCQ_POINT("claim.offered");
}

} // namespace rcq::pg
