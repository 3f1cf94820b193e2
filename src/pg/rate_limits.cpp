#include "rate_limits.hpp"

#include "guard.hpp"
#include "monotonic.hpp"

namespace rcq::pg {

namespace {

// A bucket is the time at which it will be full. So one that is full is as good as none, and what is given up for a
// newcomer is the one nearest to full.
struct Bucket {
    Oid database;
    int32 user_id;
    TimestampTz full_at; // monotonic
};

// Users with the same hash share a set of a few buckets, under a lock of many sets.
constexpr int ways = 8, sets = 1024, locks = 16;
struct Buckets {
    LWLock* lock[locks];
    Bucket bucket[sets][ways];
};
Buckets* buckets = nullptr;

constexpr char tranche[] = "rcq rate limits";
constexpr int64 minute = 60'000'000;

shmem_request_hook_type previous_request = nullptr;
shmem_startup_hook_type previous_startup = nullptr;

extern "C" void request_buckets() {
    if (previous_request) previous_request();
    RequestAddinShmemSpace(sizeof(Buckets));
    RequestNamedLWLockTranche(tranche, locks);
}

extern "C" void start_buckets() {
    if (previous_startup) previous_startup();
    bool found;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    buckets = static_cast<Buckets*>(ShmemInitStruct(tranche, sizeof(Buckets), &found));
    if (!found) {
        memset(static_cast<void*>(buckets), 0, sizeof(Buckets));
        LWLockPadded* padded = GetNamedLWLockTranche(tranche);
        for (int i = 0; i < locks; i++) buckets->lock[i] = &padded[i].lock;
    }
    LWLockRelease(AddinShmemInitLock);
}

Bucket& bucket_of(Bucket (&set)[ways], int32 user_id) {
    Bucket* given_up = set;
    for (Bucket& bucket : set) {
        if (bucket.database == MyDatabaseId && bucket.user_id == user_id) return bucket;
        if (bucket.full_at < given_up->full_at) given_up = &bucket;
    }
    *given_up = {MyDatabaseId, user_id, 0};
    return *given_up;
}

} // namespace

void install_rate_limit_hooks() {
    previous_request = shmem_request_hook;
    shmem_request_hook = request_buckets;
    previous_startup = shmem_startup_hook;
    shmem_startup_hook = start_buckets;
}

int request_must_wait(int32 user_id, int per_minute) {
    if (per_minute == 0) return 0;
    if (!buckets) refuse_unloaded();
    const int64 interval = std::max<int64>(minute / per_minute, 1);
    const int64 burst = std::max(per_minute / 10, 20) * interval;
    const uint32 hash = hash_combine(murmurhash32(MyDatabaseId), murmurhash32(static_cast<uint32>(user_id)));
    LockGuard guard(buckets->lock[hash % locks], LW_EXCLUSIVE);
    Bucket& bucket = bucket_of(buckets->bucket[hash % sets], user_id);
    const TimestampTz now = monotonic();
    // under another limit, what is missing may have been more than there is now
    bucket.full_at = std::clamp(bucket.full_at, now, now + burst);
    if (const int64 missing = bucket.full_at + interval - now - burst; missing > 0)
        return static_cast<int>((missing + 999'999) / 1'000'000);
    bucket.full_at += interval;
    return 0;
}

} // namespace rcq::pg
