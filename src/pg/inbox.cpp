// Triggers of the view rcq.inbox: rows that are inserted into it, or copied, become jobs. They are gathered, and
// submitted some at a time, so that memory stays bounded, whatever their number; an error takes all of the statement
// back.
#include "points.hpp"
#include "script_directives.hpp"
#include "submission.hpp"

extern "C" {
#include "commands/trigger.h"
}

namespace rcq::pg {

namespace {

constexpr std::size_t most_gathered = 1000;

// One statement that inserts: statements within others (a function that is called for a row inserts rows, too) end
// before these go on, so they form a stack.
struct Intake {
    SubTransactionId transaction;
    MemoryContext memory; // of the rows that are gathered, which ends with the transaction
    Submission submission;
};
std::vector<Intake> intakes;

// Those that an error ended; their memory goes with the transaction.
extern "C" void forget_intakes(XactEvent, void*) { intakes.clear(); }
extern "C" void forget_intakes_of(SubXactEvent event, SubTransactionId transaction, SubTransactionId, void*) {
    if (event != SUBXACT_EVENT_ABORT_SUB) return;
    while (!intakes.empty() && intakes.back().transaction == transaction) intakes.pop_back();
}

void begin_intake() {
    static bool listening = false;
    if (!listening)
        call([] {
            RegisterXactCallback(forget_intakes, nullptr);
            RegisterSubXactCallback(forget_intakes_of, nullptr);
        });
    listening = true;
    intakes.reserve(intakes.size() + 1);
    intakes.push_back(
        {call([] { return GetCurrentSubTransactionId(); }),
         call([] { return AllocSetContextCreate(CurTransactionContext, "rcq inbox", ALLOCSET_DEFAULT_SIZES); }),
         {}});
    intakes.back().submission.rows_before = 0;
}

Intake& current_intake() {
    if (intakes.empty()) throw std::logic_error("a row came to rcq.inbox before its statement");
    return intakes.back();
}

// Submits what is gathered. A statement of one row alone is a submission as any other.
void submit_gathered(bool last) {
    Submission submission = std::exchange(current_intake().submission, {});
    const int64 rows = submission.rows_before + static_cast<int64>(submission.requests.size());
    if (last && rows == 1) submission.rows_before = -1;
    for (std::size_t k = 0; k < submission.requests.size(); k++) {
        const bool alone = submission.rows_before < 0;
        apply_directives(submission.requests[k],
                         {alone ? 0 : submission.rows_before + static_cast<int64>(k) + 1, !alone});
    }
    enqueue_acting(submission);
    RCQ_POINT("inbox.submitted");
    current_intake().submission.rows_before = rows;
    const MemoryContext memory = current_intake().memory;
    call([&] { MemoryContextReset(memory); });
}

void gather(HeapTuple given, TupleDesc desc) {
    Intake& intake = current_intake();
    const MemoryContext before = MemoryContextSwitchTo(intake.memory);
    Datum values[request::fields];
    bool nulls[request::fields];
    call([&] {
        if (desc->natts != request::fields) elog(ERROR, "rcq.inbox does not have the columns of a request");
        heap_deform_tuple(heap_copytuple(given), desc, values, nulls);
    });
    intake.submission.requests.emplace_back(values, nulls);
    MemoryContextSwitchTo(before);
    if (intake.submission.requests.size() == most_gathered) submit_gathered(false);
}

void end_intake() {
    submit_gathered(true);
    const MemoryContext memory = current_intake().memory;
    intakes.pop_back();
    call([&] { MemoryContextDelete(memory); });
}

} // namespace

} // namespace rcq::pg

RCQ_FUNCTION(rcq_inbox) {
    using namespace rcq::pg;
    if (!CALLED_AS_TRIGGER(fcinfo)) throw SqlError("39P01", "rcq_private.inbox() is a trigger");
    const auto* trigger = reinterpret_cast<const TriggerData*>(fcinfo->context);
    if (TRIGGER_FIRED_FOR_ROW(trigger->tg_event)) {
        gather(trigger->tg_trigtuple, RelationGetDescr(trigger->tg_relation));
        return PointerGetDatum(trigger->tg_trigtuple);
    }
    if (TRIGGER_FIRED_BEFORE(trigger->tg_event))
        begin_intake();
    else
        end_intake();
    return PointerGetDatum(nullptr);
}
