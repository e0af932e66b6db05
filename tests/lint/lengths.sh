#!/bin/sh
# Files of at most 600 lines, lines of at most 120 columns, functions of at most 70 lines (needs ctags).
bad=0
for f in config/*.[ch] parse/*.[ch] fetch/*.[ch] store/*.[ch] crawler/*.[ch]; do
    n=$(wc -l < "$f")
    [ "$n" -le 600 ] || { echo "$f: $n lines"; bad=1; }
    awk -v f="$f" 'length($0) > 120 { print f ":" NR ": " length($0) " columns"; bad = 1 } END { exit bad }' "$f" || bad=1
done
if command -v ctags >/dev/null; then
    ctags -x --_xformat='%N %F %n %{end}' --kinds-C=f --fields=+ne config/*.c parse/*.c fetch/*.c store/*.c crawler/*.c |
        awk '$4 - $3 + 1 > 70 { print $2 ":" $3 ": " $1 " has " $4 - $3 + 1 " lines"; bad = 1 } END { exit bad }' || bad=1
fi
[ $bad -eq 0 ] && echo "lengths: ok"
exit $bad
