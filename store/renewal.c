/* SPDX-License-Identifier: MIT */
#include "store/renewal.h"

#include <sys/statvfs.h>

#include "store/text.h"

#define MAX_TEXTS 64
#define MAX_BYTES ((int64_t)8 * MIB) /* of bodies in a step, unpacked, and one more: their texts are held together */

/* Of this fetch a page has its text, or an earlier content of one that history keeps. */
#define IS_IN_USE                                                                           \
    " (EXISTS (SELECT 1 FROM page p WHERE p.url_id = f.url_id AND p.text_id = f.id)"        \
    " OR EXISTS (SELECT 1 FROM page_old o WHERE o.url_id = f.url_id AND o.text_id = f.id))"

/* Bytes that are not free and would have to be: a second index never takes more than the file has now. */
static int64_t lacking_bytes(struct core *c)
{
    int64_t bytes = db_value(c->db, "PRAGMA page_count", 0) * c->db->page_bytes + c->options.min_free_bytes;
    struct statvfs fs;

    return statvfs(c->db->path, &fs) ? bytes : MAX(0, bytes - (int64_t)fs.f_bavail * (int64_t)fs.f_frsize);
}

/* More than half of the texts are of no use. Those of history that are also a page's count twice: rather later. */
static bool is_due(struct core *c)
{
    static const char SQL[] = "SELECT (SELECT count(*) FROM page_text_docsize)"
                              " > 2 * ((SELECT count(text_id) FROM page)"
                              " + (SELECT count(text_id) FROM page_old))";

    return c->options.keep_history > 0 && c->options.keeps_text && db_value(c->db, SQL, 0);
}

/* Texts in use that cannot be read again. */
static int64_t count_lost(struct core *c)
{
    return db_value(c->db,
                    "SELECT count(*) FROM page_text_docsize d JOIN fetch f ON f.id = d.id"
                    " WHERE NOT EXISTS (SELECT 1 FROM body b WHERE b.id = f.body_id) AND" IS_IN_USE,
                    1);
}

static void note_lost(struct core *c, int64_t n)
{
    if (n > 0)
        db_run(c->db, db_stmt(c->db, "INSERT OR REPLACE INTO meta (name, value) VALUES ('texts_lost', 1)"));
    else
        db_run(c->db, db_stmt(c->db, "DELETE FROM meta WHERE name = 'texts_lost'"));
}

bool renewal_lacks_bodies(struct core *c)
{
    return c->options.keep_history > 0 && c->options.keeps_text && c->options.keeps_bodies &&
           db_value(c->db, "SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'texts_lost')", 0);
}

/* Is it to begin? What is in the way stands in op. */
static bool may_begin(struct core *c, struct store_op *op)
{
    bool is_wanted = is_due(c);

    op->u.texts.lost = is_wanted ? count_lost(c) : 0;
    note_lost(c, op->u.texts.lost);
    if (is_wanted && !op->u.texts.lost)
        op->u.texts.lacking = lacking_bytes(c);
    return is_wanted && !op->u.texts.lost && !op->u.texts.lacking;
}

static void put(struct core *c, const struct store_text *t)
{
    sqlite3_stmt *st =
        db_stmt(c->db, "INSERT INTO page_text_new (rowid, title, description, text) VALUES (?1, ?2, ?3, ?4)");

    db_int(c->db, st, 1, t->id);
    db_text(c->db, st, 2, t->title);
    db_text(c->db, st, 3, t->description);
    db_text(c->db, st, 4, t->text);
    db_run(c->db, st);
}

/* False when mem has no room for it. */
static bool read_text(sqlite3_stmt *st, struct arena *mem, struct store_text *out)
{
    struct span data = span_make(sqlite3_column_blob(st, 3), (size_t)sqlite3_column_bytes(st, 3));

    *out = (struct store_text){ .id = sqlite3_column_int64(st, 0), .size = sqlite3_column_int64(st, 4) };
    return !arena_try_copy(mem, db_column(st, 1), &out->url) &&
           !arena_try_copy(mem, db_column(st, 2), &out->content_type) &&
           !arena_try_copy(mem, data, &out->data) &&
           !arena_try_copy(mem, db_column(st, 5), &out->title) &&
           !arena_try_copy(mem, db_column(st, 6), &out->description);
}

/* The next texts in use, in order of their ids. */
static enum err read_next(struct core *c, struct store_op *op)
{
    static const char SQL[] =
        "SELECT f.id, u.url, f.content_type, b.data, b.size, coalesce(n.title, h.title),"
        " coalesce(n.description, h.description)"
        " FROM page_text_docsize d JOIN fetch f ON f.id = d.id JOIN url u ON u.id = f.url_id"
        " JOIN body b ON b.id = f.body_id"
        " LEFT JOIN page n ON n.url_id = f.url_id AND n.text_id = f.id"
        " LEFT JOIN page_old h ON h.url_id = f.url_id AND h.fetch_id ="
        " (SELECT max(o.fetch_id) FROM page_old o WHERE o.url_id = f.url_id AND o.text_id = f.id)"
        " WHERE d.id > ?1 AND" IS_IN_USE " ORDER BY d.id LIMIT ?2";
    sqlite3_stmt *st = db_stmt(c->db, SQL);
    int64_t n_bytes = 0;
    size_t n = 0;

    op->u.texts.next = arena_try_array(&op->mem, MAX_TEXTS, sizeof *op->u.texts.next);
    if (!op->u.texts.next)
        return db_fail(c->db, ERR_TOO_LARGE, "texts to be indexed anew need more than their op may hold");
    db_int(c->db, st, 1, op->u.texts.after);
    db_int(c->db, st, 2, MAX_TEXTS);
    while (n < MAX_TEXTS && n_bytes < MAX_BYTES && db_next(c->db, st)) {
        if (!read_text(st, &op->mem, &op->u.texts.next[n]))
            break; /* it comes first the next time, or it is too large for all */
        n_bytes += MIN(MAX(op->u.texts.next[n].size, 0), MAX_BYTES); /* of a forged file it may be any number */
        n++;
    }
    db_done(st);
    op->u.texts.n_next = n;
    return c->db->failed;
}

static bool has_more(struct core *c, int64_t after)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT 1 FROM page_text_docsize d JOIN fetch f ON f.id = d.id"
                                      " WHERE d.id > ?1 AND" IS_IN_USE " LIMIT 1");
    bool has;

    db_int(c->db, st, 1, after);
    has = db_next(c->db, st);
    if (has)
        db_done(st);
    return has;
}

/* The new one takes the old one's place, in this transaction. */
static enum err change_places(struct core *c)
{
    db_exec(c->db, "DROP TABLE page_text; ALTER TABLE page_text_new RENAME TO page_text;");
    return text_configure(c);
}

enum err renewal_step(struct core *c, struct store_op *op)
{
    if (!op->u.texts.after) {
        op->u.texts.is_over = !may_begin(c, op);
        if (op->u.texts.is_over || c->db->failed)
            return c->db->failed;
        db_exec(c->db, RENEWAL_DROP_SQL
                "CREATE VIRTUAL TABLE page_text_new USING fts5(title, description, text, content='', "
                "tokenize=\"unicode61 categories 'L* N* Co Mn Mc'\");");
    }
    for (size_t i = 0; i < op->u.texts.n_done; i++)
        put(c, &op->u.texts.done[i]);
    if (read_next(c, op) || op->u.texts.n_next || op->u.texts.n_done)
        return c->db->failed;
    /* In a transaction that wrote no text: FTS5 must have nothing in hand for a table that changes its name. */
    op->u.texts.is_over = true;
    if (has_more(c, op->u.texts.after)) /* too large: it all stays as it was */
        return db_exec(c->db, RENEWAL_DROP_SQL);
    op->u.texts.is_renewed = true;
    return change_places(c);
}
