/* SPDX-License-Identifier: MIT */
/*
 * The figures of a run, counted in one pass over its requests: answers by status,
 * spreads of times and sizes, depths, hosts, progress. Its size does not depend on how
 * many requests there are; hosts beyond REPORT_TALLY_HOSTS count together.
 * Nothing here suspends.
 */
#pragma once

#include "config/map.h"
#include "store/reader.h"

#define REPORT_TALLY_SLOTS   120  /* of time, at most */
#define REPORT_TALLY_DEPTHS  16   /* the last one is "this deep and deeper" */
#define REPORT_TALLY_CODES   1000 /* status codes below this count each for itself */
#define REPORT_TALLY_WORDS   24 /* outcomes, content types: the last one holds the rest */
#define REPORT_TALLY_HOSTS   65536
#define REPORT_TALLY_BUCKETS 40 /* below 1, 1, 2 to 4, 5 to 9, 10 to 19 ... */
#define REPORT_TALLY_FINE    (1024 + 40 * 64)

/* Values from 0 on: exact below 1,024, to one part in 64 above. */
struct report_spread {
    int64_t n, sum, max;
    int64_t buckets[REPORT_TALLY_BUCKETS];
    int64_t fine[REPORT_TALLY_FINE];
};

struct report_slot {
    int64_t requests, errors, bytes;
};

struct report_host {
    int64_t id; /* 0: all others */
    int64_t requests, errors, bytes, timed, total_ms;
};

/* How often each word was met. */
struct report_words {
    struct {
        char word[40];
        int64_t n;
    } items[REPORT_TALLY_WORDS];

    size_t len;
};

/* What the part "run" says of a run. */
struct report_run {
    int64_t id, previous; /* previous: 0 for none */
    bool is_last, is_running;
    char state[16], stop_reason[128], version[32];
    int64_t started_at, ended_at; /* Unix ms */
    int64_t requests, pages, bytes, new_urls;
    int64_t queued, fetched, not_modified, failed, excluded;
    int64_t first_fetch, last_fetch;
};

struct report_tally {
    int64_t requests, answered, bytes;
    int64_t errors; /* 4xx, 5xx, and no complete answer */
    int64_t by_code[REPORT_TALLY_CODES];
    struct report_words outcomes; /* of requests without an HTTP answer */
    struct report_words types;    /* media types of answers; "" for none */
    int64_t by_depth[REPORT_TALLY_DEPTHS];
    struct report_spread times, sizes; /* ms of answers; bytes of their bodies */
    int64_t slot_ms;                   /* 0: the run was too short for slots */
    size_t n_slots;
    int64_t started_at, span_ms; /* of the whole run; the last slot may end after it */
    struct report_slot slots[REPORT_TALLY_SLOTS];
    struct idmap hosts; /* id: struct report_host */
    struct report_host other_hosts;
};

/* An empty tally for a run; free with report_tally_free. */
struct report_tally *report_tally_new(const struct report_run *run);
void report_tally_free(struct report_tally *t); /* NULL is fine */

/* A reader_row_fn over the part "answers"; arg is the tally. */
enum err report_tally_row(void *arg, const struct span *columns,
                          const struct reader_value *values, size_t n);

/* Adds a value (what is below 0 counts as 0). */
void report_tally_spread(struct report_spread *s, int64_t value);

/* The value that this share (0 to 1) of all values does not exceed; 0 of none. */
int64_t report_tally_percentile(const struct report_spread *s, double share);

/* Where bucket i begins: 0, 1, 2, 5, 10 ... */
int64_t report_tally_edge(size_t i);

/* The hosts with the most requests, most first, into out (room for max). How many. */
size_t report_tally_top_hosts(const struct report_tally *t, struct report_host *out,
                              size_t max);
