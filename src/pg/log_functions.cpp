// Output of jobs: any bytes as text that the database can hold, and who may store it.
#include "guard.hpp"
#include "points.hpp"
#include "relations.hpp"

namespace rcq::pg {

namespace {

// Appends the line with every byte that is no part of a character of the database's encoding, and every NUL, replaced.
void append_valid(std::string& to, const char* bytes, std::size_t length, int encoding) {
    const std::string_view replacement = encoding == PG_UTF8 ? "\xEF\xBF\xBD" : "?";
    std::size_t i = 0;
    while (i < length) {
        const auto valid =
            static_cast<std::size_t>(pg_encoding_verifymbstr(encoding, bytes + i, static_cast<int>(length - i)));
        to.append(bytes + i, valid);
        i += valid;
        if (i < length) {
            to.append(replacement);
            i++;
        }
    }
}

} // namespace

} // namespace rcq::pg

RCQ_FUNCTION(rcq_log_lines) {
    using namespace rcq::pg;
    const bytea* data = call([&] { return PG_GETARG_BYTEA_PP(0); });
    const std::string_view bytes(VARDATA_ANY(data), VARSIZE_ANY_EXHDR(data));
    const int encoding = GetDatabaseEncoding();
    std::vector<Datum> lines;
    std::string line;
    for (std::size_t begin = 0; begin < bytes.size();) {
        const std::size_t newline = bytes.find('\n', begin);
        const std::size_t end = newline == std::string_view::npos ? bytes.size() : newline;
        line.clear();
        append_valid(line, bytes.data() + begin, end - begin, encoding);
        lines.push_back(call(
            [&] { return PointerGetDatum(cstring_to_text_with_len(line.data(), static_cast<int>(line.size()))); }));
        begin = end + 1;
    }
    Datum* values = lines.data();
    const int count = static_cast<int>(lines.size());
    return call([&] { return PointerGetDatum(construct_array(values, count, TEXTOID, -1, false, TYPALIGN_INT)); });
}

// (executor_id, alone): until the transaction ends; others wait only while one of them is to be alone. No advisory
// lock, because anybody may take those.
RCQ_FUNCTION(rcq_lock_output) {
    using namespace rcq::pg;
    const LOCKMODE mode = PG_GETARG_BOOL(1) ? ExclusiveLock : RowExclusiveLock;
    call([&] { LockDatabaseObject(relation_id("executor"), static_cast<Oid>(PG_GETARG_INT32(0)), 0, mode); });
    RCQ_POINT("log.locked");
    PG_RETURN_VOID();
}
