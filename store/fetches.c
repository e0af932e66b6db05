/* SPDX-License-Identifier: MIT */
#include "store/fetches.h"

#include "store/bodies.h"
#include "store/headerlist.h"

#define MAX_WORD  ((size_t)64)
#define MAX_ERROR ((size_t)512)
#define MAX_VALUE ((size_t)8192)

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
    db_wild_text(d, st, 8, v->content_type, MAX_VALUE);
    db_wild_text(d, st, 11, v->http_version, MAX_WORD);
    db_wild_text(d, st, 12, v->ip, MAX_WORD);
    db_int_or_null(d, st, 13, v->size);
    db_int_or_null(d, st, 14, v->wire_size);
    db_int_or_null(d, st, 15, v->dns_ms);
    db_int_or_null(d, st, 16, v->connect_ms);
    db_int_or_null(d, st, 17, v->tls_ms);
    db_int_or_null(d, st, 18, v->ttfb_ms);
    db_int_or_null(d, st, 19, v->total_ms);
    db_wild_text(d, st, 20, v->etag, MAX_VALUE);
    db_wild_text(d, st, 21, v->last_modified, MAX_VALUE);
    db_wild_text(d, st, 22, v->location, MAX_VALUE);
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
    sqlite3_stmt *st = db_stmt(c->db, "DELETE FROM fetch WHERE id = ?1");

    db_int(c->db, st, 1, id);
    db_run(c->db, st);
    st = db_stmt(c->db, "DELETE FROM page_old WHERE url_id = ?1 AND fetch_id = ?2");
    db_int(c->db, st, 1, url_id);
    db_int(c->db, st, 2, id);
    db_run(c->db, st);
    if (body_id)
        bodies_drop(c, body_id);
}

enum err fetches_prune(struct core *c, int64_t url_id)
{
    /* One at a time: a visit adds one, so there is rarely more than one to go. */
    static const char SQL[] =
        "SELECT id, body_id FROM fetch WHERE url_id = ?1"
        " AND id NOT IN (SELECT id FROM fetch WHERE url_id = ?1 ORDER BY id DESC"
        " LIMIT ?2)"
        " AND id NOT IN (SELECT fetch_id FROM page WHERE url_id = ?1)"
        " AND id NOT IN (SELECT text_id FROM page WHERE url_id = ?1 AND text_id IS"
        " NOT NULL) LIMIT 1";

    if (c->options.keep_history <= 0)
        return c->db->failed;
    for (;;) {
        sqlite3_stmt *st = db_stmt(c->db, SQL);
        int64_t id, body_id;

        db_int(c->db, st, 1, url_id);
        db_int(c->db, st, 2, c->options.keep_history);
        if (!db_next(c->db, st))
            return c->db->failed;
        id = sqlite3_column_int64(st, 0);
        body_id = sqlite3_column_int64(st, 1);
        db_done(st);
        remove_fetch(c, url_id, id, body_id);
    }
}
