#include "executor/store.hpp"

#include "protocol/words.hpp"
#include "rundir/cut.hpp"
#include "rundir/status.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace rcq::executor::store {

namespace {

using nlohmann::json;

using database::bigint;
using database::bigints;
using database::BinaryArray;
using database::integer;
using database::jsonb;
using database::Parameter;
using database::text;
using database::texts;
namespace oid = database::oid;

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

std::int64_t bigint_field(const PGresult* result, int row, int column) {
    if (PQgetisnull(result, row, column) != 0) return 0;
    std::string_view value(PQgetvalue(result, row, column));
    std::int64_t number = 0;
    auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size()) throw std::runtime_error("not a bigint");
    return number;
}

constexpr std::size_t longest_message = 4096; // the server keeps less

Terms terms_of(const json& body) {
    constexpr double for_ever = 1e9;
    Terms terms{std::min(for_ever, body.at("lease_seconds").get<double>()),
                std::min(for_ever, body.at("lost_after_seconds").get<double>())};
    if (!(terms.lease_s > 0) || !(terms.lost_after_s > 0)) {
        throw std::runtime_error("malformed answer: lease or lost_after is not positive");
    }
    return terms;
}

double rounded(double value) { return std::round(value * 1e6) / 1e6; }

std::string encode_usage(const std::vector<UsageReport>& reports) {
    json list = json::array();
    for (const UsageReport& report : reports) {
        list.push_back({{"job_id", report.job_id},
                        {"token", report.token},
                        {"cpu_seconds", rounded(report.cpu_seconds)},
                        {"peak_memory_mib", report.peak_memory_mib}});
    }
    return dump(list);
}

} // namespace

database::Statement register_executor(const std::string& hostname, const Capacity& capacity,
                                      const std::vector<std::string>& features, const std::string& info,
                                      std::int64_t incarnation) {
    json body = {
        {"cpu_cores", capacity.cpu_cores}, {"memory_mib", capacity.memory_mib}, {"gpu_count", capacity.gpu_count}};
    if (!capacity.gpu_type.empty()) body["gpu_type"] = capacity.gpu_type;
    if (!info.empty()) body["info"] = json::parse(info);
    return {"SELECT rcq.register_executor($1, $2, $3, $4, $5)",
            {text(hostname), jsonb(dump(body)), texts(features), bigint(incarnation), integer(protocol::version)}};
}

Registration decode_registration(const PGresult* result) {
    if (PQntuples(result) != 1 || PQnfields(result) != 1) throw std::runtime_error("registration: no answer");
    return decode_registration_text(PQgetvalue(result, 0, 0));
}

Registration decode_registration_text(const std::string& text) {
    json body = json::parse(text, nullptr, false);
    Registration registration;
    try {
        registration.executor = body.at("executor").get<int>();
        registration.name = body.value("name", "");
        registration.channel = body.value("channel", protocol::executor_channel(registration.executor));
        registration.terms = terms_of(body);
        registration.server_start = body.value("server_start", std::int64_t{0});
    } catch (const json::exception& error) {
        throw std::runtime_error(std::string("registration: malformed answer: ") + error.what());
    }
    return registration;
}

database::Statement write() { return {"SET default_transaction_read_only = off", {}}; }

database::Statement login_facts() {
    return {"SELECT pg_catalog.to_regprocedure('rcq.register_executor(text,jsonb,text[],bigint,integer)') IS NOT NULL, "
            "EXISTS (SELECT FROM pg_catalog.pg_auth_members m "
            "JOIN pg_catalog.pg_roles e ON e.oid OPERATOR(pg_catalog.=) m.roleid "
            "JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) m.member "
            "WHERE e.rolname OPERATOR(pg_catalog.=) 'rcq_executor' AND r.rolname OPERATOR(pg_catalog.=) session_user)",
            {}};
}

database::Statement listen(const std::string& channel) {
    std::string name;
    for (char c : channel) name += c == '"' ? std::string("\"\"") : std::string(1, c);
    return {"LISTEN \"" + name + "\"", {}};
}

std::string encode_finished(const std::vector<EndReport>& reports, std::int64_t now_ms) {
    std::string list = "[";
    for (const EndReport& report : reports) {
        const RunEnd& end = *report.end;
        json item = {{"job_id", report.job_id},
                     {"token", report.token},
                     {"end", end.kind},
                     {"exit_code", nullptr},
                     {"signal", nullptr},
                     {"cpu_seconds", rounded(end.cpu_seconds)},
                     {"peak_memory_mib", nullptr}, // too small and too short to be told from ourselves
                     {"ended_ago_s", static_cast<double>(std::max<std::int64_t>(0, now_ms - end.ended_at_ms)) / 1000},
                     {"message", nullptr},
                     {"output_dir", nullptr},
                     {"files", json::array()}};
        if (end.peak_memory_mib > 0) item["peak_memory_mib"] = end.peak_memory_mib;
        if (end.exit_code) item["exit_code"] = *end.exit_code;
        if (end.signal) item["signal"] = *end.signal;
        if (!end.message.empty()) item["message"] = rundir::cut(end.message, longest_message);
        if (!report.output_dir.empty()) item["output_dir"] = report.output_dir;
        for (const OutputFile& file : end.outputs.files) {
            item["files"].push_back({{"name", file.name}, {"bytes", file.bytes}});
        }
        if (list.size() > 1) list += ',';
        list += dump(item);
        if (report.result.empty()) continue;
        // as it was written: no number in it is read and written again
        list.pop_back();
        list.append(",\"result\":").append(report.result).append("}");
    }
    return list += ']';
}

database::Statement sync(const SyncRequest& request) {
    Parameter live{oid::int8_array, std::nullopt};
    if (request.live_tokens) live = bigints(*request.live_tokens);
    Parameter finished{oid::jsonb, std::nullopt};
    if (!request.finished.empty()) finished.value = encode_finished(request.finished, rundir::boottime_ms());
    Parameter usage{oid::jsonb, std::nullopt};
    if (!request.usage.empty()) usage.value = encode_usage(request.usage);
    return {"SELECT kind, seq, job_id, token, body OPERATOR(pg_catalog.-) 'payload'::pg_catalog.text, "
            "body OPERATOR(pg_catalog.->) 'payload'::pg_catalog.text "
            "FROM rcq.executor_sync($1, $2, $3, $4, $5, $6, $7)",
            {integer(request.executor), bigint(request.incarnation), bigint(request.acked_seq), std::move(live),
             std::move(finished), std::move(usage), integer(request.max_new)}};
}

std::vector<SyncRow> decode_sync(const PGresult* result) {
    if (PQnfields(result) != 6) throw std::runtime_error("sync: an answer of six columns was expected");
    std::vector<SyncRow> rows;
    const int count = PQntuples(result);
    rows.reserve(static_cast<std::size_t>(count));
    for (int row = 0; row < count; ++row) {
        rows.push_back({PQgetvalue(result, row, 0), bigint_field(result, row, 1), bigint_field(result, row, 2),
                        bigint_field(result, row, 3), PQgetvalue(result, row, 4), std::nullopt});
        if (PQgetisnull(result, row, 5) == 0) {
            rows.back().payload.emplace(PQgetvalue(result, row, 5),
                                        static_cast<std::size_t>(PQgetlength(result, row, 5)));
        }
    }
    return rows;
}

std::optional<Terms> decode_terms(const std::string& body) {
    try {
        return terms_of(json::parse(body));
    } catch (const std::exception&) {
        return std::nullopt;
    }
}

std::string decode_answer(const std::string& body) {
    json object = json::parse(body, nullptr, false);
    if (!object.is_object()) return {};
    auto word = object.find("answer");
    return word != object.end() && word->is_string() ? word->get<std::string>() : std::string();
}

bool decode_more(const std::string& body) {
    json object = json::parse(body, nullptr, false);
    if (!object.is_object()) return false;
    auto more = object.find("more");
    return more != object.end() && more->is_boolean() && more->get<bool>();
}

database::Statement log(int executor, std::int64_t incarnation, const LogBatch& batch) {
    std::vector<std::string> streams;
    streams.reserve(batch.streams.size());
    for (LogStream stream : batch.streams) streams.emplace_back(stream == LogStream::out ? "stdout" : "stderr");
    BinaryArray chunks(oid::bytea);
    for (const std::string& chunk : batch.chunks) chunks.add(chunk);
    return {"SELECT rcq.executor_log($1, $2, $3, $4, $5, $6, $7)",
            {integer(executor), bigint(incarnation), bigints(batch.job_ids), bigints(batch.tokens), bigints(batch.seqs),
             texts(streams), Parameter{oid::bytea_array, chunks.take(), true}}};
}

database::Statement progress(int executor, std::int64_t incarnation, const ProgressBatch& batch) {
    std::string percents;
    for (const int percent : batch.percents)
        percents.append(percents.empty() ? "{" : ",").append(std::to_string(percent));
    BinaryArray messages(oid::bytea);
    for (const std::string& message : batch.messages) messages.add(message);
    return {"SELECT rcq.executor_progress($1, $2, $3, $4, $5, $6)",
            {integer(executor), bigint(incarnation), bigints(batch.job_ids), bigints(batch.tokens),
             Parameter{oid::int4_array, percents + "}"}, Parameter{oid::bytea_array, messages.take(), true}}};
}

std::vector<std::int64_t> decode_bigint_array(const std::string& text) {
    std::vector<std::int64_t> numbers;
    if (text.size() < 2 || text.front() != '{' || text.back() != '}') throw std::runtime_error("not an array: " + text);
    const char* at = text.data() + 1;
    const char* end = text.data() + text.size() - 1;
    while (at != end) {
        std::int64_t number = 0;
        auto [next, error] = std::from_chars(at, end, number);
        if (error != std::errc{} || (next != end && *next != ',')) throw std::runtime_error("not an array: " + text);
        numbers.push_back(number);
        at = next == end ? end : next + 1;
    }
    return numbers;
}

std::vector<std::int64_t> decode_stale_tokens(const PGresult* result) {
    if (PQntuples(result) != 1 || PQnfields(result) != 1) throw std::runtime_error("log: no answer");
    if (PQgetisnull(result, 0, 0) != 0) return {};
    return decode_bigint_array(PQgetvalue(result, 0, 0));
}

database::Statement log_position(int executor, std::int64_t incarnation, const std::vector<std::int64_t>& job_ids,
                                 const std::vector<std::int64_t>& tokens) {
    return {"SELECT token, next_seq, bytes FROM rcq.executor_log_position($1, $2, $3, $4)",
            {integer(executor), bigint(incarnation), bigints(job_ids), bigints(tokens)}};
}

std::vector<LogPosition> decode_log_positions(const PGresult* result) {
    if (PQnfields(result) != 3) throw std::runtime_error("log position: an answer with other columns");
    std::vector<LogPosition> positions;
    positions.reserve(static_cast<std::size_t>(PQntuples(result)));
    for (int row = 0; row < PQntuples(result); ++row) {
        positions.push_back({bigint_field(result, row, 0), static_cast<std::uint64_t>(bigint_field(result, row, 1)),
                             static_cast<std::uint64_t>(bigint_field(result, row, 2))});
    }
    return positions;
}

database::Statement drain(int executor, std::int64_t incarnation, const DrainCall& call) {
    database::Statement statement{"SELECT rcq.executor_drain($1, $2, $3)",
                                  {integer(executor), bigint(incarnation), Parameter{oid::text, call.reason}}};
    if (call.old_server) return statement;
    statement.sql = "SELECT rcq.executor_drain($1, $2, $3, $4)";
    statement.parameters.push_back(database::boolean(call.until_resumed));
    return statement;
}

database::Statement sign_off(int executor, std::int64_t incarnation) {
    return {"SELECT rcq.executor_sign_off($1, $2)", {integer(executor), bigint(incarnation)}};
}

} // namespace rcq::executor::store
