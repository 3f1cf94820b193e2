# Looks for a Collatz sequence that never comes down to 1. There is none known, so only the time limit ends this.
awk 'BEGIN {
    for (start = 1; ; start++) {
        steps = 0
        for (n = start; n != 1; n = n % 2 ? 3 * n + 1 : n / 2) steps++
        if (steps > longest) { longest = steps; print start, "takes", steps, "steps"; fflush() }
    }
}'
