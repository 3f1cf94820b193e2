// A transaction of a worker, with SPI connected and a snapshot; aborted unless committed.
#pragma once
#include "guard.hpp"

namespace rcq::pg {

class Transaction {
public:
    Transaction() {
        call([] {
            SetCurrentStatementStartTimestamp();
            StartTransactionCommand();
            SPI_connect();
            PushActiveSnapshot(GetTransactionSnapshot());
        });
    }
    ~Transaction() {
        if (open_) AbortCurrentTransaction();
    }
    void commit() {
        call([] {
            SPI_finish();
            PopActiveSnapshot();
            CommitTransactionCommand();
        });
        open_ = false;
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

private:
    bool open_ = true;
};

} // namespace rcq::pg
