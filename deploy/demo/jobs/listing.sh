# Prints much: every prime up to LIMIT, one a line, with its place.
awk -v limit="${LIMIT:-300000}" 'BEGIN {
    for (i = 2; i * i <= limit; i++) if (!composite[i]) for (j = i * i; j <= limit; j += i) composite[j] = 1
    for (i = 2; i <= limit; i++) if (!composite[i]) print ++n, i
    print n " primes printed" > "/dev/stderr"
}'
