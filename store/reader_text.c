/* SPDX-License-Identifier: MIT */
/*
 * FTS5 looks its own pages through ('integrity-check') by an INSERT, and a reader may not write. So its tables are
 * copied into a nameless temporary file, where it may. What they say about words is blobs to PRAGMA integrity_check.
 */
#include <sqlite3.h>

#include "store/db.h"
#include "store/reader.h"

/* As store/migrations/0001_base.sql declares it; and empty, without what a new one begins with. */
static const char OPEN_SQL[] = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;"
                               "CREATE VIRTUAL TABLE page_text USING fts5(title, description, text, content='',"
                               " tokenize=\"unicode61 categories 'L* N* Co Mn Mc'\"); BEGIN;"
                               "DELETE FROM page_text_data; DELETE FROM page_text_config;",
                  CHECK_SQL[] = "COMMIT; INSERT INTO page_text (page_text) VALUES ('integrity-check');",
                  SIZE_SQL[] = "SELECT coalesce((SELECT sum(length(block)) FROM page_text_data), 0)"
                               " + coalesce((SELECT sum(length(term)) FROM page_text_idx), 0)"
                               " + (SELECT count(*) FROM page_text_docsize) * 16";

static const struct {
    const char *from, *into;
} copies[] = {
    { "SELECT id, block FROM page_text_data", "INSERT INTO page_text_data (id, block) VALUES (?1, ?2)" },
    { "SELECT segid, term, pgno FROM page_text_idx",
      "INSERT INTO page_text_idx (segid, term, pgno) VALUES (?1, ?2, ?3)" },
    { "SELECT id, sz FROM page_text_docsize", "INSERT INTO page_text_docsize (id, sz) VALUES (?1, ?2)" },
    { "SELECT k, v FROM page_text_config", "INSERT INTO page_text_config (k, v) VALUES (?1, ?2)" },
};

/* A table on its way into the copy. */
struct copying {
    sqlite3_stmt *into;
    int rc; /* why a row did not go in */
};

static int bind(sqlite3_stmt *st, int at, const struct reader_value *v)
{
    switch (v->type) {
    case READER_INTEGER: return sqlite3_bind_int64(st, at, v->integer);
    case READER_REAL: return sqlite3_bind_double(st, at, v->real);
    case READER_TEXT: return sqlite3_bind_text64(st, at, v->text.ptr, v->text.len, SQLITE_STATIC, SQLITE_UTF8);
    case READER_BLOB: /* an empty one has no pointer, which would make it NULL */
        return sqlite3_bind_blob64(st, at, v->text.len ? v->text.ptr : "", v->text.len, SQLITE_STATIC);
    default: return sqlite3_bind_null(st, at);
    }
}

static enum err on_copied(void *arg, const struct span *columns, const struct reader_value *values, size_t n)
{
    struct copying *c = arg;

    (void)columns;
    for (size_t i = 0; values && !c->rc && i < n; i++)
        c->rc = bind(c->into, (int)i + 1, &values[i]);
    if (values && !c->rc && sqlite3_step(c->into) != SQLITE_DONE)
        c->rc = sqlite3_errcode(sqlite3_db_handle(c->into));
    sqlite3_reset(c->into);
    return c->rc ? ERR_IO : OK;
}

static enum err on_size(void *arg, const struct span *columns, const struct reader_value *values, size_t n)
{
    int64_t *bytes = arg;

    (void)columns;
    (void)n;
    if (values)
        *bytes = values[0].integer;
    return OK;
}

/* The copy's rc: what is wrong with the index, or with the place where the copy lies. */
static enum err judge(sqlite3 *copy, int rc, struct reader_text *out, struct err_note *note)
{
    switch (rc & 0xff) {
    case SQLITE_OK: return OK;
    case SQLITE_NOMEM: return err_set(note, ERR_NO_MEMORY, "%s", err_text(ERR_NO_MEMORY));
    case SQLITE_FULL:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
        return err_set(note, ERR_IO, "a copy for the check in a temporary file (TMPDIR): %s", sqlite3_errmsg(copy));
    default:
        out->is_wrong = true;
        snprintf(out->problem, sizeof out->problem, "%s", sqlite3_errmsg(copy));
        return OK;
    }
}

static enum err copy_tables(struct reader *r, sqlite3 *copy, struct reader_text *out, struct err_note *note)
{
    enum err e = OK;

    for (size_t i = 0; !e && !out->is_wrong && i < ARRAY_LEN(copies); i++) {
        struct copying c = { .rc = sqlite3_prepare_v2(copy, copies[i].into, -1, &c.into, NULL) };

        if (!c.rc)
            e = reader_query(r, span_str(copies[i].from), NULL, 0, on_copied, &c, note);
        if (c.rc)
            e = judge(copy, c.rc, out, note);
        sqlite3_finalize(c.into);
    }
    return e;
}

enum err reader_check_text(struct reader *r, int64_t max_bytes, struct reader_text *out, struct err_note *note)
{
    sqlite3 *copy = NULL;
    enum err e = reader_hold(r, (int64_t)16 * MIB, note);

    *out = (struct reader_text){ .bytes = 0 };
    if (!e)
        e = reader_query(r, span_str(SIZE_SQL), NULL, 0, on_size, &out->bytes, note);
    out->is_left_out = !e && max_bytes >= 0 && out->bytes > max_bytes;
    if (e || out->is_left_out)
        return e;
    e = judge(copy, sqlite3_open("", &copy), out, note);
    if (!e)
        e = judge(copy, sqlite3_exec(copy, OPEN_SQL, NULL, NULL, NULL), out, note);
    if (!e && !out->is_wrong)
        e = copy_tables(r, copy, out, note);
    if (!e && !out->is_wrong)
        e = judge(copy, sqlite3_exec(copy, CHECK_SQL, NULL, NULL, NULL), out, note);
    sqlite3_close(copy);
    return e;
}
