/* SPDX-License-Identifier: MIT */
#include "store/bounce.h"

#include "store/urls.h"

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
        is = sqlite3_column_int64(st, 0) > c->fetched_before ? REDIRECT_OF_THIS_START : REDIRECT_BEFORE;
    return is;
}

/* Where it led since this start; 0 = nowhere yet. */
static int64_t way_from(struct core *c, int64_t url_id)
{
    static const char SQL[] = "SELECT r.dst_id FROM redirects r CROSS JOIN url u ON u.id = r.src_id"
                              " WHERE r.src_id = ?1 AND r.run_id = ?2 AND u.fetch_id > ?3";
    sqlite3_stmt *st = db_stmt(c->db, SQL);
    int64_t to = 0;

    db_int(c->db, st, 1, url_id);
    db_int(c->db, st, 2, c->run_id);
    db_int(c->db, st, 3, c->fetched_before);
    while (db_next(c->db, st))
        to = sqlite3_column_int64(st, 0);
    return to;
}

static bool leads_to(struct core *c, int64_t from, int64_t to, int steps)
{
    while (from && from != to && steps-- > 0)
        from = way_from(c, from);
    return from == to;
}

enum err bounce_follow(struct core *c, struct extra *x, const struct store_visit *v)
{
    const struct store_offer *to = v->redirect;
    struct seen_row row;

    if (!c->options.keeps_cookies || to->reason || to->state != STATE_FETCHED || to->id == v->url_id)
        return c->db->failed;
    switch (last_answer(c, to->id)) {
    case NO_REDIRECT: return c->db->failed;
    case REDIRECT_OF_THIS_START:
        if (way_from(c, v->url_id) == to->id || !leads_to(c, to->id, v->url_id, to->redirects))
            return c->db->failed;
        break;
    case REDIRECT_BEFORE: break;
    }
    if (!urls_get(c, to->id, &row) || urls_ask_again(c, &row, to->redirects))
        return c->db->failed;
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
