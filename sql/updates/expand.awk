# Expands an update script: a line `--include NAME` becomes that piece of the install script, in which functions and
# views replace those of the version before. Everything else in a piece must be new, or dropped before it. The pieces go
# on when a version is released; its script then says where each of them stands in the install script that is kept of
# that version: `--include NAME of VERSION FIRST-LINE LAST-LINE`.
/^--include / {
    piece = $3 == "of" ? "test/upgrade/rcq--" $4 ".sql" : "sql/install/" $2
    number = lines = 0
    while ((getline line < piece) > 0) {
        number++
        if ($3 == "of" && (number < $5 || number > $6)) continue
        if (line ~ /^CREATE (FUNCTION|VIEW) /) sub(/^CREATE/, "CREATE OR REPLACE", line)
        print line
        lines++
    }
    close(piece)
    if (lines == 0) {
        print FILENAME ": there is no " piece > "/dev/stderr"
        exit 1
    }
    next
}
{ print }
