#include "client/log_chunks.hpp"

#include "client/store.hpp"

namespace rcq::client {

namespace {

constexpr int most_bytes = 262144;

std::string bytes_at(const PGresult* result, int row, int column) {
    return {PQgetvalue(result, row, column), static_cast<std::size_t>(PQgetlength(result, row, column))};
}

std::int64_t integer_at(const PGresult* result, int row, int column) {
    std::uint64_t value = 0;
    for (const char c : bytes_at(result, row, column)) value = value << 8 | static_cast<unsigned char>(c);
    return static_cast<std::int64_t>(value);
}

} // namespace

LogAnswer LogSource::next() {
    const auto result = watch_.ask(store::log_chunks(job_, attempt_, seq_, most_bytes), database::Format::binary);
    LogAnswer answer;
    std::size_t size = 0;
    const PGresult* rows = result.get();
    for (int row = 0; row < PQntuples(rows); ++row) {
        answer.ended = answer.ended || integer_at(rows, row, 4) != 0;
        if (PQgetlength(rows, row, 3) == 0) continue; // says that it has ended, and nothing else
        LogChunk chunk{static_cast<int>(integer_at(rows, row, 0)), integer_at(rows, row, 1), bytes_at(rows, row, 2),
                       bytes_at(rows, row, 3)};
        attempt_ = chunk.attempt;
        seq_ = chunk.seq;
        size += chunk.bytes.size();
        answer.chunks.push_back(std::move(chunk));
    }
    answer.full = size >= most_bytes;
    return answer;
}

} // namespace rcq::client
