/* SPDX-License-Identifier: MIT */
#include "crawler/report_tally.h"

#include <stdio.h>

#include "config/mem.h"

#define SHORTEST_SLOT_MS 100
#define FEWEST_SLOTS     8
#define EXACT            1024 /* values below this have a counter each */
#define EXACT_BITS       10
#define SUB_BITS         6 /* 64 counters for each doubling above */

/* Numbers of a damaged file may be of any size. */
static void add(int64_t *sum, int64_t n)
{
    if (__builtin_add_overflow(*sum, n, sum))
        *sum = INT64_MAX;
}

/* --- spreads ----------------------------------------------------------------------- */

static size_t fine_index(int64_t value)
{
    int bits;
    size_t i;

    if (value < EXACT)
        return (size_t)value;
    bits = 63 - __builtin_clzll((uint64_t)value); /* at least EXACT_BITS */
    i = EXACT + ((size_t)(bits - EXACT_BITS) << SUB_BITS) +
        ((size_t)(value >> (bits - SUB_BITS)) & ((1u << SUB_BITS) - 1));
    return MIN(i, (size_t)REPORT_TALLY_FINE - 1);
}

/* The middle of what a counter stands for. */
static int64_t fine_value(size_t i)
{
    size_t above = i - EXACT;
    int bits = EXACT_BITS + (int)(above >> SUB_BITS);
    int64_t width;

    if (i < EXACT)
        return (int64_t)i;
    width = INT64_C(1) << (bits - SUB_BITS);
    return (INT64_C(1) << bits) + (int64_t)(above & ((1u << SUB_BITS) - 1)) * width +
           width / 2;
}

int64_t report_tally_edge(size_t i)
{
    static const int64_t first[] = { 1, 2, 5 };
    int64_t edge = 0;

    if (i > 0) {
        edge = first[(i - 1) % 3];
        for (size_t k = (i - 1) / 3; k; k--)
            edge *= 10;
    }
    return edge;
}

void report_tally_spread(struct report_spread *s, int64_t value)
{
    size_t bucket = 0;

    value = MAX(value, INT64_C(0));
    while (bucket + 1 < REPORT_TALLY_BUCKETS && report_tally_edge(bucket + 1) <= value)
        bucket++;
    s->buckets[bucket]++;
    s->fine[fine_index(value)]++;
    s->n++;
    add(&s->sum, value);
    s->max = MAX(s->max, value);
}

int64_t report_tally_percentile(const struct report_spread *s, double share)
{
    int64_t wanted = (int64_t)((double)s->n * share), seen = 0;

    for (size_t i = 0; s->n && i < REPORT_TALLY_FINE; i++) {
        seen += s->fine[i];
        if (seen == s->n)
            return s->max;
        if (seen > wanted)
            return fine_value(i);
    }
    return 0;
}

/* --- the pass ---------------------------------------------------------------------- */

struct report_tally *report_tally_new(const struct report_run *run)
{
    struct report_tally *t = mem_alloc(sizeof *t);
    int64_t span = run->ended_at - run->started_at;
    int64_t slots = MIN(span / SHORTEST_SLOT_MS, (int64_t)REPORT_TALLY_SLOTS);

    idmap_init(&t->hosts);
    t->started_at = run->started_at;
    t->span_ms = span;
    if (slots >= FEWEST_SLOTS) {
        t->slot_ms = span / slots + 1;
        t->n_slots = (size_t)(span / t->slot_ms) + 1;
    }
    return t;
}

void report_tally_free(struct report_tally *t)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->hosts.cap; i++)
        mem_free(idmap_at(&t->hosts, i));
    idmap_clear(&t->hosts);
    mem_free(t);
}

static int64_t number(const struct reader_value *v)
{
    return v->type == READER_INTEGER ? v->integer : 0;
}

static struct report_host *host_of(struct report_tally *t, int64_t id)
{
    struct report_host *h = id > 0 ? idmap_get(&t->hosts, (uint64_t)id) : NULL;

    if (h)
        return h;
    if (id <= 0 || t->hosts.len >= REPORT_TALLY_HOSTS)
        return &t->other_hosts;
    h = mem_alloc(sizeof *h);
    h->id = id;
    idmap_set(&t->hosts, (uint64_t)id, h);
    return h;
}

static void count_word(struct report_words *w, struct span word)
{
    size_t i = 0;

    word = span_clip_utf8(word, sizeof w->items[0].word - 1);
    while (i < w->len && !span_eq(span_str(w->items[i].word), word))
        i++;
    if (i == REPORT_TALLY_WORDS)
        i--; /* the rest */
    if (i == w->len) {
        snprintf(w->items[i].word, sizeof w->items[i].word, "%.*s", SPAN_ARG(word));
        w->len++;
    }
    w->items[i].n++;
}

/* RFC 9110 §8.3.1: type and subtype, without case and parameters. */
static void count_type(struct report_tally *t, struct span value)
{
    struct span type = span_trim(span_slice(value, 0, span_find(value, ';')));
    char lower[sizeof t->types.items[0].word];
    size_t n = MIN(type.len, sizeof lower);

    for (size_t i = 0; i < n; i++)
        lower[i] = span_ascii_lower(type.ptr[i]);
    count_word(&t->types, span_make(lower, n));
}

static void count_answer(struct report_tally *t, struct report_host *host,
                         const struct reader_value *v)
{
    t->answered++;
    count_type(t, v[READER_ANSWER_CONTENT_TYPE].text);
    if (v[READER_ANSWER_TOTAL_MS].type == READER_INTEGER) {
        report_tally_spread(&t->times, v[READER_ANSWER_TOTAL_MS].integer);
        host->timed++;
        add(&host->total_ms, MAX(v[READER_ANSWER_TOTAL_MS].integer, INT64_C(0)));
    }
    if (number(&v[READER_ANSWER_SIZE]) > 0)
        report_tally_spread(&t->sizes, v[READER_ANSWER_SIZE].integer);
}

static void count_slot(struct report_tally *t, int64_t at, int64_t bytes,
                       bool has_failed)
{
    int64_t since, i;

    /* A file of anybody's may say anything about times. */
    if (!t->slot_ms || at < t->started_at ||
        __builtin_sub_overflow(at, t->started_at, &since))
        return;
    i = since / t->slot_ms;
    if (i >= (int64_t)t->n_slots)
        return;
    t->slots[i].requests++;
    add(&t->slots[i].bytes, bytes);
    t->slots[i].errors += has_failed;
}

/* 4xx, 5xx, or no complete answer; an answer cut at --max-size is none. */
static bool is_error(int64_t code, struct span outcome)
{
    static const char *const good[] = { "ok", "redirect", "not_modified", "too_large" };

    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        if (span_eq(outcome, span_str(good[i])))
            return code == 0 || code >= 400;
    return true;
}

enum err report_tally_row(void *arg, const struct span *columns,
                          const struct reader_value *values, size_t n)
{
    struct report_tally *t = arg;
    int64_t code, bytes, depth;
    struct report_host *host;
    bool has_failed;

    (void)columns;
    BUG_IF(n != N_READER_ANSWER_COLUMNS);
    if (!values)
        return OK;
    code = number(&values[READER_ANSWER_STATUS_CODE]);
    code = code > 0 && code < REPORT_TALLY_CODES ? code : 0;
    bytes = MAX(number(&values[READER_ANSWER_WIRE_SIZE]), INT64_C(0));
    depth = MAX(number(&values[READER_ANSWER_DEPTH]), INT64_C(0));
    has_failed = is_error(code, values[READER_ANSWER_OUTCOME].text);
    host = host_of(t, number(&values[READER_ANSWER_HOST_ID]));
    t->requests++;
    add(&t->bytes, bytes);
    t->by_depth[MIN(depth, (int64_t)REPORT_TALLY_DEPTHS - 1)]++;
    host->requests++;
    add(&host->bytes, bytes);
    host->errors += has_failed;
    t->errors += has_failed;
    count_slot(t, number(&values[READER_ANSWER_FETCHED_AT]), bytes, has_failed);
    if (code) {
        t->by_code[code]++;
        count_answer(t, host, values);
    } else {
        count_word(&t->outcomes, values[READER_ANSWER_OUTCOME].text);
    }
    return OK;
}

size_t report_tally_top_hosts(const struct report_tally *t, struct report_host *out,
                              size_t max)
{
    size_t n = 0;

    for (size_t i = 0; i < t->hosts.cap; i++) {
        const struct report_host *h = idmap_at(&t->hosts, i);
        size_t at = n;

        while (h && at > 0 &&
               (h->requests > out[at - 1].requests ||
                (h->requests == out[at - 1].requests && h->id < out[at - 1].id)))
            at--;
        if (!h || at >= max)
            continue;
        n = MIN(n + 1, max);
        for (size_t k = n - 1; k > at; k--)
            out[k] = out[k - 1];
        out[at] = *h;
    }
    return n;
}
