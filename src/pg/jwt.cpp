// What tokens are made of: JSON Web Tokens signed with HMAC-SHA-256 (RFC 7515), base64url, random bytes.
#include "values.hpp"

extern "C" {
#include "common/hmac.h"
#include "common/sha2.h"
}

namespace rcq::pg {

namespace {

// RFC 4648, section 5, without padding.
std::string base64url(std::string_view bytes) {
    constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    std::string text;
    text.reserve((bytes.size() * 4 + 2) / 3);
    uint32 held = 0;
    int bits = 0;
    for (const char byte : bytes) {
        held = (held << 8 | static_cast<unsigned char>(byte)) & 0xffff;
        for (bits += 8; bits >= 6; bits -= 6) text += digits[held >> (bits - 6) & 63];
    }
    if (bits > 0) text += digits[held << (6 - bits) & 63];
    return text;
}

struct Digest {
    uint8 bytes[PG_SHA256_DIGEST_LENGTH];
};

std::string hmac_sha256(std::string_view key, std::string_view message) {
    const Digest digest = call([&] {
        Digest result;
        pg_hmac_ctx* context = pg_hmac_create(PG_SHA256);
        const auto bytes = [](std::string_view s) { return reinterpret_cast<const uint8*>(s.data()); };
        if (!context || pg_hmac_init(context, bytes(key), key.size()) < 0 ||
            pg_hmac_update(context, bytes(message), message.size()) < 0 ||
            pg_hmac_final(context, result.bytes, sizeof result.bytes) < 0)
            elog(ERROR, "cannot sign a token: %s", pg_hmac_error(context));
        pg_hmac_free(context);
        return result;
    });
    return {reinterpret_cast<const char*>(digest.bytes), sizeof digest.bytes};
}

// As long as the call lasts.
std::string_view bytes_argument(FunctionCallInfo fcinfo, int i) {
    const bytea* value = call([&] { return PG_GETARG_BYTEA_PP(i); });
    return {VARDATA_ANY(value), static_cast<std::size_t>(VARSIZE_ANY_EXHDR(value))};
}

} // namespace

} // namespace rcq::pg

// (claims, secret) -> token
RCQ_FUNCTION(rcq_sign_jwt) {
    using namespace rcq::pg;
    const std::string message = base64url(R"({"alg":"HS256","typ":"JWT"})") + '.' + base64url(text_argument(fcinfo, 0));
    return text_datum(message + '.' + base64url(hmac_sha256(bytes_argument(fcinfo, 1), message)));
}

RCQ_FUNCTION(rcq_base64url) {
    using namespace rcq::pg;
    return text_datum(base64url(bytes_argument(fcinfo, 0)));
}

RCQ_FUNCTION(rcq_random_bytes) {
    using namespace rcq::pg;
    const int32 count = PG_GETARG_INT32(0);
    if (count < 1 || count > 1024) throw SqlError("22023", "random_bytes makes 1 to 1024 bytes");
    return call([&] {
        auto* bytes = static_cast<bytea*>(palloc(VARHDRSZ + static_cast<Size>(count)));
        SET_VARSIZE(bytes, VARHDRSZ + count);
        if (!pg_strong_random(VARDATA(bytes), static_cast<size_t>(count)))
            ereport(ERROR, (errcode(ERRCODE_INTERNAL_ERROR), errmsg("the system gives no random bytes")));
        return PointerGetDatum(bytes);
    });
}
