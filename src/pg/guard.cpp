#include "guard.hpp"

namespace rcq::pg {

PgError::Held::~Held() {
    if (context) MemoryContextDelete(context);
}

PgError::PgError(MemoryContext context, ErrorData* data) : held_(std::make_shared<Held>()) {
    held_->context = context;
    held_->data = data;
}

const char* PgError::what() const noexcept {
    return held_->data && held_->data->message ? held_->data->message : "error without message";
}

ErrorData* PgError::release(MemoryContext to) noexcept {
    MemoryContextSetParent(held_->context, to);
    held_->context = nullptr;
    return std::exchange(held_->data, nullptr);
}

void throw_pg_error(MemoryContext caller, uint32 interrupt_holdoff, uint32 cancel_holdoff) {
    // errfinish() zeroed these, but lock guards that are still alive in C++ frames count on them.
    InterruptHoldoffCount = interrupt_holdoff;
    QueryCancelHoldoffCount = cancel_holdoff;
    MemoryContextSwitchTo(caller);
    MemoryContext volatile context = nullptr;
    ErrorData* volatile data = nullptr;
    {
        ErrorStack saved;
        sigjmp_buf jump;
        if (sigsetjmp(jump, 0) == 0) {
            PG_exception_stack = &jump;
            MemoryContext fresh = AllocSetContextCreate(TopMemoryContext, "rcq error", ALLOCSET_SMALL_SIZES);
            MemoryContext old = MemoryContextSwitchTo(fresh);
            ErrorData* copy = CopyErrorData();
            FlushErrorState();
            MemoryContextSwitchTo(old);
            context = fresh;
            data = copy;
        } else {
            FlushErrorState();
        }
    }
    MemoryContextSwitchTo(caller);
    if (!data) throw std::bad_alloc(); // copying the error failed, and only for lack of memory
    throw PgError(context, data);
}

void CaughtError::take(const char* text, int code, const char* hint_text) {
    sqlstate = code;
    const auto copy = [](char* to, std::size_t size, const char* from) { // never cut inside a character
        const int length = pg_mbcliplen(from, static_cast<int>(strlen(from)), static_cast<int>(size) - 1);
        memcpy(to, from, length);
        to[length] = '\0';
    };
    copy(message, sizeof message, text);
    copy(hint, sizeof hint, hint_text);
}

void report(const CaughtError& caught, const char* function) {
    if (caught.data) ReThrowError(caught.data);
    if (caught.for_people) error_context_stack = nullptr; // whoever catches the error restores it
    ereport(ERROR,
            (errcode(caught.sqlstate), errmsg_internal("%s", caught.message),
             caught.hint[0] ? errhint("%s", caught.hint) : 0,
             caught.sqlstate == ERRCODE_INTERNAL_ERROR ? errdetail_internal("In C++ function %s.", function) : 0));
    pg_unreachable();
}

} // namespace rcq::pg
