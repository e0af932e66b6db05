/* SPDX-License-Identifier: MIT */
#include "store/db.h"

#include <errno.h>
#include <string.h>

#include <sys/statvfs.h>

#include "config/mem.h"
#include "store/gather.h"
#include "store/guard.h"

static const char OPEN_SQL[] =
    "PRAGMA trusted_schema=OFF;"
    /* Debian's default overwrites what is freed: nothing here is secret. */
    "PRAGMA secure_delete=OFF;"
    "PRAGMA foreign_keys=OFF;"
    /*
     * What is sorted at the ends of a run may be more than memory holds, and what SQLite calls a file in
     * memory is a list of pieces of 1 KiB that it walks for every read. Little things get no file. Inside a
     * transaction the setting could not change.
     */
    "PRAGMA temp_store=FILE;"
    "PRAGMA cache_size=-16384;";

/* --- errors -------------------------------------------------------------------- */

/*
 * SQLite does not always say which errno it met; then errno itself still has it
 * (cleared before each call).
 */
static enum err io_error(sqlite3 *handle, int extended, const char *path,
                         struct err_note *note)
{
    int cause =
        handle && sqlite3_system_errno(handle) ? sqlite3_system_errno(handle) : errno;

    if (cause == ENOSPC || cause == EDQUOT || cause == EFBIG)
        return err_set_errno(note, ERR_FULL, cause, "%s: cannot write", path);
    if (cause)
        return err_set_errno(note, ERR_IO, cause, "%s: input/output error", path);
    return err_set(note, ERR_IO, "%s: input/output error (SQLite code %d)", path,
                   extended);
}

/* A file that cannot be made SQLite tries to open read-only: what it met at first is not told then. */
static enum err open_error(sqlite3 *handle, const char *path, struct err_note *note)
{
    int cause = handle ? sqlite3_system_errno(handle) : 0;
    struct statvfs fs;

    if (cause != ENOENT || statvfs(path, &fs))
        return err_set_errno(note, ERR_IO, cause, "%s: cannot open", path);
    if (fs.f_files && !fs.f_favail)
        return err_set_errno(note, ERR_FULL, ENOSPC, "%s: its disk takes no more files (inodes)", path);
    return err_set(note, ERR_IO, "%s: cannot make a file beside it", path);
}

enum err db_explain(sqlite3 *handle, int rc, const char *path, struct err_note *note)
{
    int extended = handle ? sqlite3_extended_errcode(handle) : rc;

    switch (rc & 0xff) {
    case SQLITE_FULL: return err_set(note, ERR_FULL, "%s: the disk is full", path);
    case SQLITE_IOERR: return io_error(handle, extended, path, note);
    case SQLITE_CORRUPT:
        return err_set(
            note, ERR_CORRUPT,
            "%s is damaged (%s); keep a copy, then `crawl --fresh` or sqlite3's"
            " .recover",
            path, handle ? sqlite3_errmsg(handle) : "malformed");
    case SQLITE_NOTADB:
        return err_set(note, ERR_CORRUPT, "%s is not an SQLite database, or is damaged",
                       path);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return err_set(note, ERR_LOCKED,
                       "%s: another program kept it locked for more than %d s", path,
                       DB_BUSY_TIMEOUT_MS / 1000);
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return err_set(note, ERR_IO, "%s: cannot be written (read-only)", path);
    case SQLITE_CANTOPEN:
        return open_error(handle, path, note);
    case SQLITE_NOMEM: return err_set(note, ERR_NO_MEMORY, "%s: out of memory", path);
    case SQLITE_TOOBIG:
        return err_set(note, ERR_TOO_LARGE, "%s: a value is too large to be stored",
                       path);
    default:
        return err_set(note, ERR_IO, "%s: %s (SQLite code %d)", path,
                       handle ? sqlite3_errmsg(handle) : sqlite3_errstr(rc), extended);
    }
}

static enum err db_failed(struct db *d, int rc)
{
    if (!d->failed)
        d->failed = db_explain(d->handle, rc, d->path, &d->note);
    return d->failed;
}

enum err db_fail(struct db *d, enum err e, const char *what)
{
    if (!d->failed)
        d->failed = err_set(&d->note, e, "%s: %s", d->path, what);
    return d->failed;
}

/* --- opening --------------------------------------------------------------------- */

static void configure(struct db *d)
{
    gather_watch(d->handle);
    sqlite3_extended_result_codes(d->handle, 1);
    sqlite3_busy_timeout(d->handle, DB_BUSY_TIMEOUT_MS);
    /*
     * Not defensive: that would keep us from FTS5's own tables (shadow.h), as it keeps SQL of strangers, of which the
     * writer runs none.
     */
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    /*
     * The log is copied back by checkpoints of ours, or not at all: a refused file
     * stays as it is.
     */
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_limit(d->handle, SQLITE_LIMIT_ATTACHED, 0);
    db_exec(d, OPEN_SQL);
}

enum err db_open(const char *path, struct db **out, struct err_note *note)
{
    struct db *d = mem_alloc(sizeof *d);
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW;
    char *name = guard_follow_directory(path);
    enum err e;
    int rc;

    d->path = mem_str_copy(span_str(path));
    rc = sqlite3_open_v2(name, &d->handle, flags, gather_vfs());
    mem_free(name);
    if (rc)
        db_failed(d, rc);
    else
        configure(d);
    d->page_bytes = db_value(d, "PRAGMA page_size", DB_PAGE_SIZE);
    if (!d->failed) {
        *out = d;
        return OK;
    }
    e = err_set(note, d->failed, "%s", d->note.text);
    db_close(d);
    return e;
}

void db_close(struct db *d)
{
    if (!d)
        return;
    db_rollback(d);
    for (size_t i = 0; i < DB_STMT_SLOTS; i++)
        sqlite3_finalize(d->slots[i].stmt);
    sqlite3_close(d->handle);
    mem_free(d->path);
    mem_free(d);
}

/* --- statements ------------------------------------------------------------------- */

static struct db_stmt_slot *slot_of(struct db *d, const char *sql)
{
    size_t i = ((uintptr_t)sql * UINT64_C(0x9E3779B97F4A7C15)) >> 56;

    while (d->slots[i].sql && d->slots[i].sql != sql)
        i = (i + 1) & (DB_STMT_SLOTS - 1);
    return &d->slots[i];
}

sqlite3_stmt *db_stmt(struct db *d, const char *sql)
{
    struct db_stmt_slot *slot;
    int rc;

    if (d->failed)
        return NULL;
    slot = slot_of(d, sql);
    if (slot->sql)
        return slot->stmt;
    rc = sqlite3_prepare_v3(d->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, &slot->stmt,
                            NULL);
    if (rc) {
        db_failed(d, rc);
        return NULL;
    }
    slot->sql = sql;
    return slot->stmt;
}

static void bound(struct db *d, int rc)
{
    if (rc && !d->failed)
        db_failed(d, rc);
}

void db_int(struct db *d, sqlite3_stmt *st, int i, int64_t value)
{
    if (st)
        bound(d, sqlite3_bind_int64(st, i, value));
}

void db_int_or_null(struct db *d, sqlite3_stmt *st, int i, int64_t value)
{
    if (value >= 0)
        db_int(d, st, i, value);
    else if (st)
        bound(d, sqlite3_bind_null(st, i));
}

void db_id(struct db *d, sqlite3_stmt *st, int i, int64_t value)
{
    if (value)
        db_int(d, st, i, value);
    else if (st)
        bound(d, sqlite3_bind_null(st, i));
}

void db_real(struct db *d, sqlite3_stmt *st, int i, double value)
{
    if (st)
        bound(d, sqlite3_bind_double(st, i, value));
}

void db_text(struct db *d, sqlite3_stmt *st, int i, struct span value)
{
    if (!st)
        return;
    if (value.len)
        bound(d, sqlite3_bind_text64(st, i, value.ptr, value.len, SQLITE_STATIC,
                                     SQLITE_UTF8));
    else
        bound(d, sqlite3_bind_null(st, i));
}

/* The length of the valid UTF-8 sequence at the start of s, or 0. */
static size_t utf8_step(struct span s)
{
    unsigned char c = (unsigned char)s.ptr[0];
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

    if (c == 0 || n > s.len || !span_is_utf8(span_make(s.ptr, n)))
        return 0;
    return n;
}

static void bind_repaired(struct db *d, sqlite3_stmt *st, int i, struct span s)
{
    char *copy = mem_try_alloc(s.len * 3 + 1);
    size_t len = 0;

    if (!copy) {
        db_fail(d, ERR_NO_MEMORY, "out of memory");
        return;
    }
    while (s.len) {
        size_t n = utf8_step(s);

        if (n)
            memcpy(copy + len, s.ptr, n);
        else
            memcpy(copy + len, "\xef\xbf\xbd", 3);
        len += n ? n : 3;
        s = span_skip(s, n ? n : 1);
    }
    bound(d, sqlite3_bind_text64(st, i, copy, len, SQLITE_TRANSIENT, SQLITE_UTF8));
    mem_free(copy);
}

void db_wild_text(struct db *d, sqlite3_stmt *st, int i, struct span value, size_t max)
{
    if (value.len > max)
        value = span_is_utf8(value) ? span_clip_utf8(value, max)
                                    : span_make(value.ptr, max);
    if (!st)
        return;
    if (value.len && (memchr(value.ptr, 0, value.len) || !span_is_utf8(value)))
        bind_repaired(d, st, i, value);
    else
        db_text(d, st, i, value);
}

void db_blob(struct db *d, sqlite3_stmt *st, int i, struct span value)
{
    if (!st)
        return;
    if (value.len)
        bound(d, sqlite3_bind_blob64(st, i, value.ptr, value.len, SQLITE_STATIC));
    else
        bound(d, sqlite3_bind_null(st, i));
}

enum err db_run(struct db *d, sqlite3_stmt *st)
{
    int rc;

    if (!d->failed) {
        errno = 0;
        rc = sqlite3_step(st);
        BUG_IF(rc == SQLITE_ROW);
        if (rc != SQLITE_DONE)
            db_failed(d, rc);
    }
    sqlite3_reset(st);
    return d->failed;
}

bool db_next(struct db *d, sqlite3_stmt *st)
{
    int rc;

    if (d->failed) {
        sqlite3_reset(st);
        return false;
    }
    errno = 0;
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        return true;
    if (rc != SQLITE_DONE)
        db_failed(d, rc);
    sqlite3_reset(st);
    return false;
}

void db_done(sqlite3_stmt *st)
{
    sqlite3_reset(st);
}

int64_t db_number(struct db *d, sqlite3_stmt *st, int i, struct db_range range, const char *table, int64_t id)
{
    int type = sqlite3_column_type(st, i);
    int64_t v = sqlite3_column_int64(st, i);

    if ((type == SQLITE_INTEGER || type == SQLITE_NULL) && v >= range.least && v <= range.most)
        return v;
    if (!d->failed)
        d->failed = err_set(&d->note, ERR_CORRUPT, "%s is damaged: row %lld of %s has a value of %s that none can have",
                            d->path, (long long)id, table, sqlite3_column_name(st, i));
    return MAX(MIN(INT64_C(0), range.most), range.least);
}

int db_version(sqlite3 *handle, int *out)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(handle, "PRAGMA user_version", -1, &st, NULL);

    if (!rc && sqlite3_step(st) == SQLITE_ROW)
        *out = sqlite3_column_int(st, 0);
    return rc ? rc : sqlite3_finalize(st);
}

struct span db_column(sqlite3_stmt *st, int i)
{
    const char *text = (const char *)sqlite3_column_text(st, i);

    return text ? span_make(text, (size_t)sqlite3_column_bytes(st, i)) : SPAN_NONE;
}

enum err db_exec(struct db *d, const char *sql)
{
    int rc;

    if (d->failed)
        return d->failed;
    errno = 0;
    rc = sqlite3_exec(d->handle, sql, NULL, NULL, NULL);
    return rc ? db_failed(d, rc) : OK;
}

int64_t db_value(struct db *d, const char *sql, int64_t fallback)
{
    sqlite3_stmt *st = NULL;
    int64_t value = fallback;
    int rc;

    if (d->failed)
        return fallback;
    rc = sqlite3_prepare_v2(d->handle, sql, -1, &st, NULL);
    if (!rc)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW && sqlite3_column_type(st, 0) != SQLITE_NULL)
        value = sqlite3_column_int64(st, 0);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        db_failed(d, rc);
    sqlite3_finalize(st);
    return value;
}

/* --- transactions ----------------------------------------------------------------- */

enum err db_begin(struct db *d)
{
    if (d->in_transaction || d->failed)
        return d->failed;
    if (!db_exec(d, "BEGIN IMMEDIATE"))
        d->in_transaction = true;
    return d->failed;
}

enum err db_commit(struct db *d)
{
    if (!d->failed && d->in_transaction && !db_exec(d, "COMMIT"))
        d->in_transaction = false;
    if (d->failed)
        db_rollback(d);
    return d->failed;
}

void db_rollback(struct db *d)
{
    if (d->handle && !sqlite3_get_autocommit(d->handle))
        sqlite3_exec(d->handle, "ROLLBACK", NULL, NULL, NULL);
    d->in_transaction = false;
}
