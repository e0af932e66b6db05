#!/bin/sh
# Includes point down only: config <- parse <- {fetch, store} <- crawler; fetch and store never meet.
bad=0
check() { # folder, allowed folders
    folder=$1; shift
    allowed=$(printf '%s|' "$@" | sed 's/|$//')
    out=$(grep -nE '^#include "[a-z]+/' "$folder"/*.[ch] | grep -vE "#include \"($allowed)/")
    [ -z "$out" ] || { echo "$out"; bad=1; }
}
check config config
check parse config parse
check fetch config parse fetch
check store config parse store
check crawler config parse fetch store crawler
# The one bridge that is meant: plain result words shared by fetch and store go through parse or config.
[ $bad -eq 0 ] && echo "layers: ok"
exit $bad
