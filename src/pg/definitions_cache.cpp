#include "definitions_cache.hpp"

#include "changes.hpp"
#include "guard.hpp"
#include "relations.hpp"

extern "C" {
#include "catalog/pg_collation.h"
#include "commands/trigger.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/inval.h"
#include "utils/rel.h"
}

namespace rcq::pg {

namespace {

// The trigger by which tables note their changes (sql/install/77-definition-triggers.sql).
constexpr char trigger_name[] = "definitions";

struct Kept {
    uint64 generation = 0;
    std::unordered_map<int32, CachedUser> users;
    std::unordered_map<std::string, int32> roles;
    std::unordered_map<int32, std::string> groups, executors;
    std::map<std::string, std::string, std::less<>> settings;
    std::unordered_map<int32, std::optional<int32>> token_versions;
    std::unordered_map<int32, TimestampTz> secrets;
    std::map<std::string, CachedToken, std::less<>> tokens;
    std::set<Oid> tables; // that it was read from
    std::size_t entries = 0;
};
Kept kept;
bool stale = false; // one of its tables was altered, emptied or dropped

constexpr std::size_t most_entries = 20000;

extern "C" void at_relation_change(Datum, Oid table) {
    if (table == InvalidOid || kept.tables.count(table)) stale = true;
}

// Before each look-up: forgets what may be out of date.
void refresh() {
    static bool listening = false;
    if (!listening) call([] { CacheRegisterRelcacheCallback(at_relation_change, 0); });
    listening = true;
    const uint64 now = definitions_generation();
    if (now != 0 && now == kept.generation && !stale && kept.entries < most_entries) return;
    stale = false;
    kept = Kept();
    kept.generation = now;
}

// Rows of a table as they are now, in memory of their own.
class Rows {
public:
    // Those whose column has this value, by the index; or all.
    Rows(const char* table, const char* index, const char* column, RegProcedure equal, Datum value)
        : Rows(table, index, column, equal, value, Begun()) {}
    explicit Rows(const char* table) : Rows(table, nullptr, nullptr, InvalidOid, 0, Begun()) {}
    ~Rows() {
        if (context_) MemoryContextDelete(context_);
    }
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;

    int count() const { return count_; }
    std::optional<Datum> value(int row, const char* column) const {
        bool null = true;
        const Datum datum =
            call([&] { return heap_getattr(tuples_[row], column_number(table_, column), desc_, &null); });
        if (null) return std::nullopt;
        return datum;
    }
    int32 integer(int row, const char* column) const { return DatumGetInt32(*value(row, column)); }
    int32 small(int row, const char* column) const { return DatumGetInt16(*value(row, column)); }
    bool boolean(int row, const char* column) const { return DatumGetBool(*value(row, column)); }
    TimestampTz time(int row, const char* column) const { return DatumGetTimestampTz(*value(row, column)); }
    std::optional<std::string> string(int row, const char* column) const {
        const std::optional<Datum> datum = value(row, column);
        if (!datum) return std::nullopt;
        const char* copy = call([&] { return TextDatumGetCString(*datum); });
        return copy;
    }

private:
    // Delegated to, so that the destructor runs when what follows it in the other constructors fails.
    struct Begun {};
    Rows(const char* table, const char* index, const char* column, RegProcedure equal, Datum value, Begun)
        : context_(call(
              [] { return AllocSetContextCreate(CurrentMemoryContext, "rcq definitions", ALLOCSET_SMALL_SIZES); })) {
        const bool watched = read(table, index, column, equal, value);
        kept.tables.insert(table_);
        if (!watched) kept.generation = 0;
    }
    bool read(const char* table, const char* index, const char* column, RegProcedure equal, Datum value);

    MemoryContext context_;
    Oid table_ = InvalidOid;
    TupleDesc desc_ = nullptr;
    HeapTuple* tuples_ = nullptr;
    int count_ = 0;
};

// Whether changes of the table are noted: SQL objects of 0.5 do not, and triggers can be disabled.
bool is_watched(Relation table) {
    const TriggerDesc* triggers = table->trigdesc;
    for (int i = 0; triggers && i < triggers->numtriggers; i++)
        if (strcmp(triggers->triggers[i].tgname, trigger_name) == 0)
            return triggers->triggers[i].tgenabled == TRIGGER_FIRES_ALWAYS;
    return false;
}

bool Rows::read(const char* table, const char* index, const char* column, RegProcedure equal, Datum value) {
    return call([&] {
        const MemoryContext before = MemoryContextSwitchTo(context_);
        table_ = relation_id(table);
        Relation relation = table_open(table_, AccessShareLock);
        desc_ = CreateTupleDescCopy(RelationGetDescr(relation));
        ScanKeyData key;
        if (column) ScanKeyInit(&key, get_attnum(table_, column), BTEqualStrategyNumber, equal, value);
        // that of the transaction may be older than the generation
        Snapshot snapshot = RegisterSnapshot(IsInParallelMode() ? GetActiveSnapshot() : GetLatestSnapshot());
        SysScanDesc scan = systable_beginscan(relation, index ? relation_id(index) : InvalidOid, index != nullptr,
                                              snapshot, column ? 1 : 0, &key);
        int capacity = 0;
        while (HeapTuple row = systable_getnext(scan)) {
            if (count_ == capacity) {
                capacity = capacity == 0 ? 4 : capacity * 2;
                const Size size = sizeof(HeapTuple) * static_cast<Size>(capacity);
                tuples_ = static_cast<HeapTuple*>(tuples_ ? repalloc(tuples_, size) : palloc(size));
            }
            tuples_[count_++] = heap_copytuple(row);
        }
        systable_endscan(scan);
        UnregisterSnapshot(snapshot);
        const bool watched = is_watched(relation);
        table_close(relation, NoLock); // as a statement would hold it
        MemoryContextSwitchTo(before);
        return watched;
    });
}

const CachedUser* keep_user(const Rows& rows) {
    if (rows.count() == 0) return nullptr;
    CachedUser user;
    user.id = rows.integer(0, "id");
    user.group_id = rows.integer(0, "group_id");
    user.is_admin = rows.boolean(0, "is_admin");
    user.max_priority = rows.small(0, "max_priority");
    if (rows.value(0, "max_pending")) user.max_pending = rows.integer(0, "max_pending");
    user.disabled = rows.string(0, "disabled");
    user.role_name = rows.string(0, "role_name");
    user.email = rows.string(0, "email");
    user.unix_user = rows.string(0, "unix_user");
    kept.entries++;
    if (user.role_name) kept.roles[*user.role_name] = user.id;
    return &(kept.users[user.id] = std::move(user));
}

const std::string* name_by_id(std::unordered_map<int32, std::string>& names, const char* table, const char* index,
                              int32 id) {
    if (const auto found = names.find(id); found != names.end()) return &found->second;
    const Rows rows(table, index, "id", F_INT4EQ, Int32GetDatum(id));
    if (rows.count() == 0) return nullptr;
    kept.entries++;
    return &(names[id] = rows.string(0, "name").value());
}

void read_settings() {
    const Rows definitions("setting_definition"), changed("setting");
    std::map<std::string, std::string, std::less<>> values;
    for (int i = 0; i < definitions.count(); i++)
        if (const auto parsed = definitions.string(i, "parsed"))
            values[definitions.string(i, "name").value()] = *parsed;
    for (int i = 0; i < changed.count(); i++) // a dump may bring one that this version does not have
        if (const auto found = values.find(changed.string(i, "name").value()); found != values.end())
            found->second = changed.string(i, "parsed").value();
    kept.settings = std::move(values);
}

} // namespace

uint64 definitions_generation() {
    if (!shared || definitions_noted() || IsInParallelMode() || RecoveryInProgress()) return 0;
    DatabaseSlot* slot = own_slot();
    return slot ? pg_atomic_read_u64(&slot->definitions) : 0;
}

const CachedUser* user_by_role(const char* role) {
    refresh();
    if (const auto found = kept.roles.find(role); found != kept.roles.end()) return &kept.users.at(found->second);
    const Datum name = call([&] { return CStringGetTextDatum(role); });
    return keep_user(Rows("users", "users_role_name_key", "role_name", F_TEXTEQ, name));
}

const CachedUser* user_by_id(int32 id) {
    refresh();
    if (const auto found = kept.users.find(id); found != kept.users.end()) return &found->second;
    return keep_user(Rows("users", "users_pkey", "id", F_INT4EQ, Int32GetDatum(id)));
}

const std::string* group_name(int32 id) {
    refresh();
    return name_by_id(kept.groups, "groups", "groups_pkey", id);
}

const std::string* executor_name(int32 id) {
    refresh();
    return name_by_id(kept.executors, "executor", "executor_pkey", id);
}

const std::string* find_setting(std::string_view name) {
    refresh();
    if (kept.settings.empty()) read_settings();
    const auto found = kept.settings.find(name);
    return found == kept.settings.end() ? nullptr : &found->second;
}

const std::string& setting_text(std::string_view name) {
    if (const std::string* value = find_setting(name)) return *value;
    throw std::out_of_range("there is no setting " + std::string(name));
}

double setting_number(std::string_view name) { return std::stod(setting_text(name)); }

std::optional<int32> token_version(int32 user_id) {
    refresh();
    if (const auto found = kept.token_versions.find(user_id); found != kept.token_versions.end()) return found->second;
    const Rows rows("credential", "credential_pkey", "user_id", F_INT4EQ, Int32GetDatum(user_id));
    std::optional<int32> version;
    if (rows.count() > 0) version = rows.integer(0, "token_version");
    kept.entries++;
    return kept.token_versions[user_id] = version;
}

std::optional<TimestampTz> secret_end(int32 id) {
    refresh();
    if (const auto found = kept.secrets.find(id); found != kept.secrets.end()) return found->second;
    const Rows rows("jwt_secret", "jwt_secret_pkey", "id", F_INT4EQ, Int32GetDatum(id));
    if (rows.count() == 0) return std::nullopt;
    kept.entries++;
    return kept.secrets[id] = rows.value(0, "valid_until") ? rows.time(0, "valid_until") : DT_NOEND;
}

const CachedToken* api_token(std::string_view jti) {
    refresh();
    if (const auto found = kept.tokens.find(jti); found != kept.tokens.end()) return &found->second;
    const Datum hash = call([&] {
        auto* bytes = static_cast<bytea*>(palloc(VARHDRSZ + jti.size()));
        SET_VARSIZE(bytes, VARHDRSZ + jti.size());
        memcpy(VARDATA(bytes), jti.data(), jti.size());
        return DirectFunctionCall1(sha256_bytea, PointerGetDatum(bytes));
    });
    const Rows rows("api_token", "api_token_jti_hash_key", "jti_hash", F_BYTEAEQ, hash);
    if (rows.count() == 0) return nullptr;
    CachedToken token;
    token.user_id = rows.integer(0, "user_id");
    token.scope = rows.string(0, "scope").value();
    token.revoked = rows.value(0, "revoked_at").has_value();
    token.expires_at = rows.time(0, "expires_at");
    kept.entries++;
    return &(kept.tokens[std::string(jti)] = std::move(token));
}

} // namespace rcq::pg
