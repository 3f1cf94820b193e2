#include "points.hpp"

#ifdef RCQ_DEBUG_POINTS

#include "guard.hpp"
#include "values.hpp"

extern "C" {
#include "storage/spin.h"
}

namespace rcq::pg {

namespace {

constexpr int longest_name = 40;
constexpr std::string_view modes[] = {"off", "error", "exception", "exit", "abort"};
enum class Failure : int { off, error, exception, exit, abort };

// Of all processes. A crash of the server forgets it, so that a point that aborts does so once.
struct Points {
    slock_t lock;
    char armed[longest_name];
    Failure mode;
    int left; // passages until it goes off; 0: it has, or is not to
    int64 gone_off;
};

Points& points() {
    static Points* attached = nullptr;
    if (attached) return *attached;
    bool found;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    auto* memory = static_cast<Points*>(call([&] { return ShmemInitStruct("rcq points", sizeof(Points), &found); }));
    if (!found) {
        memset(static_cast<void*>(memory), 0, sizeof(Points));
        SpinLockInit(&memory->lock);
    }
    LWLockRelease(AddinShmemInitLock);
    attached = memory;
    return *attached;
}

// Whether this is the passage at which something is to happen, and what.
Failure taken(const char* name) {
    Points& shared_points = points();
    Failure mode = Failure::off;
    SpinLockAcquire(&shared_points.lock);
    if (shared_points.left > 0 && strcmp(shared_points.armed, name) == 0 && --shared_points.left == 0) {
        mode = shared_points.mode;
        shared_points.gone_off++;
    }
    SpinLockRelease(&shared_points.lock);
    return mode;
}

} // namespace

void pass_point(const char* name) {
    switch (taken(name)) {
    case Failure::off:
        return;
    case Failure::error:
        call([&] { ereport(ERROR, (errcode(ERRCODE_T_R_STATEMENT_COMPLETION_UNKNOWN), errmsg("point %s", name))); });
        return;
    case Failure::exception:
        throw std::runtime_error(std::string("point ") + name);
    case Failure::exit:
        proc_exit(1);
    case Failure::abort:
        abort();
    }
}

} // namespace rcq::pg

// (point, mode, passage): what is to happen there
RCQ_FUNCTION(rcq_debug_point) {
    using namespace rcq::pg;
    const std::string name(text_argument(fcinfo, 0)), mode(text_argument(fcinfo, 1));
    const auto* known = std::find(std::begin(modes), std::end(modes), mode);
    if (known == std::end(modes) || name.size() >= longest_name || !superuser())
        throw SqlError("22023", "no such mode, too long a name, or no superuser");
    Points& shared_points = points();
    SpinLockAcquire(&shared_points.lock);
    strlcpy(shared_points.armed, name.c_str(), longest_name);
    shared_points.mode = static_cast<Failure>(known - std::begin(modes));
    shared_points.left = PG_GETARG_INT32(2);
    SpinLockRelease(&shared_points.lock);
    PG_RETURN_VOID();
}

// -> how often a point has gone off since the server began
RCQ_FUNCTION(rcq_debug_points_gone_off) {
    using namespace rcq::pg;
    Points& shared_points = points();
    SpinLockAcquire(&shared_points.lock);
    const int64 gone_off = shared_points.gone_off;
    SpinLockRelease(&shared_points.lock);
    PG_RETURN_INT64(gone_off);
}

#endif
