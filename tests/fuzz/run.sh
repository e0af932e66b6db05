#!/bin/sh
# Builds the fuzz targets with clang's libFuzzer, ASan and UBSan, and runs each for a while over its corpus; new finds go to
# build/fuzz/NAME. usage: run.sh NAME-or-empty SECONDS CFLAGS LIBS
name=$1 seconds=$2 cflags=$3 libs=$4
flags="-std=c17 -D_GNU_SOURCE -I. -Ibuild/release/gen -DCRAWL_VERSION=\"fuzz\" -include config/banned.h -O1 -g -w
  -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined"
mkdir -p build/fuzz/obj
objects=
for f in config/*.c parse/*.c; do
    o=build/fuzz/obj/$(echo "$f" | tr / _).o
    objects="$objects $o"
    # shellcheck disable=SC2086
    [ "$o" -nt "$f" ] || clang $flags $cflags -c -o "$o" "$f" || exit 1
done
for t in tests/fuzz/fuzz_${name:-*}.c; do
    n=$(basename "$t" .c); n=${n#fuzz_}
    mkdir -p "build/fuzz/$n"
    # shellcheck disable=SC2086
    clang $flags $cflags -fsanitize=fuzzer,address,undefined -o "build/fuzz/fuzz_$n" "$t" $objects $libs 2>build/fuzz/$n.log ||
        { echo "fuzz_$n: needs more than config/ and parse/, see build/fuzz/$n.log"; continue; }
    echo "fuzz_$n for $seconds s"
    "build/fuzz/fuzz_$n" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
        "build/fuzz/$n" "tests/fuzz/corpus/$n" > "build/fuzz/$n.log" 2>&1 || { tail -40 "build/fuzz/$n.log"; exit 1; }
    grep -E 'stat::number_of_executed_units' "build/fuzz/$n.log"
done
