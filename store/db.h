/* SPDX-License-Identifier: MIT */
/*
 * One SQLite connection: pragmas, a cache of prepared statements, bound
 * values, transactions, and what an SQLite error means to people. Used by one
 * thread at a time.
 *
 * Invariants
 * 1. The first error sticks: every later call does nothing and returns it, so
 *    a caller may look once at the end of a chain of calls. A transaction that
 *    met an error is never committed.
 * 2. SQL texts are literals; every value is bound.
 * 3. Text that goes in is valid UTF-8 without NUL.
 */
#pragma once

#include <sqlite3.h>

#include "config/arena.h"
#include "config/err.h"
#include "config/span.h"

/* "CRWL": PRAGMA application_id of our files. */
#define DB_APPLICATION_ID 0x4352574c
/* PRAGMA user_version of the newest schema that this program knows. */
#define DB_SCHEMA_VERSION 10

/* Of new files. Rows of a page's size on average would waste half of smaller ones. */
#define DB_PAGE_SIZE       4096
#define DB_BUSY_TIMEOUT_MS 30000

struct db_stmt_slot {
    const char *sql; /* the literal's address is the key */
    sqlite3_stmt *stmt;
};

#define DB_STMT_SLOTS 256 /* a power of two, more than twice the number of statements */

struct db {
    sqlite3 *handle;
    char *path;
    int64_t page_bytes; /* of this file */
    enum err failed;    /* sticks */
    struct err_note note;
    bool in_transaction;
    struct db_stmt_slot slots[DB_STMT_SLOTS];
};

/*
 * Opens an existing file for writing; sets the pragmas that hold for every
 * writer. The caller has checked the file (guard.h). ERR_IO, ERR_CORRUPT,
 * ERR_LOCKED.
 */
enum err db_open(const char *path, struct db **out, struct err_note *note) MUST_USE;

/* Finalises everything and closes. NULL is fine. */
void db_close(struct db *d);

/*
 * A prepared statement, reset, that stays d's; bind every parameter anew. sql
 * must be a literal. NULL after an error; the calls below accept that.
 */
sqlite3_stmt *db_stmt(struct db *d, const char *sql);

/* Bind parameter i (from 1). */
void db_int(struct db *d, sqlite3_stmt *st, int i, int64_t value);
/* NULL when value is below 0. */
void db_int_or_null(struct db *d, sqlite3_stmt *st, int i, int64_t value);
/* NULL when value is 0: for ids and moments. */
void db_id(struct db *d, sqlite3_stmt *st, int i, int64_t value);
/* A floating-point number. */
void db_real(struct db *d, sqlite3_stmt *st, int i, double value);
/*
 * NULL when empty. The bytes must stay until the statement ran. Trusted to be UTF-8
 * without NUL.
 */
void db_text(struct db *d, sqlite3_stmt *st, int i, struct span value);
/*
 * As db_text, cut to max bytes and repaired (U+FFFD for what is not UTF-8, and for
 * NUL): for outside text.
 */
void db_wild_text(struct db *d, sqlite3_stmt *st, int i, struct span value, size_t max);
/* NULL when empty. */
void db_blob(struct db *d, sqlite3_stmt *st, int i, struct span value);

/* Runs a statement that gives no rows, and resets it. */
enum err db_run(struct db *d, sqlite3_stmt *st);

/* The next row; false at the end (and after an error), when the statement is reset. */
bool db_next(struct db *d, sqlite3_stmt *st);

/* Resets a statement of which not all rows were read. */
void db_done(sqlite3_stmt *st);

/*
 * Column i as a number of this range; NULL is 0. Where it is none a stranger may have written the file, or a disk: an
 * error that names row id of the table and the column, and the number of the range that is next to 0.
 */
struct db_range {
    int64_t least, most;
};
int64_t db_number(struct db *d, sqlite3_stmt *st, int i, struct db_range range, const char *table, int64_t id);

/* Ranges: of what is counted, and of moments and times in ms; of an int that may become one more. */
#define DB_COUNT ((struct db_range){ 0, INT64_C(1) << 53 })
#define DB_SMALL ((struct db_range){ 0, INT32_MAX / 2 })

/* The schema of a file that is open somewhere: PRAGMA user_version. An error code of SQLite. */
int db_version(sqlite3 *handle, int *out);

/* Column i as text, borrowed until the next step; SPAN_NONE for NULL. */
struct span db_column(sqlite3_stmt *st, int i);

/* Runs one or more statements without parameters. */
enum err db_exec(struct db *d, const char *sql);

/*
 * The first column of the first row of a query without parameters; fallback if there is
 * none.
 */
int64_t db_value(struct db *d, const char *sql, int64_t fallback);

/* Begins a transaction, unless one is open. Takes the write lock at once. */
enum err db_begin(struct db *d);
/* Ends the transaction; after an error it is rolled back and the error returned. */
enum err db_commit(struct db *d);
/* Undoes the transaction, if one is open. Does not clear an error. */
void db_rollback(struct db *d);

/*
 * What rc means for people, written into note (which names the file): the error class.
 */
enum err db_explain(sqlite3 *handle, int rc, const char *path, struct err_note *note);

/* Records a failure that SQLite did not see, such as a full disk. */
enum err db_fail(struct db *d, enum err e, const char *what);
