/* SPDX-License-Identifier: MIT */
#include "store/incoming.h"

#include "config/mem.h"
#include "store/links.h"
#include "store/tally.h"

#define LOOK_EVERY 65536 /* links between two looks at stop */

struct incoming {
    uint16_t *nearest; /* by id: enum incoming_way, plus the depth where that is INCOMING_FOLLOWED */
    int64_t n;
};

static void meet(struct incoming *in, int64_t id, enum incoming_way way, int depth)
{
    uint16_t value, *is;

    if (id <= 0 || id >= in->n)
        return;
    value = (uint16_t)(way == INCOMING_FOLLOWED ? (int)way + MIN(depth, INCOMING_DEEPEST) : (int)way);
    is = &in->nearest[id];
    if (way != INCOMING_FOLLOWED)
        *is = *is > value ? *is : value;
    else if (*is < INCOMING_FOLLOWED || value < *is)
        *is = value;
}

static enum incoming_way way_of(const struct core *c, int64_t bits)
{
    if (!links_is_recorded_only(c, bits))
        return INCOMING_FOLLOWED;
    return links_is_of_kind(c, bits) ? INCOMING_KIND : INCOMING_NOFOLLOW;
}

/* False when it was told to stop. */
static bool read_links(struct core *c, struct incoming *in, const atomic_bool *stop)
{
    /* By the rows' ids, as they lie in the file: SQLite would first make an index of all links by their sets. */
    static const char SQL[] = "SELECT l.dst_id, l.bits, s.depth, s.id FROM page p CROSS JOIN url s ON s.id = p.url_id"
                              " CROSS JOIN outlink l NOT INDEXED ON l.set_id = p.links_id AND l.id >= p.links_id"
                              " AND l.id < p.links_id + p.links_out";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    for (size_t n = 0; db_next(c->db, st); n++) {
        int64_t bits = sqlite3_column_int64(st, 1);
        int depth = (int)db_number(c->db, st, 2, DB_SMALL, "url", sqlite3_column_int64(st, 3));

        if (n % LOOK_EVERY == 0 && stop && atomic_load(stop)) {
            db_done(st);
            return false;
        }
        meet(in, sqlite3_column_int64(st, 0), way_of(c, bits), links_is_entry(bits) ? 1 : depth + 1);
    }
    return true;
}

static void read_redirects(struct core *c, struct incoming *in)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "SELECT r.dst_id, s.depth, s.id FROM redirects r CROSS JOIN url s ON s.id = r.src_id");

    while (db_next(c->db, st))
        meet(in, sqlite3_column_int64(st, 0), INCOMING_FOLLOWED,
             (int)db_number(c->db, st, 1, DB_SMALL, "url", sqlite3_column_int64(st, 2)));
}

struct incoming *incoming_read(struct core *c, const atomic_bool *stop)
{
    struct incoming *in = mem_alloc(sizeof *in);
    int64_t max_id = MAX(db_value(c->db, "SELECT max(id) FROM url", 0), 0);
    bool is_whole;

    in->n = tally_is_sparse(c, max_id) ? 0 : max_id + 1;
    in->nearest = mem_try_zeroed((size_t)in->n * sizeof *in->nearest);
    if (!in->nearest)
        db_fail(c->db, ERR_NO_MEMORY, "no memory to look at what links lead to");
    is_whole = read_links(c, in, stop);
    read_redirects(c, in);
    if (is_whole && !c->db->failed)
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
