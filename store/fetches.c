/* SPDX-License-Identifier: MIT */
#include "store/fetches.h"

#include "store/bodies.h"
#include "store/headerlist.h"

#define MAX_WORD  ((size_t)64)
#define MAX_ERROR ((size_t)512)

/* The request's and the answer's headers, one behind the other in scratch. */
static void bind_headers(struct core *c, sqlite3_stmt *st, const struct store_visit *v,
                         struct buf *scratch)
{
    size_t split;
    enum err e;

    buf_reset(scratch);
    e = headerlist_format(v->request_headers, scratch);
    split = scratch->len;
    if (!e)
        e = headerlist_format(v->headers, scratch);
    if (e) {
        db_fail(c->db, e, "no memory for a page's headers");
        return;
    }
    if (v->request_headers.len)
        db_text(c->db, st, 25, span_make(scratch->ptr, split));
    else
        db_text(c->db, st, 25, SPAN_NONE);
    db_text(c->db, st, 26,
            v->headers.len ? span_make(scratch->ptr + split, scratch->len - split)
                           : SPAN_NONE);
}

static void bind_answer(struct core *c, sqlite3_stmt *st, const struct store_visit *v)
{
    struct db *d = c->db;

    db_int(d, st, 1, v->url_id);
    db_int(d, st, 2, c->run_id);
    db_int(d, st, 3, v->attempt);
    db_int(d, st, 4, v->fetched_at_ms);
    db_text(d, st, 5, span_str(v->outcome));
    db_id(d, st, 6, v->status_code);
    db_wild_text(d, st, 7, v->error, MAX_ERROR);
    db_wild_text(d, st, 8, v->content_type, FETCHES_MAX_VALUE);
    db_wild_text(d, st, 11, v->http_version, MAX_WORD);
    db_wild_text(d, st, 12, v->ip, MAX_WORD);
    db_int_or_null(d, st, 13, v->size);
    db_int_or_null(d, st, 14, v->wire_size);
    db_int_or_null(d, st, 15, v->dns_ms);
    db_int_or_null(d, st, 16, v->connect_ms);
    db_int_or_null(d, st, 17, v->tls_ms);
    db_int_or_null(d, st, 18, v->ttfb_ms);
    db_int_or_null(d, st, 19, v->total_ms);
    db_wild_text(d, st, 20, v->etag, FETCHES_MAX_VALUE);
    db_wild_text(d, st, 21, v->last_modified, FETCHES_MAX_VALUE);
    db_wild_text(d, st, 22, v->location, FETCHES_MAX_VALUE);
}

static void bind_content(struct core *c, sqlite3_stmt *st, const struct store_visit *v)
{
    const struct page_facts *f = v->facts;
    int64_t body_id = 0;

    if (f && f->body.len)
        body_id = bodies_put(c, f->sha256, f->body, f->size);
    db_wild_text(c->db, st, 9, f ? f->charset : SPAN_NONE, MAX_WORD);
    db_wild_text(c->db, st, 10, f && f->charset.len ? f->charset_source : SPAN_NONE,
                 MAX_WORD);
    db_blob(c->db, st, 23,
            f && v->body_is_final ? span_make((const char *)f->sha256, 32) : SPAN_NONE);
    db_id(c->db, st, 24, body_id);
}

int64_t fetches_insert(struct core *c, const struct store_visit *v, struct buf *scratch)
{
    static const char SQL[] =
        "INSERT OR FAIL INTO fetch (url_id, run_id, attempt, fetched_at, outcome,"
        " status_code, error, content_type,"
        " charset, charset_source, http_version, ip, size, wire_size, dns_ms,"
        " connect_ms, tls_ms, ttfb_ms,"
        " total_ms, etag, last_modified, location, sha256, body_id, request_headers,"
        " headers)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15,"
        " ?16, ?17, ?18, ?19, ?20,"
        " ?21, ?22, ?23, ?24, ?25, ?26)";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    bind_answer(c, st, v);
    bind_content(c, st, v);
    bind_headers(c, st, v, scratch);
    return db_run(c->db, st) ? 0 : sqlite3_last_insert_rowid(c->db->handle);
}

static void remove_fetch(struct core *c, int64_t url_id, int64_t id, int64_t body_id)
{
    static const char *const sql[] = {
        "DELETE FROM page_old WHERE url_id = ?1 AND fetch_id = ?2",
        /*
         * The run that it led elsewhere in, and runs before it whose row outlived its fetch:
         * the latest one is what the scope is made of.
         */
        "DELETE FROM redirects WHERE src_id = ?1"
        " AND run_id <= (SELECT run_id FROM fetch WHERE id = ?2)"
        " AND run_id < (SELECT max(run_id) FROM redirects WHERE src_id = ?1)"
        " AND NOT EXISTS (SELECT 1 FROM fetch f WHERE f.url_id = ?1 AND f.id <> ?2"
        " AND f.run_id = redirects.run_id)",
        "DELETE FROM fetch WHERE url_id = ?1 AND id = ?2",
    };

    for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
        sqlite3_stmt *st = db_stmt(c->db, sql[i]);

        db_int(c->db, st, 1, url_id);
        db_int(c->db, st, 2, id);
        db_run(c->db, st);
    }
    if (body_id)
        bodies_drop(c, body_id);
}

/* The oldest fetch that the history still reaches to: the last one that its run made of the URL. */
struct horizon {
    int64_t id, run_id;
    bool is_answer; /* it says by itself what the URL was then */
};

/*
 * False when there is nothing beyond it yet. Tries again count as one with the try before:
 * else a URL that needs them would push out what the run before was told.
 */
static bool find_horizon(struct core *c, int64_t url_id, struct horizon *out)
{
    static const char SQL[] =
        "SELECT max(id), run_id, " VOCAB_SAYS_WHAT_IT_IS " IS TRUE FROM fetch"
        " WHERE url_id = ?1 GROUP BY run_id ORDER BY 1 DESC LIMIT 1 OFFSET ?2";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_int(c->db, st, 1, url_id);
    db_int(c->db, st, 2, (int64_t)c->options.keep_history - 1);
    if (!db_next(c->db, st))
        return false;
    *out = (struct horizon){ sqlite3_column_int64(st, 0),
                             db_number(c->db, st, 1, DB_COUNT, "fetch", sqlite3_column_int64(st, 0)),
                             sqlite3_column_int(st, 2) != 0 };
    db_done(st);
    return true;
}

/*
 * What a URL was in runs before the horizon's is not known any more: what compares
 * runs looks here.
 */
static void note_loss(struct core *c, const struct horizon *h)
{
    static const char SQL[] =
        "INSERT INTO meta (name, value) VALUES ('history_lost', ?1)"
        " ON CONFLICT (name) DO UPDATE SET value = ?1 WHERE value < ?1";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_int(c->db, st, 1, h->run_id - 1);
    db_run(c->db, st);
}

/*
 * Behind the horizon stays what the page is from, what rows of the history are from, and
 * the answer that the horizon's own fetch confirms, or could not replace.
 */
static const char DOOMED_SQL[] =
    "SELECT id, body_id FROM fetch f WHERE url_id = ?1 AND id < ?2"
    " AND NOT EXISTS (SELECT 1 FROM page p WHERE p.url_id = ?1"
    " AND f.id IN (p.fetch_id, p.text_id))"
    " AND NOT EXISTS (SELECT 1 FROM page_old o WHERE o.url_id = ?1"
    " AND o.text_id = f.id AND (o.fetch_id >= ?2 OR o.fetch_id = ?3))"
    " AND id <> ?3 LIMIT 1";

/* The answer that holds at the horizon; 0 when that is its own. */
static int64_t base_of(struct core *c, int64_t url_id, const struct horizon *h)
{
    static const char SQL[] = "SELECT max(id) FROM fetch WHERE url_id = ?1 AND id < ?2"
                              " AND " VOCAB_SAYS_WHAT_IT_IS;
    sqlite3_stmt *st;
    int64_t id = 0;

    if (h->is_answer)
        return 0;
    st = db_stmt(c->db, SQL);
    db_int(c->db, st, 1, url_id);
    db_int(c->db, st, 2, h->id);
    if (db_next(c->db, st)) {
        id = sqlite3_column_int64(st, 0);
        db_done(st);
    }
    return id;
}

enum err fetches_prune(struct core *c, int64_t url_id)
{
    struct horizon h;
    int64_t base;

    if (c->options.keep_history <= 0 || !find_horizon(c, url_id, &h))
        return c->db->failed;
    base = base_of(c, url_id, &h);
    /* One at a time: a visit adds one, so there is rarely more than one to go. */
    for (;;) {
        sqlite3_stmt *st = db_stmt(c->db, DOOMED_SQL);
        int64_t id, body_id;

        db_int(c->db, st, 1, url_id);
        db_int(c->db, st, 2, h.id);
        db_int(c->db, st, 3, base);
        if (!db_next(c->db, st))
            return c->db->failed;
        id = sqlite3_column_int64(st, 0);
        body_id = sqlite3_column_int64(st, 1);
        db_done(st);
        remove_fetch(c, url_id, id, body_id);
        note_loss(c, &h);
    }
}
