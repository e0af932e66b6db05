/* SPDX-License-Identifier: MIT */
#include "store/views.h"

#include "config/buf.h"

#define MAX_SQL ((size_t)1 * MIB)

static bool is_plain_name(struct span name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return name.len > 0;
}

/* Appends text between quotes, which are doubled inside: an SQL name (") or string ('). */
static enum err put_quoted(struct buf *sql, char quote, struct span text)
{
    enum err e = buf_append_byte(sql, quote);

    for (size_t i = 0; !e && i < text.len; i++) {
        e = buf_append_byte(sql, text.ptr[i]);
        if (!e && text.ptr[i] == quote)
            e = buf_append_byte(sql, quote);
    }
    return e ? e : buf_append_byte(sql, quote);
}

/*
 * One value. json_each, because readers that do not trust a file's schema (ours, for one) refuse the
 * JSON functions in its views: SQLite before 3.41 does not mark them harmless.
 */
static enum err put_column(struct buf *sql, struct span section, struct span column)
{
    enum err e = buf_printf(
        sql,
        ",\n    (SELECT value FROM json_each(p.facts, '$.extract.%.*s') WHERE key = ",
        SPAN_ARG(section));

    if (!e)
        e = put_quoted(sql, '\'', column);
    if (!e)
        e = buf_append(sql, SPAN(") AS "));
    return e ? e : put_quoted(sql, '"', column);
}

static enum err put_view(struct buf *sql, const struct store_view *view)
{
    enum err e = buf_printf(
        sql,
        "CREATE VIEW \"extract_%.*s\" AS\n"
        "SELECT u.url, strftime('%%Y-%%m-%%dT%%H:%%M:%%fZ', f.fetched_at / 1000.0, 'unixepoch')"
        " AS fetched_at",
        SPAN_ARG(view->name));

    for (size_t i = 0; !e && i < view->n_columns; i++)
        e = put_column(sql, view->name, view->columns[i]);
    if (!e)
        e = buf_printf(
            sql,
            "\nFROM page p JOIN url u ON u.id = p.url_id JOIN fetch f ON f.id = p.fetch_id\n"
            "WHERE EXISTS (SELECT 1 FROM json_each(p.facts, '$.extract') WHERE key = '%.*s')",
            SPAN_ARG(view->name));
    return e ? e : buf_append_byte(sql, '\0');
}

/* Is there a view of this name, and made by this very statement? */
static void look(struct core *c, struct span name, struct span sql, bool *exists,
                 bool *is_same)
{
    sqlite3_stmt *st = db_stmt(
        c->db,
        "SELECT sql FROM sqlite_schema WHERE type = 'view' AND name = 'extract_' || ?1");

    *exists = *is_same = false;
    db_text(c->db, st, 1, name);
    if (db_next(c->db, st)) {
        *exists = true;
        *is_same = span_eq(db_column(st, 0), sql);
        db_done(st);
    }
}

static void drop(struct core *c, struct span name)
{
    struct buf sql;

    buf_init(&sql, (size_t)1 * KIB);
    if (buf_printf(&sql, "DROP VIEW \"extract_%.*s\"", SPAN_ARG(name)) ||
        buf_append_byte(&sql, '\0'))
        db_fail(c->db, ERR_NO_MEMORY, "out of memory");
    else
        db_exec(c->db, sql.ptr);
    buf_clear(&sql);
}

static enum err update(struct core *c, const struct store_view *view, struct buf *sql)
{
    bool exists, is_same;

    if (!is_plain_name(view->name) || view->name.len > 64)
        return db_fail(c->db, ERR_INVALID,
                       "a section's name that is no name for a view");
    if (put_view(sql, view))
        return db_fail(c->db, ERR_TOO_LARGE, "a section with too many values");
    look(c, view->name, span_make(sql->ptr, sql->len - 1), &exists, &is_same);
    if (is_same || c->db->failed)
        return c->db->failed;
    if (exists)
        drop(c, view->name);
    return db_exec(c->db, sql->ptr);
}

enum err views_update(struct core *c, const struct store_view *views, size_t n)
{
    for (size_t i = 0; i < n && !c->db->failed; i++) {
        struct buf sql;

        buf_init(&sql, MAX_SQL);
        update(c, &views[i], &sql);
        buf_clear(&sql);
    }
    return c->db->failed;
}
