// Answers of the server: rows of a sync (a line each, columns apart by tabs, \N is NULL), and what stands in them.
#include "executor/store.hpp"
#include "fuzz.hpp"

#include <libpq-fe.h>
#include <memory>
#include <stdexcept>
#include <string>

namespace store = rcq::executor::store;

namespace {

struct Cleared {
    void operator()(PGresult* result) const { PQclear(result); }
};

std::unique_ptr<PGresult, Cleared> as_result(std::string_view text) {
    std::unique_ptr<PGresult, Cleared> result(PQmakeEmptyPGresult(nullptr, PGRES_TUPLES_OK));
    PGresAttDesc columns[6] = {};
    char name[] = "c";
    for (PGresAttDesc& column : columns) column.name = name;
    PQsetResultAttrs(result.get(), 6, columns);
    for (int row = 0, column = 0; !text.empty();) {
        const std::size_t end = text.find_first_of("\t\n");
        std::string value(text.substr(0, end));
        const bool null = value == "\\N";
        if (column < 6) {
            PQsetvalue(result.get(), row, column++, null ? nullptr : value.data(),
                       null ? -1 : static_cast<int>(value.size()));
        }
        if (end == std::string_view::npos) break;
        if (text[end] == '\n') ++row, column = 0;
        text.remove_prefix(end + 1);
    }
    return result;
}

bool is_sound(const rcq::executor::Terms& terms) { return terms.lease_s > 0 && terms.lost_after_s > 0; }

// Only the exception that the header promises.
template <class Decode> void decode(Decode call) {
    try {
        call();
    } catch (const std::runtime_error&) {
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text(rcq::fuzz::text(data, size));
    decode([&] {
        for (const auto& row : store::decode_sync(as_result(text).get())) {
            store::decode_answer(row.body);
            store::decode_more(row.body);
            const auto terms = store::decode_terms(row.body);
            rcq::fuzz::require(!terms || is_sound(*terms));
        }
    });
    decode([&] {
        const auto registration = store::decode_registration_text(text);
        rcq::fuzz::require(is_sound(registration.terms));
    });
    decode([&] { store::decode_bigint_array(text); });
    return 0;
}
