# Sieve of Eratosthenes up to LIMIT; keeps the largest gaps between primes.
awk -v limit="${LIMIT:-2000000}" -v out="$RCQ_OUTPUT_DIR/gaps.txt" 'BEGIN {
    for (i = 2; i * i <= limit; i++) if (!composite[i]) for (j = i * i; j <= limit; j += i) composite[j] = 1
    for (i = 2; i <= limit; i++) if (!composite[i]) {
        count++
        if (last && i - last > widest) { widest = i - last; print widest, "after", last > out }
        last = i
    }
    printf "%d primes up to %d, the largest %d, widest gap %d\n", count, limit, last, widest
}'
