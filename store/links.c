/* SPDX-License-Identifier: MIT */
#include "store/links.h"

#include "config/map.h"
#include "config/mem.h"
#include "store/anchors.h"

/* Column bits of table link; migrations/0001_base.sql says the same. */
#define KIND_MASK    63
#define BIT_NOFOLLOW 64
#define BIT_KIND     128 /* was not to be followed: its kind */
#define BIT_FIXED_DEPTH \
    256 /* target's depth is not the source's plus one (feed entries) */
#define HOP_SHIFT  9
#define BIT_BARRED 4096 /* was not to be followed: nofollow */

#define MAX_REL    ((size_t)256)
#define MAX_ANCHOR ((size_t)1024)
/* Below so many links, a scan for "who links here" takes less than about a second. */
#define REVERSE_INDEX_FROM 10000000

enum column {
    COLUMN_POSITION,
    COLUMN_DST,
    COLUMN_BITS,
    COLUMN_REL,
    COLUMN_ANCHOR,
    COLUMN_ANCHOR_ID,
};

struct links {
    const struct store_visit *visit; /* whose links the virtual table shows */
    struct anchors_key *keys;        /* of their texts (anchors.h) */
    int64_t *anchors;                /* the numbers of those */
    size_t cap;
};

struct links_table {
    sqlite3_vtab base; /* first: SQLite knows only this part */
    struct links *links;
};

struct links_cursor {
    sqlite3_vtab_cursor base;
    const struct store_visit *visit;
    const int64_t *anchors;
    size_t i;
    uint32_t position; /* of row i; strictly rising */
};

static bool is_link(const struct store_offer *o)
{
    return o->kind < N_LINK_KINDS && o->id;
}

static int64_t bits_of(const struct store_visit *v, const struct store_offer *o)
{
    enum url_hop hop =
        o->hop == HOP_SEED ? HOP_LINK : o->hop; /* nothing on a page is a seed */

    return (int64_t)o->kind | (o->is_nofollow ? BIT_NOFOLLOW : 0) |
           (o->reason == REASON_KIND ? BIT_KIND : 0) |
           (o->reason == REASON_NOFOLLOW ? BIT_BARRED : 0) |
           (o->depth != v->depth + 1 ? BIT_FIXED_DEPTH : 0) |
           (int64_t)(hop ^ HOP_LINK) << HOP_SHIFT;
}

bool links_may_follow(const struct core *c, int64_t bits, enum url_hop *out)
{
    enum url_hop hop = (enum url_hop)((bits >> HOP_SHIFT & 7) ^ HOP_LINK);

    if (bits & (BIT_BARRED | BIT_FIXED_DEPTH))
        return false;
    if (bits & BIT_NOFOLLOW && c->options.respects_nofollow)
        return false;
    if (hop == HOP_EMBED ? !c->options.follows_embeds : (bits & BIT_KIND) != 0)
        return false;
    *out = hop;
    return true;
}

bool links_passes_rank(int64_t bits)
{
    enum url_hop hop = (enum url_hop)((bits >> HOP_SHIFT & 7) ^ HOP_LINK);
    int64_t kind = bits & KIND_MASK;

    /* A frame is followed like a link, but shows itself: nobody goes there. */
    return !(bits & (BIT_KIND | BIT_BARRED | BIT_NOFOLLOW)) && hop != HOP_EMBED &&
           kind != LINK_IFRAME && kind != LINK_FRAME;
}

/* --- the virtual table ------------------------------------------------------------ */

static int on_connect(sqlite3 *handle, void *arg, int argc, const char *const *argv,
                      sqlite3_vtab **out, char **error)
{
    struct links_table *t = mem_alloc(sizeof *t);
    int rc = sqlite3_declare_vtab(
        handle, "CREATE TABLE x(position, dst_id, bits, rel, anchor, anchor_id)");

    (void)argc;
    (void)argv;
    (void)error;
    t->links = arg;
    *out = &t->base;
    return rc;
}

static int on_disconnect(sqlite3_vtab *base)
{
    mem_free(CONTAINER_OF(base, struct links_table, base));
    return SQLITE_OK;
}

static int on_best_index(sqlite3_vtab *base, sqlite3_index_info *info)
{
    (void)base;
    info->estimatedCost = 100;
    return SQLITE_OK;
}

static int on_open(sqlite3_vtab *base, sqlite3_vtab_cursor **out)
{
    struct links_cursor *cur = mem_alloc(sizeof *cur);

    (void)base;
    *out = &cur->base;
    return SQLITE_OK;
}

static int on_close(sqlite3_vtab_cursor *base)
{
    mem_free(CONTAINER_OF(base, struct links_cursor, base));
    return SQLITE_OK;
}

/* Moves to the next offer that is a link, from i on. */
static void settle(struct links_cursor *cur, int64_t after)
{
    const struct store_visit *v = cur->visit;

    while (cur->i < v->n_links && !is_link(&v->links[cur->i]))
        cur->i++;
    if (cur->i < v->n_links)
        cur->position = (uint32_t)MAX((int64_t)v->links[cur->i].position, after + 1);
}

static int on_filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc,
                     sqlite3_value **argv)
{
    struct links_cursor *cur = CONTAINER_OF(base, struct links_cursor, base);
    const struct links *links = CONTAINER_OF(base->pVtab, struct links_table, base)->links;

    (void)number;
    (void)text;
    (void)argc;
    (void)argv;
    cur->visit = links->visit;
    cur->anchors = links->anchors;
    cur->i = 0;
    settle(cur, -1);
    return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *base)
{
    struct links_cursor *cur = CONTAINER_OF(base, struct links_cursor, base);

    cur->i++;
    settle(cur, cur->position);
    return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *base)
{
    const struct links_cursor *cur = CONTAINER_OF(base, struct links_cursor, base);

    return cur->i >= cur->visit->n_links;
}

static void result_text(sqlite3_context *ctx, struct span s, size_t max)
{
    s = span_clip_utf8(s, max);
    if (s.len)
        sqlite3_result_text(ctx, s.ptr, (int)s.len, SQLITE_STATIC);
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int column)
{
    const struct links_cursor *cur = CONTAINER_OF(base, struct links_cursor, base);
    const struct store_offer *o = &cur->visit->links[cur->i];

    switch ((enum column)column) {
    case COLUMN_POSITION: sqlite3_result_int64(ctx, cur->position); break;
    case COLUMN_DST: sqlite3_result_int64(ctx, o->id); break;
    case COLUMN_BITS: sqlite3_result_int64(ctx, bits_of(cur->visit, o)); break;
    case COLUMN_REL: result_text(ctx, o->rel, MAX_REL); break;
    case COLUMN_ANCHOR:
        if (!cur->anchors[cur->i])
            result_text(ctx, o->anchor, MAX_ANCHOR);
        break;
    case COLUMN_ANCHOR_ID:
        if (cur->anchors[cur->i])
            sqlite3_result_int64(ctx, cur->anchors[cur->i]);
        break;
    }
    return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = CONTAINER_OF(base, struct links_cursor, base)->position;
    return SQLITE_OK;
}

static const sqlite3_module module = {
    .xConnect = on_connect, /* without xCreate: there in every schema, in no file */
    .xBestIndex = on_best_index,
    .xDisconnect = on_disconnect,
    .xOpen = on_open,
    .xClose = on_close,
    .xFilter = on_filter,
    .xNext = on_next,
    .xEof = on_eof,
    .xColumn = on_column,
    .xRowid = on_rowid,
};

/* --- writing ---------------------------------------------------------------------- */

struct links *links_new(struct db *d)
{
    struct links *l = mem_alloc(sizeof *l);

    if (sqlite3_create_module(d->handle, "page_links", &module, l))
        db_fail(d, ERR_NO_MEMORY, "cannot set up the link writer");
    return l;
}

void links_free(struct links *l)
{
    if (!l)
        return;
    mem_free(l->keys);
    mem_free(l->anchors);
    mem_free(l);
}

static struct span anchor_of(const struct store_offer *o)
{
    return is_link(o) ? span_clip_utf8(o->anchor, MAX_ANCHOR) : SPAN_NONE;
}

/* Before the statement that needs them: it is not to write into a table on its way. */
static void number_anchors(struct core *c, const struct store_visit *v)
{
    struct links *l = c->links;

    if (v->n_links > l->cap) {
        mem_free(l->keys);
        mem_free(l->anchors);
        l->cap = v->n_links;
        l->keys = mem_array(l->cap, sizeof *l->keys);
        l->anchors = mem_array(l->cap, sizeof *l->anchors);
    }
    for (size_t i = 0; i < v->n_links; i++)
        l->keys[i] = anchors_key(c, anchor_of(&v->links[i]));
    for (size_t i = 0; i < v->n_links; i++)
        l->anchors[i] = anchors_number(c, l->keys[i], anchor_of(&v->links[i]));
}

uint64_t links_hash(const struct core *c, const struct store_visit *v)
{
    uint64_t hash = 0;

    (void)c;
    for (size_t i = 0; i < v->n_links; i++) {
        const struct store_offer *o = &v->links[i];
        int64_t row[3] = { o->id, bits_of(v, o), o->position };

        if (!is_link(o))
            continue;
        hash = map_hash(span_make((const char *)row, sizeof row), hash + 1);
        hash = map_hash(o->anchor, hash);
        if (o->rel.len)
            hash = map_hash(o->rel, hash);
    }
    return hash;
}

enum err links_write(struct core *c, const struct store_visit *v)
{
    static const char SQL[] =
        "INSERT OR FAIL INTO link (src_id, position, dst_id, bits, rel, anchor, anchor_id)"
        " SELECT ?1, position, dst_id, bits, rel, anchor, anchor_id FROM page_links";
    sqlite3_stmt *st;
    enum err e;

    if (!v->n_links)
        return c->db->failed;
    number_anchors(c, v);
    c->links->visit = v;
    st = db_stmt(c->db, SQL);
    db_int(c->db, st, 1, v->url_id);
    e = db_run(c->db, st);
    c->links->visit = NULL;
    return e;
}

enum err links_remove(struct core *c, int64_t src_id)
{
    sqlite3_stmt *st = db_stmt(c->db, "DELETE FROM link WHERE src_id = ?1");

    db_int(c->db, st, 1, src_id);
    return db_run(c->db, st);
}

enum err links_build_reverse(struct core *c)
{
    static const char COUNT[] = "SELECT coalesce(sum(links_out), 0) FROM page";

    if (db_value(c->db, COUNT, 0) < REVERSE_INDEX_FROM)
        return c->db->failed;
    /*
     * The rows are sorted in files: SQLite keeps what it calls a file in memory as a list of
     * pieces of 1 KiB and walks it for every read, which took a minute and a gigabyte.
     */
    return db_exec(c->db,
                   "PRAGMA temp_store=FILE;"
                   "CREATE INDEX IF NOT EXISTS link_by_dst ON link (dst_id, src_id);"
                   "PRAGMA temp_store=MEMORY;");
}
