// All SQL of the executor: the calls of the protocol as statements, and their answers as data. Decoding throws
// std::runtime_error when an answer is not what the protocol says.
#pragma once
#include "database/statement.hpp"
#include "executor/drain_orders.hpp"
#include "executor/messages.hpp"

#include <libpq-fe.h>
#include <optional>
#include <string>
#include <vector>

namespace rcq::executor::store {

// Lets transactions of the session write, also where database or role have it that they only read unless told
// otherwise.
database::Statement write();

// `info`: facts of the host, as a JSON object; empty: none.
database::Statement register_executor(const std::string& hostname, const Capacity& capacity,
                                      const std::vector<std::string>& features, const std::string& info,
                                      std::int64_t incarnation);
Registration decode_registration(const PGresult* result);
Registration decode_registration_text(const std::string& text);

// Of the session's login, without parameters: whether the protocol is there to be spoken, whether it is an executor's.
database::Statement login_facts();

database::Statement listen(const std::string& channel);

database::Statement sync(const SyncRequest& request);
std::vector<SyncRow> decode_sync(const PGresult* result);
// The word in the body of an `answer` row; empty when there is none.
std::string decode_answer(const std::string& body);
// The body of a `terms` row; nothing when it is malformed.
std::optional<Terms> decode_terms(const std::string& body);
// Whether the body of an `ack` row says that starts were left out for their size.
bool decode_more(const std::string& body);

database::Statement log(int executor, std::int64_t incarnation, const LogBatch& batch);
std::vector<std::int64_t> decode_stale_tokens(const PGresult* result);
std::vector<std::int64_t> decode_bigint_array(const std::string& text);

database::Statement progress(int executor, std::int64_t incarnation, const ProgressBatch& batch);

// Of runs that an earlier process of this executor started; those that are no longer live are left out of the answer.
database::Statement log_position(int executor, std::int64_t incarnation, const std::vector<std::int64_t>& job_ids,
                                 const std::vector<std::int64_t>& tokens);
std::vector<LogPosition> decode_log_positions(const PGresult* result);

database::Statement drain(int executor, std::int64_t incarnation, const DrainCall& call);
database::Statement sign_off(int executor, std::int64_t incarnation);

// The JSON of `finished`, invalid UTF-8 replaced, messages cut to what is of use to anybody.
std::string encode_finished(const std::vector<EndReport>& reports, std::int64_t now_ms);

} // namespace rcq::executor::store
