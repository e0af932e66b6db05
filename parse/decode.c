/* SPDX-License-Identifier: MIT */
#include "parse/decode.h"

#define ZLIB_CONST /* next_in is const */
#include <brotli/decode.h>
#include <libdeflate.h>
#include <zstd.h>

#include <zlib.h>

#include "config/mem.h"
#include "parse/decode_lzw.h"

#define MAX_CODINGS      3
#define RATIO_FREE_BYTES ((size_t)1 << 20)
#define MAX_EXPANSION    1032 /* of deflate: a run of 258 bytes in two bits */
#define MEMBER_BYTES     18   /* the shortest gzip member: header and trailer */
#define ZSTD_WINDOW_LOG  23 /* 8 MiB: what RFC 9659 lets a sender use */
#define FIRST_ROOM       ((size_t)16 << 10)
#define KEEP_BYTES       ((size_t)1 << 20)
#define SURELY_BYTES     32   /* of text: no coded stream is readable for so long */
#define LOOK_BYTES       1024 /* how much of a body is looked at to call it text */

enum coding {
    CODING_IDENTITY,
    CODING_GZIP,
    CODING_DEFLATE,
    CODING_BR,
    CODING_ZSTD,
    CODING_COMPRESS,
    CODING_UNKNOWN,
};

struct decoder {
    z_stream zlib;
    bool has_zlib;
    struct libdeflate_decompressor *whole; /* made when first needed */
    ZSTD_DCtx *zstd;        /* made when first needed */
    struct decode_lzw *lzw; /* the same */
    struct buf middle;      /* between two codings of a chain */
};

/* One coding's input and output. */
struct job {
    struct span in;
    struct buf *out;
    size_t limit; /* of out->len */
};

/*
 * Room behind out->len, up to the limit; 0 at the limit or without memory. It
 * does not depend on what the buffer held before, so that a broken body gives
 * the same bytes whenever it is decoded.
 */
static size_t room(struct job *j)
{
    size_t want = MIN(MAX(FIRST_ROOM, j->out->len), j->limit - j->out->len);

    return want == 0 || buf_reserve(j->out, want) ? 0 : want;
}

/*
 * Where a library finds room for its output: behind out->len, and at the limit
 * in one spare byte, which tells a stream that ends there from one that goes on.
 */
struct window {
    unsigned char *ptr;
    size_t n;
    bool is_spare;
};

static struct window open_window(struct job *j, unsigned char *spare)
{
    size_t n = room(j);

    if (n == 0)
        return (struct window){ spare, 1, true };
    return (struct window){ (unsigned char *)j->out->ptr + j->out->len, n, false };
}

/* Counts what was written into the window. False when it went over the limit. */
static bool close_window(struct job *j, const struct window *w, size_t written)
{
    if (w->is_spare)
        return written == 0;
    j->out->len += written;
    return true;
}

static bool zlib_start(struct decoder *d, int window_bits)
{
    int rc = d->has_zlib ? inflateReset2(&d->zlib, window_bits)
                         : inflateInit2(&d->zlib, window_bits);

    d->has_zlib = d->has_zlib || rc == Z_OK;
    return rc == Z_OK;
}

/* One zlib stream; j->in is what is left behind it. */
static enum decode_outcome zlib_stream(struct decoder *d, struct job *j,
                                       int window_bits)
{
    z_stream *z = &d->zlib;

    if (!zlib_start(d, window_bits))
        return DECODE_TOO_LARGE;
    for (;;) {
        unsigned char spare;
        struct window w = open_window(j, &spare);
        size_t in = MIN(j->in.len, (size_t)1 << 30), n = MIN(w.n, (size_t)1 << 30);
        int rc;

        z->next_in = (const unsigned char *)j->in.ptr;
        z->avail_in = (unsigned)in;
        z->next_out = w.ptr;
        z->avail_out = (unsigned)n;
        rc = inflate(z, Z_NO_FLUSH);
        j->in = span_skip(j->in, in - z->avail_in);
        if (!close_window(j, &w, n - z->avail_out))
            return DECODE_TOO_LARGE;
        if (rc == Z_STREAM_END)
            return DECODE_OK;
        if (rc == Z_MEM_ERROR)
            return DECODE_TOO_LARGE;
        if (rc != Z_OK && rc != Z_BUF_ERROR)
            return DECODE_BAD;
        if (j->in.len == 0 && z->avail_out)
            return DECODE_TRUNCATED;
    }
}

bool decode_is_gzip(struct span s)
{
    return span_starts(s, SPAN("\x1F\x8B\x08"));
}

/* How long a gzip file's last member says to be (RFC 1952 §2.3.1), modulo 4 GiB. */
static size_t told_size(struct span s)
{
    const unsigned char *at = (const unsigned char *)s.ptr + s.len - 4;

    return (size_t)at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
}

/*
 * A member in one step, which takes libdeflate a third of zlib's time, but needs room for all of it. False: nothing
 * was done, and zlib tells how far it is good.
 */
static bool whole_member(struct decoder *d, struct job *j)
{
    size_t size = j->in.len < MEMBER_BYTES ? 0 : told_size(j->in), n_in, n_out;

    if (size == 0 || size > j->limit - j->out->len || size / MAX_EXPANSION > j->in.len || buf_reserve(j->out, size))
        return false;
    if (!d->whole)
        d->whole = libdeflate_alloc_decompressor();
    if (!d->whole || libdeflate_gzip_decompress_ex(d->whole, j->in.ptr, j->in.len, j->out->ptr + j->out->len, size,
                                                   &n_in, &n_out) != LIBDEFLATE_SUCCESS)
        return false;
    j->out->len += n_out;
    j->in = span_skip(j->in, n_in);
    return true;
}

static enum decode_outcome gzip_member(struct decoder *d, struct job *j)
{
    return whole_member(d, j) ? DECODE_OK : zlib_stream(d, j, 15 + 16);
}

/* Members follow one another (RFC 1952 §2.2); anything else behind one is ignored. */
static enum decode_outcome run_gzip(struct decoder *d, struct job *j)
{
    enum decode_outcome o = gzip_member(d, j);

    while (o == DECODE_OK && decode_is_gzip(j->in)) {
        size_t before = j->out->len;

        o = gzip_member(d, j);
        if (o == DECODE_BAD && j->out->len == before)
            return DECODE_OK; /* it only looked like a member */
    }
    return o;
}

/* "deflate" is zlib's format, but many send the bare one; their first bytes tell them apart. */
static enum decode_outcome run_deflate(struct decoder *d, struct job *j)
{
    struct span all = j->in;
    size_t before = j->out->len;
    unsigned a = (unsigned char)all.ptr[0],
             b = all.len > 1 ? (unsigned char)all.ptr[1] : 0;
    enum decode_outcome o = DECODE_BAD;

    if ((a & 0xF) == 8 && (a << 8 | b) % 31 == 0)
        o = zlib_stream(d, j, 15);
    if (o == DECODE_BAD && j->out->len == before) {
        j->in = all;
        o = zlib_stream(d, j, -15);
    }
    return o;
}

static enum decode_outcome run_br(struct job *j)
{
    BrotliDecoderState *s = BrotliDecoderCreateInstance(NULL, NULL, NULL);
    const unsigned char *in = (const unsigned char *)j->in.ptr;
    size_t n_in = j->in.len;
    enum decode_outcome o = DECODE_OK;

    if (!s)
        return DECODE_TOO_LARGE;
    for (;;) {
        unsigned char spare;
        struct window w = open_window(j, &spare);
        unsigned char *at = w.ptr;
        size_t left = w.n;
        BrotliDecoderResult rc =
            BrotliDecoderDecompressStream(s, &n_in, &in, &left, &at, NULL);

        if (!close_window(j, &w, w.n - left))
            o = DECODE_TOO_LARGE;
        else if (rc == BROTLI_DECODER_RESULT_ERROR)
            o = DECODE_BAD;
        else if (rc == BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT)
            o = DECODE_TRUNCATED;
        if (o != DECODE_OK || rc == BROTLI_DECODER_RESULT_SUCCESS)
            break;
    }
    j->in = span_skip(j->in, j->in.len - n_in);
    BrotliDecoderDestroyInstance(s);
    return o;
}

static bool is_zstd(struct span s)
{
    /* A frame, or one of the sixteen kinds of skippable frame (RFC 8878 §3.1). */
    return span_starts(s, SPAN("\x28\xB5\x2F\xFD")) ||
           (s.len >= 4 && ((unsigned char)s.ptr[0] & 0xF0) == 0x50 &&
            memcmp(s.ptr + 1, "\x2A\x4D\x18", 3) == 0);
}

static enum decode_outcome zstd_frame(struct decoder *d, struct job *j)
{
    for (;;) {
        unsigned char spare;
        struct window w = open_window(j, &spare);
        ZSTD_inBuffer in = { j->in.ptr, j->in.len, 0 };
        ZSTD_outBuffer out = { w.ptr, w.n, 0 };
        size_t rc = ZSTD_decompressStream(d->zstd, &out, &in);

        j->in = span_skip(j->in, in.pos);
        if (!close_window(j, &w, out.pos))
            return DECODE_TOO_LARGE;
        if (ZSTD_isError(rc))
            return DECODE_BAD;
        if (rc == 0)
            return DECODE_OK;
        if (j->in.len == 0 && out.pos < out.size)
            return DECODE_TRUNCATED;
    }
}

static enum decode_outcome run_zstd(struct decoder *d, struct job *j)
{
    enum decode_outcome o;

    /* The library also reads what zstd was before it was a standard; no server sends that. */
    if (j->in.len >= 4 && !is_zstd(j->in))
        return DECODE_BAD;
    if (!d->zstd)
        d->zstd = ZSTD_createDCtx();
    if (!d->zstd)
        return DECODE_TOO_LARGE;
    ZSTD_DCtx_reset(d->zstd, ZSTD_reset_session_and_parameters);
    ZSTD_DCtx_setParameter(d->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
    do
        o = zstd_frame(d, j);
    while (o == DECODE_OK && is_zstd(j->in));
    return o;
}

static enum decode_outcome run_compress(struct decoder *d, struct job *j)
{
    if (!d->lzw)
        d->lzw = mem_try_alloc(sizeof(*d->lzw));
    return d->lzw ? decode_lzw_run(d->lzw, j->in, j->limit, j->out) : DECODE_TOO_LARGE;
}

static enum decode_outcome run(struct decoder *d, enum coding coding, struct job *j)
{
    buf_reset(j->out);
    switch (coding) {
    case CODING_GZIP: return run_gzip(d, j);
    case CODING_DEFLATE: return run_deflate(d, j);
    case CODING_BR: return run_br(j);
    case CODING_ZSTD: return run_zstd(d, j);
    case CODING_COMPRESS: return run_compress(d, j);
    case CODING_IDENTITY:
    case CODING_UNKNOWN: break;
    }
    return DECODE_BAD;
}

static enum coding coding_named(struct span token)
{
    static const struct {
        const char *name;
        enum coding coding;
    } rows[] = {
        { "gzip", CODING_GZIP },           { "x-gzip", CODING_GZIP },
        { "deflate", CODING_DEFLATE },     { "br", CODING_BR },
        { "zstd", CODING_ZSTD },           { "compress", CODING_COMPRESS },
        { "x-compress", CODING_COMPRESS }, { "identity", CODING_IDENTITY },
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (span_eq_nocase(token, span_str(rows[i].name)))
            return rows[i].coding;
    return CODING_UNKNOWN;
}

/* Printable, with no more than the control characters that text has; UTF-16 does not count. */
static bool is_text(struct span s)
{
    s = span_slice(s, 0, MIN(s.len, (size_t)LOOK_BYTES));
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (c < 0x20 && !span_is_space(s.ptr[i]) && c != 0x1B)
            return false;
    }
    return s.len > 0;
}

/* Text that begins with markup in whatever encoding, or that is UTF-8 throughout. */
static bool is_plainly_text(struct span s)
{
    struct span start = span_starts(s, SPAN("\xEF\xBB\xBF")) ? span_skip(s, 3) : s;

    return is_text(s) && (span_starts(span_trim(start), SPAN("<")) ||
                          span_is_utf8(span_clip_utf8(s, LOOK_BYTES)));
}

/*
 * The named coding failed before anything came out. What the bytes themselves
 * say: gzip, zstd, or else brotli, which has no signature but must then come
 * out whole and as text.
 */
static enum decode_outcome second_look(struct decoder *d, enum coding named,
                                       struct job *j)
{
    if (decode_is_gzip(j->in))
        return named == CODING_GZIP ? DECODE_BAD : run(d, CODING_GZIP, j);
    if (is_zstd(j->in))
        return named == CODING_ZSTD ? DECODE_BAD : run(d, CODING_ZSTD, j);
    if (named == CODING_BR)
        return DECODE_BAD;
    if (run(d, CODING_BR, j) == DECODE_OK && j->in.len == 0 &&
        is_plainly_text(buf_span(j->out)))
        return DECODE_OK;
    buf_reset(j->out);
    return DECODE_BAD;
}

/*
 * Brotli and bare deflate make something of nearly any bytes. When that ended
 * oddly and the input is readable, it is the input that was meant. A short
 * beginning of a stream may look readable by chance.
 */
static bool was_never_coded(const struct job *j, struct span in, enum decode_outcome o)
{
    bool is_odd = o == DECODE_TRUNCATED || (o == DECODE_OK && j->in.len);

    return (o == DECODE_BAD || (is_odd && in.len >= SURELY_BYTES)) &&
           is_plainly_text(in);
}

/* Takes one coding off. in must not lie in out. */
static enum decode_outcome take_off(struct decoder *d, enum coding coding,
                                    struct span in, size_t limit, struct buf *out,
                                    struct span *result)
{
    struct job j = { in, out, limit };
    enum decode_outcome o = run(d, coding, &j);

    if (was_never_coded(&j, in, o)) {
        *result = in;
        return DECODE_OK;
    }
    *result = buf_span(out);
    if (o == DECODE_BAD && out->len == 0) {
        j.in = in;
        o = second_look(d, coding, &j);
        *result = buf_span(out);
    }
    return o;
}

/* The codings of a header in the order they were applied. False when there are too many. */
static bool read_header(struct span header, enum coding codings[MAX_CODINGS], size_t *n)
{
    struct span token;

    *n = 0;
    while (span_split(&header, ',', &token)) {
        enum coding coding = coding_named(span_trim(token));

        if (span_trim(token).len == 0 || coding == CODING_IDENTITY)
            continue;
        if (*n == MAX_CODINGS)
            return false;
        codings[(*n)++] = coding;
    }
    return true;
}

struct decoder *decode_new(void)
{
    struct decoder *d = mem_alloc(sizeof(*d));

    buf_init(&d->middle, SIZE_MAX);
    return d;
}

void decode_free(struct decoder *d)
{
    if (!d)
        return;
    if (d->has_zlib)
        inflateEnd(&d->zlib);
    libdeflate_free_decompressor(d->whole);
    ZSTD_freeDCtx(d->zstd);
    mem_free(d->lzw);
    buf_clear(&d->middle);
    mem_free(d);
}

enum decode_outcome decode_body(struct decoder *d, struct span wire,
                                struct span content_encoding, size_t max_bytes,
                                struct buf *scratch, struct span *out)
{
    enum coding codings[MAX_CODINGS];
    enum decode_outcome worst = DECODE_OK;
    size_t n, limit = RATIO_FREE_BYTES;
    struct buf first = { 0 };

    *out = SPAN_NONE;
    if (!read_header(content_encoding, codings, &n))
        return DECODE_BAD;
    *out = wire;
    if (wire.len > limit / DECODE_MAX_RATIO &&
        __builtin_mul_overflow(wire.len, DECODE_MAX_RATIO, &limit))
        limit = SIZE_MAX;
    limit = MIN(limit, max_bytes);
    buf_init(&first, limit);
    d->middle.max = limit;
    while (n--) {
        /* The last one ends in scratch; the two before take turns. */
        struct buf *to = n == 0 ? scratch : n == 1 ? &d->middle : &first;
        enum decode_outcome o;

        if (out->len == 0)
            break;
        o = take_off(d, codings[n], *out, limit, to, out);
        worst = worst == DECODE_OK ? o : worst;
    }
    /* A chain may have ended early, or turned out not to be coded at all. */
    if (out->len && (out->ptr == first.ptr || out->ptr == d->middle.ptr)) {
        buf_reset(scratch);
        if (buf_append(scratch, *out))
            worst = DECODE_TOO_LARGE;
        *out = buf_span(scratch);
    }
    buf_clear(&first);
    if (d->middle.cap > KEEP_BYTES)
        buf_clear(&d->middle);
    if (out->len > max_bytes) {
        *out = span_slice(*out, 0, max_bytes);
        worst = DECODE_TOO_LARGE;
    }
    return worst;
}
