#!/bin/sh
# Monte Carlo estimate of pi on every granted core: SAMPLES points altogether.
exec python3 - <<'PY'
import json, math, os, random
from multiprocessing import Pool

samples = int(os.environ.get("SAMPLES", 25_000_000))
cores = int(os.environ["RCQ_CPU_CORES"])

def hits(seed):
    draw = random.Random(seed).random
    return sum(1 for _ in range(samples // cores) if draw() ** 2 + draw() ** 2 <= 1.0)

with Pool(cores) as pool:
    inside = sum(pool.map(hits, range(cores)))
drawn = samples // cores * cores
estimate = 4 * inside / drawn
error = 4 * math.sqrt(inside / drawn * (1 - inside / drawn) / drawn)
print(f"pi = {estimate:.5f} +- {error:.5f} from {drawn:,} points on {cores} core(s); off by {abs(estimate - math.pi):.5f}")
with open(os.path.join(os.environ["RCQ_OUTPUT_DIR"], "pi.json"), "w") as result:
    json.dump({"estimate": estimate, "error": error, "samples": drawn, "cores": cores}, result)
PY
