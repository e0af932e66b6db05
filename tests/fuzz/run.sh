#!/bin/sh
# Builds the fuzz targets with ASan and UBSan and runs each for a while over its corpus: with clang under libFuzzer (new
# finds go to build/fuzz/NAME, what crashes to build/fuzz/NAME-crash-HASH), without it under tests/fuzz/driver.c.
# usage: run.sh NAME-or-empty SECONDS CFLAGS LIBS
# Targets are linked with config/ and parse/, and with what a line "Needs: FILE..." in their file comment names.
name=$1 seconds=$2 cflags=$3 libs=$4
if command -v clang > /dev/null; then
    cc=clang objects_with=-fsanitize=fuzzer-no-link,address,undefined link_with=-fsanitize=fuzzer,address,undefined
else
    cc=${CC:-gcc} objects_with=-fsanitize=address,undefined link_with="-fsanitize=address,undefined tests/fuzz/driver.c"
fi
flags="-std=c17 -D_GNU_SOURCE -I. -Ibuild/release/gen -DCRAWL_VERSION=\"fuzz\" -include config/banned.h -O1 -g -w
  $objects_with -fno-sanitize-recover=undefined"
mkdir -p build/fuzz/obj-$cc
# shellcheck disable=SC2012
newest_header=$(ls -t config/*.h parse/*.h fetch/*.h store/*.h crawler/*.h | head -n 1)

# compile FILE...: adds to $objects
compile() {
    for f in "$@"; do
        o=build/fuzz/obj-$cc/$(echo "$f" | tr / _).o
        objects="$objects $o"
        # shellcheck disable=SC2086
        [ "$o" -nt "$f" ] && [ "$o" -nt "$newest_header" ] || $cc $flags $cflags -c -o "$o" "$f" || exit 1
    done
}

objects=
compile config/*.c parse/*.c
common=$objects
for t in tests/fuzz/fuzz_${name:-*}.c; do
    n=$(basename "$t" .c); n=${n#fuzz_}
    mkdir -p "build/fuzz/$n"
    objects=$common
    # shellcheck disable=SC2046
    compile $(sed -n 's/^ \* Needs: //p' "$t")
    # shellcheck disable=SC2086
    $cc $flags $cflags $link_with -o "build/fuzz/fuzz_$n" "$t" $objects $libs 2>"build/fuzz/$n.log" ||
        { echo "fuzz_$n does not build, see build/fuzz/$n.log"; exit 1; }
    echo "fuzz_$n for $seconds s"
    if [ "$cc" = clang ]; then
        "build/fuzz/fuzz_$n" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
            -artifact_prefix="build/fuzz/$n-" \
            "build/fuzz/$n" "tests/fuzz/corpus/$n" > "build/fuzz/$n.log" 2>&1 || { tail -40 "build/fuzz/$n.log"; exit 1; }
        grep -E 'stat::number_of_executed_units' "build/fuzz/$n.log"
    else
        "build/fuzz/fuzz_$n" -s "$seconds" "tests/fuzz/corpus/$n" > "build/fuzz/$n.log" 2>&1 ||
            { tail -40 "build/fuzz/$n.log"; exit 1; }
        tail -1 "build/fuzz/$n.log"
    fi
done
