/* SPDX-License-Identifier: MIT */
#include "store/bodies.h"

#include <zstd.h>

int64_t bodies_put(struct core *c, const unsigned char sha256[32], struct span data,
                   int64_t size)
{
    static const char COUNT[] =
        "UPDATE OR FAIL body SET refs = refs + 1 WHERE sha256 = ?1 RETURNING id";
    static const char INSERT[] =
        "INSERT OR FAIL INTO body (refs, size, sha256, codec, data)"
        " VALUES (1, ?1, ?2, 'zstd', ?3)";
    sqlite3_stmt *st = db_stmt(c->db, COUNT);
    int64_t id = 0;

    db_blob(c->db, st, 1, span_make((const char *)sha256, 32));
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

enum err bodies_unpack(struct span codec, struct span data, int64_t size,
                       struct buf *out)
{
    size_t want = (size_t)size, got;
    enum err e;

    if (!span_eq(codec, SPAN("zstd")))
        return ERR_UNSUPPORTED;
    if (size < 0 || ZSTD_getFrameContentSize(data.ptr, data.len) > want)
        return ERR_CORRUPT; /* also when the frame does not say */
    e = buf_reserve(out, want + 1);
    if (e)
        return e;
    got = ZSTD_decompress(out->ptr + out->len, want, data.ptr, data.len);
    if (ZSTD_isError(got) || got != want)
        return ERR_CORRUPT;
    out->len += got;
    return OK;
}
