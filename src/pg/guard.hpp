// The two doors between C++ (exceptions) and PostgreSQL (sigsetjmp/siglongjmp).
//
//   call(f)           from C++ into PostgreSQL: an ereport(ERROR) inside f becomes a C++ PgError.
//   boundary(name, f) from PostgreSQL into C++: the outermost frame of every extern "C" entry; whatever is thrown
//                     becomes an ereport(ERROR) after the exception object is gone.
//
// A PgError that passed through C++ must reach a boundary or end in AbortCurrentTransaction(): locks and snapshots of
// the failed call are still held until then.
#pragma once
#include "prelude.hpp"

namespace rcq::pg {

// A PostgreSQL ERROR as an exception, with its whole ErrorData in a memory context of its own, so that it outlives a
// transaction that is aborted while it unwinds.
class PgError : public std::exception {
public:
    PgError(MemoryContext context, ErrorData* data);
    const char* what() const noexcept override;
    int sqlstate() const noexcept { return held_->data->sqlerrcode; }
    const char* detail() const noexcept { return held_->data->detail ? held_->data->detail : ""; }
    const char* hint() const noexcept { return held_->data->hint ? held_->data->hint : ""; }
    const char* context() const noexcept { return held_->data->context ? held_->data->context : ""; }
    // Hands the ErrorData over to memory context `to`; the exception may be destroyed after that.
    ErrorData* release(MemoryContext to) noexcept;

private:
    struct Held {
        MemoryContext context = nullptr;
        ErrorData* data = nullptr;
        ~Held();
    };
    std::shared_ptr<Held> held_;
};

// An error that our own code raises, with the SQLSTATE (five characters, protocol/words.hpp) people see.
class SqlError : public std::exception {
public:
    SqlError(std::string_view sqlstate, std::string message, std::string hint = {})
        : message_(std::move(message)), hint_(std::move(hint)) {
        sqlstate.substr(0, 5).copy(sqlstate_, 5);
    }
    const char* what() const noexcept override { return message_.c_str(); }
    const std::string& hint() const noexcept { return hint_; }
    int code() const noexcept {
        return MAKE_SQLSTATE(sqlstate_[0], sqlstate_[1], sqlstate_[2], sqlstate_[3], sqlstate_[4]);
    }

private:
    char sqlstate_[6] = "XX000";
    std::string message_, hint_;
};

// What PG_TRY saves and PG_END_TRY restores, for scopes that may be left by an exception.
struct ErrorStack {
    sigjmp_buf* exception_stack = PG_exception_stack;
    ErrorContextCallback* context_stack = error_context_stack;
    ~ErrorStack() {
        PG_exception_stack = exception_stack;
        error_context_stack = context_stack;
    }
};

[[noreturn]] void throw_pg_error(MemoryContext caller, uint32 interrupt_holdoff, uint32 cancel_holdoff);

// Calls PostgreSQL code. Inside f only trivially destructible objects may live: an error jumps over their scopes.
template <class F> auto call(F f) -> std::invoke_result_t<F&> {
    using Result = std::invoke_result_t<F&>;
    static_assert(std::is_trivially_destructible_v<F>, "capture by reference only");
    static_assert(std::is_void_v<Result> || std::is_trivially_copyable_v<Result>, "return plain values only");
    const MemoryContext caller = CurrentMemoryContext;
    const uint32 interrupt_holdoff = InterruptHoldoffCount, cancel_holdoff = QueryCancelHoldoffCount;
    {
        ErrorStack saved;
        sigjmp_buf jump;
        if (sigsetjmp(jump, 0) == 0) {
            PG_exception_stack = &jump;
            return f();
        }
    }
    throw_pg_error(caller, interrupt_holdoff, cancel_holdoff);
}

// What an exception left behind for the ereport that follows it: plain data, nothing to destroy.
struct CaughtError {
    ErrorData* data = nullptr;
    int sqlstate = 0;
    bool for_people = false; // an SqlError: complete in itself, the SQL around it would only hide it
    char message[1024];
    char hint[1024];
    void take(const char* text, int code, const char* hint_text = "");
};

[[noreturn]] void report(const CaughtError& caught, const char* function);

template <class F> auto boundary(const char* function, F&& f) -> std::invoke_result_t<F&> {
    CaughtError caught;
    const MemoryContext caller = CurrentMemoryContext;
    sigjmp_buf* const exception_stack = PG_exception_stack;
    ErrorContextCallback* const context_stack = error_context_stack;
    try {
        return f();
    } catch (PgError& e) {
        caught.data = e.release(caller);
    } catch (const SqlError& e) {
        caught.take(e.what(), e.code(), e.hint().c_str());
        caught.for_people = true;
    } catch (const std::bad_alloc&) {
        caught.take("out of memory", ERRCODE_OUT_OF_MEMORY);
    } catch (const std::exception& e) {
        caught.take(e.what(), ERRCODE_INTERNAL_ERROR);
    } catch (...) {
        caught.take("unknown C++ exception", ERRCODE_INTERNAL_ERROR);
    }
    // The exception object is destroyed by now, so a longjmp loses nothing.
    PG_exception_stack = exception_stack;
    error_context_stack = context_stack;
    MemoryContextSwitchTo(caller);
    report(caught, function);
}

} // namespace rcq::pg

// Defines an SQL-callable function `name` whose body is C++ behind the boundary; `fcinfo` is in scope.
#define RCQ_FUNCTION(name)                                                                                             \
    static Datum name##_body(FunctionCallInfo fcinfo);                                                                 \
    extern "C" {                                                                                                       \
    PG_FUNCTION_INFO_V1(name);                                                                                         \
    }                                                                                                                  \
    extern "C" PGDLLEXPORT Datum name(PG_FUNCTION_ARGS) {                                                              \
        return rcq::pg::boundary(#name, [&] { return name##_body(fcinfo); });                                          \
    }                                                                                                                  \
    static Datum name##_body([[maybe_unused]] FunctionCallInfo fcinfo)
