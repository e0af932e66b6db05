/* SPDX-License-Identifier: MIT */
#include "store/keeper.h"

#include <sys/statvfs.h>

#include "config/clock.h"
#include "config/mem.h"
#include "store/checkpoint.h"
#include "store/runs.h"
#include "store/text.h"

#define PLACE_EVERY_NS (10 * NS_PER_S)
#define WAL_HEADER     24 /* before each page in the log */
/* The log is copied back from here on; while that goes on it grows a little more. */
#define LOG_BYTES (48 * MIB)
/* What the writer may copy itself while everybody waits: this part of it. */
#define REST_SHARE 12
/* Copies of the thread before the writer does the rest, however much that is. */
#define MAX_ROUNDS 3

struct keeper {
    struct core *core;
    struct checkpoint *thread; /* NULL before the first time, and when there is none */
    int64_t log_frames;        /* LOG_BYTES or what the options say, in pages */
    int64_t wal_frames;        /* after the last commit */
    int64_t copied_frames;     /* of them, back in the database */
    int64_t checkpoint_from;   /* frames at which the next checkpoint is due */
    int n_rounds; /* copies begun by the thread since the log last began; 0 = none is under way */
    int64_t place_checked_ns;
    enum err refused; /* why nothing but what ends in order is written any more; OK = all is */
    struct err_note refused_note;
    bool warned_wal;
};

static int on_commit(void *arg, sqlite3 *handle, const char *name, int frames)
{
    struct keeper *k = arg;

    (void)handle;
    (void)name;
    /* Fewer than before: the log began anew. */
    if (frames < k->wal_frames)
        k->copied_frames = 0;
    k->wal_frames = frames;
    return SQLITE_OK;
}

static int64_t wal_frame(const struct keeper *k)
{
    return k->core->db->page_bytes + WAL_HEADER;
}

struct keeper *keeper_new(struct core *c)
{
    struct keeper *k = mem_alloc(sizeof *k);

    k->core = c;
    k->log_frames =
        (c->options.log_bytes ? c->options.log_bytes : LOG_BYTES) / wal_frame(k);
    k->checkpoint_from = k->log_frames;
    sqlite3_wal_hook(c->db->handle, on_commit, k);
    return k;
}

void keeper_free(struct keeper *k)
{
    if (!k)
        return;
    checkpoint_free(k->thread);
    sqlite3_wal_hook(k->core->db->handle, NULL, NULL);
    mem_free(k);
}

/* --- the file and its place --------------------------------------------------------- */

/* Somebody removed or renamed it: what is written still would be nowhere, or where nobody looks for it. */
static void check_file(struct keeper *k)
{
    const struct db *d = k->core->db;
    int has_moved = 0;

    if (sqlite3_file_control(d->handle, "main", SQLITE_FCNTL_HAS_MOVED, &has_moved) == SQLITE_OK && has_moved)
        k->refused =
            err_set(&k->refused_note, ERR_IO, "%s was removed or renamed while the crawl wrote to it", d->path);
}

static void check_space(struct keeper *k)
{
    const char *path = k->core->db->path;
    struct statvfs fs;
    int64_t free_bytes;

    if (statvfs(path, &fs))
        return; /* the next write says what is wrong */
    free_bytes = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    if (free_bytes < k->core->options.min_free_bytes)
        k->refused = err_set(&k->refused_note, ERR_FULL,
                             "%s: only %lld MiB are free on its disk, and --min-free asks for %lld", path,
                             (long long)(free_bytes / MIB), (long long)(k->core->options.min_free_bytes / MIB));
}

/* What still may be written when space is low: little, and needed to stop in order. */
static bool ends_in_order(enum store_op_kind kind)
{
    return kind == STORE_END_RUN || kind == STORE_HOST_SAVE || kind == STORE_EVENT ||
           kind == STORE_HOST_LOAD;
}

static bool is_check_due(const struct keeper *k, enum store_op_kind kind)
{
    return kind == STORE_SPACE || kind == STORE_END_RUN ||
           clock_now_ns() - k->place_checked_ns >= PLACE_EVERY_NS;
}

enum err keeper_admit(struct keeper *k, enum store_op_kind kind)
{
    if (k->core->db->failed)
        return k->core->db->failed;
    if (!k->refused && is_check_due(k, kind)) {
        k->place_checked_ns = clock_now_ns();
        check_file(k);
        if (!k->refused && kind != STORE_END_RUN)
            check_space(k);
    }
    return ends_in_order(kind) ? OK : k->refused;
}

enum err keeper_failure(const struct keeper *k, struct err_note *note)
{
    if (k->core->db->failed)
        return err_set(note, k->core->db->failed, "%s", k->core->db->note.text);
    return k->refused ? err_set(note, k->refused, "%s", k->refused_note.text) : OK;
}

int64_t keeper_size(const struct keeper *k)
{
    return db_value(k->core->db, "PRAGMA page_count", 0) * k->core->db->page_bytes;
}

/* --- the write-ahead log ---------------------------------------------------------- */

/* A reader keeps the log from starting over: say so once. */
static void warn_wal(struct keeper *k)
{
    struct store_op op = { .kind = STORE_EVENT };
    char detail[96];
    int n;

    if (k->warned_wal)
        return;
    k->warned_wal = true;
    n = snprintf(detail, sizeof detail,
                 "a reader holds back the write-ahead log, now %lld MiB",
                 (long long)(k->wal_frames * wal_frame(k) / MIB));
    op.u.event.level = "warn";
    op.u.event.component = "store";
    op.u.event.event = "wal-growing";
    op.u.event.detail = span_make(detail, (size_t)n);
    db_begin(k->core->db);
    k->core->now_ms = clock_wall_ms();
    runs_event(k->core, &op);
    db_commit(k->core->db);
}

/* What a copy came to, whoever made it. */
static void learn(struct keeper *k, const struct checkpoint_result *r)
{
    struct db *d = k->core->db;

    if (r->e) {
        d->failed = err_set(&d->note, r->e, "%s", r->note.text);
        return;
    }
    if (r->copied >= 0)
        k->copied_frames = r->copied;
}

/* Between two transactions: when all is copied, the next one begins the log anew. */
static void copy_rest(struct keeper *k)
{
    struct checkpoint_result r;

    if (k->core->db->failed)
        return;
    checkpoint_now(k->core->db, &r);
    learn(k, &r);
    k->n_rounds = 0;
    k->checkpoint_from = k->log_frames;
    if (k->copied_frames >= k->wal_frames)
        return;
    /* A reader holds it back: look again when it is a quarter longer. */
    k->checkpoint_from = MAX(k->checkpoint_from, k->wal_frames + k->wal_frames / 4);
    if (k->wal_frames > k->log_frames + k->log_frames / 3)
        warn_wal(k);
}

static bool is_copying(const struct keeper *k)
{
    return k->thread && checkpoint_is_running(k->thread);
}

/* Has the thread copy what there is; without a thread it is done here and now. */
static void copy_aside(struct keeper *k)
{
    if (!k->thread)
        k->thread = checkpoint_new(k->core->db, k->core->options.is_durable);
    if (!k->thread) {
        copy_rest(k);
        return;
    }
    k->n_rounds++;
    checkpoint_begin(k->thread);
}

/* The thread is done with what there was when it began: the rest is small, or a round more makes it so. */
static void copy_on(struct keeper *k)
{
    struct checkpoint_result r;

    if (!k->thread || !checkpoint_take(k->thread, &r))
        return;
    learn(k, &r);
    if (k->core->db->failed || !k->n_rounds)
        return;
    if (k->n_rounds < MAX_ROUNDS && k->wal_frames <= 2 * k->checkpoint_from &&
        k->wal_frames - k->copied_frames > k->log_frames / REST_SHARE)
        copy_aside(k);
    else
        copy_rest(k);
}

void keeper_after_commit(struct keeper *k)
{
    if (k->core->db->failed)
        return;
    /* A disk that is slower than the crawl holds it up, before the log holds the disk. */
    if (k->thread && k->n_rounds && k->wal_frames > 2 * k->checkpoint_from)
        checkpoint_wait(k->thread);
    copy_on(k);
    /* All copied: the next commit begins the log anew, and until then there is nothing to do. */
    if (k->wal_frames >= k->checkpoint_from && k->copied_frames < k->wal_frames && !k->n_rounds)
        copy_aside(k);
    text_merge(k->core);
}

void keeper_ahead(struct keeper *k)
{
    if (!k->core->db->failed && !k->n_rounds &&
        k->wal_frames > k->log_frames / REST_SHARE)
        copy_aside(k);
}

void keeper_when_idle(struct keeper *k)
{
    if (k->core->db->failed || is_copying(k))
        return;
    copy_on(k);
    text_merge(k->core);
    if (k->wal_frames > k->copied_frames)
        copy_rest(k);
}

void keeper_finish(struct core *c)
{
    struct db *d = c->db;

    if (d->failed)
        return;
    sqlite3_busy_timeout(d->handle, 0);
    /*
     * With a reader on the file this fails, and its log stays: fine too. The journal mode
     * stays WAL: a change of it would wait for whoever reads when the next run starts.
     * Closing then removes the log.
     */
    sqlite3_wal_checkpoint_v2(d->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, NULL);
}
