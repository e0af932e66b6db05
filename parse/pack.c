/* SPDX-License-Identifier: MIT */
#include "parse/pack.h"

#include <zstd.h>
#include <zstd_errors.h>

#include "config/mem.h"

#define WINDOW_LOG_MAX \
    27 /* what the library itself uses up to its highest ordinary level */
#define STEP_BYTES ((size_t)128 << 10)

struct pack {
    ZSTD_CCtx *out;
    ZSTD_DCtx *in;
};

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
    mem_free(p);
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
    n = ZSTD_compressCCtx(p->out, out->ptr ? out->ptr + out->len : NULL,
                          out->cap - out->len, body.ptr, body.len, level);
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
    char spare;
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
    if (__builtin_add_overflow(start, max_bytes, &limit))
        limit = SIZE_MAX;
    ZSTD_DCtx_reset(p->in, ZSTD_reset_session_only);
    while (!e && !is_done)
        e = step(p, &in, limit, out, &is_done);
    if (!e && in.pos != in.size)
        e = ERR_CORRUPT;
    if (e)
        out->len = start;
    return e;
}
