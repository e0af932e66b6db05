/* SPDX-License-Identifier: MIT */
#include "store/decided.h"

#include "store/depth.h"
#include "store/incoming.h"
#include "store/offers.h"
#include "store/seeds.h"
#include "store/seen.h"
#include "store/tally.h"
#include "store/urls.h"

#define MAX_RULE ((size_t)512)
/* A part of the rows that is read faster by the table than through the queue's index. */
#define SCAN_SHARE 8

/* --- the marks --------------------------------------------------------------------------- */

/* SQL: the rules ?1, and where seeds led when the run began: what decides about URLs. */
#define RULES_SQL                                                                     \
    "(?1 || (" SEEDS_LED " SELECT coalesce(group_concat(id), '') FROM (SELECT id FROM led ORDER BY 1)))"

static void drop_known(struct core *c)
{
    db_run(c->db, db_stmt(c->db, "DELETE FROM meta WHERE name = 'known_decided_for'"));
}

static void drop_both(struct core *c)
{
    drop_known(c);
    db_run(c->db, db_stmt(c->db, "DELETE FROM meta WHERE name = 'decided_for'"));
}

static void mark_both(struct core *c)
{
    sqlite3_stmt *st = db_stmt(
        c->db, "WITH rules(text) AS (SELECT " RULES_SQL ") INSERT OR REPLACE INTO meta (name, value)"
               " SELECT 'decided_for', text FROM rules UNION ALL"
               " SELECT 'known_decided_for', ?2 || ' ' || text FROM rules");

    db_text(c->db, st, 1, span_str(c->rules));
    db_int(c->db, st, 2, c->decided_from);
    db_run(c->db, st);
}

static bool is_excluded_decided(struct core *c)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "SELECT 1 FROM meta WHERE name = 'decided_for' AND value = " RULES_SQL);
    bool found;

    db_text(c->db, st, 1, span_str(c->rules));
    found = db_next(c->db, st);
    if (found)
        db_done(st);
    return found;
}

/* The run of the second mark, if that is of these rules. */
static bool find_from(struct core *c, int64_t *out)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "SELECT CAST(value AS INTEGER) FROM meta WHERE name = 'known_decided_for'"
                       " AND value = CAST(value AS INTEGER) || ' ' || " RULES_SQL);

    db_text(c->db, st, 1, span_str(c->rules));
    if (!db_next(c->db, st))
        return false;
    *out = sqlite3_column_int64(st, 0);
    db_done(st);
    return true;
}

void decided_mark_empty(struct core *c)
{
    c->decided_from = 0;
    mark_both(c);
}

bool decided_begin(struct core *c, bool is_new, bool *out_queue)
{
    bool is_decided = is_excluded_decided(c);

    *out_queue = is_decided && find_from(c, &c->decided_from);
    if (*out_queue)
        return true;
    drop_known(c);
    c->decided_from = is_new ? c->run_id : c->run_id + 1;
    return is_decided;
}

bool decided_queued(struct core *c, bool was_decided, int64_t n_older, bool is_all)
{
    if (n_older)
        drop_known(c);
    if (is_all)
        c->decided_from = 0;
    return was_decided && !n_older;
}

/* --- deciding again --------------------------------------------------------------- */

enum way {
    BY_TABLE, /* queued rows, and those excluded for a reason that is decided when a URL is offered, or that other
                 settings may lift; in the order of the table: no index */
    QUEUE_BY_TABLE,
    QUEUE_BY_INDEX,
};

/* Through the index each row is looked up on its own: for some of the table. */
static enum way choose_way(struct core *c, bool is_queue_only)
{
    static const char SQL[] = "SELECT coalesce(sum(n) FILTER (WHERE state = 0), 0) * ?1 < sum(n) FROM state_count";
    enum way way = is_queue_only ? QUEUE_BY_TABLE : BY_TABLE;
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_int(c->db, st, 1, SCAN_SHARE);
    if (db_next(c->db, st)) {
        if (is_queue_only && sqlite3_column_int(st, 0))
            way = QUEUE_BY_INDEX;
        db_done(st);
    }
    return way;
}

#define CANDIDATES_SQL "SELECT id, url, depth, hop, reason, host_id, rule FROM url"
static const char *const candidates_sql[] = {
    [BY_TABLE] = CANDIDATES_SQL " NOT INDEXED"
                                " WHERE state = 0 OR (state = 4 AND reason IN (1, 2, 3, 4, 5, 6, 8, 9, 10, 12))",
    [QUEUE_BY_TABLE] = CANDIDATES_SQL " NOT INDEXED WHERE state = 0",
    [QUEUE_BY_INDEX] = CANDIDATES_SQL " WHERE state = 0 ORDER BY host_id, priority, depth, id",
};

struct candidate {
    int64_t id;
    bool has_host;
    struct store_excluded url;
};

/* Its texts are valid until st takes its next step. */
static void read_candidate(struct db *d, sqlite3_stmt *st, struct candidate *out)
{
    static const struct db_range hops = { 0, N_URL_HOPS - 1 }, reasons = { 0, N_URL_REASONS - 1 };
    int64_t id = sqlite3_column_int64(st, 0);

    *out = (struct candidate){
        .id = id,
        .has_host = sqlite3_column_int64(st, 5) != 0,
        .url = { .url = db_column(st, 1),
                 .depth = (int)db_number(d, st, 2, DB_SMALL, "url", id),
                 .hop = (enum url_hop)db_number(d, st, 3, hops, "url", id),
                 .reason = (enum url_reason)db_number(d, st, 4, reasons, "url", id),
                 .rule = db_column(st, 6) },
    };
}

static void apply_verdict(struct core *c, const struct candidate *it, const struct store_verdict *verdict)
{
    static const char SQL[] =
        "UPDATE url SET state = ?2, reason = ?3, rule = ?4, retries = 0,"
        " next_fetch_at = NULL, depth = ?5 WHERE id = ?1";
    bool was_queued = !it->url.reason, is_queued = !verdict->reason;
    sqlite3_stmt *st;

    if (is_queued ? was_queued || !it->has_host
                  : verdict->reason == it->url.reason && span_eq(verdict->rule, it->url.rule))
        return;
    st = db_stmt(c->db, SQL);
    db_int(c->db, st, 1, it->id);
    db_int(c->db, st, 2, is_queued ? STATE_QUEUED : STATE_EXCLUDED);
    db_id(c->db, st, 3, verdict->reason);
    db_wild_text(c->db, st, 4, is_queued ? SPAN_NONE : verdict->rule, MAX_RULE);
    db_int(c->db, st, 5, it->url.depth);
    if (!db_run(c->db, st))
        tally_move(c, was_queued ? STATE_QUEUED : STATE_EXCLUDED,
                   is_queued ? STATE_QUEUED : STATE_EXCLUDED);
}

typedef bool decide_fn(void *arg, const struct store_excluded *url, struct store_verdict *out);

/* The row's own rule is the more exact one where the reason stays. */
static void keep_or_set(const struct candidate *it, enum url_reason reason, struct span rule,
                        struct store_verdict *out)
{
    *out = (struct store_verdict){ reason, it->url.reason == reason ? it->url.rule : rule };
}

/*
 * What decide says, and of what the rules do not exclude any more, whether a link that may be followed leads there,
 * and how deep. *incoming is read when that is asked for the first time. False: decide ends for now.
 */
static bool judge(struct core *c, decide_fn *decide, void *arg, struct incoming **incoming, struct candidate *it,
                  struct store_verdict *out)
{
    int depth = it->url.depth;

    if (!decide(arg, &it->url, out))
        return false;
    if (!offers_decide_reason(it->url.reason) || !incoming_decides(it->url.hop) ||
        (out->reason != REASON_NONE && out->reason != REASON_DEPTH))
        return true;
    if (!*incoming)
        *incoming = incoming_read(c, NULL);
    if (!*incoming)
        return false;
    switch (incoming_nearest(*incoming, it->id, &depth)) {
    case INCOMING_KIND:
        keep_or_set(it, REASON_KIND, SPAN(STORE_RULE_KIND), out);
        break;
    case INCOMING_NOFOLLOW:
        keep_or_set(it, REASON_NOFOLLOW, SPAN("no link to it may be followed"), out);
        break;
    case INCOMING_FOLLOWED:
        if (depth != it->url.depth) {
            it->url.depth = depth;
            return decide(arg, &it->url, out);
        }
        break;
    case INCOMING_NONE:
        if (it->url.reason == REASON_KIND || it->url.reason == REASON_NOFOLLOW)
            keep_or_set(it, it->url.reason, it->url.rule, out);
        break;
    }
    return true;
}

enum err decided_again(struct core *c, bool is_queue_only, decide_fn *decide, void *arg)
{
    struct incoming *incoming = NULL;
    struct store_verdict verdict;
    struct candidate it;
    sqlite3_stmt *st;
    bool goes_on = true;

    db_begin(c->db);
    st = db_stmt(c->db, candidates_sql[choose_way(c, is_queue_only)]);
    /* A row that changes is the one that was read: it keeps its place in the table, or leaves the queue's index. */
    while (goes_on && db_next(c->db, st)) {
        read_candidate(c->db, st, &it);
        goes_on = judge(c, decide, arg, &incoming, &it, &verdict);
        if (goes_on)
            apply_verdict(c, &it, &verdict);
    }
    db_done(st);
    incoming_free(incoming);
    if (goes_on)
        mark_both(c);
    else
        drop_both(c);
    seen_forget_all(c->seen);
    tally_flush(c);
    return db_commit(c->db);
}

/* --- a scope that grew ------------------------------------------------------------ */

/* False where only links that are not followed lead to it. */
static bool find_way(struct store_op *op, struct store_item *item)
{
    enum incoming_way way;

    if (!op->u.out_of_scope.wants_ways || !incoming_decides(item->hop))
        return true;
    way = incoming_nearest(op->u.out_of_scope.ways, item->id, &item->depth);
    return way == INCOMING_FOLLOWED || way == INCOMING_NONE;
}

/*
 * What a link let in after the scope grew has the depth of that one, and nearer ones may have been met before. True
 * when the depth of one fell.
 */
static bool rise(struct core *c, struct extra *x, const struct incoming *ways)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT id, depth FROM url NOT INDEXED WHERE state <> 4");
    struct seen_row row;
    bool has_risen = false;

    /* A row that changes is the one that was read, and keeps its place in the table. */
    while (db_next(c->db, st)) {
        int64_t id = sqlite3_column_int64(st, 0);
        int depth;

        if (incoming_nearest(ways, id, &depth) != INCOMING_FOLLOWED || depth >= sqlite3_column_int(st, 1) ||
            depth == INCOMING_DEEPEST || !urls_get(c, id, &row))
            continue;
        urls_set_depth(c, &row, depth, INT32_MAX);
        depth_fell(c, id);
        extra_add(x, id, row.host_id);
        has_risen = true;
    }
    return has_risen;
}

enum err decided_out_of_scope(struct core *c, struct extra *x, struct store_op *op)
{
    static const char SQL[] = "SELECT id, url, depth, hop, reason, host_id, rule FROM url NOT INDEXED WHERE id > ?1"
                              " AND state = 4 AND reason = 1 AND host_id IS NOT NULL ORDER BY id LIMIT ?2";
    size_t limit = op->u.out_of_scope.limit;
    sqlite3_stmt *st;

    if (op->u.out_of_scope.wants_ways && !op->u.out_of_scope.ways) {
        op->u.out_of_scope.ways = incoming_read(c, op->u.out_of_scope.stop);
        if (!op->u.out_of_scope.ways)
            return c->db->failed ? c->db->failed : ERR_CANCELLED;
        op->u.out_of_scope.has_risen = rise(c, x, op->u.out_of_scope.ways);
    }
    if (op->u.out_of_scope.has_risen) {
        incoming_free(op->u.out_of_scope.ways);
        op->u.out_of_scope.ways = NULL;
        return c->db->failed;
    }
    op->u.out_of_scope.items = arena_array(&op->mem, limit, sizeof *op->u.out_of_scope.items);
    op->u.out_of_scope.last = 0;
    st = db_stmt(c->db, SQL);
    db_int(c->db, st, 1, op->u.out_of_scope.after);
    db_int(c->db, st, 2, (int64_t)limit);
    while (db_next(c->db, st)) {
        struct store_item *item = &op->u.out_of_scope.items[op->u.out_of_scope.n_items];
        struct candidate it;

        read_candidate(c->db, st, &it);
        *item = (struct store_item){ .id = it.id, .depth = it.url.depth, .hop = it.url.hop };
        if (arena_try_copy(&op->mem, it.url.url, &item->url)) { /* the rest is the next part's */
            db_done(st);
            break;
        }
        op->u.out_of_scope.last = it.id;
        op->u.out_of_scope.n_items += find_way(op, item);
    }
    return c->db->failed;
}
