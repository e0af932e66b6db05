/* SPDX-License-Identifier: MIT */
#include "store/gather.h"

#include <pthread.h>
#include <string.h>

#include "config/mem.h"

#define ROOM               ((size_t)128 * KIB)
#define FRAME_HEADER       24
#define AT_TRANSACTION_END 4 /* not 0 in the header of a transaction's last frame */

/* The real file lies right behind. */
struct log_file {
    sqlite3_file base; /* first: SQLite knows only this part */
    char *held;        /* NULL: no memory, or nothing was written yet */
    size_t n_held;
    sqlite3_int64 offset; /* where held belongs */
    int is_ending;        /* the frame being written ends a transaction */
};

static sqlite3_vfs *inner;
static sqlite3_vfs outer;
static int is_registered;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static struct log_file *log_of(sqlite3_file *file)
{
    return CONTAINER_OF(file, struct log_file, base);
}

static sqlite3_file *real_of(sqlite3_file *file)
{
    return (sqlite3_file *)(log_of(file) + 1);
}

/* Writes out what is held; after an error it still is, for whoever tries again. */
static int flush(sqlite3_file *file)
{
    struct log_file *log = log_of(file);
    sqlite3_file *real = real_of(file);
    int rc = SQLITE_OK;

    if (log->n_held)
        rc = real->pMethods->xWrite(real, log->held, (int)log->n_held, log->offset);
    if (!rc)
        log->n_held = 0;
    return rc;
}

/* What is held then belongs to a transaction that never ended. */
static int on_close(sqlite3_file *file)
{
    sqlite3_file *real = real_of(file);

    mem_free(log_of(file)->held);
    return real->pMethods->xClose(real);
}

/*
 * That the disk is full undoes a whole transaction only where a write says so: after a read SQLite
 * would go on without what could not be written.
 */
static int on_read(sqlite3_file *file, void *out, int n, sqlite3_int64 offset)
{
    const struct log_file *log = log_of(file);
    sqlite3_file *real = real_of(file);
    int rc = SQLITE_OK;

    if (offset < log->offset + (sqlite3_int64)log->n_held && offset + n > log->offset)
        rc = flush(file);
    if (rc)
        return rc == SQLITE_FULL ? SQLITE_IOERR_WRITE : rc;
    return real->pMethods->xRead(real, out, n, offset);
}

static int hold(struct log_file *log, const char *bytes, size_t n, sqlite3_int64 offset)
{
    if (!log->n_held)
        log->offset = offset;
    memcpy(log->held + log->n_held, bytes, n);
    log->n_held += n;
    return SQLITE_OK;
}

static int on_write(sqlite3_file *file, const void *bytes, int n, sqlite3_int64 offset)
{
    struct log_file *log = log_of(file);
    sqlite3_file *real = real_of(file);
    bool follows;
    int rc = SQLITE_OK;

    if (n == FRAME_HEADER)
        log->is_ending =
            memcmp((const char *)bytes + AT_TRANSACTION_END, "\0\0\0\0", 4) != 0;
    if (!log->held)
        log->held = mem_try_alloc(ROOM);
    follows = offset == log->offset + (sqlite3_int64)log->n_held;
    if (log->n_held && (!follows || (size_t)n > ROOM - log->n_held))
        rc = flush(file);
    if (rc)
        return rc;
    if (log->held && (size_t)n <= ROOM) {
        hold(log, bytes, (size_t)n, offset);
        return log->is_ending ? flush(file) : SQLITE_OK;
    }
    return real->pMethods->xWrite(real, bytes, n, offset);
}

static int on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    sqlite3_file *real = real_of(file);
    int rc = flush(file);

    return rc ? rc : real->pMethods->xTruncate(real, size);
}

static int on_sync(sqlite3_file *file, int flags)
{
    sqlite3_file *real = real_of(file);
    int rc = flush(file);

    return rc ? rc : real->pMethods->xSync(real, flags);
}

static int on_file_size(sqlite3_file *file, sqlite3_int64 *out)
{
    sqlite3_file *real = real_of(file);
    int rc = flush(file);

    return rc ? rc : real->pMethods->xFileSize(real, out);
}

static int on_lock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xLock(real_of(file), level);
}

static int on_unlock(sqlite3_file *file, int level)
{
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int on_check_reserved_lock(sqlite3_file *file, int *out)
{
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), out);
}

static int on_file_control(sqlite3_file *file, int op, void *arg)
{
    return real_of(file)->pMethods->xFileControl(real_of(file), op, arg);
}

static int on_sector_size(sqlite3_file *file)
{
    return real_of(file)->pMethods->xSectorSize(real_of(file));
}

static int on_device_characteristics(sqlite3_file *file)
{
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static const sqlite3_io_methods methods = {
    .iVersion = 1, /* the others are for database files */
    .xClose = on_close,
    .xRead = on_read,
    .xWrite = on_write,
    .xTruncate = on_truncate,
    .xSync = on_sync,
    .xFileSize = on_file_size,
    .xLock = on_lock,
    .xUnlock = on_unlock,
    .xCheckReservedLock = on_check_reserved_lock,
    .xFileControl = on_file_control,
    .xSectorSize = on_sector_size,
    .xDeviceCharacteristics = on_device_characteristics,
};

static int on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                   int *out_flags)
{
    int rc;

    (void)vfs;
    if (!(flags & SQLITE_OPEN_WAL))
        return inner->xOpen(inner, name, file, flags, out_flags);
    memset(file, 0, sizeof(struct log_file));
    rc = inner->xOpen(inner, name, real_of(file), flags, out_flags);
    if (!rc)
        file->pMethods = &methods;
    return rc;
}

/*
 * A copy of the default VFS: its functions find what is theirs in the copy as well.
 */
static void register_it(void)
{
    inner = sqlite3_vfs_find(NULL);
    if (!inner)
        return;
    outer = *inner;
    outer.zName = "crawl";
    outer.pNext = NULL;
    outer.szOsFile += (int)sizeof(struct log_file);
    outer.xOpen = on_open;
    is_registered = sqlite3_vfs_register(&outer, 0) == SQLITE_OK;
}

const char *gather_vfs(void)
{
    (void)pthread_once(&once, register_it);
    return is_registered ? outer.zName : NULL;
}

/* The write lock is gone by now, and the place in the log may be another's. */
static void forget(void *arg)
{
    sqlite3_file *log = NULL;

    if (!sqlite3_file_control(arg, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) && log &&
        log->pMethods == &methods)
        log_of(log)->n_held = 0;
}

void gather_watch(sqlite3 *handle)
{
    sqlite3_rollback_hook(handle, forget, handle);
}
