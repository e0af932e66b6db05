/* SPDX-License-Identifier: MIT */
#include "parse/pack.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "config/mem.h"

#define WINDOW_LOG_MAX \
    27 /* what the library itself uses up to its highest ordinary level */
#define STEP_BYTES       ((size_t)128 << 10)

#define MAGIC_DICTIONARY SPAN("\x37\xA4\x30\xEC")

#define MIN_TABLE_LOG 13 /* what the library takes for a small dictionary */
#define ALL_OF_IT     10504 /* up to here (1.5.4) zstd finds all of a dictionary with its own table */

/* A dictionary as the library wants it: taken apart once, for each direction when first needed. */
struct prepared {
    uint32_t id; /* 0: none so far */
    bool was_tried_out, was_tried_in;
    bool is_out;    /* pack.out has it; not where the library does not take it */
    ZSTD_DDict *in; /* NULL: the same */
};

struct pack {
    ZSTD_CCtx *out;
    ZSTD_DCtx *in;
    struct prepared kept;   /* outlasts bodies without one */
    struct span dictionary; /* empty: none is set */
};

static void forget(struct prepared *d)
{
    ZSTD_freeDDict(d->in);
    *d = (struct prepared){ 0 };
}

enum err pack_new(struct pack **out)
{
    struct pack *p = mem_alloc(sizeof(*p));

    p->out = ZSTD_createCCtx();
    p->in = ZSTD_createDCtx();
    if (!p->out || !p->in) {
        pack_free(p);
        return ERR_NO_MEMORY;
    }
    ZSTD_DCtx_setParameter(p->in, ZSTD_d_windowLogMax, WINDOW_LOG_MAX);
    *out = p;
    return OK;
}

void pack_free(struct pack *p)
{
    if (!p)
        return;
    ZSTD_freeCCtx(p->out);
    ZSTD_freeDCtx(p->in);
    forget(&p->kept);
    mem_free(p);
}

/* ---- dictionaries ---- */

static uint32_t id_in(struct span dictionary)
{
    uint32_t id = 0;

    for (size_t i = 8; i > 4; i--)
        id = id << 8 | (unsigned char)dictionary.ptr[i - 1];
    return id;
}

bool pack_is_dictionary(struct span bytes, uint32_t id)
{
    return id && bytes.len > 8 && bytes.len <= PACK_MAX_DICTIONARY_BYTES &&
           span_starts(bytes, MAGIC_DICTIONARY) && id_in(bytes) == id;
}

uint32_t pack_dictionary_id(struct span packed)
{
    return ZSTD_getDictID_fromFrame(packed.ptr, packed.len);
}

void pack_set_dictionary(struct pack *p, uint32_t id, struct span bytes)
{
    p->dictionary = SPAN_NONE;
    if (!pack_is_dictionary(bytes, id))
        return;
    p->dictionary = bytes;
    if (p->kept.id == id)
        return;
    forget(&p->kept);
    p->kept.id = id;
}

/*
 * Of a dictionary zstd 1.5.7 finds only the end again, eight bytes for each place of the table that it makes at our
 * level; so the table is as large as the dictionary asks for. It costs a tenth of the time, and earlier ones need none.
 */
static bool load_dictionary(const struct pack *p)
{
    char nothing[64];
    int log = MIN_TABLE_LOG;

    while ((size_t)8 << log < p->dictionary.len)
        log++;
    return !ZSTD_isError(ZSTD_CCtx_reset(p->out, ZSTD_reset_session_and_parameters)) &&
           !ZSTD_isError(ZSTD_CCtx_setParameter(p->out, ZSTD_c_compressionLevel, PACK_LEVEL)) &&
           (ZSTD_versionNumber() <= ALL_OF_IT || !ZSTD_isError(ZSTD_CCtx_setParameter(p->out, ZSTD_c_hashLog, log))) &&
           !ZSTD_isError(ZSTD_CCtx_loadDictionary(p->out, p->dictionary.ptr, p->dictionary.len)) &&
           /* taken apart, and refused, when first used */
           !ZSTD_isError(ZSTD_compress2(p->out, nothing, sizeof nothing, "", 0));
}

/* False: none is set, or the library does not take it. */
static bool has_dictionary_out(struct pack *p)
{
    if (!p->dictionary.len)
        return false;
    if (!p->kept.was_tried_out)
        p->kept.is_out = load_dictionary(p);
    p->kept.was_tried_out = true;
    return p->kept.is_out;
}

/* NULL: none that has this id is set, or the library does not take it. */
static const ZSTD_DDict *dictionary_in(struct pack *p, uint32_t id)
{
    if (!p->dictionary.len || p->kept.id != id)
        return NULL;
    if (!p->kept.was_tried_in)
        p->kept.in = ZSTD_createDDict(p->dictionary.ptr, p->dictionary.len);
    p->kept.was_tried_in = true;
    return p->kept.in;
}

/* ---- bodies ---- */

static size_t compress(struct pack *p, struct span body, int level, struct buf *out)
{
    char *to = out->ptr ? out->ptr + out->len : NULL;
    size_t room = out->cap - out->len;

    return has_dictionary_out(p) ? ZSTD_compress2(p->out, to, room, body.ptr, body.len)
                                 : ZSTD_compressCCtx(p->out, to, room, body.ptr, body.len, level);
}

enum err pack_compress(struct pack *p, struct span body, int level, struct buf *out)
{
    size_t bound = ZSTD_compressBound(body.len), n;
    enum err e;

    if (ZSTD_isError(bound))
        return ERR_TOO_LARGE;
    /* Less than the bound is enough nearly always; the library says when it is not. */
    e = buf_reserve(out, MIN(bound, out->max - out->len));
    if (e)
        return e;
    n = compress(p, body, level, out);
    if (ZSTD_isError(n))
        return ZSTD_getErrorCode(n) == ZSTD_error_dstSize_tooSmall ? ERR_TOO_LARGE
                                                                   : ERR_NO_MEMORY;
    out->len += n;
    return OK;
}

static enum err corrupt_or_memory(size_t rc)
{
    return ZSTD_getErrorCode(rc) == ZSTD_error_memory_allocation ? ERR_NO_MEMORY
                                                                 : ERR_CORRUPT;
}

/* One step of decompression into fresh room; *is_done at the end of the frame. */
static enum err step(struct pack *p, ZSTD_inBuffer *in, size_t limit, struct buf *out,
                     bool *is_done)
{
    size_t want = MIN(STEP_BYTES, MIN(limit, out->max) - out->len), rc;
    ZSTD_outBuffer to = { .pos = 0 };
    char spare = 0;
    enum err e = buf_reserve(out, want);

    if (e)
        return e;
    to.dst = want ? out->ptr + out->len : &spare;
    to.size = want ? want : 1;
    rc = ZSTD_decompressStream(p->in, &to, in);
    if (ZSTD_isError(rc))
        return corrupt_or_memory(rc);
    if (!want && to.pos)
        return ERR_TOO_LARGE;
    out->len += want ? to.pos : 0;
    *is_done = rc == 0;
    /* Input used up, room left and still no end: cut short. */
    return !*is_done && in->pos == in->size && to.pos < to.size ? ERR_CORRUPT : OK;
}

enum err pack_decompress(struct pack *p, struct span packed, size_t max_bytes,
                         struct buf *out)
{
    unsigned long long size = ZSTD_getFrameContentSize(packed.ptr, packed.len);
    uint32_t id = pack_dictionary_id(packed);
    const ZSTD_DDict *dictionary = dictionary_in(p, id);
    ZSTD_inBuffer in = { packed.ptr, packed.len, 0 };
    size_t start = out->len, limit;
    bool is_done = false;
    enum err e = OK;

    /* The library would also read the formats that came before RFC 8878. */
    if (!span_starts(packed, SPAN("\x28\xB5\x2F\xFD")) ||
        size == ZSTD_CONTENTSIZE_ERROR)
        return ERR_CORRUPT;
    if (size != ZSTD_CONTENTSIZE_UNKNOWN && size > max_bytes)
        return ERR_TOO_LARGE;
    if (id && !dictionary)
        return ERR_NOT_FOUND;
    if (__builtin_add_overflow(start, max_bytes, &limit))
        limit = SIZE_MAX;
    ZSTD_DCtx_reset(p->in, ZSTD_reset_session_only);
    /* A frame that names none must not see one either: its first distances would be others. */
    if (ZSTD_isError(ZSTD_DCtx_refDDict(p->in, id ? dictionary : NULL)))
        return ERR_NO_MEMORY;
    while (!e && !is_done)
        e = step(p, &in, limit, out, &is_done);
    if (!e && in.pos != in.size)
        e = ERR_CORRUPT;
    if (e)
        out->len = start;
    return e;
}
