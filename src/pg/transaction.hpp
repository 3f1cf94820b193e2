// A transaction of a worker, with SPI connected; aborted unless committed.
//
// Its commit does not wait for the disk unless something in it must outlast a crash of the server, as every writing
// Statement says of itself. What is left are placements: one that is lost by a crash leaves its job pending, and was
// claimed by nobody, as the commit of a claim waits for all that was committed before it.
#pragma once
#include "guard.hpp"

namespace rcq::pg {

class Transaction {
public:
    Transaction() : Transaction(Begun()) {
        call([] { SPI_connect(); });
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
    // What is written must outlast a crash once it is committed.
    static void must_last() {
        call([] { ForceSyncCommit(); });
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
