/* SPDX-License-Identifier: MIT */
#include "store/pick.h"

#include <stdlib.h>
#include <string.h>

#include "config/mem.h"
#include "store/sieve.h"

/* Texts that match, by the share of the first ones: fewer are looked up one by one whose host they are of. */
#define FEW_TEXTS 5000

/* Of texts that conditions leave, those that are what a page says now. */
#define PRESENT_TEXTS(conditions)                                                                            \
    "SELECT f.id FROM fetch f CROSS JOIN page p ON p.url_id = f.url_id AND p.text_id = f.id WHERE " conditions

/* From ?1 on. */
static const char PRESENT[] = PRESENT_TEXTS("f.id >= ?1"),
                  /* ?1, if it is of host ?2. */
    OF_HOST[] = PRESENT_TEXTS("f.id = ?1 AND EXISTS (SELECT 1 FROM url u JOIN hosts h ON h.id = u.host_id"
                              " WHERE u.id = f.url_id AND " PICK_IS_HOST("?2") ")");

/* Steps to the next text that take about as long as a search for one. */
#define STEPS_A_SEARCH 4

/* A host is small that answered less than a fifth of all requests, or is none of ours. */
static const char IS_SMALL[] = "SELECT 5 * coalesce((SELECT sum(h.pages) FROM hosts h WHERE " PICK_IS_HOST("?1") "), 0)"
                               " < coalesce((SELECT max(id) FROM fetch), 1)";

/*
 * The present texts of the host ?1. Its URLs lie side by side in url_by_hash, among few others (seen.h);
 * what is above the mark may not be there yet (deferred.h), and files of older schemas have no mark.
 */
static const char TEXTS_OF_HOST[] =
    "WITH o(id, least) AS MATERIALIZED (SELECT h.id, origin_hash(h.scheme, h.host, h.port) FROM hosts h"
    "  WHERE " PICK_IS_HOST("?1") "),"
    " near(id) AS (SELECT x.url_id FROM o CROSS JOIN url_by_hash x"
    "  ON x.key_hash BETWEEN o.least AND o.least | 281474976710655"
    "  UNION SELECT id FROM url WHERE id > coalesce((SELECT value FROM meta WHERE name = 'url_by_hash_to'), 0))"
    " SELECT p.text_id FROM near n CROSS JOIN url u ON u.id = n.id CROSS JOIN page p ON p.url_id = u.id"
    " WHERE u.host_id IN (SELECT id FROM o)";

/* Documents of the file, as far as they were looked at in these columns. */
struct look {
    struct sieve *sieve;
    unsigned columns;
    struct postings_domain domain; /* the first ones; with those of the host where they were gathered */
    int64_t n_found;               /* texts that match, and are the host's where those were gathered */
    struct pick_text *ranked;      /* room for PICK_RANKED + 1 */
    size_t n_ranked;
};

struct picking {
    struct reader *reader;
    const struct pick_question *q;
    struct postings *postings;
    sqlite3_stmt *present; /* PRESENT or OF_HOST, at a text or behind the last one */
    int64_t present_id;    /* the text */
    int64_t asked_id;      /* that was looked for last; -1: none */
    struct look title, all;
    int64_t end;    /* more than the id of any text */
    uint64_t *host; /* its texts, a bit each, where they were gathered */
    uint64_t *host_and_first;
};

/* --- what may be picked ------------------------------------------------------------ */

static bool has_bit(const uint64_t *bits, int64_t at)
{
    return bits[at / 64] >> (at % 64) & 1;
}

/* Texts mostly come in order of their ids: the query stays open at the one that was found last. */
static enum err may_pick(struct picking *p, int64_t id, bool *out)
{
    bool is_near = p->asked_id >= 0 && id >= p->asked_id && id - p->present_id <= STEPS_A_SEARCH;
    int rc = SQLITE_ROW;

    if (p->host) {
        *out = has_bit(p->host, id);
        return OK;
    }
    if (!is_near || p->q->host.len) {
        sqlite3_reset(p->present);
        sqlite3_bind_int64(p->present, 1, id);
        p->present_id = -1;
    }
    p->asked_id = id;
    while (rc == SQLITE_ROW && p->present_id < id) {
        rc = sqlite3_step(p->present);
        p->present_id = rc == SQLITE_ROW ? sqlite3_column_int64(p->present, 0) : INT64_MAX;
    }
    *out = p->present_id == id;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? OK : ERR_IO;
}

static enum err prepare(struct picking *p, const char *sql, int host_at, sqlite3_stmt **out)
{
    struct span host = p->q->host;

    if (sqlite3_prepare_v2(reader_handle(p->reader), sql, -1, out, NULL))
        return ERR_UNSUPPORTED;
    if (host_at)
        sqlite3_bind_text(*out, host_at, host.ptr, (int)host.len, SQLITE_STATIC);
    return OK;
}

static enum err is_small(struct picking *p, bool *out)
{
    sqlite3_stmt *st = NULL;
    enum err e = prepare(p, IS_SMALL, 1, &st);

    *out = !e && sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int(st, 0);
    return sqlite3_finalize(st) ? ERR_IO : e;
}

static enum err gather(struct picking *p)
{
    sqlite3_stmt *st = NULL;
    enum err e = prepare(p, TEXTS_OF_HOST, 1, &st);

    p->host = mem_try_zeroed((size_t)(p->end / 64 + 1) * sizeof *p->host);
    p->host_and_first = mem_try_alloc((size_t)(p->end / 64 + 1) * sizeof *p->host);
    if (!p->host || !p->host_and_first)
        e = ERR_NO_MEMORY;
    while (!e && sqlite3_step(st) == SQLITE_ROW) {
        int64_t id = sqlite3_column_int64(st, 0);

        if (id >= 0 && id < p->end)
            p->host[id / 64] |= UINT64_C(1) << (id % 64);
    }
    if (!e) {
        memcpy(p->host_and_first, p->host, (size_t)(p->end / 64 + 1) * sizeof *p->host);
        memset(p->host_and_first, 0xff, (size_t)MIN(p->end, (int64_t)SIEVE_FIRST_DOCUMENTS) / 8);
    }
    return sqlite3_finalize(st) ? ERR_IO : e;
}

/* --- looking ----------------------------------------------------------------------- */

/* The texts that the share of those found lets expect among all. */
static double expected(const struct picking *p, const struct look *l)
{
    return (double)l->n_found * (double)p->end / (double)MAX(l->domain.end, INT64_C(1));
}

static enum err run(struct picking *p, struct look *l)
{
    enum err e = sieve_run(l->sieve, &l->domain, l->columns);

    l->n_found = e ? 0 : sieve_n_found(l->sieve);
    if (e || !p->host)
        return e;
    l->n_found = 0;
    for (int64_t id = 0; (id = sieve_next(l->sieve, id)) >= 0; id++)
        l->n_found += has_bit(p->host, id);
    return OK;
}

static bool is_all(const struct picking *p, const struct look *l)
{
    return l->domain.end >= p->end;
}

/* The first ones, or all of the host. */
static enum err look(struct picking *p, struct look *l)
{
    l->domain.end = p->host ? p->end : MIN(p->end, (int64_t)SIEVE_FIRST_DOCUMENTS);
    l->domain.bits = p->host_and_first;
    return run(p, l);
}

/* Twice as far as should do, or, where that is more than half, at all. */
static enum err look_further(struct picking *p, struct look *l)
{
    double wanted = 2.0 * PICK_RANKED / MAX(expected(p, l), 1.0) * (double)p->end;

    wanted = MAX(wanted, 4.0 * (double)l->domain.end);
    l->domain.end = wanted < (double)p->end / 2 ? (int64_t)wanted : p->end;
    return run(p, l);
}

static enum err rank_from(struct picking *p, struct look *l, int64_t from)
{
    enum err e = OK;
    bool may;

    for (int64_t id = from; !e && l->n_ranked <= PICK_RANKED && (id = sieve_next(l->sieve, id)) >= 0; id++) {
        struct pick_text *t = &l->ranked[l->n_ranked];

        t->id = id;
        e = may_pick(p, id, &may);
        if (!e && may)
            e = sieve_score(l->sieve, id, &t->score);
        l->n_ranked += !e && may;
    }
    return e;
}

/* Ranks the first PICK_RANKED + 1 that may be picked: goes on where those looked at are too few. */
static enum err rank(struct picking *p, struct look *l)
{
    int64_t from = 0;
    enum err e = OK;

    while (!e && l->n_found <= PICK_RANKED && !is_all(p, l))
        e = look_further(p, l);
    if (!e)
        e = rank_from(p, l, from);
    while (!e && l->n_ranked <= PICK_RANKED && !is_all(p, l)) {
        from = l->domain.end;
        e = look_further(p, l);
        if (!e)
            e = rank_from(p, l, from);
    }
    return e;
}

/* --- picking ----------------------------------------------------------------------- */

static int by_score(const void *a, const void *b)
{
    const struct pick_text *x = a, *y = b;

    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->id > y->id) - (x->id < y->id);
}

static void add_best(const struct picking *p, struct look *l, struct pick_text *out, size_t *n_out)
{
    size_t n_before = *n_out;

    qsort(l->ranked, l->n_ranked, sizeof *l->ranked, by_score);
    for (size_t i = 0; i < l->n_ranked && *n_out < p->q->limit; i++) {
        size_t k = 0;

        while (k < n_before && out[k].id != l->ranked[i].id)
            k++;
        if (k == n_before)
            out[(*n_out)++] = l->ranked[i];
    }
}

static bool has_beginning(const struct match *m)
{
    for (size_t i = 0; i < m->n_steps; i++)
        if (m->steps[i].kind == MATCH_TERM && m->steps[i].term.is_prefix)
            return true;
    return false;
}

/*
 * The first look at all columns; where the host is small and has many of what matches, at its texts. For a word* each
 * look reads the lists of all words that begin so, which takes as long as the gathering.
 */
static enum err look_first(struct picking *p)
{
    bool is = false, is_late = !p->q->host.len || !has_beginning(p->q->match);
    enum err e = is_late ? look(p, &p->all) : OK;

    if (e || !p->q->host.len || (is_late && expected(p, &p->all) <= FEW_TEXTS))
        return e;
    e = is_small(p, &is);
    if (!e && is)
        e = gather(p);
    return e || (is_late && !is) ? e : look(p, &p->all);
}

static enum err look_at_titles(struct picking *p, struct pick_text *out, size_t *n_out)
{
    enum err e = look(p, &p->title);

    if (!e)
        e = rank(p, &p->title);
    *n_out = 0;
    if (!e)
        add_best(p, &p->title, out, n_out);
    return e;
}

static enum err pick(struct picking *p, struct pick_text *out, size_t *n_out)
{
    enum err e = look_first(p);
    bool may_have_many = !e && expected(p, &p->all) > PICK_RANKED;

    if (may_have_many) /* their titles alone may do */
        e = look_at_titles(p, out, n_out);
    if (e || (p->title.n_ranked > PICK_RANKED && *n_out == p->q->limit))
        return e;
    e = rank(p, &p->all);
    if (!e && p->all.n_ranked > PICK_RANKED && !may_have_many)
        e = look_at_titles(p, out, n_out);
    if (e)
        return e;
    if (p->all.n_ranked <= PICK_RANKED) /* all of them are ranked */
        *n_out = 0;
    add_best(p, &p->all, out, n_out);
    return OK;
}

static enum err open_look(struct picking *p, unsigned columns, struct look *l)
{
    l->columns = columns;
    l->ranked = mem_array((size_t)PICK_RANKED + 1, sizeof *l->ranked);
    return sieve_new(p->postings, p->q->match, &l->sieve);
}

static void close_look(struct look *l)
{
    mem_free(l->ranked);
    sieve_free(l->sieve);
}

enum err pick_texts(struct reader *r, const struct pick_question *q, struct pick_text *out, size_t *n_out,
                    int64_t *n_found)
{
    struct picking p = { .reader = r, .q = q, .asked_id = -1 };
    enum err e = postings_open(reader_handle(r), &p.postings);

    *n_out = 0;
    if (!e)
        e = postings_end(p.postings, &p.end);
    if (!e)
        e = open_look(&p, SIEVE_TITLE, &p.title);
    if (!e)
        e = open_look(&p, SIEVE_ALL_COLUMNS, &p.all);
    if (!e)
        e = prepare(&p, q->host.len ? OF_HOST : PRESENT, q->host.len ? 2 : 0, &p.present);
    if (!e)
        e = pick(&p, out, n_out);
    *n_found = (int64_t)MAX(p.all.n_ranked, p.title.n_ranked);
    close_look(&p.title);
    close_look(&p.all);
    mem_free(p.host);
    mem_free(p.host_and_first);
    sqlite3_finalize(p.present);
    postings_close(p.postings);
    return e;
}
