#!/bin/sh
# Runs each test binary given; prints a failing one's output whole; ends with one line of counts.
passed=0 failed=0
for t in "$@"; do
    out=$("$t" 2>&1); rc=$?
    n=$(printf '%s\n' "$out" | grep -c '^\[       OK \]')
    f=$(printf '%s\n' "$out" | grep '^\[  FAILED  \]' | grep -v 'test(s)' | sort -u | wc -l)
    passed=$((passed + n))
    if [ "$rc" -ne 0 ]; then
        printf '%s\n' "$out"
        [ "$f" -eq 0 ] && f=1
        failed=$((failed + f))
        echo "FAIL $t (exit $rc)"
    else
        echo "ok   $t ($n)"
    fi
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
