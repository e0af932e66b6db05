/* SPDX-License-Identifier: MIT */
#include "store/depth.h"

#include "config/mem.h"
#include "store/links.h"
#include "store/offers.h"
#include "store/urls.h"

struct depth {
    int64_t *ids;          /* first in, first out: so a depth rarely falls twice */
    size_t head, len, cap; /* ids[head .. len) */
    bool is_saved;         /* depth_work has rows */
};

struct depth *depth_new(void)
{
    return mem_alloc(sizeof(struct depth));
}

void depth_free(struct depth *d)
{
    if (!d)
        return;
    mem_free(d->ids);
    mem_free(d);
}

void depth_fell(struct core *c, int64_t url_id)
{
    struct depth *d = c->depth;

    if (d->len == d->cap) {
        size_t n = d->len - d->head;
        size_t cap = MAX(n * 2, (size_t)64);
        int64_t *ids = mem_array(cap, sizeof *ids);

        if (n)
            memcpy(ids, d->ids + d->head, n * sizeof *ids);
        mem_free(d->ids);
        *d = (struct depth){ ids, 0, n, cap, d->is_saved };
    }
    d->ids[d->len++] = url_id;
}

bool depth_has_work(const struct core *c)
{
    return c->depth->head < c->depth->len;
}

/* A target, offered at a depth that may be new. */
static void reoffer(struct core *c, struct extra *x, int64_t dst_id, int depth,
                    enum url_hop hop)
{
    struct store_offer o = { .hop = hop, .depth = depth };
    struct seen_row row;

    if (!urls_get(c, dst_id, &row))
        return;
    if (row.state == STATE_EXCLUDED && row.reason == REASON_DEPTH) {
        if (c->options.max_depth < 0 || depth <= c->options.max_depth) {
            urls_set_queued(c, &row, &o);
            extra_add(x, row.id, row.host_id);
        } else if (depth < row.depth) {
            urls_set_depth(c, &row, depth, INT32_MAX);
        }
        return;
    }
    if (depth >= row.depth ||
        (row.state == STATE_EXCLUDED && offers_decide_reason(row.reason)))
        return;
    urls_set_depth(c, &row, depth, INT32_MAX);
    if (row.state == STATE_EXCLUDED)
        return;
    depth_fell(c, dst_id);
    if (row.state == STATE_QUEUED)
        extra_add(x, row.id, row.host_id);
}

static void reoffer_redirect(struct core *c, struct extra *x, int64_t id, int depth)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT dst_id FROM redirects WHERE src_id = ?1"
                                      " ORDER BY run_id DESC LIMIT 1");

    db_int(c->db, st, 1, id);
    if (db_next(c->db, st)) {
        int64_t dst_id = sqlite3_column_int64(st, 0);

        db_done(st);
        reoffer(c, x, dst_id, depth, HOP_REDIRECT);
    }
}

/* Returns how many links it looked at. */
static size_t reoffer_links(struct core *c, struct extra *x, int64_t id)
{
    sqlite3_stmt *st;
    struct seen_row row;
    size_t n = 1;

    if (!urls_get(c, id, &row))
        return n;
    reoffer_redirect(c, x, id, row.depth);
    st = db_stmt(c->db, "SELECT l.dst_id, l.bits FROM page p CROSS JOIN outlink l ON l.set_id = p.links_id"
                       " AND l.id >= p.links_id AND l.id < p.links_id + p.links_out WHERE p.url_id = ?1");
    db_int(c->db, st, 1, id);
    for (; db_next(c->db, st); n++) {
        enum url_hop hop;

        if (links_may_follow(c, sqlite3_column_int64(st, 1), &hop))
            reoffer(c, x, sqlite3_column_int64(st, 0), row.depth + 1, hop);
    }
    return n;
}

enum err depth_work(struct core *c, struct extra *x, size_t max_links)
{
    struct depth *d = c->depth;
    size_t n = 0;

    while (d->head < d->len && n < max_links && !c->db->failed)
        n += reoffer_links(c, x, d->ids[d->head++]);
    return c->db->failed;
}

enum err depth_save(struct core *c)
{
    struct depth *d = c->depth;

    if (d->is_saved)
        db_run(c->db, db_stmt(c->db, "DELETE FROM depth_work"));
    d->is_saved = d->head < d->len;
    for (size_t i = d->head; i < d->len && !c->db->failed; i++) {
        sqlite3_stmt *st =
            db_stmt(c->db, "INSERT OR IGNORE INTO depth_work (url_id) VALUES (?1)");

        db_int(c->db, st, 1, d->ids[i]);
        db_run(c->db, st);
    }
    return c->db->failed;
}

enum err depth_load(struct core *c)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT url_id FROM depth_work");

    while (db_next(c->db, st)) {
        depth_fell(c, sqlite3_column_int64(st, 0));
        c->depth->is_saved = true;
    }
    return c->db->failed;
}
