# Expands an update script: a line `--include NAME` becomes that piece of the install script, in which functions and
# views replace those of the version before. Everything else in a piece must be new, or dropped before it. When a version
# is released its script is replaced by what this makes of it, because the pieces go on.
/^--include / {
    piece = "sql/install/" $2
    lines = 0
    while ((getline line < piece) > 0) {
        if (line ~ /^CREATE (FUNCTION|VIEW) /) sub(/^CREATE/, "CREATE OR REPLACE", line)
        print line
        lines++
    }
    if (lines == 0) {
        print FILENAME ": there is no " piece > "/dev/stderr"
        exit 1
    }
    next
}
{ print }
