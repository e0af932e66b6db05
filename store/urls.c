/* SPDX-License-Identifier: MIT */
#include "store/urls.h"

#include "store/deferred.h"
#include "store/hosts.h"
#include "store/tally.h"

#define MAX_URL  ((size_t)8192)
#define MAX_RULE ((size_t)512)

/* Columns of every SELECT that ends in a seen_row, in order; its key_hash follows from the last. */
#define ROW_COLUMNS "u.id, u.host_id, u.parent_id, u.depth, u.state, u.reason, coalesce(u.key, u.url)"

struct span urls_key(const struct store_offer *o)
{
    struct span key = o->key.len ? o->key : o->url;

    return span_make(key.ptr, MIN(key.len, MAX_URL));
}

/* State and reason are places in arrays. */
static void read_row(struct core *c, sqlite3_stmt *st, struct seen_row *out)
{
    static const struct db_range states = { 0, N_URL_STATES - 1 }, reasons = { 0, N_URL_REASONS - 1 };
    int64_t id = sqlite3_column_int64(st, 0), state = db_number(c->db, st, 4, states, "url", id);

    *out = (struct seen_row){
        .id = id,
        .host_id = sqlite3_column_int64(st, 1),
        .parent_id = sqlite3_column_int64(st, 2),
        .depth = (int)db_number(c->db, st, 3, DB_SMALL, "url", id),
        .state = (uint8_t)state,
        .reason = (uint8_t)(state == STATE_EXCLUDED ? db_number(c->db, st, 5, reasons, "url", id) : REASON_NONE),
    };
}

const struct deferred_index urls_index = {
    .mark = "url_by_hash_to",
    .insert = "INSERT OR IGNORE INTO url_by_hash (key_hash, url_id) VALUES (?1, ?2)",
    .remove = "DELETE FROM url_by_hash WHERE key_hash = ?1 AND url_id = ?2",
    .rest = "SELECT key_hash, id FROM url WHERE id > ?1 ORDER BY id LIMIT ?2",
    .all = "SELECT key_hash, url_id FROM url_by_hash WHERE (key_hash, url_id) > (?1, ?2)"
           " ORDER BY key_hash, url_id LIMIT ?3",
};

static const char BY_ID[] = "SELECT " ROW_COLUMNS " FROM url u WHERE u.id = ?1";

/* The row of the statement that has this key. */
static bool read_key(struct core *c, sqlite3_stmt *st, struct span key, struct seen_row *out)
{
    while (db_next(c->db, st)) {
        if (!span_eq(db_column(st, 6), key))
            continue;
        read_row(c, st, out);
        db_done(st);
        return true;
    }
    return false;
}

static bool find_by_hash(struct core *c, uint64_t hash, struct span key, struct seen_row *out)
{
    static const char BY_HASH[] =
        "SELECT " ROW_COLUMNS " FROM url_by_hash h CROSS JOIN url u ON u.id = h.url_id WHERE h.key_hash = ?1";
    struct deferred_walk walk = { 0 };
    sqlite3_stmt *st;
    int64_t id;

    while ((id = deferred_next(c->url_index, hash, &walk)) != 0) {
        st = db_stmt(c->db, BY_ID);
        db_int(c->db, st, 1, id);
        if (read_key(c, st, key, out))
            return true;
    }
    if (!deferred_has_table(c->url_index))
        return false;
    st = db_stmt(c->db, BY_HASH);
    db_int(c->db, st, 1, (int64_t)hash);
    return read_key(c, st, key, out);
}

bool urls_find(struct core *c, struct span key, struct seen_row *out)
{
    struct seen_key hash = seen_key(c->seen, key);

    if (!deferred_may_have(c->url_index, hash.hash))
        return false;
    if (seen_find(c->seen, hash, out))
        return true;
    if (!find_by_hash(c, hash.hash, key, out))
        return false;
    out->key_hash = hash.hash;
    seen_put(c->seen, hash, out);
    return true;
}

bool urls_get(struct core *c, int64_t id, struct seen_row *out)
{
    struct seen_key hash;
    sqlite3_stmt *st;

    if (seen_find_id(c->seen, id, out))
        return true;
    st = db_stmt(c->db, BY_ID);
    db_int(c->db, st, 1, id);
    if (!db_next(c->db, st))
        return false;
    read_row(c, st, out);
    hash = seen_key(c->seen, db_column(st, 6));
    out->key_hash = hash.hash;
    seen_put(c->seen, hash, out);
    db_done(st);
    return true;
}

static void bind_new(struct core *c, sqlite3_stmt *st, const struct store_offer *o,
                     struct span key)
{
    struct span url = span_make(o->url.ptr, MIN(o->url.len, MAX_URL));

    db_int(c->db, st, 5, o->depth);
    db_int(c->db, st, 6, o->redirects);
    db_int(c->db, st, 7, o->hop);
    db_int(c->db, st, 8, o->priority);
    db_int(c->db, st, 10, c->run_id);
    db_int(c->db, st, 11, c->now_ms);
    db_wild_text(c->db, st, 12, url, MAX_URL);
    db_wild_text(c->db, st, 13, span_eq(key, url) ? SPAN_NONE : key, MAX_URL);
    db_wild_text(c->db, st, 14, o->reason ? o->rule : SPAN_NONE, MAX_RULE);
}

enum err urls_insert(struct core *c, const struct store_offer *o, int64_t parent_id,
                     struct seen_row *out)
{
    static const char SQL[] =
        "INSERT OR FAIL INTO url (key_hash, host_id, state, reason, depth,"
        " redirects, hop, priority, retries,"
        " parent_id, run_id, discovered_at, url, key, rule)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9, ?10, ?11, ?12, ?13, ?14)";
    struct span key = urls_key(o);
    struct seen_key hash = seen_key(c->seen, key);
    sqlite3_stmt *st;
    struct seen_row row = {
        .key_hash = hash.hash,
        .host_id = hosts_id(c, o),
        .parent_id = parent_id,
        .depth = o->depth,
        .state = o->reason ? STATE_EXCLUDED : STATE_QUEUED,
        .reason = (uint8_t)o->reason,
    };

    if (!row.host_id && row.state == STATE_QUEUED)
        return db_fail(c->db, ERR_INVALID, "a URL without a host cannot be queued");
    st = db_stmt(c->db, SQL);
    db_int(c->db, st, 1, (int64_t)hash.hash);
    db_id(c->db, st, 2, row.host_id);
    db_int(c->db, st, 3, row.state);
    db_id(c->db, st, 4, row.reason);
    db_id(c->db, st, 9, parent_id);
    bind_new(c, st, o, key);
    if (db_run(c->db, st))
        return c->db->failed;
    row.id = sqlite3_last_insert_rowid(c->db->handle);
    deferred_add(c->url_index, hash.hash, row.id);
    tally_add(c, row.state);
    seen_put(c->seen, hash, &row);
    *out = row;
    return c->db->failed;
}

/* Runs an UPDATE, and puts row into the cache. (RETURNING would cost the making of a table in memory each time.) */
static enum err run_update(struct core *c, sqlite3_stmt *st, const struct seen_row *row)
{
    if (!db_run(c->db, st))
        seen_update(c->seen, row->key_hash, row);
    return c->db->failed;
}

enum err urls_set_queued(struct core *c, struct seen_row *row,
                         const struct store_offer *o)
{
    static const char SQL[] =
        "UPDATE OR FAIL url SET state = 0, reason = NULL, rule = NULL, depth = ?2,"
        " redirects = ?3, hop = ?4,"
        " priority = ?5, retries = 0, next_fetch_at = NULL, run_id = ?6, url = coalesce(?7, url),"
        " key = CASE WHEN ?7 IS NULL THEN key ELSE nullif(coalesce(key, url), ?7) END WHERE id = ?1";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    tally_move(c, row->state, STATE_QUEUED);
    row->state = STATE_QUEUED;
    row->reason = REASON_NONE;
    row->depth = o->depth;
    db_int(c->db, st, 1, row->id);
    db_int(c->db, st, 2, o->depth);
    db_int(c->db, st, 3, o->redirects);
    db_int(c->db, st, 4, o->hop);
    db_int(c->db, st, 5, o->priority);
    db_int(c->db, st, 6, c->run_id);
    db_text(c->db, st, 7, o->url);
    return run_update(c, st, row);
}

enum err urls_set_excluded(struct core *c, struct seen_row *row,
                           const struct store_offer *o)
{
    static const char SQL[] =
        "UPDATE OR FAIL url SET reason = ?2, rule = ?3, depth = ?4, hop = ?5,"
        " priority = ?6,"
        " redirects = ?7 WHERE id = ?1";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    row->reason = (uint8_t)o->reason;
    row->depth = o->depth;
    db_int(c->db, st, 1, row->id);
    db_int(c->db, st, 2, o->reason);
    db_wild_text(c->db, st, 3, o->rule, MAX_RULE);
    db_int(c->db, st, 4, o->depth);
    db_int(c->db, st, 5, o->hop);
    db_int(c->db, st, 6, o->priority);
    db_int(c->db, st, 7, o->redirects);
    return run_update(c, st, row);
}

enum err urls_ask_again(struct core *c, struct seen_row *row, int redirects)
{
    static const char SQL[] =
        "UPDATE OR FAIL url SET state = 0, reason = NULL, rule = NULL, retries = 0, next_fetch_at = NULL,"
        " redirects = ?2, run_id = ?3 WHERE id = ?1";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    tally_move(c, row->state, STATE_QUEUED);
    row->state = STATE_QUEUED;
    row->reason = REASON_NONE;
    db_int(c->db, st, 1, row->id);
    db_int(c->db, st, 2, redirects);
    db_int(c->db, st, 3, c->run_id);
    return run_update(c, st, row);
}

enum err urls_set_depth(struct core *c, struct seen_row *row, int depth, int redirects)
{
    static const char SQL[] =
        "UPDATE OR FAIL url SET depth = ?2, redirects = min(redirects, ?3) WHERE id"
        " = ?1";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    row->depth = depth;
    db_int(c->db, st, 1, row->id);
    db_int(c->db, st, 2, depth);
    db_int(c->db, st, 3, redirects);
    return run_update(c, st, row);
}

enum err urls_set_visited(struct core *c, struct seen_row *row,
                          const struct urls_visited *v)
{
    static const char SQL[] =
        "UPDATE OR FAIL url SET state = ?2, reason = ?3, rule = ?4, retries = ?5,"
        " next_fetch_at = ?6,"
        " interval_ms = coalesce(?7, interval_ms), fetch_id = coalesce(?8,"
        " fetch_id), run_id = ?9"
        " WHERE id = ?1";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    tally_move(c, row->state, v->state);
    row->state = (uint8_t)v->state;
    row->reason = (uint8_t)(v->state == STATE_EXCLUDED ? v->reason : REASON_NONE);
    db_int(c->db, st, 1, v->id);
    db_int(c->db, st, 2, v->state);
    if (v->state == STATE_FAILED)
        db_text(c->db, st, 3, v->failure);
    else
        db_id(c->db, st, 3, row->reason);
    db_wild_text(c->db, st, 4, v->state == STATE_EXCLUDED ? v->rule : SPAN_NONE,
                 MAX_RULE);
    db_int(c->db, st, 5, v->retries);
    db_id(c->db, st, 6, v->next_fetch_ms);
    db_id(c->db, st, 7, v->interval_ms);
    db_id(c->db, st, 8, v->fetch_id);
    db_int(c->db, st, 9, c->run_id);
    return run_update(c, st, row);
}
