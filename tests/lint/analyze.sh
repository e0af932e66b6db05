#!/bin/sh
# What gcc's analyzer, cppcheck and clang-tidy find in the program: nothing. Whichever of the two latter is not installed
# is left out. usage: analyze.sh BUILD-DIR CFLAGS
build=$1 cflags=$2
set -- -std=c17 -D_GNU_SOURCE -I. -I"$build/gen" '-DCRAWL_VERSION="x"' '-DCRAWL_RELEASED="2026-01-01"' -include config/banned.h
files=$(ls config/*.c parse/*.c fetch/*.c store/*.c crawler/*.c)
jobs=$(nproc)
failed=0

each() { echo "$files" | xargs -P "$jobs" -I{} "$@"; }

# shellcheck disable=SC2086
each "${CC:-gcc}" "$@" $cflags -O1 -fanalyzer -Werror -c -o /dev/null {} || failed=1
echo "analyzer: done"
if command -v cppcheck > /dev/null; then
    # An err_note is written by whoever gets it, which cppcheck does not see.
    cppcheck -q -j "$jobs" --std=c11 --inline-suppr --enable=warning,performance,portability --error-exitcode=1 \
        --suppress=ctuuninitvar:config/options.c -D_GNU_SOURCE '-DCRAWL_VERSION="x"' '-DCRAWL_RELEASED="2026-01-01"' \
        -I. -I"$build/gen" config parse fetch store crawler || failed=1
    echo "cppcheck: done"
fi
if command -v clang-tidy > /dev/null; then
    # shellcheck disable=SC2086
    each clang-tidy --quiet --warnings-as-errors='*' {} -- "$@" $cflags 2> /dev/null || failed=1
    echo "clang-tidy: done"
fi
[ "$failed" = 0 ] && echo "analyze: ok"
exit "$failed"
