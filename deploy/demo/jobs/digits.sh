#!/usr/bin/python3
"""Prints digits of pi, ten a line, for as long as it is let (Gibbons' spigot)."""
q, r, t, k, n, l = 1, 0, 1, 1, 3, 3
line, lines = "", 0
while True:
    if 4 * q + r - t < n * t:
        line += str(n)
        if len(line) == 10:
            lines += 1
            print(f"{line}  : {lines * 10}", flush=True)
            line = ""
        q, r, n = 10 * q, 10 * (r - n * t), 10 * (3 * q + r) // t - 10 * n
    else:
        q, r, t, k, n, l = q * k, (2 * q + r) * l, t * l, k + 1, (q * (7 * k + 2) + r * l) // (t * l), l + 2
