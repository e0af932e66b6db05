/* SPDX-License-Identifier: MIT */
#include "store/bodies.h"

#include "config/mem.h"
#include "parse/pack.h"
#include "store/dictionaries.h"

int64_t bodies_put(struct core *c, const unsigned char sha256[32], struct span data,
                   int64_t size)
{
    static const char COUNT[] =
        "UPDATE OR FAIL body SET refs = refs + 1 WHERE substr(sha256, 1, 8) = ?2"
        " AND sha256 = ?1 RETURNING id";
    static const char INSERT[] =
        "INSERT OR FAIL INTO body (refs, size, sha256, codec, data)"
        " VALUES (1, ?1, ?2, 'zstd', ?3)";
    sqlite3_stmt *st = db_stmt(c->db, COUNT);
    int64_t id = 0;

    db_blob(c->db, st, 1, span_make((const char *)sha256, 32));
    db_blob(c->db, st, 2, span_make((const char *)sha256, 8));
    while (db_next(c->db, st))
        id = sqlite3_column_int64(st, 0);
    if (id || c->db->failed)
        return id;
    st = db_stmt(c->db, INSERT);
    db_int(c->db, st, 1, size);
    db_blob(c->db, st, 2, span_make((const char *)sha256, 32));
    db_blob(c->db, st, 3, data);
    return db_run(c->db, st) ? 0 : sqlite3_last_insert_rowid(c->db->handle);
}

enum err bodies_drop(struct core *c, int64_t id)
{
    sqlite3_stmt *st = db_stmt(c->db, "UPDATE body SET refs = refs - 1 WHERE id = ?1");

    db_int(c->db, st, 1, id);
    db_run(c->db, st);
    st = db_stmt(c->db, "DELETE FROM body WHERE id = ?1 AND refs <= 0");
    db_int(c->db, st, 1, id);
    return db_run(c->db, st);
}

/* ---- unpacking ---- */

struct bodies_unpacker {
    struct pack *pack;
    struct dictionaries *dictionaries;
};

enum err bodies_unpacker_new(sqlite3 *handle, struct bodies_unpacker **out)
{
    struct bodies_unpacker *u = mem_alloc(sizeof *u);
    enum err e = pack_new(&u->pack);

    if (e) {
        mem_free(u);
        return e;
    }
    u->dictionaries = dictionaries_new(handle);
    *out = u;
    return OK;
}

void bodies_unpacker_free(struct bodies_unpacker *u)
{
    if (!u)
        return;
    dictionaries_free(u->dictionaries);
    pack_free(u->pack);
    mem_free(u);
}

static enum err find_dictionary(struct bodies_unpacker *u, uint32_t id,
                                struct err_note *note)
{
    struct span bytes = SPAN_NONE;
    enum err e = id ? dictionaries_find(u->dictionaries, id, &bytes) : OK;

    pack_set_dictionary(u->pack, e ? 0 : id, bytes);
    if (!e)
        return OK;
    return err_set(note, ERR_NOT_FOUND, "it needs dictionary %u, which is %s", id,
                   e == ERR_CORRUPT ? "damaged" : "missing");
}

enum err bodies_unpack(struct bodies_unpacker *u, const struct bodies_packed *body,
                       struct buf *out, struct err_note *note)
{
    size_t start = out->len;
    uint32_t id = pack_dictionary_id(body->data);
    enum err e;

    if (!span_eq(body->codec, SPAN("zstd")))
        return err_set(note, ERR_UNSUPPORTED, "its codec is not known");
    if (body->size < 0 || (uint64_t)body->size > out->max - start)
        return err_set(note, ERR_TOO_LARGE, "it is too large");
    e = find_dictionary(u, id, note);
    if (e)
        return e;
    e = pack_decompress(u->pack, body->data, (size_t)body->size, out);
    if (e == ERR_NO_MEMORY)
        return err_set(note, e, "%s", err_text(e));
    if (e == ERR_NOT_FOUND)
        return err_set(note, e, "it needs dictionary %u, which is damaged", id);
    if (!e && out->len - start == (size_t)body->size)
        return OK;
    out->len = start;
    return err_set(note, ERR_CORRUPT, "it does not unpack to its size");
}
