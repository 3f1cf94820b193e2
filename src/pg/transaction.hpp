// A transaction of a worker, with SPI connected; aborted unless committed.
#pragma once
#include "guard.hpp"

namespace rcq::pg {

class Transaction {
public:
    Transaction() : Transaction(Begun()) {
        call([] { SPI_connect(); });
    }
    // One view of the tables for all reads that follow (spi.hpp). To be taken after the locks that it depends on.
    void take_snapshot() {
        call([] { PushActiveSnapshot(GetTransactionSnapshot()); });
    }
    ~Transaction() {
        if (open_) AbortCurrentTransaction();
    }
    void commit() {
        call([] {
            SPI_finish();
            while (ActiveSnapshotSet()) PopActiveSnapshot();
            CommitTransactionCommand();
        });
        open_ = false;
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

private:
    // Delegated to, so that the destructor runs when what follows it in the other constructor fails.
    struct Begun {};
    explicit Transaction(Begun) {
        call([] {
            SetCurrentStatementStartTimestamp();
            StartTransactionCommand();
        });
    }

    bool open_ = true;
};

} // namespace rcq::pg
