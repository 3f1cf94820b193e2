// The rows that rcq.executor_sync answers.
#pragma once
#include "values.hpp"

namespace rcq::pg {

// JSON text as a jsonb.
inline Datum json_datum(const std::string& json) {
    return call([&] { return DirectFunctionCall1(jsonb_in, CStringGetDatum(json.c_str())); });
}

// Adds rows to the answer. A call that has none costs nothing here.
class SyncAnswers {
public:
    explicit SyncAnswers(FunctionCallInfo fcinfo) : fcinfo_(fcinfo) {
        if (!fcinfo->resultinfo || !IsA(fcinfo->resultinfo, ReturnSetInfo))
            throw SqlError("0A000", "rcq.executor_sync answers a set of rows");
    }

    struct Row {
        std::optional<int64> seq, job_id, token;
        std::optional<Datum> body; // a jsonb
    };
    // kind: protocol::sync_row
    void add(std::string_view kind, const Row& row) {
        if (!result_) begin();
        Datum values[] = {kind_datum(kind), Int64GetDatum(row.seq.value_or(0)), Int64GetDatum(row.job_id.value_or(0)),
                          Int64GetDatum(row.token.value_or(0)), row.body.value_or(Datum(0))};
        bool nulls[] = {false, !row.seq, !row.job_id, !row.token, !row.body};
        call([&] { tuplestore_putvalues(result_->setResult, result_->setDesc, values, nulls); });
    }
    // What the function returns.
    Datum finish() {
        if (!result_) reinterpret_cast<ReturnSetInfo*>(fcinfo_->resultinfo)->isDone = ExprEndResult;
        fcinfo_->isnull = true;
        return Datum(0);
    }

private:
    void begin() {
        call([&] { InitMaterializedSRF(fcinfo_, MAT_SRF_USE_EXPECTED_DESC); });
        result_ = reinterpret_cast<ReturnSetInfo*>(fcinfo_->resultinfo);
    }
    Datum kind_datum(std::string_view kind) {
        if (kind != kind_) {
            kind_ = kind;
            kind_datum_ = text_datum(kind);
        }
        return kind_datum_;
    }

    FunctionCallInfo fcinfo_;
    ReturnSetInfo* result_ = nullptr;
    std::string_view kind_; // of the last row
    Datum kind_datum_ = 0;
};

} // namespace rcq::pg
