/* SPDX-License-Identifier: MIT */
#include "store/runs.h"

#include "config/mem.h"
#include "store/deferred.h"
#include "store/depth.h"
#include "store/hosts.h"
#include "store/offers.h"
#include "store/requeue.h"
#include "store/seeds.h"
#include "store/tally.h"
#include "store/urls.h"
#include "store/views.h"

#define MAX_DETAIL ((size_t)4096)
#define MAX_RULE   ((size_t)512)
#define CHUNK      1000

/* --- beginning -------------------------------------------------------------------- */

static void find_last(struct core *c, struct store_run *run, bool *is_finished)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "SELECT id, state, used_pages, used_bytes FROM runs"
                       " ORDER BY id DESC LIMIT 1");

    *is_finished = true;
    if (db_next(c->db, st)) {
        *is_finished = span_eq(db_column(st, 1), SPAN("finished"));
        run->id = sqlite3_column_int64(st, 0);
        run->was_crash = span_eq(db_column(st, 1), SPAN("running"));
        run->is_continued = !*is_finished;
        run->used_pages = *is_finished ? 0 : sqlite3_column_int64(st, 2);
        run->used_bytes = *is_finished ? 0 : sqlite3_column_int64(st, 3);
        db_done(st);
    }
    run->has_known_urls = db_value(c->db, "SELECT EXISTS (SELECT 1 FROM url)", 0) != 0;
    run->last_ended_ms = db_value(c->db, "SELECT max(last_request_at) FROM runs", 0);
}

static void insert_run(struct core *c, const struct store_run_params *p,
                       struct store_run *run)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "INSERT INTO runs (started_at, state, version, settings)"
                       " VALUES (?1, 'running', ?2, ?3)");

    db_int(c->db, st, 1, p->now_wall_ms);
    db_wild_text(c->db, st, 2, p->version, 64);
    db_wild_text(c->db, st, 3, p->settings_json, (size_t)1 * MIB);
    if (!db_run(c->db, st))
        run->id = sqlite3_last_insert_rowid(c->db->handle);
}

static void resume_run(struct core *c, const struct store_run_params *p,
                       const struct store_run *run)
{
    sqlite3_stmt *st = db_stmt(
        c->db, "UPDATE runs SET state = 'running', finished_at = NULL,"
               " stop_reason = NULL, version = ?2, settings = ?3 WHERE id = ?1");

    db_int(c->db, st, 1, run->id);
    db_wild_text(c->db, st, 2, p->version, 64);
    db_wild_text(c->db, st, 3, p->settings_json, (size_t)1 * MIB);
    db_run(c->db, st);
}

/* SQL: the rules ?1, and where seeds led when the run began: what decides about URLs. */
#define RULES_SQL                                                                     \
    "(?1 || (" SEEDS_LED " SELECT coalesce(group_concat(id), '') FROM (SELECT id FROM led ORDER BY 1)))"

/*
 * What was decided under which rules: every excluded URL of the file; and every other one too, so that
 * what a later run asks for again needs no look.
 */
static const char EXCLUDED_FOR[] = "decided_for", KNOWN_FOR[] = "known_decided_for";

static void mark_decided(struct core *c, const char *name)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "INSERT OR REPLACE INTO meta (name, value) VALUES (?2, " RULES_SQL ")");

    db_text(c->db, st, 1, span_str(c->rules));
    db_text(c->db, st, 2, span_str(name));
    db_run(c->db, st);
}

static void mark_undecided(struct core *c, const char *name)
{
    sqlite3_stmt *st = db_stmt(c->db, "DELETE FROM meta WHERE name = ?1");

    db_text(c->db, st, 1, span_str(name));
    db_run(c->db, st);
}

/* Under the rules of this run? */
static bool is_decided(struct core *c, const char *name)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "SELECT 1 FROM meta WHERE name = ?2 AND value = " RULES_SQL);
    bool found;

    db_text(c->db, st, 1, span_str(c->rules));
    db_text(c->db, st, 2, span_str(name));
    found = db_next(c->db, st);
    if (found)
        db_done(st);
    return found;
}

enum err runs_begin(struct core *c, const struct store_run_params *params,
                    struct store_run *out)
{
    struct store_run run = { 0 };
    bool is_new;

    c->now_ms = params->now_wall_ms;
    c->revisit = params->revisit;
    mem_free(c->rules);
    c->rules = mem_str_copy(params->rules);
    db_begin(c->db);
    find_last(c, &run, &is_new);
    if (is_new) {
        insert_run(c, params, &run);
        db_run(c->db, db_stmt(c->db, "DELETE FROM meta WHERE " HOSTS_UNREAD_SITEMAPS));
    } else {
        resume_run(c, params, &run);
    }
    c->run_id = run.id;
    if (!run.has_known_urls) {
        mark_decided(c, EXCLUDED_FOR);
        mark_decided(c, KNOWN_FOR);
    }
    run.is_decided = is_decided(c, EXCLUDED_FOR);
    if (!run.is_decided) /* other rules were at work meanwhile */
        mark_undecided(c, KNOWN_FOR);
    run.is_queue_decided = is_decided(c, KNOWN_FOR);
    c->is_all_queued = is_new && params->revisit == REVISIT_ALL;
    requeue_known(c, params->revisit, is_new, run.was_crash, 0);
    depth_load(c);
    views_update(c, params->views, params->n_views);
    tally_flush(c);
    if (!db_commit(c->db))
        *out = run;
    return c->db->failed;
}

/* --- deciding again --------------------------------------------------------------- */

struct candidate {
    int64_t id;
    bool has_host;
    struct store_excluded url;
    struct store_verdict verdict;
};

/*
 * The next rows after id that are queued, or (not with is_queue_only) excluded for a reason that is
 * decided when a URL is offered, or that other settings may lift. In the order of the table: no index.
 */
static size_t read_candidates(struct core *c, int64_t after, bool is_queue_only,
                              struct arena *mem, struct candidate *out)
{
#define CANDIDATES_SQL \
    "SELECT id, url, depth, hop, reason, host_id, rule FROM url WHERE id > ?1 AND "
    static const char SQL[] =
        CANDIDATES_SQL
        "(state = 0 OR (state = 4 AND reason IN (1, 2, 3, 4, 5, 6, 8, 9, 10, 12)))"
        " ORDER BY id LIMIT 1000";
    static const char QUEUE_SQL[] =
        CANDIDATES_SQL "+state = 0 ORDER BY id LIMIT 1000";
    sqlite3_stmt *st = db_stmt(c->db, is_queue_only ? QUEUE_SQL : SQL);
    size_t n = 0;

    db_int(c->db, st, 1, after);
    for (; db_next(c->db, st); n++) {
        out[n] = (struct candidate){
            .id = sqlite3_column_int64(st, 0),
            .has_host = sqlite3_column_int64(st, 5) != 0,
            .url = { .url = arena_copy(mem, db_column(st, 1)),
                     .depth = sqlite3_column_int(st, 2),
                     .hop = (enum url_hop)sqlite3_column_int(st, 3),
                     .reason = (enum url_reason)sqlite3_column_int(st, 4),
                     .rule = arena_copy(mem, db_column(st, 6)) },
        };
        BUG_IF(n >= CHUNK);
    }
    return n;
}

static void apply_verdict(struct core *c, const struct candidate *it)
{
    static const char SQL[] =
        "UPDATE url SET state = ?2, reason = ?3, rule = ?4, retries = 0,"
        " next_fetch_at = NULL WHERE id = ?1";
    bool was_queued = !it->url.reason, is_queued = !it->verdict.reason;
    sqlite3_stmt *st;

    if (is_queued ? was_queued || !it->has_host
                  : it->verdict.reason == it->url.reason &&
                        span_eq(it->verdict.rule, it->url.rule))
        return;
    st = db_stmt(c->db, SQL);
    db_int(c->db, st, 1, it->id);
    db_int(c->db, st, 2, is_queued ? STATE_QUEUED : STATE_EXCLUDED);
    db_id(c->db, st, 3, it->verdict.reason);
    db_wild_text(c->db, st, 4, is_queued ? SPAN_NONE : it->verdict.rule, MAX_RULE);
    if (!db_run(c->db, st))
        tally_move(c, was_queued ? STATE_QUEUED : STATE_EXCLUDED,
                   is_queued ? STATE_QUEUED : STATE_EXCLUDED);
}

/* Where the end was not reached, some rows are by these rules and some by earlier ones: then no mark holds. */
static void note_decided(struct core *c, bool is_whole)
{
    if (!is_whole) {
        mark_undecided(c, EXCLUDED_FOR);
        mark_undecided(c, KNOWN_FOR);
        return;
    }
    mark_decided(c, EXCLUDED_FOR);
    if (c->is_all_queued)
        mark_decided(c, KNOWN_FOR);
}

enum err runs_decide_again(struct core *c, bool is_queue_only,
                           bool (*decide)(void *arg, const struct store_excluded *url,
                                          struct store_verdict *out),
                           void *arg)
{
    struct candidate *list;
    struct arena mem;
    bool goes_on = true;
    int64_t after = 0;
    size_t n;

    arena_init(&mem, SIZE_MAX);
    db_begin(c->db);
    do {
        arena_reset(&mem);
        list = arena_alloc(&mem, CHUNK * sizeof *list);
        n = read_candidates(c, after, is_queue_only, &mem, list);
        for (size_t i = 0; i < n && goes_on; i++) {
            goes_on = decide(arg, &list[i].url, &list[i].verdict);
            if (goes_on)
                apply_verdict(c, &list[i]);
        }
        after = n ? list[n - 1].id : after;
    } while (n == CHUNK && goes_on && !c->db->failed);
    arena_clear(&mem);
    note_decided(c, goes_on);
    seen_forget_all(c->seen);
    tally_flush(c);
    return db_commit(c->db);
}

/* --- ending ----------------------------------------------------------------------- */

/*
 * With --keep-history: what earlier runs left. A seed of this run has its row; one that is none any more keeps its
 * last rows, as the scope is made of all (seeds.h).
 */
static void prune_runs(struct core *c)
{
    static const char *const SQL[] = {
        "DELETE FROM seeds WHERE run_id <= ?1 - ?2 AND EXISTS"
        " (SELECT 1 FROM seeds s WHERE s.run_id = ?1 AND s.url_id = seeds.url_id)",
        "DELETE FROM events WHERE run_id <= ?1 - ?2",
    };

    for (size_t i = 0; i < ARRAY_LEN(SQL) && c->options.keep_history > 0; i++) {
        sqlite3_stmt *st = db_stmt(c->db, SQL[i]);

        db_int(c->db, st, 1, c->run_id);
        db_int(c->db, st, 2, c->options.keep_history);
        db_run(c->db, st);
    }
}

enum err runs_end(struct core *c, const struct store_op *op)
{
    static const char SQL[] =
        "UPDATE runs SET finished_at = ?2, state = ?3, stop_reason = ?4, summary = ?5,"
        " used_pages = CASE WHEN ?6 THEN used_pages ELSE 0 END,"
        " used_bytes = CASE WHEN ?6 THEN used_bytes ELSE 0 END,"
        " queued = (SELECT n FROM state_count WHERE state = 0), fetched = (SELECT n"
        " FROM state_count WHERE state = 1),"
        " not_modified = (SELECT n FROM state_count WHERE state = 2),"
        " failed = (SELECT n FROM state_count WHERE state = 3),"
        " excluded = (SELECT n FROM state_count WHERE state = 4) WHERE id = ?1";
    sqlite3_stmt *st;

    tally_flush(c);
    st = db_stmt(c->db, SQL);
    db_int(c->db, st, 1, c->run_id);
    db_int(c->db, st, 2, c->now_ms);
    db_text(c->db, st, 3,
            op->u.end_run.is_finished ? SPAN("finished") : SPAN("stopped"));
    db_text(c->db, st, 4, span_str(op->u.end_run.stop_reason));
    db_wild_text(c->db, st, 5, op->u.end_run.summary_json, (size_t)1 * MIB);
    db_int(c->db, st, 6, op->u.end_run.keeps_budget);
    db_run(c->db, st);
    if (op->u.end_run.is_finished)
        prune_runs(c);
    deferred_write_all(c->url_index);
    return deferred_write_all(c->body_index);
}

enum err runs_event(struct core *c, const struct store_op *op)
{
    static const char SQL[] =
        "INSERT INTO events (run_id, at, level, component, event, url_id, detail)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    sqlite3_stmt *st = db_stmt(c->db, SQL);

    db_id(c->db, st, 1, c->run_id);
    db_int(c->db, st, 2, c->now_ms);
    db_text(c->db, st, 3, span_str(op->u.event.level));
    db_text(c->db, st, 4, span_str(op->u.event.component));
    db_text(c->db, st, 5, span_str(op->u.event.event));
    db_id(c->db, st, 6, op->u.event.url_id);
    db_wild_text(c->db, st, 7, op->u.event.detail, MAX_DETAIL);
    return db_run(c->db, st);
}
