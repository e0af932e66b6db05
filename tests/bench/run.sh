#!/bin/sh
# Runs each benchmark given and shows its lines; keeps them in FOLDER/last.jsonl, those of the run before in
# FOLDER/previous.jsonl, and compares the two. A run that fails replaces neither. usage: run.sh FOLDER BENCH...
folder=$1; shift
now=$folder/running.jsonl rc=$folder/running.rc
mkdir -p "$folder" && : > "$now" || exit 1
for b in "$@"; do
    echo 1 > "$rc" # until the benchmark itself says otherwise: a pipe tells only of its end
    { "$b"; echo $? > "$rc"; } | tee -a "$now"
    [ "$(cat "$rc")" -eq 0 ] || { echo "$b ended with $(cat "$rc")" >&2; exit 1; }
done
rm -f "$rc"
if [ -f "$folder/last.jsonl" ]; then mv -f "$folder/last.jsonl" "$folder/previous.jsonl" || exit 1; fi
mv -f "$now" "$folder/last.jsonl" || exit 1
sh "$(dirname "$0")/compare.sh" "$folder/previous.jsonl" "$folder/last.jsonl"
