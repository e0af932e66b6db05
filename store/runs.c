/* SPDX-License-Identifier: MIT */
#include "store/runs.h"

#include "config/mem.h"
#include "store/decided.h"
#include "store/deferred.h"
#include "store/depth.h"
#include "store/hosts.h"
#include "store/renewal.h"
#include "store/requeue.h"
#include "store/tally.h"
#include "store/views.h"

#define MAX_DETAIL ((size_t)4096)

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
        run->used_pages = *is_finished ? 0 : db_number(c->db, st, 2, DB_COUNT, "runs", run->id);
        run->used_bytes = *is_finished ? 0 : db_number(c->db, st, 3, DB_COUNT, "runs", run->id);
        db_done(st);
    }
    run->has_known_urls = db_value(c->db, "SELECT EXISTS (SELECT 1 FROM url)", 0) != 0;
    run->last_ended_ms = db_value(c->db, "SELECT max(last_request_at) FROM runs", 0);
    if (run->last_ended_ms < 0) /* it is taken from the present time */
        db_fail(c->db, ERR_CORRUPT, "a run's latest request was before all times");
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

enum err runs_begin(struct core *c, const struct store_run_params *params,
                    struct store_run *out)
{
    struct store_run run = { 0 };
    int64_t n_older;
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
    c->asks_whole = renewal_lacks_bodies(c);
    if (!run.has_known_urls)
        decided_mark_empty(c);
    run.is_decided = decided_begin(c, is_new, &run.is_queue_decided);
    n_older = requeue_known(c, params->revisit, is_new, run.was_crash, c->decided_from);
    run.is_queue_decided =
        decided_queued(c, run.is_queue_decided, n_older, is_new && params->revisit == REVISIT_ALL);
    depth_load(c);
    views_update(c, params->views, params->n_views);
    tally_flush(c);
    if (!db_commit(c->db))
        *out = run;
    return c->db->failed;
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
