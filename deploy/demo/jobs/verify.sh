# Recomputes a series and compares it with the published figure, which is wrong: exit code 3.
set -eu
computed=$(awk 'BEGIN { for (i = 60000000; i >= 1; i--) sum += 1 / (i * i); printf "%.6f", sum }')
published=1.644937
echo "sum of 1/n^2 up to 60,000,000: computed $computed, published $published"
if [ "$computed" != "$published" ]; then
    echo "the published figure does not hold" >&2
    exit 3
fi
