/* SPDX-License-Identifier: MIT */
/*
 * Content codings and packed bodies: the first byte picks the header, the second the limit, the
 * rest is the body. What must hold for every input:
 * 1. The limit is kept, and the answer is the same the second time, with used contexts.
 *    A gzip body that is good to both libraries that read it is the same to both.
 * 2. Identity gives the body itself.
 * 3. A packed body comes back; what is not packed is refused without a trace.
 */
#include "parse/decode.h"
#include "parse/pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const codings[] = {
    "",         "gzip",          "deflate",        "br",
    "zstd",     "compress",      "klingon",        "gzip, br",
    "br, gzip", "zstd, deflate", "gzip,gzip,gzip", "gzip, x, y, z",
};

/*
 * Four zeros behind it say that it is empty: zlib reads it then. It may refuse what libdeflate forgives (a wrong checksum
 * of the header, a code that is never used), but the checksum of the content holds for both.
 */
static void check_other_way(struct decoder *d, struct span body, size_t limit, struct span want, struct buf *scratch)
{
    struct buf longer;
    struct span out;

    buf_init(&longer, body.len + 4);
    BUG_IF(buf_append(&longer, body) || buf_append(&longer, span_make("\0\0\0\0", 4)));
    if (decode_body(d, buf_span(&longer), SPAN("gzip"), limit, scratch, &out) == DECODE_OK)
        BUG_IF(!span_eq(out, want));
    buf_clear(&longer);
}

static void check_decode(struct span body, struct span coding, size_t limit)
{
    struct decoder *d = decode_new();
    struct buf first, second;
    struct span a, b;
    enum decode_outcome o;

    buf_init(&first, limit);
    buf_init(&second, limit);
    o = decode_body(d, body, coding, limit, &first, &a);
    BUG_IF(o >= N_DECODE_OUTCOMES);
    BUG_IF(a.len > limit);
    BUG_IF(decode_body(d, body, coding, limit, &second, &b) != o);
    BUG_IF(!span_eq(a, b));
    BUG_IF(coding.len == 0 &&
           (a.ptr != body.ptr || (o != DECODE_OK && a.len != limit)));
    if (o == DECODE_OK && decode_is_gzip(body) && span_eq(coding, SPAN("gzip")))
        check_other_way(d, body, limit, a, &second);
    buf_clear(&first);
    buf_clear(&second);
    decode_free(d);
}

static void check_pack(struct span body)
{
    struct buf packed, plain;
    struct pack *p;

    BUG_IF(pack_new(&p) != OK);
    buf_init(&packed, 2 * body.len + 1024);
    buf_init(&plain, (size_t)1 << 20);
    if (pack_decompress(p, body, (size_t)1 << 16, &plain))
        BUG_IF(plain.len != 0);
    BUG_IF(plain.len > 1 << 16);
    buf_reset(&plain);
    if (body.len < 1 << 16) {
        BUG_IF(pack_compress(p, body, PACK_LEVEL, &packed) != OK);
        BUG_IF(pack_decompress(p, buf_span(&packed), body.len, &plain) != OK);
        BUG_IF(!span_eq(buf_span(&plain), body));
    }
    buf_clear(&packed);
    buf_clear(&plain);
    pack_free(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct span body;

    if (size < 2)
        return 0;
    body = span_make((const char *)data + 2, size - 2);
    check_decode(body, span_str(codings[data[0] % ARRAY_LEN(codings)]),
                 data[1] < 128 ? (size_t)data[1] : (size_t)data[1] << 12);
    check_pack(body);
    return 0;
}
