# Counts words over the documents in the job's workdir, and letter sequences of every length up to LONGEST in their first 12,000 words:
# each sequence is kept in memory, of which the job has 1 GB, however long the documents become.
set -eu
find . -type f -name '*.md' | sort >"$TMPDIR/files"
xargs cat <"$TMPDIR/files" | tr -cs 'A-Za-z' '\n' | tr A-Z a-z >"$TMPDIR/words"
grep -E '^.{4,}$' "$TMPDIR/words" | sort | uniq -c | sort -k1,1nr -k2 >"$RCQ_OUTPUT_DIR/words.txt"
echo "$(wc -l <"$TMPDIR/files") documents, $(wc -l <"$TMPDIR/words") words; most frequent:" \
    "$(head -n 5 "$RCQ_OUTPUT_DIR/words.txt" | awk '{printf "%s%s %d", sep, $2, $1; sep = ", "}')"
head -n 12000 "$TMPDIR/words" | tr '\n' ' ' | fold -w 4000 | awk -v longest="${LONGEST:-40}" '
    { for (i = 1; i <= length($0); i++) for (n = 2; n <= longest && i + n - 1 <= length($0); n++) seen[substr($0, i, n)]++ }
    END { for (s in seen) { n = length(s); kinds[n]++; if (seen[s] > top[n]) { top[n] = seen[s]; best[n] = s } }
          for (n = 2; n <= longest; n++) printf "%2d characters: %7d different, most often %d times \"%s\"\n", n, kinds[n], top[n], best[n] }
' >"$RCQ_OUTPUT_DIR/sequences.txt"
tail -n 2 "$RCQ_OUTPUT_DIR/sequences.txt"
