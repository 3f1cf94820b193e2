// What starts tell executors.
#pragma once
#include "table.hpp"

namespace rcq::pg {

// Memory of its own, which is entered for a while; it is freed when it is entered again.
class Scratch {
public:
    Scratch();
    ~Scratch();
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;

    class Use {
    public:
        explicit Use(Scratch& scratch);
        ~Use() { MemoryContextSwitchTo(outside_); }
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;

    private:
        MemoryContext outside_;
    };

private:
    MemoryContext context_;
};

// Makes the JSON of as many starts as are wanted. Names of users and groups, and what the tasks of an array have in
// common, are looked up once.
class StartBodies {
public:
    StartBodies(const Sight& sight, TimestampTz now);

    // Of a job, by its row in rcq_private.live: what was submitted, with what its placement granted, and no more time
    // than its deadline leaves. A jsonb that lasts until the next call; none when it is not known what was submitted.
    std::optional<Datum> of(const FoundRow& live);

private:
    // What stands in the row of the job or, of a task, in that of its array.
    struct Common {
        JsonbValue script, workdir, env;
        std::optional<JsonbValue> type, payload, array_size;
    };
    struct User {
        std::string name, unix_user;
    };

    bool find(int64 job_id);
    Common read_common() const;
    bool find_array(int64 array_id);
    const User& user(int32 id);
    const std::string& group(int32 id);
    JsonbValue time_limit(const FoundRow& live) const;

    const Sight& sight_;
    TimestampTz now_;
    PartitionedTable jobs_;
    Scan* job_ = nullptr; // at the row that find() found
    Scratch scratch_, array_scratch_;
    int64 array_ = 0; // whose tasks' common part is `array_common_`
    Common array_common_;
    std::unordered_map<int32, User> users_;
    std::unordered_map<int32, std::string> groups_;
};

} // namespace rcq::pg
