#!/bin/sh
# Runs each test binary given, two at a time where there are two cores, as most of them wait for most of their time.
# Prints a failing one's output whole; ends with one line of counts.
if [ "$1" = --one ]; then
    out=$("$3" 2>&1); rc=$?
    n=$(printf '%s\n' "$out" | grep -c '^\[       OK \]')
    f=$(printf '%s\n' "$out" | grep '^\[  FAILED  \]' | grep -v 'test(s)' | sort -u | wc -l)
    if [ "$rc" -ne 0 ]; then
        [ "$f" -eq 0 ] && f=1
        printf '%s\nFAIL %s (exit %s)\n' "$out" "$3" "$rc"
    else
        f=0
        echo "ok   $3 ($n)"
    fi
    echo "$n $f" >>"$2"
    exit 0
fi
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT
trap 'exit 130' INT TERM
at_once=$(nproc 2>/dev/null || echo 1)
[ "$at_once" -gt 2 ] && at_once=2
printf '%s\0' "$@" | xargs -0 -n 1 -P "$at_once" sh "$0" --one "$counts"
awk -v want=$# '{ passed += $1; failed += $2 }
    END { failed += want - NR; printf "%d passed, %d failed\n", passed, failed; exit failed || !passed }' "$counts"
