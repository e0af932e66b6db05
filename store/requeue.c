/* SPDX-License-Identifier: MIT */
#include "store/requeue.h"

#include "config/mem.h"
#include "store/due.h"
#include "store/tally.h"

/* What robots.txt or the count of the last run said may be otherwise now. */
#define UNDECIDED " OR (state = 4 AND reason IN (6, 11) AND host_id IS NOT NULL)"

/*
 * Not OR ABORT, and no function of ours to count with: for either SQLite copies each page that it changes aside, to
 * undo the statement alone. Here a failure ends the transaction.
 */
#define SET                                                                                     \
    "UPDATE OR FAIL url SET state = 0, reason = NULL, rule = NULL, retries = 0, next_fetch_at = NULL" \
    " WHERE "

/* Rows that are asked for again. ?1: now; ?2: as many at most, or, for count and older, the run from. */
struct chosen {
    const char *few;   /* id, state and run of some of them */
    const char *count; /* how many there are of each state but the first, and of earlier runs */
    const char *older; /* a row if any is of an earlier run */
    const char *set;   /* all into the queue */
};
#define CHOSEN(condition)                                                                        \
    {                                                                                            \
        .few = "SELECT id, state, run_id FROM url WHERE " condition " LIMIT ?2",                 \
        .count = "SELECT sum(state = 1), sum(state = 2), sum(state = 3), sum(state = 4),"        \
                 " sum(run_id < ?2) FROM url WHERE " condition,                                  \
        .older = "SELECT 1 FROM url WHERE run_id < ?2 AND (" condition ") LIMIT 1",              \
        .set = SET condition,                                                                    \
    }

static const struct chosen chosen_all = CHOSEN(DUE_KNOWN UNDECIDED " OR " DUE_MISSED),
                           chosen_due = CHOSEN(DUE_AT("?1") UNDECIDED " OR " DUE_MISSED),
                           chosen_missed = CHOSEN(DUE_MISSED);

struct requeued {
    int64_t n[N_URL_STATES]; /* by the state that they had */
    int64_t n_older;         /* of a run before from; of very many, whether there are any */
    int64_t from;
};

static int64_t count_state(struct core *c, int state)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT n FROM state_count WHERE state = ?1");
    int64_t n = 0;

    db_int(c->db, st, 1, state);
    if (db_next(c->db, st)) {
        n = db_number(c->db, st, 0, DB_COUNT, "state_count", state);
        db_done(st);
    }
    return n;
}

/* Not each has both. */
static sqlite3_stmt *bind(struct core *c, const char *sql, int64_t second)
{
    sqlite3_stmt *st = db_stmt(c->db, sql);

    if (sqlite3_bind_parameter_count(st) > 0)
        db_int(c->db, st, 1, c->now_ms);
    if (sqlite3_bind_parameter_count(st) > 1)
        db_int(c->db, st, 2, second);
    return st;
}

/* --- a few ------------------------------------------------------------------------------- */

/* Rows from which making the queue's index anew is worth a change of the schema: every reader prepares again. */
#define SORTED_FROM 50000

/* The ids of those chosen, SORTED_FROM at most, in mem; counts them. */
static size_t find_few(struct core *c, const struct chosen *chosen, struct arena *mem, struct requeued *r,
                       int64_t **out)
{
    sqlite3_stmt *st = bind(c, chosen->few, SORTED_FROM);
    int64_t *ids = arena_array(mem, SORTED_FROM, sizeof *ids);
    size_t n = 0;

    for (; db_next(c->db, st); n++) {
        int64_t state = sqlite3_column_int64(st, 1);

        BUG_IF(n >= SORTED_FROM || state <= STATE_QUEUED || state >= N_URL_STATES);
        ids[n] = sqlite3_column_int64(st, 0);
        r->n[state]++;
        r->n_older += sqlite3_column_int64(st, 2) < r->from;
    }
    *out = ids;
    return n;
}

/* Each by its id, so that the table is read once. False: they are more than a few, and none was changed. */
static bool set_few(struct core *c, const struct chosen *chosen, struct requeued *out)
{
    struct requeued r = { .from = out->from };
    struct arena mem;
    int64_t *ids;
    size_t n;

    arena_init(&mem, SORTED_FROM * sizeof *ids + (size_t)MIB);
    n = find_few(c, chosen, &mem, &r, &ids);
    for (size_t i = 0; n < SORTED_FROM && i < n && !c->db->failed; i++) {
        sqlite3_stmt *st = db_stmt(c->db, SET "id = ?1");

        db_int(c->db, st, 1, ids[i]);
        db_run(c->db, st);
    }
    arena_clear(&mem);
    if (n < SORTED_FROM)
        *out = r;
    return n < SORTED_FROM;
}

/* --- many ------------------------------------------------------------------------------- */

/* What is sorted at a time, in KiB: what a processor has near it. */
#define SORTED_KIB 2048

static void set_cache(struct core *c, int64_t kib)
{
    char sql[64];

    snprintf(sql, sizeof sql, "PRAGMA cache_size=-%lld", (long long)kib);
    db_exec(c->db, sql);
}

/*
 * All into the queue. is_sorted: its index is made anew, sorted, so each page of it is written once. In one
 * transaction, so a crash leaves all as it was. Returns how many they are.
 */
static int64_t set_all(struct core *c, const struct chosen *chosen, bool is_sorted)
{
    int64_t kib = -db_value(c->db, "PRAGMA cache_size", 0), n;

    if (is_sorted)
        db_exec(c->db, "DROP INDEX url_queue");
    n = db_run(c->db, bind(c, chosen->set, 0)) ? 0 : sqlite3_changes64(c->db->handle);
    if (!is_sorted)
        return n;
    set_cache(c, SORTED_KIB);
    db_exec(c->db, "CREATE INDEX url_queue ON url (host_id, priority, depth, id) WHERE state = 0");
    set_cache(c, kib);
    return n;
}

static void count(struct core *c, const struct chosen *chosen, struct requeued *r)
{
    sqlite3_stmt *st = bind(c, chosen->count, r->from);

    if (!db_next(c->db, st))
        return;
    for (int i = 0; i < STATE_EXCLUDED; i++)
        r->n[STATE_FETCHED + i] = sqlite3_column_int64(st, i);
    r->n_older = sqlite3_column_int64(st, STATE_EXCLUDED);
    db_done(st);
}

/* Of a state that is neither queued nor excluded they are all there are: no pass is needed to count. */
static void set_most(struct core *c, struct requeued *r)
{
    sqlite3_stmt *st = r->from ? bind(c, chosen_all.older, r->from) : NULL;

    if (st && db_next(c->db, st)) {
        r->n_older = 1;
        db_done(st);
    }
    r->n[STATE_EXCLUDED] = set_all(c, &chosen_all, true);
    for (int state = STATE_FETCHED; state < STATE_EXCLUDED; state++) {
        r->n[state] = count_state(c, state);
        r->n[STATE_EXCLUDED] -= r->n[state];
    }
}

/* --- the interface ---------------------------------------------------------------------- */

static void set(struct core *c, const struct chosen *chosen, struct requeued *r)
{
    int64_t most = count_state(c, STATE_FAILED);
    bool is_sorted;

    if (chosen != &chosen_missed)
        most += count_state(c, STATE_FETCHED) + count_state(c, STATE_NOT_MODIFIED);
    is_sorted = most >= SORTED_FROM && most > count_state(c, STATE_QUEUED);
    if (is_sorted && chosen == &chosen_all) {
        set_most(c, r);
    } else if (!set_few(c, chosen, r)) {
        count(c, chosen, r);
        set_all(c, chosen, is_sorted);
    }
}

int64_t requeue_known(struct core *c, enum store_revisit revisit, bool is_new, bool was_crash, int64_t from)
{
    struct requeued r = { .from = from };

    if (revisit == REVISIT_NONE || (!is_new && was_crash))
        return 0;
    set(c, !is_new ? &chosen_missed : revisit == REVISIT_ALL ? &chosen_all : &chosen_due, &r);
    for (int state = STATE_FETCHED; state <= STATE_EXCLUDED && !c->db->failed; state++)
        tally_shift(c, (enum url_state)state, STATE_QUEUED, r.n[state]);
    return r.n_older;
}
