/* SPDX-License-Identifier: MIT */
#include "store/bounce.h"

#include "config/map.h"
#include "config/mem.h"
#include "store/urls.h"

/* Redirects remembered; then all are forgotten, and --max-redirects alone ends what goes round. 8 MiB. */
#define MAX_WAYS ((size_t)256 * KIB)
/* Redirects in a row that are looked through; each is a look-up. */
#define MAX_STEPS 32

struct bounce {
    struct idmap ways; /* of this start, those that had something asked for; by a hash of both ids */
    int64_t earlier;   /* fetches up to this one were made before it */
};

struct bounce *bounce_new(struct db *d)
{
    struct bounce *b = mem_alloc(sizeof *b);

    b->earlier = db_value(d, "SELECT max(id) FROM fetch", 0);
    idmap_init(&b->ways);
    return b;
}

void bounce_free(struct bounce *b)
{
    if (!b)
        return;
    idmap_clear(&b->ways);
    mem_free(b);
}

static uint64_t way_key(const struct store_visit *v)
{
    int64_t ids[] = { v->url_id, v->redirect->id };
    uint64_t key = map_hash(span_make((const char *)ids, sizeof ids), 0);

    return key ? key : 1;
}

static bool was_taken(const struct bounce *b, const struct store_visit *v)
{
    return idmap_get(&b->ways, way_key(v)) != NULL;
}

static void note_taken(struct bounce *b, const struct store_visit *v)
{
    if (b->ways.len >= MAX_WAYS) {
        idmap_clear(&b->ways);
        idmap_init(&b->ways);
    }
    idmap_set(&b->ways, way_key(v), b);
}

enum last_answer {
    NO_REDIRECT,
    REDIRECT_OF_THIS_START,
    REDIRECT_BEFORE,
};

static enum last_answer last_answer(struct core *c, int64_t url_id)
{
    static const char SQL[] = "SELECT f.id FROM url u JOIN fetch f ON f.id = u.fetch_id"
                              " WHERE u.id = ?1 AND f.outcome = 'redirect'";
    sqlite3_stmt *st = db_stmt(c->db, SQL);
    enum last_answer is = NO_REDIRECT;

    db_int(c->db, st, 1, url_id);
    while (db_next(c->db, st))
        is = sqlite3_column_int64(st, 0) > c->bounce->earlier ? REDIRECT_OF_THIS_START : REDIRECT_BEFORE;
    return is;
}

/* Where it led in this run; 0 = nowhere yet. */
static int64_t way_from(struct core *c, int64_t url_id)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT dst_id FROM redirects WHERE src_id = ?1 AND run_id = ?2");
    int64_t to = 0;

    db_int(c->db, st, 1, url_id);
    db_int(c->db, st, 2, c->run_id);
    while (db_next(c->db, st))
        to = sqlite3_column_int64(st, 0);
    return to;
}

static bool leads_to(struct core *c, int64_t from, int64_t to)
{
    for (int i = 0; i < MAX_STEPS && from && from != to; i++)
        from = way_from(c, from);
    return from == to;
}

enum err bounce_follow(struct core *c, struct extra *x, const struct store_visit *v)
{
    const struct store_offer *to = v->redirect;
    enum last_answer last;
    struct seen_row row;

    if (!c->options.keeps_cookies || to->reason || to->id == v->url_id)
        return c->db->failed;
    if (to->change == CHANGE_NEW || to->change == CHANGE_QUEUED)
        note_taken(c->bounce, v);
    if (to->state != STATE_FETCHED)
        return c->db->failed;
    last = last_answer(c, to->id);
    if (last == NO_REDIRECT ||
        (last == REDIRECT_OF_THIS_START && (was_taken(c->bounce, v) || !leads_to(c, to->id, v->url_id))))
        return c->db->failed;
    if (!urls_get(c, to->id, &row) || urls_ask_again(c, &row, to->redirects))
        return c->db->failed;
    if (last == REDIRECT_OF_THIS_START)
        note_taken(c->bounce, v);
    extra_add(x, row.id, row.host_id);
    return c->db->failed;
}

enum err bounce_end(struct core *c, int64_t url_id)
{
    static const char SQL[] =
        "UPDATE OR FAIL url SET redirects = (SELECT p.redirects + 1 FROM url p WHERE p.id = url.parent_id)"
        " WHERE id = ?1 AND hop = ?2"
        " AND redirects > (SELECT p.redirects + 1 FROM url p WHERE p.id = url.parent_id)";
    sqlite3_stmt *st;

    if (!c->options.keeps_cookies)
        return c->db->failed;
    st = db_stmt(c->db, SQL);
    db_int(c->db, st, 1, url_id);
    db_int(c->db, st, 2, HOP_REDIRECT);
    return db_run(c->db, st);
}
