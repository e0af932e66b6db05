#!/bin/sh
# Exported symbols begin with their file's stem or its first words (url_state.c may export url_...). symbols.allow names
# the few further prefixes: "STEM PREFIX" a line. usage: symbols.sh BUILD_FOLDER
b=$1 bad=0
for o in "$b"/config/*.o "$b"/parse/*.o "$b"/fetch/*.o "$b"/store/*.o "$b"/crawler/*.o; do
    stem=$(basename "$o" .o)
    [ "$stem" = main ] && continue
    names=$(nm -g --defined-only "$o" | awk '{print $3}')
    for n in $names; do
        ok=
        s=$stem
        while [ -n "$s" ]; do
            case $n in "$s"_*|"$s") ok=1; break ;; esac
            case $s in *_*) s=${s%_*} ;; *) s= ;; esac
        done
        if [ -z "$ok" ] && ! grep -qx "$stem ${n%%_*}" tests/lint/symbols.allow; then
            echo "$stem exports $n"; bad=1
        fi
    done
done
[ $bad -eq 0 ] && echo "symbols: ok"
exit $bad
