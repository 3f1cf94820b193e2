// rcq_private.fail(): how functions written in SQL raise errors for people.
#include "guard.hpp"

RCQ_FUNCTION(rcq_fail) {
    using namespace rcq::pg;
    const auto argument = [&](int i) -> std::string {
        if (PG_ARGISNULL(i)) return {};
        return call([&] { return text_to_cstring(PG_GETARG_TEXT_PP(i)); });
    };
    throw SqlError(argument(0), argument(1), argument(2));
}
