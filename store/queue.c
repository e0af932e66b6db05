/* SPDX-License-Identifier: MIT */
#include "store/queue.h"

#include "store/hosts.h"
#include "store/seen.h"
#include "store/tally.h"

#define MAX_RULE ((size_t)512)

#define ITEM_COLUMNS                                                              \
    "SELECT u.id, u.host_id, u.url, u.depth, u.priority, u.redirects, u.retries," \
    " u.hop, u.next_fetch_at, f.etag, f.last_modified FROM url u"
/*
 * Validators are those of content: an error page's would let a 304 bring it back, and
 * that of a page that --max-size cut would keep it cut under a larger one. ?6: nor are there any where the body of the
 * indexed text is not stored (renewal.h). Who was never asked has no page: a look-up that needs none.
 */
#define ITEM_JOINS                                                                              \
    " LEFT JOIN page p ON p.url_id = CASE WHEN u.fetch_id IS NOT NULL THEN u.id END" \
    " LEFT JOIN fetch f ON f.id = p.fetch_id AND f.outcome = 'ok' AND NOT (?6 AND p.text_id IS NOT NULL" \
    " AND NOT EXISTS (SELECT 1 FROM fetch t WHERE t.id = p.text_id AND t.body_id IS NOT NULL)) "
#define ITEM_SELECT ITEM_COLUMNS ITEM_JOINS

/* ?1 host, ?2 priority, ?3 depth, ?4 id of the cursor, ?5 limit, ?6 as above. */
static const char BFS_SQL[] = ITEM_SELECT
    "WHERE u.host_id = ?1 AND u.state = 0 AND (u.priority, u.depth, u.id) > (?2, ?3,"
    " ?4)"
    " ORDER BY u.priority, u.depth, u.id LIMIT ?5";
static const char DFS_SQL[] = ITEM_SELECT
    "WHERE u.host_id = ?1 AND u.state = 0 AND u.priority = ?2 AND (u.depth, u.id) <"
    " (?3, ?4)"
    " ORDER BY u.depth DESC, u.id DESC LIMIT ?5";
static const char PRIORITY_SQL[] = ITEM_COLUMNS
    " INDEXED BY url_queue_plain" ITEM_JOINS
    "WHERE u.host_id = ?1 AND u.state = 0 AND (u.priority, u.id) > (?2, ?4)"
    " ORDER BY u.priority, u.id LIMIT ?5";

struct cursor {
    int64_t priority, depth, id;
};

/* --- items ------------------------------------------------------------------------ */

/* False when mem is used up. */
static bool read_item(struct db *d, sqlite3_stmt *st, struct arena *mem, struct store_item *out)
{
    static const struct db_range hops = { 0, N_URL_HOPS - 1 }, priorities = { INT32_MIN, INT32_MAX };
    int64_t id = sqlite3_column_int64(st, 0);

    *out = (struct store_item){
        .id = id,
        .host_id = sqlite3_column_int64(st, 1),
        .depth = (int)db_number(d, st, 3, DB_SMALL, "url", id),
        .priority = (int)db_number(d, st, 4, priorities, "url", id),
        .redirects = (int)db_number(d, st, 5, DB_SMALL, "url", id),
        .retries = (int)db_number(d, st, 6, DB_SMALL, "url", id),
        .hop = (enum url_hop)db_number(d, st, 7, hops, "url", id),
        .next_fetch_ms = db_number(d, st, 8, DB_COUNT, "url", id),
    };
    return !arena_try_copy(mem, db_column(st, 2), &out->url) &&
           !arena_try_copy(mem, db_column(st, 9), &out->etag) &&
           !arena_try_copy(mem, db_column(st, 10), &out->last_modified);
}

bool queue_item(struct core *c, int64_t url_id, struct arena *mem,
                struct store_item *out)
{
    static const char SQL[] = ITEM_SELECT "WHERE u.id = ?1 AND u.state = 0";
    sqlite3_stmt *st = db_stmt(c->db, SQL);
    bool is_read;

    db_int(c->db, st, 1, url_id);
    db_int(c->db, st, 6, c->asks_whole);
    if (!db_next(c->db, st))
        return false;
    is_read = read_item(c->db, st, mem, out);
    db_done(st);
    return is_read;
}

/* --- refill ----------------------------------------------------------------------- */

/* Appends rows behind at to op's items, up to its limit. */
static void take(struct core *c, struct store_op *op, const char *sql, struct cursor at)
{
    sqlite3_stmt *st = db_stmt(c->db, sql);
    size_t limit = op->u.refill.limit;

    db_int(c->db, st, 1, op->u.refill.host_id);
    db_int(c->db, st, 2, at.priority);
    db_int(c->db, st, 3, at.depth);
    db_int(c->db, st, 4, at.id);
    db_int(c->db, st, 5, (int64_t)(limit - op->u.refill.n_items) + 1);
    db_int(c->db, st, 6, c->asks_whole);
    while (db_next(c->db, st)) {
        if (sqlite3_column_int64(st, 0) <= 0) {
            db_done(st);
            db_fail(c->db, ERR_CORRUPT, "a URL in the file has no id");
            return;
        }
        if (op->u.refill.n_items == limit ||
            !read_item(c->db, st, &op->mem, &op->u.refill.items[op->u.refill.n_items])) {
            op->u.refill.has_more = true;
            db_done(st);
            return;
        }
        op->u.refill.n_items++;
    }
}

/* The smallest priority of queued rows above after, or false. */
static bool next_priority(struct core *c, int64_t host_id, int64_t after, int64_t *out)
{
    static const char SQL[] =
        "SELECT priority FROM url WHERE host_id = ?1 AND state = 0 AND priority > ?2"
        " ORDER BY priority LIMIT 1";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_int(c->db, st, 1, host_id);
    db_int(c->db, st, 2, after);
    if (!db_next(c->db, st))
        return false;
    *out = sqlite3_column_int64(st, 0);
    db_done(st);
    if (*out > after)
        return true;
    db_fail(c->db, ERR_CORRUPT, "a URL in the file has a priority that is no number");
    return false;
}

static void take_deepest(struct core *c, struct store_op *op, struct cursor at,
                         bool from_start)
{
    if (!from_start)
        take(c, op, DFS_SQL, at);
    while (!op->u.refill.has_more &&
           next_priority(c, op->u.refill.host_id, at.priority, &at.priority))
        take(c, op, DFS_SQL, (struct cursor){ at.priority, INT64_MAX, INT64_MAX });
}

enum err queue_refill(struct core *c, struct store_op *op)
{
    bool from_start = op->u.refill.from_start;
    struct cursor at = { op->u.refill.after_priority, op->u.refill.after_depth,
                         op->u.refill.after_id };

    op->u.refill.n_items = 0;
    op->u.refill.has_more = false;
    op->u.refill.items =
        arena_try_array(&op->mem, op->u.refill.limit + 1, sizeof *op->u.refill.items);
    if (!op->u.refill.items)
        return db_fail(c->db, ERR_TOO_LARGE,
                       "a refill asks for more than its op may hold");
    if (from_start)
        at = (struct cursor){ INT64_MIN, INT64_MIN, INT64_MIN };
    switch (op->u.refill.order) {
    case ORDER_BFS: take(c, op, BFS_SQL, at); break;
    case ORDER_DFS: take_deepest(c, op, at, from_start); break;
    case ORDER_PRIORITY:
        db_run(c->db, db_stmt(c->db, QUEUE_PLAIN_SQL));
        take(c, op, PRIORITY_SQL, at);
        break;
    }
    return c->db->failed;
}

/* --- parking ---------------------------------------------------------------------- */

static enum err move_rows(struct core *c, sqlite3_stmt *st, enum url_state from,
                          enum url_state to, int64_t *out_n)
{
    if (db_run(c->db, st))
        return c->db->failed;
    *out_n = sqlite3_changes64(c->db->handle);
    if (*out_n)
        seen_forget_all(c->seen);
    tally_shift(c, from, to, *out_n);
    return OK;
}

enum err queue_park(struct core *c, struct store_op *op)
{
    static const char SQL[] =
        "UPDATE url SET state = 4, reason = ?2, rule = ?3, next_fetch_at = ?4,"
        " run_id = ?5"
        " WHERE host_id = ?1 AND state = 0";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_int(c->db, st, 1, op->u.park.host_id);
    db_int(c->db, st, 2, op->u.park.reason);
    db_wild_text(c->db, st, 3, op->u.park.rule, MAX_RULE);
    db_id(c->db, st, 4, op->u.park.next_fetch_ms);
    db_int(c->db, st, 5, c->run_id);
    return move_rows(c, st, STATE_QUEUED, STATE_EXCLUDED, &op->u.park.n_parked);
}

enum err queue_requeue_robots(struct core *c, int64_t host_id, int64_t *out_n)
{
    /* The number and not a parameter: there is a partial index for it. */
    static const char SQL[] =
        "UPDATE url SET state = 0, reason = NULL, rule = NULL, retries = 0,"
        " next_fetch_at = NULL, run_id = ?2"
        " WHERE host_id = ?1 AND state = 4 AND reason = 6";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    _Static_assert(REASON_ROBOTS == 6, "the number in the SQL");
    db_int(c->db, st, 1, host_id);
    db_int(c->db, st, 2, c->run_id);
    return move_rows(c, st, STATE_EXCLUDED, STATE_QUEUED, out_n);
}

static enum err each_host(struct core *c, sqlite3_stmt *st,
                          void (*fn)(void *arg, const struct store_origin *origin),
                          void *arg)
{
    while (db_next(c->db, st)) {
        int64_t id = sqlite3_column_int64(st, 0);
        struct store_origin origin = {
            .id = id,
            .is_https = span_eq(db_column(st, 1), SPAN("https")),
            .host = db_column(st, 2),
            .port = (uint16_t)db_number(c->db, st, 3, HOSTS_PORTS, "hosts", id),
        };

        if (!hosts_is_ours(&origin)) {
            db_done(st);
            return db_fail(c->db, ERR_CORRUPT, "a host in the file has no id or too long a name");
        }
        fn(arg, &origin);
    }
    return c->db->failed;
}

enum err queue_each_host(struct core *c,
                         void (*fn)(void *arg, const struct store_origin *origin),
                         void *arg)
{
    static const char SQL[] = "SELECT id, scheme, host, port FROM hosts h WHERE EXISTS"
                              " (SELECT 1 FROM url WHERE host_id = h.id AND state = 0)";

    return each_host(c, db_stmt(c->db, SQL), fn, arg);
}

enum err queue_each_sitemap_host(struct core *c, bool only_unread,
                                 void (*fn)(void *arg, const struct store_origin *origin),
                                 void *arg)
{
    static const char SQL[] = "SELECT id, scheme, host, port FROM hosts"
                              " WHERE id IN (SELECT host_id FROM sitemaps)",
                      UNREAD_SQL[] = "SELECT id, scheme, host, port FROM hosts"
                                     " WHERE id IN (SELECT value FROM meta WHERE " HOSTS_UNREAD_SITEMAPS ")";

    return each_host(c, db_stmt(c->db, only_unread ? UNREAD_SQL : SQL), fn, arg);
}
