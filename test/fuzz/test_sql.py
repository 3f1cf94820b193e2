"""A short fuzz of every SQL function; test/fuzz/sql_fuzz.py is the long one. RCQ_FUZZ_SEED chooses the calls."""
import os

import sql_fuzz


def test_no_call_breaks_anything(server):
    seed = os.environ.get("RCQ_FUZZ_SEED", "1")
    found, done = sql_fuzz.run(server, 8, seed, encodings=("UTF8", "SQL_ASCII"))
    print("\n".join(done))
    assert not found, f"seed {seed}:\n" + "\n".join(found)
