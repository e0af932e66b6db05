/* SPDX-License-Identifier: MIT */
#include "store/offers.h"

#include "store/depth.h"
#include "store/urls.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)

bool offers_decide_reason(enum url_reason r)
{
    switch (r) {
    case REASON_SCOPE:
    case REASON_INCLUDE_EXCLUDE:
    case REASON_DEPTH:
    case REASON_SCHEME:
    case REASON_KIND:
    case REASON_NOFOLLOW:
    case REASON_TRAP:
    case REASON_URL_TOO_LONG: return true;
    default: return false;
    }
}

/* How far a link was from being followed; 0 = no link's matter. */
static int distance(enum url_reason r)
{
    return r == REASON_DEPTH ? 1 : r == REASON_NOFOLLOW ? 2 : r == REASON_KIND ? 3 : 0;
}

static enum store_change meet_excluded(struct core *c, struct seen_row *row,
                                       const struct store_offer *o)
{
    int was = distance(row->reason), is = distance(o->reason);

    if (!o->reason && offers_decide_reason(row->reason) && row->host_id) {
        urls_set_queued(c, row, o);
        return CHANGE_QUEUED;
    }
    if ((was && is && (is < was || (is == was && o->depth < row->depth))) ||
        (row->reason == REASON_SCOPE && o->reason == REASON_DEPTH && o->is_nearest))
        urls_set_excluded(c, row, o);
    else if (!o->reason && o->depth < row->depth)
        urls_set_depth(c, row, o->depth, o->redirects);
    return CHANGE_NONE;
}

static enum store_change meet_known(struct core *c, struct extra *x,
                                    struct seen_row *row, const struct store_offer *o)
{
    if (row->state == STATE_EXCLUDED)
        return meet_excluded(c, row, o);
    if (o->reason || o->depth >= row->depth)
        return CHANGE_NONE;
    urls_set_depth(c, row, o->depth, o->redirects);
    depth_fell(c, row->id);
    if (row->state == STATE_QUEUED)
        extra_add(x, row->id, row->host_id);
    return CHANGE_SHALLOWER;
}

static void note_seed(struct core *c, const struct store_offer *o)
{
    static const char SQL[] =
        "INSERT INTO seeds (run_id, url_id, source, line) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT DO NOTHING";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_int(c->db, st, 1, c->run_id);
    db_int(c->db, st, 2, o->id);
    db_wild_text(c->db, st, 3, o->seed_source, 1024);
    db_id(c->db, st, 4, o->seed_line);
    db_run(c->db, st);
}

/*
 * Until when a page with this date may have changed. A date without a time of day (which is midnight here)
 * means any moment of its day. That ends twelve hours after UTC's in the far west, so the page counts as
 * changed at both ends; not while the day lasts, or each run of that day would ask for it again.
 */
static int64_t last_change(int64_t lastmod_ms, int64_t now_ms)
{
    static const int64_t ends[] = { DAY_MS + DAY_MS / 2, DAY_MS };

    for (size_t i = 0; lastmod_ms % DAY_MS == 0 && i < ARRAY_LEN(ends); i++)
        if (lastmod_ms + ends[i] <= now_ms)
            return lastmod_ms + ends[i];
    return lastmod_ms;
}

/*
 * A sitemap says that a page changed after we last asked: it is due, and in a run over
 * due pages at once. A date to come (of an event, or by a clock that is wrong) says
 * nothing: it would be newer than every request. Nor does the date of a page that today's rules
 * leave alone.
 */
static void note_lastmod(struct core *c, struct extra *x, struct seen_row *row,
                         const struct store_offer *o)
{
    sqlite3_stmt *st;
    bool is_due = false;

    if (o->reason || o->lastmod_ms <= 0 || o->lastmod_ms > c->now_ms ||
        (row->state != STATE_FETCHED && row->state != STATE_NOT_MODIFIED))
        return;
    st = db_stmt(
        c->db,
        "UPDATE url SET next_fetch_at = min(coalesce(next_fetch_at, ?2), ?2)"
        " WHERE id = ?1 AND run_id <> ?4 AND EXISTS"
        " (SELECT 1 FROM fetch f WHERE f.id = url.fetch_id AND f.fetched_at < ?3)"
        " RETURNING 1");
    db_int(c->db, st, 1, row->id);
    db_int(c->db, st, 2, c->now_ms);
    db_int(c->db, st, 3, last_change(o->lastmod_ms, c->now_ms));
    db_int(c->db, st, 4, c->run_id);
    while (db_next(c->db, st))
        is_due = true;
    if (is_due && c->revisit == REVISIT_DUE) {
        struct urls_visited again = { .id = row->id, .state = STATE_QUEUED };

        urls_set_visited(c, row, &again);
        extra_add(x, row->id, row->host_id);
    }
}

enum err offers_apply(struct core *c, struct extra *x, struct store_offer *o,
                      int64_t src_id)
{
    struct seen_row row;
    bool is_known =
        o->known_id ? urls_get(c, o->known_id, &row) : urls_find(c, urls_key(o), &row);

    if (c->db->failed)
        return c->db->failed;
    if (o->known_id && !is_known)
        return db_fail(c->db, ERR_CORRUPT,
                       "a URL that was known is gone; the file was changed by others");
    if (is_known) {
        o->change = meet_known(c, x, &row, o);
        note_lastmod(c, x, &row, o);
    } else {
        o->change = CHANGE_NEW;
        if (urls_insert(c, o, src_id, &row))
            return c->db->failed;
    }
    o->id = row.id;
    o->host_id = row.host_id;
    o->state = row.state;
    o->state_reason = row.reason;
    o->state_depth = row.depth;
    o->parent_id = row.parent_id;
    if (o->hop == HOP_SEED && !src_id)
        note_seed(c, o);
    return c->db->failed;
}

static void note_sitemap(struct core *c, const struct store_op *op)
{
    static const char SQL[] =
        "INSERT OR REPLACE INTO sitemaps (url, host_id, fetched_at, status_code,"
        " outcome,"
        " entries) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_wild_text(c->db, st, 1, op->u.offers.sitemap_url, 8192);
    db_id(c->db, st, 2, op->u.offers.sitemap_host_id);
    db_id(c->db, st, 3, op->u.offers.sitemap_fetched_ms);
    db_id(c->db, st, 4, op->u.offers.sitemap_status);
    db_wild_text(c->db, st, 5, op->u.offers.sitemap_outcome, 64);
    db_int(c->db, st, 6, op->u.offers.sitemap_entries);
    db_run(c->db, st);
}

enum err offers_apply_op(struct core *c, struct extra *x, struct store_op *op)
{
    for (size_t i = 0; i < op->u.offers.n_offers && !c->db->failed; i++)
        offers_apply(c, x, &op->u.offers.offers[i], 0);
    if (op->u.offers.sitemap_url.len)
        note_sitemap(c, op);
    return c->db->failed;
}
