/* SPDX-License-Identifier: MIT */
#include "store/links.h"

#include "config/map.h"
#include "config/mem.h"
#include "store/anchors.h"
#include "store/recall.h"

/* Column bits of table outlink; migrations/0001_base.sql says the same. */
#define KIND_MASK    63
#define BIT_NOFOLLOW 64
#define BIT_KIND     128 /* not to be followed: its kind */
#define BIT_FIXED_DEPTH \
    256 /* target's depth is not the source's plus one (feed entries) */
#define HOP_SHIFT  9
#define BIT_BARRED 4096 /* not to be followed: its page says nofollow, or is an error's */

#define MAX_REL    ((size_t)256)
#define MAX_ANCHOR ((size_t)1024)
/* Below so many links, a scan for "who links here" takes less than about a second. */
#define REVERSE_INDEX_FROM 10000000

enum column {
    COLUMN_DST,
    COLUMN_BITS,
    COLUMN_ANCHOR_ID,
    COLUMN_REL,
    COLUMN_ANCHOR,
};

/* A row to be written. */
struct row {
    const struct fact_link *found;
    int64_t dst_id, bits;
    int64_t anchor_id; /* of its text (anchors.h); 0: none, or the text stays with it */
};

struct links {
    struct row *rows;         /* of the page at hand */
    struct anchors_key *keys; /* of the texts of its offers */
    size_t n_rows, cap;
    int64_t next_id; /* that the next row gets; 0: not looked up in this transaction */
    bool has_removed; /* rows of a page, since the store was opened */
    struct recall *recall;
    int64_t data_version; /* SQLite's, when the first of them was written: changes with what others write; 0 before */
};

struct links_table {
    sqlite3_vtab base; /* first: SQLite knows only this part */
    struct links *links;
};

struct links_cursor {
    sqlite3_vtab_cursor base;
    const struct row *at, *end;
};

static int64_t bits_of(const struct store_link *l)
{
    return (int64_t)l->found->kind | (l->found->is_nofollow ? BIT_NOFOLLOW : 0) |
           (l->is_kind ? BIT_KIND : 0) | (l->is_barred ? BIT_BARRED : 0) |
           (l->has_own_depth ? BIT_FIXED_DEPTH : 0) | (int64_t)(l->hop ^ HOP_LINK) << HOP_SHIFT;
}

static enum url_hop hop_of(int64_t bits)
{
    return (enum url_hop)((bits >> HOP_SHIFT & 7) ^ HOP_LINK);
}

bool links_is_of_kind(const struct core *c, int64_t bits)
{
    return hop_of(bits) == HOP_EMBED ? !c->options.follows_embeds : (bits & BIT_KIND) != 0;
}

bool links_is_entry(int64_t bits)
{
    return hop_of(bits) == HOP_FEED;
}

bool links_is_recorded_only(const struct core *c, int64_t bits)
{
    return bits & BIT_BARRED || (bits & BIT_NOFOLLOW && c->options.respects_nofollow) || links_is_of_kind(c, bits);
}

bool links_may_follow(const struct core *c, int64_t bits, enum url_hop *out)
{
    *out = hop_of(bits);
    return !(bits & BIT_FIXED_DEPTH) && !links_is_recorded_only(c, bits);
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
        handle, "CREATE TABLE x(dst_id, bits, anchor_id, rel, anchor)");

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

static int on_filter(sqlite3_vtab_cursor *base, int number, const char *text, int argc,
                     sqlite3_value **argv)
{
    struct links_cursor *cur = CONTAINER_OF(base, struct links_cursor, base);
    const struct links *links = CONTAINER_OF(base->pVtab, struct links_table, base)->links;

    (void)number;
    (void)text;
    (void)argc;
    (void)argv;
    cur->at = links->rows;
    cur->end = links->rows + links->n_rows;
    return SQLITE_OK;
}

static int on_next(sqlite3_vtab_cursor *base)
{
    struct links_cursor *cur = CONTAINER_OF(base, struct links_cursor, base);

    cur->at++;
    return SQLITE_OK;
}

static int on_eof(sqlite3_vtab_cursor *base)
{
    const struct links_cursor *cur = CONTAINER_OF(base, struct links_cursor, base);

    return cur->at >= cur->end;
}

static void result_text(sqlite3_context *ctx, struct span s, size_t max)
{
    s = span_clip_utf8(s, max);
    if (s.len)
        sqlite3_result_text(ctx, s.ptr, (int)s.len, SQLITE_STATIC);
}

static int on_column(sqlite3_vtab_cursor *base, sqlite3_context *ctx, int column)
{
    const struct row *row = CONTAINER_OF(base, struct links_cursor, base)->at;

    switch ((enum column)column) {
    case COLUMN_DST: sqlite3_result_int64(ctx, row->dst_id); break;
    case COLUMN_BITS: sqlite3_result_int64(ctx, row->bits); break;
    case COLUMN_ANCHOR_ID:
        if (row->anchor_id)
            sqlite3_result_int64(ctx, row->anchor_id);
        break;
    case COLUMN_REL: result_text(ctx, row->found->rel, MAX_REL); break;
    case COLUMN_ANCHOR:
        if (!row->anchor_id)
            result_text(ctx, row->found->text, MAX_ANCHOR);
        break;
    }
    return SQLITE_OK;
}

static int on_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    *out = CONTAINER_OF(base, struct links_cursor, base)->at->dst_id;
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

struct links *links_new(struct db *d, size_t recall_bytes)
{
    struct links *l = mem_alloc(sizeof *l);

    l->recall = recall_new(recall_bytes);
    if (sqlite3_create_module(d->handle, "page_links", &module, l))
        db_fail(d, ERR_NO_MEMORY, "cannot set up the link writer");
    return l;
}

void links_free(struct links *l)
{
    if (!l)
        return;
    recall_free(l->recall);
    mem_free(l->keys);
    mem_free(l->rows);
    mem_free(l);
}

static struct span anchor_of(const struct store_link *link)
{
    return span_clip_utf8(link->found->text, MAX_ANCHOR);
}

static void make_room(struct links *l, size_t n)
{
    if (n <= l->cap)
        return;
    mem_free(l->keys);
    mem_free(l->rows);
    l->cap = n;
    l->keys = mem_array(n, sizeof *l->keys);
    l->rows = mem_array(n, sizeof *l->rows);
}

/* Before the statements that need them: those are not to write into a table on their way. */
static void make_rows(struct core *c, const struct store_visit *v)
{
    struct links *l = c->links;

    make_room(l, v->n_links);
    for (size_t i = 0; i < v->n_links; i++)
        l->keys[i] = anchors_key(c, anchor_of(&v->links[i]));
    for (size_t i = 0; i < v->n_links; i++) {
        const struct store_link *link = &v->links[i];
        struct span anchor = anchor_of(link);

        l->rows[i] = (struct row){ link->found, link->id, bits_of(link), anchors_number(c, l->keys[i], anchor) };
    }
    l->n_rows = v->n_links;
}

uint64_t links_hash(const struct store_visit *v)
{
    uint64_t hash = 0;

    for (size_t i = 0; i < v->n_links; i++) {
        const struct store_link *link = &v->links[i];
        int64_t row[3] = { link->id, bits_of(link), link->position };

        hash = map_hash(span_make((const char *)row, sizeof row), hash + 1);
        hash = map_hash(link->found->text, hash);
        if (link->found->rel.len)
            hash = map_hash(link->found->rel, hash);
    }
    return hash;
}

enum err links_check(struct core *c)
{
    static const char SQL[] = "SELECT coalesce((SELECT max(links_id) FROM page), 0) >"
                              " coalesce((SELECT max(id) FROM outlink), 0)";

    if (db_value(c->db, SQL, 0))
        return db_fail(c->db, ERR_CORRUPT, "a page has links behind the last row of table outlink");
    return c->db->failed;
}

/*
 * Where SQLite will put the first of the rows at hand: behind the last there is. Past the highest number it would
 * take any. An error sticks to c->db.
 */
static int64_t next_id(struct core *c)
{
    struct links *l = c->links;

    if (!l->next_id) {
        int64_t last = db_value(c->db, "SELECT max(id) FROM outlink", 0);

        if (last < 0 || last >= INT64_MAX - (int64_t)UINT32_MAX) {
            db_fail(c->db, ERR_CORRUPT, "behind the last row of table outlink there is no number for others");
            return 0;
        }
        l->next_id = last + 1;
    }
    return l->next_id;
}

static int64_t data_version(const struct core *c)
{
    return db_value(c->db, "PRAGMA data_version", -1);
}

void links_note_writers(struct core *c)
{
    if (!c->links->data_version)
        c->links->data_version = data_version(c);
}

static void remember(struct core *c, int64_t set_id)
{
    struct links *l = c->links;

    links_note_writers(c);
    recall_begin(l->recall, set_id);
    for (size_t i = 0; i < l->n_rows; i++)
        recall_add(l->recall, l->rows[i].dst_id, links_passes_rank(l->rows[i].bits));
}

const struct recall *links_recall(const struct core *c)
{
    const struct links *l = c->links;

    return recall_first(l->recall) && data_version(c) == l->data_version ? l->recall : NULL;
}

enum err links_write(struct core *c, const struct store_visit *v, int64_t *out_set)
{
    /* In the order of the table's columns: else SQLite copies each once more. */
    static const char SQL[] = "INSERT OR FAIL INTO outlink (set_id, dst_id, bits, rel, anchor, anchor_id)"
                              " SELECT ?1, dst_id, bits, rel, anchor, anchor_id FROM page_links";
    sqlite3_stmt *st;

    *out_set = 0;
    make_rows(c, v);
    if (!c->links->n_rows)
        return c->db->failed;
    *out_set = next_id(c);
    st = db_stmt(c->db, SQL);
    db_int(c->db, st, 1, *out_set);
    db_run(c->db, st);
    remember(c, *out_set);
    c->links->next_id += (int64_t)c->links->n_rows;
    c->links->n_rows = 0;
    return c->db->failed;
}

enum err links_remove(struct core *c, int64_t set_id, int64_t n_most)
{
    sqlite3_stmt *st;

    c->links->has_removed = true;
    c->links->next_id = 0;
    if (!set_id)
        return c->db->failed;
    st = db_stmt(c->db, "DELETE FROM outlink WHERE set_id = ?1 AND id >= ?1 AND id < ?1 + ?2");
    db_int(c->db, st, 1, set_id);
    db_int(c->db, st, 2, n_most);
    return db_run(c->db, st);
}

void links_before_commit(struct core *c)
{
    c->links->next_id = 0;
}

bool links_were_removed(const struct core *c)
{
    return c->links->has_removed;
}

enum err links_build_reverse(struct core *c)
{
    static const char COUNT[] = "SELECT coalesce(sum(links_out), 0) FROM page";

    if (db_value(c->db, COUNT, 0) < REVERSE_INDEX_FROM)
        return c->db->failed;
    return db_exec(c->db, "CREATE INDEX IF NOT EXISTS outlink_by_dst ON outlink (dst_id, set_id)");
}
