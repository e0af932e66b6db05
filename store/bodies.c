/* SPDX-License-Identifier: MIT */
#include "store/bodies.h"

#include "config/mem.h"
#include "parse/pack.h"
#include "store/deferred.h"
#include "store/dictionaries.h"

const struct deferred_index bodies_index = {
    .has_blob_keys = true,
    .mark = "body_by_hash_to",
    .insert = "INSERT OR IGNORE INTO body_by_hash (hash, body_id) VALUES (?1, ?2)",
    .remove = "DELETE FROM body_by_hash WHERE hash = ?1 AND body_id = ?2",
    .rest = "SELECT substr(sha256, 1, 8), id FROM body WHERE id > ?1 ORDER BY id LIMIT ?2",
    .all = "SELECT hash, body_id FROM body_by_hash WHERE (hash, body_id) > (?1, ?2) ORDER BY hash, body_id LIMIT ?3",
};

/* The first eight bytes, the highest first. */
static uint64_t key_of(const unsigned char *sha256)
{
    uint64_t key = 0;

    for (int i = 0; i < 8; i++)
        key = key << 8 | sha256[i];
    return key;
}

/* Does the row have this hash? */
static bool has_hash(struct core *c, int64_t id, struct span hash)
{
    sqlite3_stmt *st = db_stmt(c->db, "SELECT 1 FROM body WHERE id = ?1 AND sha256 = ?2");
    bool found;

    db_int(c->db, st, 1, id);
    db_blob(c->db, st, 2, hash);
    found = db_next(c->db, st);
    if (found)
        db_done(st);
    return found;
}

/* The row with this hash, or 0. */
static int64_t find(struct core *c, struct span hash, uint64_t key)
{
    static const char SQL[] = "SELECT b.id FROM body_by_hash h CROSS JOIN body b ON b.id = h.body_id"
                              " WHERE h.hash = ?1 AND b.sha256 = ?2";
    struct deferred_walk walk = { 0 };
    sqlite3_stmt *st;
    int64_t id;

    if (!deferred_may_have(c->body_index, key))
        return 0;
    while ((id = deferred_next(c->body_index, key, &walk)) != 0)
        if (has_hash(c, id, hash))
            return id;
    if (!deferred_has_table(c->body_index))
        return 0;
    st = db_stmt(c->db, SQL);
    db_blob(c->db, st, 1, span_slice(hash, 0, 8));
    db_blob(c->db, st, 2, hash);
    if (!db_next(c->db, st))
        return 0;
    id = sqlite3_column_int64(st, 0);
    db_done(st);
    return id;
}

static int64_t count_again(struct core *c, int64_t id)
{
    sqlite3_stmt *st = db_stmt(c->db, "UPDATE OR FAIL body SET refs = refs + 1 WHERE id = ?1");

    db_int(c->db, st, 1, id);
    return db_run(c->db, st) ? 0 : id;
}

int64_t bodies_put(struct core *c, const unsigned char sha256[32], struct span data,
                   int64_t size)
{
    static const char INSERT[] =
        "INSERT OR FAIL INTO body (refs, size, sha256, codec, data)"
        " VALUES (1, ?1, ?2, 'zstd', ?3)";
    struct span hash = span_make((const char *)sha256, 32);
    uint64_t key = key_of(sha256);
    int64_t id = find(c, hash, key);
    sqlite3_stmt *st;

    if (id)
        return count_again(c, id);
    st = db_stmt(c->db, INSERT);
    db_int(c->db, st, 1, size);
    db_blob(c->db, st, 2, hash);
    db_blob(c->db, st, 3, data);
    if (db_run(c->db, st))
        return 0;
    id = sqlite3_last_insert_rowid(c->db->handle);
    return deferred_add(c->body_index, key, id) ? 0 : id;
}

enum err bodies_drop(struct core *c, int64_t id)
{
    sqlite3_stmt *st = db_stmt(c->db, "UPDATE body SET refs = refs - 1 WHERE id = ?1");
    uint64_t key = 0;
    bool is_gone = false;

    db_int(c->db, st, 1, id);
    db_run(c->db, st);
    st = db_stmt(c->db, "DELETE FROM body WHERE id = ?1 AND refs <= 0 RETURNING sha256");
    db_int(c->db, st, 1, id);
    while (db_next(c->db, st)) {
        is_gone = sqlite3_column_bytes(st, 0) == 32;
        key = is_gone ? key_of(sqlite3_column_blob(st, 0)) : 0;
    }
    return is_gone ? deferred_remove(c->body_index, key, id) : c->db->failed;
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
