#!/usr/bin/python3
"""Product of two SIZE x SIZE matrices, checked with a random vector (Freivalds)."""
import os
import random

n = int(os.environ.get("SIZE", 420))
random.seed(42)
a, b = ([[random.randint(-9, 9) for _ in range(n)] for _ in range(n)] for _ in range(2))
columns = list(zip(*b))
c = [[sum(x * y for x, y in zip(row, column)) for column in columns] for row in a]

def times(matrix, vector):
    return [sum(x * y for x, y in zip(row, vector)) for row in matrix]

probe = [random.randint(0, 1) for _ in range(n)]
if times(a, times(b, probe)) != times(c, probe):
    raise SystemExit("the product is wrong")
trace = sum(c[i][i] for i in range(n))
print(f"{n} x {n} product verified, trace {trace}; GPUs granted: {os.environ['CUDA_VISIBLE_DEVICES'] or 'none'}")
with open(os.path.join(os.environ["RCQ_OUTPUT_DIR"], "trace.txt"), "w") as result:
    print(trace, file=result)
