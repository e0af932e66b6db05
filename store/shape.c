/* SPDX-License-Identifier: MIT */
#include "store/shape.h"

#include <string.h>

#include "store/queue.h"
#include "store/schema.h"

/* --- declarations ----------------------------------------------------------------- */

static bool is_word(char c)
{
    char lower = span_ascii_lower(c);

    return (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

static struct span skip_blanks(struct span s)
{
    for (;;) {
        if (s.len && span_is_space(s.ptr[0])) {
            s = span_skip(s, 1);
        } else if (span_starts(s, SPAN("--"))) {
            s = span_skip(s, span_find(s, '\n'));
        } else if (span_starts(s, SPAN("/*"))) {
            s = span_skip(s, 2);
            s = span_skip(s, span_find_span(s, SPAN("*/")) + 2);
        } else {
            return s;
        }
    }
}

/* Bytes up to the quote that ends what the first byte begins; a quote that is doubled is one of its bytes. */
static size_t quoted_len(struct span s, char end)
{
    size_t n = 1;

    while (n < s.len && (s.ptr[n] != end || (end != ']' && n + 1 < s.len && s.ptr[n + 1] == end)))
        n += s.ptr[n] == end ? 2 : 1;
    return MIN(n, s.len);
}

struct token {
    struct span text; /* without quotes */
    bool is_quoted;
};

/* False at the end. */
static bool next_token(struct span *rest, struct token *out)
{
    struct span s = skip_blanks(*rest);
    size_t n = 0;

    if (!s.len)
        return false;
    out->is_quoted = memchr("\"'`[", s.ptr[0], 4) != NULL;
    if (out->is_quoted) {
        n = quoted_len(s, s.ptr[0] == '[' ? ']' : s.ptr[0]);
        out->text = span_slice(s, 1, n);
        *rest = span_skip(s, n + 1);
        return true;
    }
    while (n < s.len && is_word(s.ptr[n]))
        n++;
    n = MAX(n, (size_t)1);
    out->text = span_slice(s, 0, n);
    *rest = span_skip(s, n);
    return true;
}

bool shape_is_same(struct span a, struct span b)
{
    struct token x, y;

    while (next_token(&a, &x)) {
        if (!next_token(&b, &y))
            return false;
        if (!(x.is_quoted || y.is_quoted ? span_eq(x.text, y.text) : span_eq_nocase(x.text, y.text)))
            return false;
    }
    return !next_token(&b, &y);
}

/* --- a file's --------------------------------------------------------------------- */

static void refuse(struct db *d, struct span name, const char *why)
{
    name = span_clip_utf8(name, 100);
    if (!d->failed)
        d->failed = err_set(&d->note, ERR_REFUSED, "%s: %.*s %s", d->path, SPAN_ARG(name), why);
}

/*
 * Names that would hide what we mean from our own statements: tables that are in every schema without being in a file.
 * page_text_new is a table that we drop.
 */
static void check_names(struct db *d)
{
    static const char SQL[] = "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND"
                              " (lower(name) = 'page_links' OR lower(name) GLOB 'pragma_*'"
                              " OR (lower(name) = 'page_text_new' AND type = 'view'))";
    sqlite3_stmt *st = db_stmt(d, SQL);

    if (!db_next(d, st))
        return;
    refuse(d, db_column(st, 0), "is a name that this program needs for itself; give the table or view another");
    db_done(st);
}

/* A row of the model's schema: name and declaration. */
static void check_declared(struct db *d, struct span name, struct span wanted)
{
    sqlite3_stmt *st = db_stmt(d, "SELECT sql FROM sqlite_schema WHERE name = ?1");
    bool is_same = span_eq(name, SPAN(QUEUE_PLAIN)); /* made when it is needed first */

    db_text(d, st, 1, name);
    if (db_next(d, st)) {
        is_same = shape_is_same(db_column(st, 0), wanted);
        db_done(st);
    }
    if (!is_same)
        refuse(d, name, "is not as this program makes it; give another file, or begin anew with --fresh");
}

static bool is_in(sqlite3 *model, struct span name)
{
    sqlite3_stmt *st;
    bool found;

    if (sqlite3_prepare_v2(model, "SELECT 1 FROM sqlite_schema WHERE type = 'index' AND name = ?1", -1, &st, NULL))
        return false;
    found = !sqlite3_bind_text(st, 1, name.ptr, (int)name.len, SQLITE_STATIC) && sqlite3_step(st) == SQLITE_ROW;
    sqlite3_finalize(st);
    return found;
}

/* Indexes of others that can say no to a row, or compute something for it. */
static void check_indexes(struct db *d, sqlite3 *model, struct span table)
{
    static const char SQL[] = "SELECT i.name FROM pragma_index_list(?1) i WHERE i.origin = 'c' AND (i.\"unique\" OR"
                              " i.partial OR EXISTS (SELECT 1 FROM pragma_index_xinfo(i.name) x WHERE x.cid = -2))";
    sqlite3_stmt *st = db_stmt(d, SQL);

    db_text(d, st, 1, table);
    while (db_next(d, st))
        if (!is_in(model, db_column(st, 0)))
            refuse(d, db_column(st, 0), "is a unique, partial or computed index that is not this program's; drop it");
}

/* --- the model -------------------------------------------------------------------- */

static struct span column(sqlite3_stmt *st, int i)
{
    const char *text = (const char *)sqlite3_column_text(st, i);

    return text ? span_make(text, (size_t)sqlite3_column_bytes(st, i)) : SPAN_NONE;
}

static int compare(struct db *d, sqlite3 *model)
{
    static const char SQL[] = "SELECT type = 'table', name, sql FROM sqlite_schema"
                              " WHERE type IN ('table', 'index') AND sql IS NOT NULL";
    sqlite3_stmt *st;
    int rc = sqlite3_prepare_v2(model, SQL, -1, &st, NULL);

    if (rc)
        return rc;
    while ((rc = sqlite3_step(st)) == SQLITE_ROW && !d->failed) {
        check_declared(d, column(st, 1), column(st, 2));
        if (sqlite3_column_int(st, 0))
            check_indexes(d, model, column(st, 1));
    }
    sqlite3_finalize(st);
    return rc == SQLITE_DONE || rc == SQLITE_ROW ? SQLITE_OK : rc;
}

enum err shape_check(struct db *d, int version)
{
    sqlite3 *model = NULL;
    int rc = sqlite3_open(":memory:", &model);

    check_names(d);
    for (int n = 1; !rc && n <= version; n++)
        rc = sqlite3_exec(model, schema_sql(n), NULL, NULL, NULL);
    if (!rc)
        rc = sqlite3_exec(model, QUEUE_PLAIN_SQL, NULL, NULL, NULL);
    if (!rc && !d->failed)
        rc = compare(d, model);
    if (rc)
        db_fail(d, ERR_NO_MEMORY, "what the file should have could not be made in memory");
    sqlite3_close(model);
    return d->failed;
}
