#!/bin/sh
# The figures of two runs of the benchmarks side by side: rates, times and sizes, each with its ratio to the run before.
# Lines belong together when their texts and parameters are the same (and those that are the same several times, in
# order). usage: compare.sh PREVIOUS LAST, files of flat JSON objects, one a line
if [ ! -f "$1" ]; then
    echo "compare: no run before this one, nothing to compare"
    exit 0
fi
awk '
BEGIN {
    n = split("pages urls hosts links_a_page new_urls_a_page workers in_flight per_host page_bytes bytes wire_bytes " \
              "jobs rules entries names coroutines expected answer_after_ms ideal_seconds", list, " ")
    for (i = 1; i <= n; i++)
        is_parameter[list[i]] = 1
    pair = "\"[^\"]*\":(\"([^\"\\\\]|\\\\.)*\"|-?[0-9][-+.0-9eE]*)"
}
# A rate, a time or a size: its unit stands in its name.
function is_figure(name) {
    return name == "value" || name ~ /(^|_)(s|ms|us|ns|seconds|bytes|kb|mb|gb|kib|mib)(_|$)/
}
# Fills name[] and value[] with the figures of a line; returns what it is about.
function read_line(line,    key, text, at, field) {
    n_figures = 0
    key = ""
    while (match(line, pair)) {
        text = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
        at = index(text, "\":")
        field = substr(text, 2, at - 2)
        text = substr(text, at + 2)
        if (text ~ /^"/)
            key = key (key == "" ? "" : ", ") substr(text, 2, length(text) - 2)
        else if (field in is_parameter)
            key = key ", " field " " text
        else if (is_figure(field)) {
            name[++n_figures] = field
            value[n_figures] = text
        }
    }
    return key
}
# What tells it from lines that are about the same.
function key_of(what) {
    times[what]++
    return what SUBSEP times[what]
}
FILENAME == ARGV[1] {
    what = read_line($0)
    key = key_of(what)
    known[key] = 1
    all[++n_all] = key
    for (i = 1; i <= n_figures; i++)
        before[key, name[i]] = value[i]
    next
}
FNR == 1 {
    for (what in times)
        delete times[what]
    printf "%-26s %12s %12s  %s\n", "against the run before", "before", "now", "ratio"
}
{
    what = read_line($0)
    key = key_of(what)
    print what (key in known ? "" : ": not in the run before")
    for (i = 1; i <= n_figures && key in known; i++) {
        if (!((key, name[i]) in before))
            continue
        old = before[key, name[i]]
        printf "  %-26s %12s %12s  %s\n", name[i], old, value[i], old + 0 ? sprintf("%.2f", value[i] / old) : "-"
    }
    delete known[key]
}
END {
    for (i = 1; i <= n_all; i++)
        if (all[i] in known)
            print substr(all[i], 1, index(all[i], SUBSEP) - 1) ": only in the run before"
}' "$1" "$2"
