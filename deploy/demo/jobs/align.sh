#!/usr/bin/python3
"""Local alignment (Smith-Waterman) of a gene with a mutated copy inside a longer sequence."""
import os
import random

length = int(os.environ.get("LENGTH", 2800))
random.seed(int(os.environ.get("SEED", 1)))
gene = "".join(random.choices("ACGT", k=length))
copy = "".join(random.choice("ACGT") if random.random() < 0.1 else base for base in gene if random.random() > 0.02)
sequence = "".join(random.choices("ACGT", k=length // 3)) + copy + "".join(random.choices("ACGT", k=length // 3))
best, where, above = 0, 0, [0] * (len(sequence) + 1)
for base in gene:
    row, left = [0], 0
    for j, other in enumerate(sequence, 1):
        left = max(0, above[j - 1] + (2 if base == other else -1), above[j] - 2, left - 2)
        row.append(left)
        if left > best:
            best, where = left, j
    above = row
print(f"gene of {length} bases found, ending at {where} of {len(sequence)} (expected {length // 3 + len(copy)}), score {best}")
with open(os.path.join(os.environ["RCQ_OUTPUT_DIR"], "hit.txt"), "w") as result:
    print(where, best, file=result)
