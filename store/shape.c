/* SPDX-License-Identifier: MIT */
#include "store/shape.h"

#include <string.h>

#include "config/buf.h"
#include "config/mem.h"
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

/* --- for readers ------------------------------------------------------------------ */

/* What our texts declare under a name: the last statement that makes it, and the columns that were added to it. */
struct known {
    struct span name, sql;
    struct span added[2];
    size_t n_added;
    bool is_view;
};

#define MAX_KNOWN 128

struct catalogue {
    struct known items[MAX_KNOWN];
    size_t n;
};

/*
 * The statement up to its semicolon, without blanks and comments before it, of a text of ours, of which each reader
 * looks at some forty thousand bytes: not token by token. False behind the last one.
 */
static bool next_statement(struct span *rest, struct span *out)
{
    struct span s = skip_blanks(*rest);
    size_t n = 0;

    while (n < s.len && s.ptr[n] != ';')
        if (s.ptr[n] == '\'' || s.ptr[n] == '"')
            n += quoted_len(span_skip(s, n), s.ptr[n]) + 1;
        else if (s.ptr[n] == '-' && n + 1 < s.len && s.ptr[n + 1] == '-')
            n += span_find(span_skip(s, n), '\n');
        else
            n++;
    *out = span_slice(s, 0, MIN(n, s.len));
    *rest = span_skip(s, n + 1);
    return n < s.len;
}

static bool take_word(struct span *rest, const char *word)
{
    struct span before = *rest;
    struct token t;

    if (next_token(rest, &t) && !t.is_quoted && span_eq_nocase(t.text, span_str(word)))
        return true;
    *rest = before;
    return false;
}

enum kind {
    KIND_TABLE,
    KIND_VIEW,
    KIND_OTHER, /* an index or trigger */
    KIND_NONE,  /* nothing that SQLite itself would write into a schema */
};

/* What a statement makes, and its name. */
static enum kind kind_of(struct span sql, struct span *name)
{
    enum kind kind = KIND_NONE;
    bool is_first = take_word(&sql, "CREATE"), is_virtual = is_first && take_word(&sql, "VIRTUAL"),
         is_unique = is_first && !is_virtual && take_word(&sql, "UNIQUE");
    struct token t;

    if (!is_first)
        return KIND_NONE;
    if (!is_unique && take_word(&sql, "TABLE"))
        kind = KIND_TABLE;
    else if (!is_virtual && !is_unique && take_word(&sql, "VIEW"))
        kind = KIND_VIEW;
    else if (!is_virtual && (take_word(&sql, "INDEX") || (!is_unique && take_word(&sql, "TRIGGER"))))
        kind = KIND_OTHER;
    if (take_word(&sql, "IF") || !next_token(&sql, &t))
        return KIND_NONE;
    *name = t.text;
    return kind;
}

static struct known *find_known(struct catalogue *c, struct span name)
{
    for (size_t i = 0; i < c->n; i++)
        if (span_eq_nocase(c->items[i].name, name))
            return &c->items[i];
    return NULL;
}

static void learn(struct catalogue *c, struct span sql)
{
    struct span name = SPAN_NONE;
    enum kind kind = kind_of(sql, &name);
    struct known *k = find_known(c, name);
    struct token t;

    if (kind == KIND_TABLE || kind == KIND_VIEW) {
        BUG_IF(!k && c->n == MAX_KNOWN);
        k = k ? k : &c->items[c->n++];
        *k = (struct known){ .name = name, .sql = sql, .is_view = kind == KIND_VIEW };
    }
    if (!take_word(&sql, "ALTER") || !take_word(&sql, "TABLE") || !next_token(&sql, &t) || !take_word(&sql, "ADD") ||
        !take_word(&sql, "COLUMN"))
        return;
    k = find_known(c, t.text);
    BUG_IF(!k || k->n_added == ARRAY_LEN(k->added));
    k->added[k->n_added++] = span_trim(sql);
}

static void learn_all(struct catalogue *c, int version)
{
    for (int n = 1; n <= DB_SCHEMA_VERSION + 1; n++) {
        struct span text = n <= version || n > DB_SCHEMA_VERSION ? span_str(schema_sql(n)) : SPAN_NONE, sql;

        while (next_statement(&text, &sql))
            learn(c, sql);
    }
}

/* Takes added out, which SQLite has put behind the last column with a comma, as it was written. False: it is not in. */
static bool take_out(struct buf *sql, struct span added)
{
    struct span all = buf_span(sql);
    size_t at = span_find_span(all, added), end = at + added.len;

    if (at == all.len || at < 2 || !span_eq(span_slice(all, at - 2, at), SPAN(", ")))
        return false;
    memmove(sql->ptr + at - 2, sql->ptr + end, all.len - end);
    sql->len -= added.len + 2;
    return true;
}

static bool is_declared_as(const struct known *k, struct span sql)
{
    bool is_same = k->n_added > 0;
    struct buf rest;

    if (!is_same)
        return span_eq(sql, k->sql) || shape_is_same(sql, k->sql);
    buf_init(&rest, SIZE_MAX);
    is_same = buf_append(&rest, sql) == OK;
    for (size_t i = 0; is_same && i < k->n_added; i++)
        is_same = take_out(&rest, k->added[i]);
    is_same = is_same && shape_is_same(buf_span(&rest), k->sql);
    buf_clear(&rest);
    return is_same;
}

/* FTS5 makes its own tables: rows and nothing that is computed. */
static bool is_plain_table(struct span sql)
{
    bool is_plain = take_word(&sql, "CREATE") && take_word(&sql, "TABLE");
    struct token t;

    while (is_plain && next_token(&sql, &t))
        is_plain = t.is_quoted || !span_eq_nocase(t.text, SPAN("AS"));
    return is_plain;
}

/* Tables that our questions mean and that are in no file. */
static bool is_builtin(struct span name)
{
    return span_starts_nocase(name, SPAN("pragma_")) || span_eq_nocase(name, SPAN("json_each")) ||
           span_eq_nocase(name, SPAN("json_tree"));
}

static const char *what_is_wrong(struct catalogue *c, struct span sql, bool is_of_today, struct span *name,
                                 bool *has_old_views)
{
    enum kind kind = kind_of(sql, name);
    const struct known *k = find_known(c, *name);

    if (kind == KIND_NONE)
        return "is declared as SQLite declares nothing; it is damaged, or was made to mislead";
    if (kind == KIND_OTHER)
        return NULL;
    if (is_builtin(*name))
        return "is a name that this program needs for itself; give the table or view another";
    if (k ? is_declared_as(k, sql) : !span_starts_nocase(*name, SPAN("page_text_")) || is_plain_table(sql))
        return NULL;
    if (!is_of_today && k && k->is_view && kind == KIND_VIEW) {
        *has_old_views = true;
        return NULL;
    }
    return "is not as this program makes it ('crawl schema --sql' prints how), so what it says is not to be trusted";
}

enum err shape_check_read(sqlite3 *handle, const char *path, bool *has_old_views, struct err_note *note)
{
    struct catalogue *c = mem_alloc(sizeof *c);
    const char *wrong = NULL;
    sqlite3_stmt *st = NULL;
    enum err e = OK;
    int version = 0, rc = db_version(handle, &version);

    if (!rc)
        rc = sqlite3_prepare_v2(handle, "SELECT sql, name FROM sqlite_schema WHERE sql IS NOT NULL", -1, &st, NULL);
    *has_old_views = false;
    learn_all(c, version);
    while (!rc && !wrong && (rc = sqlite3_step(st)) == SQLITE_ROW) {
        struct span name = SPAN_NONE, row = column(st, 1);

        rc = SQLITE_OK;
        wrong = what_is_wrong(c, column(st, 0), version == DB_SCHEMA_VERSION, &name, has_old_views);
        if (wrong)
            e = err_set(note, ERR_REFUSED, "%s: %.*s %s", path, SPAN_ARG(span_clip_utf8(name.len ? name : row, 100)),
                        wrong);
    }
    if (!wrong && rc != SQLITE_DONE)
        e = db_explain(handle, rc, path, note);
    sqlite3_finalize(st);
    mem_free(c);
    return e;
}
