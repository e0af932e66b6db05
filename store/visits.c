/* SPDX-License-Identifier: MIT */
#include "store/visits.h"

#include "store/bounce.h"
#include "store/depth.h"
#include "store/fetches.h"
#include "store/offers.h"
#include "store/pages.h"
#include "store/tally.h"
#include "store/urls.h"

#define FIRST_INTERVAL_MS (INT64_C(24) * 3600 * 1000)

int64_t visits_interval(const struct store_options *o, int64_t last_ms,
                        bool has_changed)
{
    int64_t next = last_ms <= 0  ? FIRST_INTERVAL_MS
                   : has_changed ? last_ms / 2
                                 : last_ms + last_ms / 2;

    next = MIN(next, o->revisit_max_ms);
    return MAX(next, o->revisit_min_ms);
}

/*
 * Is this answer of another kind than the last one, or another redirect? An error's body says
 * nothing (many carry the time of day), so what is gone for good is asked less often from
 * its second 404 on.
 */
static bool is_news(struct core *c, const struct store_visit *v)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "SELECT outcome = ?2 AND (?2 <> 'redirect' OR location IS ?3)"
                       " FROM fetch WHERE url_id = ?1 AND run_id <> ?4 AND outcome IN"
                       " (" VOCAB_ANSWERS ", 'not_modified') ORDER BY id DESC LIMIT 1");
    bool is_same = true; /* the first one is no change either */

    db_int(c->db, st, 1, v->url_id);
    db_text(c->db, st, 2, span_str(v->outcome));
    db_wild_text(c->db, st, 3, v->location, FETCHES_MAX_VALUE);
    db_int(c->db, st, 4, c->run_id);
    if (db_next(c->db, st)) {
        is_same = sqlite3_column_int(st, 0) != 0;
        db_done(st);
    }
    return !is_same;
}

/* Did a revisit find something else? content is what became of the page. */
static bool has_changed(struct core *c, const struct store_visit *v,
                        enum pages_change content)
{
    struct span outcome = span_str(v->outcome); /* empty where nobody was asked */

    if (span_eq(outcome, SPAN("redirect")) || span_eq(outcome, SPAN("http_error")) ||
        content == PAGES_NEW) /* a page where a redirect was */
        return is_news(c, v);
    return content == PAGES_CHANGED;
}

static int64_t last_interval(struct core *c, int64_t url_id)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT interval_ms FROM url WHERE id = ?1");
    int64_t ms = 0;

    db_int(c->db, st, 1, url_id);
    if (db_next(c->db, st)) {
        ms = db_number(c->db, st, 0, DB_COUNT, "url", url_id);
        db_done(st);
    }
    return ms;
}

static void offer_links(struct core *c, struct extra *x, struct store_visit *v)
{
    for (size_t i = 0; i < v->n_links && !c->db->failed; i++) {
        struct store_link *link = &v->links[i];

        if (link->offer && !offers_apply(c, x, link->offer, v->url_id))
            link->id = link->offer->id;
    }
}

static void store_redirect(struct core *c, struct extra *x, struct store_visit *v)
{
    static const char SQL[] =
        "INSERT OR REPLACE INTO redirects (src_id, dst_id, status_code, run_id)"
        " VALUES (?1, ?2, ?3, ?4)";
    sqlite3_stmt *st;

    if (!v->redirect || offers_apply(c, x, v->redirect, v->url_id) || bounce_follow(c, x, v))
        return;
    st = db_stmt(c->db, SQL);
    db_int(c->db, st, 1, v->url_id);
    db_int(c->db, st, 2, v->redirect->id);
    db_id(c->db, st, 3, v->status_code);
    db_int(c->db, st, 4, c->run_id);
    db_run(c->db, st);
}

/*
 * A page of an answer that was cut or is to be tried again never replaces a
 * whole one; it is kept where there is nothing better.
 */
static bool may_keep_page(struct core *c, const struct store_visit *v)
{
    if (v->state == STATE_QUEUED)
        return false;
    return v->state != STATE_FAILED || !pages_has(c, v->url_id);
}

static bool is_other_type(const struct store_visit *v)
{
    return v->state == STATE_EXCLUDED && v->reason == REASON_CONTENT_TYPE;
}

/* What became of the content; PAGES_SAME also where there is none. */
static enum pages_change store_content(struct core *c, const struct store_visit *v,
                                       int64_t fetch_id)
{
    if (v->facts)
        return may_keep_page(c, v) ? pages_put(c, v, fetch_id) : PAGES_SAME;
    if ((v->state != STATE_FETCHED && !is_other_type(v)) || !pages_has(c, v->url_id))
        return PAGES_SAME;
    pages_retire(c, v->url_id);
    return PAGES_CHANGED;
}

static void finish_url(struct core *c, const struct store_visit *v,
                       struct seen_row *row, int64_t fetch_id, enum pages_change change)
{
    struct urls_visited after = {
        .id = v->url_id,
        .state = v->state,
        .reason = v->reason,
        .failure = v->outcome ? span_str(v->outcome) : SPAN("cancelled"),
        .rule = v->rule,
        .retries = v->retries,
        .next_fetch_ms = v->next_fetch_ms,
        .fetch_id = fetch_id,
    };

    int64_t last_ms = last_interval(c, v->url_id);

    /* Of another type: where it was a page before it may be one again (runs.c). */
    if (v->state == STATE_FETCHED || v->state == STATE_NOT_MODIFIED ||
        (is_other_type(v) && last_ms > 0)) {
        after.interval_ms = visits_interval(&c->options, last_ms,
                                            last_ms > 0 && has_changed(c, v, change));
        if (!after.next_fetch_ms)
            after.next_fetch_ms = v->fetched_at_ms + after.interval_ms;
    }
    urls_set_visited(c, row, &after);
}

/* The key stays, so all that leads to the row does. */
static void respell(struct core *c, const struct store_visit *v)
{
    static const char SQL[] = "UPDATE OR FAIL url SET key = nullif(coalesce(key, url), ?2), url = ?2, redirects = ?3"
                              " WHERE id = ?1";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_int(c->db, st, 1, v->url_id);
    db_text(c->db, st, 2, v->respelled);
    db_int(c->db, st, 3, v->redirects);
    db_run(c->db, st);
}

/* They are of this way to the page: another run begins it anew, and would reach --max-redirects some day. */
static void forget_respellings(struct core *c, const struct store_visit *v)
{
    sqlite3_stmt *st = db_stmt(c->db, "UPDATE OR FAIL url SET redirects = max(redirects - ?2, 0) WHERE id = ?1");

    db_int(c->db, st, 1, v->url_id);
    db_int(c->db, st, 2, v->respellings);
    db_run(c->db, st);
}

enum err visits_store(struct core *c, struct extra *x, struct store_visit *v,
                      struct buf *scratch)
{
    enum pages_change change = PAGES_SAME;
    struct seen_row row;
    int64_t fetch_id = 0;

    if (v->has_fetch)
        fetch_id = fetches_insert(c, v, scratch);
    offer_links(c, x, v);
    store_redirect(c, x, v);
    if (fetch_id)
        change = store_content(c, v, fetch_id);
    if (!urls_get(c, v->url_id, &row))
        return db_fail(c->db, ERR_CORRUPT,
                       "a URL that was asked is gone; the file was changed by others");
    finish_url(c, v, &row, fetch_id, change);
    if (v->respelled.len)
        respell(c, v);
    else if (v->respellings > 0 && v->state != STATE_QUEUED)
        forget_respellings(c, v);
    if (v->state != STATE_QUEUED)
        bounce_end(c, v->url_id);
    /* Its depth fell while it was on its way: what it brought was offered too deep. */
    if (row.depth < v->depth)
        depth_fell(c, row.id);
    if (fetch_id)
        fetches_prune(c, v->url_id);
    tally_visit(c, v);
    return c->db->failed;
}
