/* SPDX-License-Identifier: MIT */
#include "store/dictionaries.h"

#include "config/mem.h"
#include "parse/pack.h"

/* Ids grow from the first on; a frame names these in two bytes. */
#define LAST_ID 65535

struct dictionaries {
    sqlite3 *handle;
    uint32_t id; /* of data; 0: none yet */
    struct buf data;
};

struct dictionaries *dictionaries_new(sqlite3 *handle)
{
    struct dictionaries *d = mem_alloc(sizeof *d);

    d->handle = handle;
    buf_init(&d->data, PACK_MAX_DICTIONARY_BYTES);
    return d;
}

void dictionaries_free(struct dictionaries *d)
{
    if (!d)
        return;
    buf_clear(&d->data);
    mem_free(d);
}

static struct span blob_of(sqlite3_stmt *st, int column)
{
    const char *bytes = sqlite3_column_blob(st, column);

    return span_make(bytes, (size_t)sqlite3_column_bytes(st, column));
}

static enum err take(struct dictionaries *d, uint32_t id, struct span bytes)
{
    enum err e;

    if (!pack_is_dictionary(bytes, id))
        return ERR_CORRUPT;
    buf_reset(&d->data);
    d->id = 0;
    e = buf_append(&d->data, bytes);
    if (!e)
        d->id = id;
    return e;
}

/* What is longer than a dictionary can be is not even read. */
static enum err read_row(struct dictionaries *d, uint32_t id)
{
    static const char SQL[] =
        "SELECT CASE WHEN typeof(data) = 'blob' AND length(data) <= 163840 THEN data END"
        " FROM dictionaries WHERE id = ?1";
    enum err e = ERR_NOT_FOUND; /* also where the file knows no such table */
    sqlite3_stmt *st;

    _Static_assert(PACK_MAX_DICTIONARY_BYTES == 163840, "the query says so");
    if (sqlite3_prepare_v2(d->handle, SQL, -1, &st, NULL))
        return e;
    sqlite3_bind_int64(st, 1, id);
    if (sqlite3_step(st) == SQLITE_ROW)
        e = take(d, id, blob_of(st, 0));
    sqlite3_finalize(st);
    return e;
}

enum err dictionaries_find(struct dictionaries *d, uint32_t id, struct span *out)
{
    enum err e = id && d->id == id ? OK : read_row(d, id);

    *out = e ? SPAN_NONE : buf_span(&d->data);
    return e;
}

enum err dictionaries_load(struct core *c, struct arena *mem,
                           struct store_dictionary *out)
{
    static const char LATEST[] =
        "SELECT id, data FROM dictionaries WHERE id BETWEEN ?1 AND ?2"
        " ORDER BY id DESC LIMIT 1";
    sqlite3_stmt *st = db_stmt(c->db, LATEST);

    *out = (struct store_dictionary){ .id = PACK_FIRST_DICTIONARY_ID };
    db_int(c->db, st, 1, PACK_FIRST_DICTIONARY_ID);
    db_int(c->db, st, 2, LAST_ID);
    while (db_next(c->db, st)) {
        uint32_t id = (uint32_t)sqlite3_column_int64(st, 0);
        struct span data = blob_of(st, 1);

        if (pack_is_dictionary(data, id))
            *out = (struct store_dictionary){ id, arena_copy(mem, data) };
        else
            out->id = id < LAST_ID ? id + 1 : 0;
    }
    return c->db->failed;
}

enum err dictionaries_put(struct core *c, const struct store_dictionary *dictionary)
{
    sqlite3_stmt *st = db_stmt(
        c->db,
        "INSERT OR FAIL INTO dictionaries (id, made_at, data) VALUES (?1, ?2, ?3)");

    db_int(c->db, st, 1, dictionary->id);
    db_int(c->db, st, 2, c->now_ms);
    db_blob(c->db, st, 3, dictionary->data);
    return db_run(c->db, st);
}
