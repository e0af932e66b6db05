/* SPDX-License-Identifier: MIT */
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "config/clock.h"
#include "config/mem.h"
#include "parse/digest.h"
#include "store/anchors.h"
#include "store/bodies.h"
#include "store/bounce.h"
#include "store/core.h"
#include "store/decided.h"
#include "store/deferred.h"
#include "store/depth.h"
#include "store/dictionaries.h"
#include "store/guard.h"
#include "store/hosts.h"
#include "store/incoming.h"
#include "store/keeper.h"
#include "store/links.h"
#include "store/lock.h"
#include "store/queue.h"
#include "store/roll.h"
#include "store/runs.h"
#include "store/schema.h"
#include "store/seeds.h"
#include "store/seen.h"
#include "store/shape.h"
#include "store/tally.h"
#include "store/text.h"
#include "store/urls.h"
#include "store/writer.h"

#define SEEN_BYTES ((size_t)64 * MIB)
#define INDEX_BYTES ((size_t)64 * MIB)
#define MAX_ASIDE  10000
/* Files up to here are checked whole at every start (about a tenth of a second). */
#define CHECK_BYTES (64 * MIB)

struct store {
    struct core core;
    struct lock *lock;
    struct writer *writer;
    char *path;
    char *kept;        /* store_kept */
    int kept_schema;
};

/* --- opening ---------------------------------------------------------------------- */

/* Renames PATH and its neighbours to the first free PATH.N, which *out names then. */
static enum err move_aside(const char *path, char **out, struct err_note *note)
{
    char from[4096], to[4096];

    for (int n = 1; n < MAX_ASIDE; n++) {
        if (snprintf(to, sizeof to, "%s.%d", path, n) >= (int)sizeof to - 16)
            return err_set(note, ERR_REFUSED, "%s: the name is too long", path);
        if (!renameat2(AT_FDCWD, path, AT_FDCWD, to, RENAME_NOREPLACE))
            break;
        if (errno == ENOENT)
            return OK;
        if (errno != EEXIST)
            return err_set_errno(note, ERR_IO, errno, "cannot keep %s aside as %s",
                                 path, to);
    }
    for (int i = 0; guard_suffix(i); i++) {
        size_t end = strlen(to);

        snprintf(from, sizeof from, "%s%s", path, guard_suffix(i));
        snprintf(to + end, sizeof to - end, "%s", guard_suffix(i));
        if (rename(from, to) && errno != ENOENT)
            return err_set_errno(note, ERR_IO, errno, "cannot keep %s aside as %s",
                                 from, to);
        to[end] = '\0';
    }
    *out = mem_str_copy(span_str(to));
    return OK;
}

static enum err prepare_file(struct store *s, const struct store_options *o, struct err_note *note)
{
    enum guard_found found = GUARD_ABSENT;
    struct stat st;
    enum err e = OK;

    if (o->is_fresh && !lstat(o->path, &st) && S_ISREG(st.st_mode) && st.st_nlink == 1)
        e = move_aside(o->path, &s->kept, note);
    if (!e)
        e = guard_check(o->path, &found, note);
    if (!e && found == GUARD_ABSENT)
        e = schema_create(o->path, note);
    return e;
}

/* Damage is found here, before anything was changed, as far as that is affordable. */
static enum err check_content(struct db *d)
{
    int64_t version = db_value(d, "PRAGMA user_version", 0);
    sqlite3_stmt *st;

    if (db_value(d, "PRAGMA application_id", 0) != DB_APPLICATION_ID && !d->failed)
        return db_fail(d, ERR_REFUSED, "another program's database");
    /* guard.h saw the file alone; its log has the last word. */
    if ((version < 1 || version > DB_SCHEMA_VERSION) && !d->failed)
        return db_fail(d, ERR_VERSION, "its log says that it was written by a newer crawl; use that one");
    if (d->failed || shape_check(d, (int)version))
        return d->failed;
    if (db_value(d, "PRAGMA page_count", 0) * db_value(d, "PRAGMA page_size", 0) >
        CHECK_BYTES)
        return d->failed;
    st = db_stmt(d, "PRAGMA quick_check(1)");
    if (db_next(d, st)) {
        struct span found = db_column(st, 0);

        if (!span_eq(found, SPAN("ok")))
            d->failed =
                err_set(&d->note, ERR_CORRUPT,
                        "%s is damaged (%.*s); keep a copy, then `crawl --fresh` or"
                        " sqlite3's .recover",
                        d->path, (int)MIN(found.len, (size_t)200), found.ptr);
        db_done(st);
    }
    return d->failed;
}

/*
 * SQLite waits for other programs' locks by itself, but not when the journal mode
 * changes.
 */
static int change_to_wal(struct db *d)
{
    struct timespec nap = { 0, 50 * NS_PER_MS };
    int64_t until = clock_now_ns() + DB_BUSY_TIMEOUT_MS * NS_PER_MS;
    int rc;

    while ((rc = sqlite3_exec(d->handle, "PRAGMA journal_mode=WAL", NULL, NULL,
                              NULL)) != SQLITE_OK) {
        if ((rc & 0xff) != SQLITE_BUSY || clock_now_ns() > until)
            break;
        nanosleep(&nap, NULL);
    }
    return rc;
}

static enum err start_log(struct db *d, const struct store_options *o)
{
    int rc = change_to_wal(d);

    if (rc) {
        d->failed = db_explain(d->handle, rc, d->path, &d->note);
        return d->failed;
    }
    if (!db_value(d, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", 0))
        db_fail(d, ERR_LOCKED,
                "another program uses it, or its file system has no shared memory");
    db_exec(d, "PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=134217728;");
    return db_exec(d, o->is_durable ? "PRAGMA synchronous=FULL"
                                    : "PRAGMA synchronous=NORMAL");
}

static enum err open_core(struct store *s, const struct store_options *o,
                          struct err_note *note)
{
    struct core *c = &s->core;
    enum err e = db_open(s->path, &c->db, note);
    size_t index_bytes = o->index_bytes ? o->index_bytes : INDEX_BYTES;
    uint64_t secret;

    if (e)
        return e;
    if (!check_content(c->db)) {
        s->kept_schema = (int)db_value(c->db, "PRAGMA user_version", 0);
        e = schema_migrate(c->db, &s->kept, note);
        if (e)
            return e;
        start_log(c->db, o);
    }
    c->options = *o;
    c->options.path = s->path;
    secret = (uint64_t)db_value(c->db, "SELECT value FROM meta WHERE name = 'hash_secret'", 0);
    c->seen = seen_new(secret, SEEN_BYTES);
    c->url_index = deferred_new(c->db, &urls_index, secret, index_bytes / 2);
    c->body_index = deferred_new(c->db, &bodies_index, secret, index_bytes / 2);
    c->anchors = anchors_new(secret);
    c->hosts = hosts_new();
    e = digest_new(&c->digest);
    if (e)
        return err_set(note, e, "libcrypto: %s", err_text(e));
    c->depth = depth_new();
    c->bounce = bounce_new(c->db);
    c->tally = tally_new();
    c->text = text_new();
    c->links = links_new(c->db, index_bytes / 4);
    c->roll = roll_new(index_bytes / 8);
    if (!tally_load(c) && !links_check(c))
        text_configure(c);
    return err_set(c->db->failed ? note : NULL, c->db->failed, "%s", c->db->note.text);
}

static void free_store(struct store *s)
{
    text_free(s->core.text);
    db_close(s->core.db);
    links_free(s->core.links);
    roll_free(s->core.roll);
    anchors_free(s->core.anchors);
    tally_free(s->core.tally);
    bounce_free(s->core.bounce);
    depth_free(s->core.depth);
    digest_free(s->core.digest);
    hosts_free(s->core.hosts);
    seen_free(s->core.seen);
    deferred_free(s->core.url_index);
    deferred_free(s->core.body_index);
    lock_release(s->lock);
    mem_free(s->core.rules);
    mem_free(s->kept);
    mem_free(s->path);
    mem_free(s);
}

enum err store_open(const struct store_options *o, struct store **out,
                    struct err_note *note)
{
    struct store *s = mem_alloc(sizeof *s);
    enum err e;

    s->path = mem_str_copy(span_str(o->path));
    e = guard_check_directory(o->path, note);
    if (!e)
        e = lock_take(o->path, o->lock_wait_ms, &s->lock, note);
    if (!e)
        e = lock_database(s->lock, o->path, note);
    if (!e)
        e = prepare_file(s, o, note);
    if (!e)
        e = lock_database(s->lock, o->path, note);
    if (!e)
        e = open_core(s, o, note);
    if (e) {
        free_store(s);
        return e;
    }
    *out = s;
    return OK;
}

enum err store_close(struct store *s, struct err_note *note)
{
    enum err e;

    if (!s)
        return OK;
    writer_stop(s->writer);
    keeper_finish(&s->core);
    e = err_set(s->core.db->failed ? note : NULL, s->core.db->failed, "%s",
                s->core.db->note.text);
    free_store(s);
    return e;
}

const char *store_kept(const struct store *s, int *out_schema)
{
    *out_schema = s->kept_schema < DB_SCHEMA_VERSION ? s->kept_schema : 0;
    return s->kept;
}

/* --- before the writer ------------------------------------------------------------ */

static enum err noted(const struct store *s, struct err_note *note)
{
    const struct db *d = s->core.db;

    return err_set(d->failed ? note : NULL, d->failed, "%s", d->note.text);
}

enum err store_begin_run(struct store *s, const struct store_run_params *params,
                         struct store_run *out, struct err_note *note)
{
    BUG_IF(s->writer);
    runs_begin(&s->core, params, out);
    return noted(s, note);
}

enum err store_each_queued_host(struct store *s,
                                void (*fn)(void *arg,
                                           const struct store_origin *origin),
                                void *arg, struct err_note *note)
{
    BUG_IF(s->writer);
    queue_each_host(&s->core, fn, arg);
    return noted(s, note);
}

enum err store_each_sitemap_host(struct store *s, bool only_unread,
                                 void (*fn)(void *arg,
                                            const struct store_origin *origin),
                                 void *arg, struct err_note *note)
{
    BUG_IF(s->writer);
    queue_each_sitemap_host(&s->core, only_unread, fn, arg);
    return noted(s, note);
}

enum err store_each_seed(struct store *s, void (*fn)(void *arg, struct span url),
                         void *arg, struct err_note *note)
{
    BUG_IF(s->writer);
    seeds_each(&s->core, fn, arg);
    return noted(s, note);
}

enum err store_decide_again(struct store *s, bool is_queue_only,
                            bool (*decide)(void *arg, const struct store_excluded *url,
                                           struct store_verdict *out),
                            void *arg, struct err_note *note)
{
    BUG_IF(s->writer);
    decided_again(&s->core, is_queue_only, decide, arg);
    return noted(s, note);
}

enum err store_load_dictionary(struct store *s, struct arena *mem,
                               struct store_dictionary *out, struct err_note *note)
{
    BUG_IF(s->writer);
    dictionaries_load(&s->core, mem, out);
    return noted(s, note);
}

enum err store_start(struct store *s, void (*notify)(void *arg), void *arg,
                     struct err_note *note)
{
    BUG_IF(s->writer || !s->core.run_id);
    return writer_start(&s->core, notify, arg, &s->writer, note);
}

/* --- ops -------------------------------------------------------------------------- */

struct store_op *store_op_new(enum store_op_kind kind, size_t max_bytes)
{
    struct store_op *op = mem_alloc(sizeof *op);

    op->kind = kind;
    list_init(&op->node);
    arena_init(&op->mem, max_bytes);
    return op;
}

void store_op_free(struct store_op *op)
{
    if (!op)
        return;
    if (op->extra) {
        mem_free(op->extra);
        arena_clear(&op->extra_mem);
    }
    if (op->kind == STORE_OUT_OF_SCOPE)
        incoming_free(op->u.out_of_scope.ways);
    arena_clear(&op->mem);
    mem_free(op);
}

void store_op_free_done(void *unused, struct store_op *op)
{
    (void)unused;
    store_op_free(op);
}

void store_free_ways(struct incoming *ways)
{
    incoming_free(ways);
}

void store_submit(struct store *s, struct store_op *op)
{
    writer_submit(s->writer, op);
}

size_t store_pending(const struct store *s)
{
    return s->writer ? writer_pending(s->writer) : 0;
}

size_t store_take_done(struct store *s, size_t max, struct list_node *done)
{
    return s->writer ? writer_take_done(s->writer, max, done) : 0;
}

void store_get_totals(struct store *s, struct store_totals *out)
{
    if (s->writer) {
        writer_get_totals(s->writer, out);
        return;
    }
    *out = (struct store_totals){ 0 };
    tally_totals(&s->core, out->by_state);
}

enum err store_failure(struct store *s, struct err_note *note)
{
    return s->writer ? writer_failure(s->writer, note) : noted(s, note);
}
