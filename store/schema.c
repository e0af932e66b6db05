/* SPDX-License-Identifier: MIT */
#include "store/schema.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/mem.h"
#include "store/guard.h"
#include "store/seen.h"

/* sql_0001, sql_0002 ... and sql_views as bytes, generated from store/migrations by the Makefile. */
#include "schema_sql.inc"

static const char *const migrations[] = { sql_0001, sql_0002, sql_0003,
                                          sql_0004, sql_0005, sql_0006,
                                          sql_0007, sql_0008, sql_0009,
                                          sql_0010 };

_Static_assert(ARRAY_LEN(migrations) == DB_SCHEMA_VERSION,
               "one migration a schema version");

/* Text merging is the writer's business, between transactions (text.h). */
static const char CREATE_SQL[] = "PRAGMA journal_mode=DELETE;"
                                 "PRAGMA synchronous=FULL;"
                                 "BEGIN IMMEDIATE;";

const char *schema_sql(int n)
{
    return n >= 1 && n <= DB_SCHEMA_VERSION ? migrations[n - 1] :
           n == DB_SCHEMA_VERSION + 1       ? sql_views :
                                              NULL;
}

/* The views come last, and all anew: they fit the tables as they are then. */
static void apply(struct db *d, int from)
{
    const char *sql;

    for (int n = from + 1; (sql = schema_sql(n)) != NULL; n++)
        db_exec(d, sql);
}

/* Number literals only: PRAGMA takes no bound values. */
static void stamp(struct db *d)
{
    char sql[96];

    snprintf(sql, sizeof sql, "PRAGMA application_id=%d; PRAGMA user_version=%d;",
             DB_APPLICATION_ID, DB_SCHEMA_VERSION);
    db_exec(d, sql);
}

/*
 * The key of the hashes in url.key_hash: secret, so that no page can make them collide.
 */
static void plant_secret(struct db *d)
{
    sqlite3_stmt *st =
        db_stmt(d, "INSERT INTO meta (name, value) VALUES ('hash_secret', ?1)");
    int64_t secret = 0;

    if (getrandom(&secret, sizeof secret, 0) != (ssize_t)sizeof secret)
        secret = (int64_t)getpid() << 32 ^ (int64_t)(uintptr_t)d;
    db_int(d, st, 1, secret);
    db_run(d, st);
}

static void sync_directory_of(const char *path)
{
    char *dir = mem_str_copy(span_str(path));
    char *slash = strrchr(dir, '/');
    int fd;

    if (slash)
        slash[slash == dir] = '\0';
    fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);
        close(fd);
    }
    mem_free(dir);
}

/* An empty file that is surely ours and new. */
static enum err make_file(const char *path, struct err_note *note)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);

    if (fd < 0)
        return err_set_errno(note, ERR_IO, errno, "cannot create %s", path);
    close(fd);
    return OK;
}

static enum err build(const char *path, struct err_note *note)
{
    struct db *d;
    char sql[64];
    enum err e = db_open(path, &d, note);

    if (e)
        return e;
    snprintf(sql, sizeof sql, "PRAGMA page_size=%d;", DB_PAGE_SIZE);
    db_exec(d, sql);
    db_exec(d, CREATE_SQL);
    apply(d, 0);
    plant_secret(d);
    stamp(d);
    db_exec(d, "COMMIT");
    /*
     * The last time that a rollback journal is written: one left behind under the
     * file's own name could not be undone by those who only read.
     */
    db_exec(d, "PRAGMA journal_mode=WAL");
    e = err_set(d->failed ? note : NULL, d->failed, "%s", d->note.text);
    db_close(d);
    return e;
}

/* What an earlier try left behind is our own: we hold the lock. */
static void remove_leftovers(const char *fresh)
{
    size_t size = strlen(fresh) + sizeof "-journal";
    char *name = mem_alloc(size);

    for (int i = 0; guard_suffix(i); i++) {
        snprintf(name, size, "%s%s", fresh, guard_suffix(i));
        unlink(name);
    }
    unlink(fresh);
    mem_free(name);
}

enum err schema_create(const char *path, struct err_note *note)
{
    size_t size = strlen(path) + sizeof "-new";
    char *fresh = mem_alloc(size);
    enum err e;

    snprintf(fresh, size, "%s-new", path);
    remove_leftovers(fresh);
    e = make_file(fresh, note);
    if (!e)
        e = build(fresh, note);
    if (!e && renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_NOREPLACE))
        e = err_set_errno(note, errno == EEXIST ? ERR_EXISTS : ERR_IO, errno,
                          "cannot create %s", path);
    if (e)
        remove_leftovers(fresh);
    else
        sync_directory_of(path);
    mem_free(fresh);
    return e;
}

static enum err keep_copy(struct db *d, int version, char **out_copy, struct err_note *note)
{
    size_t size = strlen(d->path) + 32;
    char *copy = mem_alloc(size);
    sqlite3_stmt *st;
    enum err e;

    snprintf(copy, size, "%s.schema%d", d->path, version);
    unlink(copy);
    e = make_file(copy, note);
    if (!e) {
        st = db_stmt(d, "VACUUM INTO ?1");
        db_text(d, st, 1, span_str(copy));
        /* SQLite attaches the copy, which db_open forbids for all else. */
        sqlite3_limit(d->handle, SQLITE_LIMIT_ATTACHED, 1);
        e = db_run(d, st);
        sqlite3_limit(d->handle, SQLITE_LIMIT_ATTACHED, 0);
        if (e) {
            unlink(copy);
            err_set(note, e,
                    "%s: no copy could be kept before the change of schema: %s",
                    d->path, d->note.text);
        }
    }
    if (e)
        mem_free(copy);
    else
        *out_copy = copy;
    return e;
}

static void key_hash(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
    const uint64_t *secret = sqlite3_user_data(ctx);
    const char *text = (const char *)sqlite3_value_text(argv[0]);

    (void)argc;
    if (!text)
        return;
    sqlite3_result_int64(
        ctx, (int64_t)seen_hash(*secret, span_make(text, (size_t)sqlite3_value_bytes(argv[0]))));
}

/* Files of schema 1 to 3 have hashes of another kind in url.key_hash. */
static void hash_anew(struct db *d)
{
    uint64_t secret =
        (uint64_t)db_value(d, "SELECT value FROM meta WHERE name = 'hash_secret'", 0);

    if (!d->failed && sqlite3_create_function(d->handle, "key_hash", 1, SQLITE_UTF8, &secret,
                                              key_hash, NULL, NULL))
        db_fail(d, ERR_NO_MEMORY, "cannot change the schema");
    db_exec(d, "UPDATE url SET key_hash = key_hash(coalesce(key, url));"
               "DELETE FROM url_by_hash;"
               "INSERT INTO url_by_hash SELECT key_hash, id FROM url ORDER BY key_hash, id;");
    sqlite3_create_function(d->handle, "key_hash", 1, SQLITE_UTF8, NULL, NULL, NULL, NULL);
}

enum err schema_migrate(struct db *d, char **out_copy, struct err_note *note)
{
    int version = (int)db_value(d, "PRAGMA user_version", 0);
    enum err e;

    if (!d->failed && version == DB_SCHEMA_VERSION)
        return OK;
    e = d->failed ? err_set(note, d->failed, "%s", d->note.text)
                  : keep_copy(d, version, out_copy, note);
    if (e)
        return e;
    db_exec(d, "BEGIN EXCLUSIVE");
    apply(d, version);
    if (version < SEEN_HASH_SINCE)
        hash_anew(d);
    stamp(d);
    db_exec(d, "COMMIT");
    return err_set(d->failed ? note : NULL, d->failed, "%s", d->note.text);
}
