/* SPDX-License-Identifier: MIT */
#include "store/incoming.h"

#include "config/mem.h"
#include "store/links.h"

struct incoming {
    uint16_t *nearest; /* by id: enum incoming_way, plus the depth where that is INCOMING_FOLLOWED */
    int64_t n;
};

static void meet(struct incoming *in, int64_t id, enum incoming_way way, int depth)
{
    uint16_t value, *is;

    if (id <= 0 || id >= in->n)
        return;
    value = (uint16_t)(way == INCOMING_FOLLOWED ? MIN((int)way + MAX(depth, 0), (int)UINT16_MAX) : (int)way);
    is = &in->nearest[id];
    if (way != INCOMING_FOLLOWED)
        *is = *is > value ? *is : value;
    else if (*is < INCOMING_FOLLOWED || value < *is)
        *is = value;
}

static void read_links(struct core *c, struct incoming *in)
{
    /* By the rows' ids, as they lie in the file: SQLite would first make an index of all links by their sets. */
    static const char SQL[] = "SELECT l.dst_id, l.bits, s.depth FROM page p CROSS JOIN url s ON s.id = p.url_id"
                              " CROSS JOIN outlink l NOT INDEXED ON l.set_id = p.links_id AND l.id >= p.links_id"
                              " AND l.id < p.links_id + p.links_out";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    while (db_next(c->db, st)) {
        bool is_entry;
        enum incoming_way way = INCOMING_FOLLOWED;

        if (links_is_recorded_only(c, sqlite3_column_int64(st, 1), &is_entry))
            way = links_is_of_kind(c, sqlite3_column_int64(st, 1)) ? INCOMING_KIND : INCOMING_NOFOLLOW;
        meet(in, sqlite3_column_int64(st, 0), way, is_entry ? 1 : sqlite3_column_int(st, 2) + 1);
    }
}

static void read_redirects(struct core *c, struct incoming *in)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT r.dst_id, s.depth FROM redirects r CROSS JOIN url s ON s.id = r.src_id");

    while (db_next(c->db, st))
        meet(in, sqlite3_column_int64(st, 0), INCOMING_FOLLOWED, sqlite3_column_int(st, 1));
}

struct incoming *incoming_read(struct core *c)
{
    struct incoming *in = mem_alloc(sizeof *in);
    sqlite3_stmt *st = db_stmt(c->db, "SELECT coalesce(max(id), 0) + 1 FROM url");

    if (db_next(c->db, st)) {
        in->n = sqlite3_column_int64(st, 0);
        db_done(st);
        in->nearest = mem_try_zeroed((size_t)in->n * sizeof *in->nearest);
        if (!in->nearest)
            mem_out_of_memory((size_t)in->n * sizeof *in->nearest);
        read_links(c, in);
        read_redirects(c, in);
    }
    if (!c->db->failed)
        return in;
    incoming_free(in);
    return NULL;
}

void incoming_free(struct incoming *in)
{
    if (!in)
        return;
    mem_free(in->nearest);
    mem_free(in);
}

enum incoming_way incoming_nearest(const struct incoming *in, int64_t url_id, int *out_depth)
{
    uint16_t value = url_id > 0 && url_id < in->n ? in->nearest[url_id] : 0;

    if (value < INCOMING_FOLLOWED)
        return (enum incoming_way)value;
    *out_depth = value - INCOMING_FOLLOWED;
    return INCOMING_FOLLOWED;
}

bool incoming_decides(enum url_hop hop)
{
    return hop != HOP_SEED && hop != HOP_SITEMAP && hop != HOP_REDIRECT;
}
