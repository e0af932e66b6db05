/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#define ZLIB_CONST
#include <zstd.h>

#include <cmocka.h>
#include <zlib.h>

#include "parse/decode.h"

#define LIMIT ((size_t)10 << 20)
#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }

static const char page[] =
    "<!doctype html><title>Bread</title><p>Flour, water, salt and time.</p>\n";
#define PAGE span_make(page, sizeof(page) - 1)

/* The page, and four million times 'a', in Brotli (RFC 7932). */
static const char page_br[] =
    "\x1b\x46\x00\x48\xc4\x6d\x6c\x1e\xd1\x71\xa4\xd1\xe8\xad\xa0\x08\x02\x87\x1c\xb0\x7f\x4b"
    "\xda\xb2\xcc\xb2\x3c\xc6\xc6\x72\x0d\x8f\xf3\x3d\x79\x24\xed\xcc\xd4\xc2\x7a\xa3\x7a\xfe"
    "\xb0\x12\x41\x37\x8b\x21\x3c\xa9\x03";
static const char bomb_br[] =
    "\x9b\xff\xff\x3f\xf8\x25\xc2\xe2\xb1\x40\x20\xf7\xfe\x07";
#define PAGE_BR span_make(page_br, sizeof(page_br) - 1)

struct rig {
    struct decoder *decoder;
    struct buf wire, scratch;
};

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    r->decoder = decode_new();
    buf_init(&r->wire, (size_t)64 << 20);
    buf_init(&r->scratch, LIMIT);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    decode_free(r->decoder);
    buf_clear(&r->wire);
    buf_clear(&r->scratch);
    free(r);
    return 0;
}

/* Appends s as one zlib stream: 31 gzip, 15 zlib, -15 bare. */
static void add_deflated(struct rig *r, struct span s, int window_bits)
{
    z_stream z = { .next_in = (const unsigned char *)s.ptr,
                   .avail_in = (unsigned)s.len };
    size_t bound = s.len + s.len / 100 + 100;

    assert_int_equal(
        deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(buf_reserve(&r->wire, bound), OK);
    z.next_out = (unsigned char *)r->wire.ptr + r->wire.len;
    z.avail_out = (unsigned)bound;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    r->wire.len += z.total_out;
    deflateEnd(&z);
}

static void add_zstd(struct rig *r, struct span s)
{
    size_t bound = ZSTD_compressBound(s.len), n;

    assert_int_equal(buf_reserve(&r->wire, bound), OK);
    n = ZSTD_compress(r->wire.ptr + r->wire.len, bound, s.ptr, s.len, 3);
    assert_false(ZSTD_isError(n));
    r->wire.len += n;
}

static void add(struct rig *r, struct span s)
{
    assert_int_equal(buf_append(&r->wire, s), OK);
}

static enum decode_outcome run(struct rig *r, const char *encoding, struct span *out)
{
    return decode_body(r->decoder, buf_span(&r->wire), span_str(encoding), LIMIT,
                       &r->scratch, out);
}

static void assert_decodes(struct rig *r, const char *encoding, struct span want)
{
    struct span out;

    assert_int_equal(run(r, encoding, &out), DECODE_OK);
    assert_int_equal(out.len, want.len);
    assert_memory_equal(out.ptr, want.ptr, want.len);
    buf_reset(&r->wire);
}

/* RFC 9110 §8.4.1; the same decoder again and again. */
static void every_coding_is_taken_off(void **state)
{
    struct rig *r = *state;

    for (int turn = 0; turn < 3; turn++) {
        add_deflated(r, PAGE, 31);
        assert_decodes(r, "gzip", PAGE);
        add_deflated(r, PAGE, 31);
        assert_decodes(r, " X-GZip ", PAGE);
        add_deflated(r, PAGE, 15);
        assert_decodes(r, "deflate", PAGE);
        add_deflated(r, PAGE, -15);
        assert_decodes(r, "deflate", PAGE);
        add(r, PAGE_BR);
        assert_decodes(r, "br", PAGE);
        add_zstd(r, PAGE);
        assert_decodes(r, "zstd", PAGE);
    }
}

static void no_coding_copies_nothing(void **state)
{
    struct rig *r = *state;
    struct span out;

    assert_int_equal(decode_body(r->decoder, PAGE, SPAN_NONE, LIMIT, &r->scratch, &out),
                     DECODE_OK);
    assert_ptr_equal(out.ptr, page);
    assert_int_equal(
        decode_body(r->decoder, PAGE, SPAN("identity, "), LIMIT, &r->scratch, &out),
        DECODE_OK);
    assert_ptr_equal(out.ptr, page);
    assert_null(r->scratch.ptr);
    assert_int_equal(
        decode_body(r->decoder, SPAN_NONE, SPAN("gzip"), LIMIT, &r->scratch, &out),
        DECODE_OK);
    assert_int_equal(out.len, 0);
}

/* RFC 1952 §2.3: extra field, name, comment and header checksum. */
static void a_gzip_header_may_carry_everything(void **state)
{
    static const unsigned char head[] = { 0x1F, 0x8B, 8, 0x1C, 0,   0,   0,
                                          0,    0,    3, 3,    0,   'a', 'b',
                                          'c',  'n',  0, 'c',  'o', 'm', 0 };
    struct rig *r = *state;
    uint32_t crc = (uint32_t)crc32(0, (const unsigned char *)page, sizeof(page) - 1),
             n = sizeof(page) - 1;

    add(r, span_make((const char *)head, sizeof(head)));
    add_deflated(r, PAGE, -15);
    add(r, span_make((const char *)&crc,
                     4)); /* little-endian, as the machines we run on */
    add(r, span_make((const char *)&n, 4));
    assert_decodes(r, "gzip", PAGE);
}

static void members_and_frames_follow_one_another(void **state)
{
    struct rig *r = *state;

    add_deflated(r, span_slice(PAGE, 0, 10), 31);
    add_deflated(r, span_slice(PAGE, 10, 10), 31);
    add_deflated(r, span_skip(PAGE, 10), 31);
    assert_decodes(r, "gzip", PAGE);
    add_zstd(r, span_slice(PAGE, 0, 10));
    add(r, SPAN("\x50\x2A\x4D\x18\x03\0\0\0abc")); /* RFC 8878 §3.1.2: skippable */
    add_zstd(r, span_skip(PAGE, 10));
    assert_decodes(r, "zstd", PAGE);
}

static void what_follows_the_end_is_ignored(void **state)
{
    static const char *const rests[] = { "\n", "<!-- served by x -->", "\x1F\x8B",
                                         "\x1F\x8B\x08\xFFgarbage" };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(rests); i++) {
        add_deflated(r, PAGE, 31);
        add(r, span_str(rests[i]));
        assert_decodes(r, "gzip", PAGE);
        add_deflated(r, PAGE, 15);
        add(r, span_str(rests[i]));
        assert_decodes(r, "deflate", PAGE);
        add_zstd(r, PAGE);
        add(r, span_str(rests[i]));
        assert_decodes(r, "zstd", PAGE);
        add(r, PAGE_BR);
        add(r, span_str(rests[i]));
        assert_decodes(r, "br", PAGE);
    }
}

/* RFC 9110 §8.4: listed in the order they were applied. */
static void chains_are_undone_from_the_end(void **state)
{
    struct rig *r = *state;
    struct buf inner = { .max = LIMIT };
    struct span out;

    add_deflated(r, PAGE_BR, 31);
    assert_decodes(r, "br, gzip", PAGE);
    add_deflated(r, PAGE, 31);
    assert_int_equal(buf_append(&inner, buf_span(&r->wire)), OK);
    buf_reset(&r->wire);
    add_deflated(r, buf_span(&inner), 15);
    buf_reset(&inner);
    assert_int_equal(buf_append(&inner, buf_span(&r->wire)), OK);
    assert_decodes(r, "gzip,deflate", PAGE);
    add_zstd(r, buf_span(&inner));
    assert_decodes(r, "gzip , identity, deflate,zstd", PAGE);
    add(r, PAGE);
    assert_int_equal(run(r, "gzip, gzip, gzip, gzip", &out), DECODE_BAD);
    assert_int_equal(out.len, 0);
    buf_clear(&inner);
}

static void a_chain_that_names_a_coding_too_often_ends_where_the_page_is_plain(void **state)
{
    static const char *const chains[] = { "gzip", "gzip, gzip", "gzip, gzip, gzip", "br, gzip, gzip" };
    struct rig *r = *state;
    struct span out;

    for (size_t i = 0; i < ARRAY_LEN(chains); i++) {
        add_deflated(r, PAGE, 31);
        assert_int_equal(run(r, chains[i], &out), DECODE_OK);
        assert_true(span_eq(out, PAGE));
        assert_ptr_equal(out.ptr, r->scratch.ptr); /* nothing of the decoder's own */
        buf_reset(&r->wire);
    }
}

static void what_comes_out_of_few_bytes_is_whole(void **state)
{
    struct rig *r = *state;
    struct buf plain = { .max = LIMIT };

    assert_int_equal(buf_reserve(&plain, 900000), OK);
    memset(plain.ptr, 'a', 900000);
    for (size_t n = 1000; n <= 900000; n = n * 3 + 1) {
        add_zstd(r, span_make(plain.ptr, n));
        assert_decodes(r, "zstd", span_make(plain.ptr, n));
        add_deflated(r, span_make(plain.ptr, n), 31);
        assert_decodes(r, "gzip", span_make(plain.ptr, n));
    }
    buf_clear(&plain);
}

/* P2: a page cut anywhere is never taken for whole, and what came is kept. */
static void every_cut_is_noticed(void **state)
{
    static const struct {
        const char *encoding;
        int window_bits; /* 0: br, 1: zstd */
    } rows[] = { { "gzip", 31 },
                 { "deflate", 15 },
                 { "deflate", -15 },
                 { "br", 0 },
                 { "zstd", 1 } };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        size_t whole;

        buf_reset(&r->wire);
        if (rows[i].window_bits == 0)
            add(r, PAGE_BR);
        else if (rows[i].window_bits == 1)
            add_zstd(r, PAGE);
        else
            add_deflated(r, PAGE, rows[i].window_bits);
        whole = r->wire.len;
        for (size_t n = 1; n < whole; n++) {
            char *cut = malloc(n);
            struct span out;
            enum decode_outcome o;

            memcpy(cut, r->wire.ptr, n);
            o = decode_body(r->decoder, span_make(cut, n), span_str(rows[i].encoding),
                            LIMIT, &r->scratch, &out);
            if (o != DECODE_TRUNCATED)
                print_error("%s cut at %zu of %zu: %d\n", rows[i].encoding, n, whole,
                            (int)o);
            assert_int_equal(o, DECODE_TRUNCATED);
            assert_true(span_starts(PAGE, out));
            free(cut);
        }
    }
}

static void damage_keeps_what_came_before(void **state)
{
    struct rig *r = *state;
    struct span out;

    add_deflated(r, PAGE, 31);
    r->wire.ptr[r->wire.len - 5] ^= 1; /* the checksum */
    assert_int_equal(run(r, "gzip", &out), DECODE_BAD);
    assert_true(span_eq(out, PAGE));
    buf_reset(&r->wire);
    add_deflated(r, PAGE, 31);
    add_deflated(r, PAGE, 31);
    r->wire.len -= 20;
    assert_int_equal(run(r, "gzip", &out), DECODE_TRUNCATED);
    assert_true(span_starts(out, PAGE));
}

/* A trailer says how long its member is; who is told wrong still gives what came. */
static void a_length_that_lies_costs_no_byte(void **state)
{
    static const uint32_t lies[] = { 0, 1, sizeof(page) - 2, sizeof(page), 1000, 0xffffffff };
    struct rig *r = *state;
    struct span out;

    for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
        add_deflated(r, PAGE, 31);
        memcpy(r->wire.ptr + r->wire.len - 4, &lies[i], 4);
        assert_int_equal(run(r, "gzip", &out), DECODE_BAD);
        assert_true(span_eq(out, PAGE));
        buf_reset(&r->wire);
    }
}

/* What follows a member is ignored; four zeros say that it is empty, so that another library reads it. */
static void both_ways_through_gzip_give_the_same(void **state)
{
    struct rig *r = *state;
    size_t n = (size_t)200 << 10;
    char *text = malloc(n), *copy = malloc(n);
    struct span out;

    for (size_t i = 0; i < n; i++)
        text[i] = (char)(i % 7 ? "abcdef <p>"[i * i % 10] : (int)(i * 2654435761U >> 24));
    for (size_t len = 1; len <= n; len = len * 3 + 1) {
        size_t got;

        add_deflated(r, span_make(text, len), 31);
        assert_int_equal(run(r, "gzip", &out), DECODE_OK);
        got = out.len;
        memcpy(copy, out.ptr, got);
        add(r, span_make("\0\0\0\0", 4));
        assert_int_equal(run(r, "gzip", &out), DECODE_OK);
        assert_true(span_eq(out, span_make(copy, got)));
        assert_true(span_eq(out, span_make(text, len)));
        buf_reset(&r->wire);
    }
    free(text);
    free(copy);
}

/* P9. Bombs of 4 MiB: at most max_bytes, and 200 times the input beyond 1 MiB. */
static void bombs_are_cut(void **state)
{
    struct rig *r = *state;
    size_t n = (size_t)4 << 20;
    char *zeros = calloc(n, 1);
    struct span out, bomb = span_make(bomb_br, sizeof(bomb_br) - 1);

    assert_int_equal(
        decode_body(r->decoder, bomb, SPAN("br"), LIMIT, &r->scratch, &out),
        DECODE_TOO_LARGE);
    assert_int_equal(out.len, 1 << 20);
    add_deflated(r, span_make(zeros, n), 31);
    assert_int_equal(run(r, "gzip", &out), DECODE_TOO_LARGE);
    assert_int_equal(out.len, MAX((size_t)1 << 20, 200 * r->wire.len));
    buf_reset(&r->wire);
    add_zstd(r, span_make(zeros, n));
    assert_int_equal(run(r, "zstd", &out), DECODE_TOO_LARGE);
    assert_int_equal(out.len, 1 << 20);
    assert_int_equal(decode_body(r->decoder, buf_span(&r->wire), SPAN("zstd"), 1000,
                                 &r->scratch, &out),
                     DECODE_TOO_LARGE);
    assert_int_equal(out.len, 1000);
    free(zeros);
}

/* The limit counts from the bytes on the wire, whatever lies between. */
static void a_bomb_within_a_chain_is_cut(void **state)
{
    struct rig *r = *state;
    size_t n = (size_t)4 << 20;
    char *zeros = calloc(n, 1);
    struct buf inner = { .max = LIMIT };
    struct span out;

    add_deflated(r, span_make(zeros, n), 31);
    assert_int_equal(buf_append(&inner, buf_span(&r->wire)), OK);
    buf_reset(&r->wire);
    add_deflated(r, buf_span(&inner), 31);

    assert_int_equal(run(r, "gzip, gzip", &out), DECODE_TOO_LARGE);

    assert_int_equal(out.len, 1 << 20);
    buf_clear(&inner);
    free(zeros);
}

static void the_limit_itself_is_allowed(void **state)
{
    static const char *const encodings[] = { "gzip", "deflate", "br", "zstd" };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(encodings); i++) {
        struct span out;

        buf_reset(&r->wire);
        if (i == 3)
            add_zstd(r, PAGE);
        else if (i == 2)
            add(r, PAGE_BR);
        else
            add_deflated(r, PAGE, i ? 15 : 31);
        assert_int_equal(decode_body(r->decoder, buf_span(&r->wire),
                                     span_str(encodings[i]), PAGE.len, &r->scratch,
                                     &out),
                         DECODE_OK);
        assert_true(span_eq(out, PAGE));
        assert_int_equal(decode_body(r->decoder, buf_span(&r->wire),
                                     span_str(encodings[i]), PAGE.len - 1, &r->scratch,
                                     &out),
                         DECODE_TOO_LARGE);
        assert_true(span_eq(out, span_slice(PAGE, 0, PAGE.len - 1)));
    }
}

/* RFC 9659: no more than 8 MiB of window. */
static void a_wide_zstd_window_is_refused(void **state)
{
    static const unsigned char frame[] = { 0x28, 0xB5, 0x2F, 0xFD, 0, 0x70, 1, 0, 0 };
    struct rig *r = *state;
    struct span out;

    add(r, span_make((const char *)frame, sizeof(frame)));
    r->wire.ptr[5] = 0x68; /* 2^(10 + 13) = 8 MiB */
    assert_int_equal(run(r, "zstd", &out), DECODE_OK);
    r->wire.ptr[5] = 0x70; /* 16 MiB */
    assert_int_equal(run(r, "zstd", &out), DECODE_BAD);
}

/* Frames of zstd 0.7 and before, which the library knows too (RFC 8878 does not). */
static void zstd_before_it_was_one_is_bad(void **state)
{
    struct rig *r = *state;
    struct span out;

    add(r, SPAN("\x27\xB5\x2F\xFD\x04\x4E#>\x0A\xB8\x90H8$"));
    assert_int_equal(run(r, "zstd", &out), DECODE_BAD);
    assert_int_equal(out.len, 0);
}

/* P47: a body that was never coded, or not as it says. */
static void wrong_names_do_not_lose_the_page(void **state)
{
    static const char *const names[] = { "gzip",     "deflate", "br",   "zstd",
                                         "compress", "utf-8",   "none", "gzip, br" };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        add(r, PAGE);
        assert_decodes(r, names[i], PAGE);
        add(r, SPAN("  \n<p>\xE9t\xE9 in Latin-1"));
        assert_decodes(r, names[i], SPAN("  \n<p>\xE9t\xE9 in Latin-1"));
        add(r, SPAN("User-agent: *\r\nDisallow:\r\n"));
        assert_decodes(r, names[i], SPAN("User-agent: *\r\nDisallow:\r\n"));
    }
    /* What Brotli and bare deflate would make something of. */
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        for (int first = '\t'; first < 127; first += first == '\n' ? 22 : 1) {
            char text[] = "?he quick brown fox jumps over the lazy dog.\n";

            text[0] = (char)first;
            add(r, span_str(text));
            assert_decodes(r, names[i], span_str(text));
        }
    for (size_t i = 1; i < ARRAY_LEN(names) - 1; i++) {
        add_deflated(r, PAGE, 31);
        assert_decodes(r, names[i], PAGE);
    }
    for (size_t i = 0; i < ARRAY_LEN(names) - 1; i++) {
        if (i == 3)
            continue;
        add_zstd(r, PAGE);
        assert_decodes(r, names[i], PAGE);
    }
    add(r, PAGE_BR);
    assert_decodes(r, "gzip", PAGE);
    add(r, SPAN("<p>\x1B$B$3\x1B(B in ISO-2022-JP"));
    assert_decodes(r, "gzip", SPAN("<p>\x1B$B$3\x1B(B in ISO-2022-JP"));
}

/* Brotli has no signature: only what is whole, and text, is taken for it. */
static void brotli_under_another_name_must_end_where_the_body_does(void **state)
{
    struct rig *r = *state;
    struct span out;

    add(r, PAGE_BR);
    add(r, SPAN("\x01more"));
    assert_int_equal(run(r, "gzip", &out), DECODE_BAD);
    assert_int_equal(out.len, 0);
    buf_reset(&r->wire);
    add(r, span_slice(PAGE_BR, 0, PAGE_BR.len - 4));
    assert_int_equal(run(r, "gzip", &out), DECODE_BAD);
    assert_int_equal(out.len, 0);
}

static void an_unknown_coding_of_binary_bytes_is_bad(void **state)
{
    struct rig *r = *state;
    struct span out;

    add(r, SPAN("\x00\x01\x02\xFF\xFE binary \x03"));
    assert_int_equal(run(r, "aes128gcm", &out), DECODE_BAD);
    assert_int_equal(out.len, 0);
    assert_int_equal(run(r, "gzip", &out), DECODE_BAD);
    assert_int_equal(out.len, 0);
}

static void uncoded_bodies_have_the_limit_too(void **state)
{
    struct rig *r = *state;
    struct span out;

    assert_int_equal(decode_body(r->decoder, PAGE, SPAN_NONE, 10, &r->scratch, &out),
                     DECODE_TOO_LARGE);
    assert_true(span_eq(out, span_slice(PAGE, 0, 10)));
    assert_int_equal(decode_body(r->decoder, PAGE, SPAN("br"), 10, &r->scratch, &out),
                     DECODE_TOO_LARGE);
    assert_true(span_eq(out, span_slice(PAGE, 0, 10)));
}

static void gzip_is_known_by_its_first_bytes(void **state)
{
    (void)state;
    assert_true(decode_is_gzip(SPAN("\x1F\x8B\x08\x00")));
    assert_false(decode_is_gzip(SPAN("\x1F\x8B\x07")));
    assert_false(decode_is_gzip(SPAN("\x1F\x8B")));
    assert_false(decode_is_gzip(SPAN_NONE));
}

/* ---- compress: an encoder small enough to trust ---- */

struct lzw {
    struct rig *r;
    uint64_t bits;
    unsigned n_bits, width, in_group;
};

static void put_code(struct lzw *w, unsigned code)
{
    w->bits |= (uint64_t)code << w->n_bits;
    w->n_bits += w->width;
    w->in_group = (w->in_group + 1) % 8;
    while (w->n_bits >= 8) {
        char c = (char)w->bits;

        add(w->r, span_make(&c, 1));
        w->bits >>= 8;
        w->n_bits -= 8;
    }
}

static void pad_group(struct lzw *w)
{
    while (w->in_group)
        put_code(w, 0);
}

/* Codes for s; the dictionary is searched one pair after the other. */
static void add_compressed(struct rig *r, struct span s)
{
    static uint32_t pairs[1 << 16];
    struct lzw w = { .r = r, .width = 9 };
    unsigned n = 257, n_cleared = 0, last = (unsigned char)s.ptr[0];

    add(r, SPAN("\x1F\x9D\x8C")); /* block mode, 12 bits */
    for (size_t i = 1; i <= s.len; i++) {
        unsigned c = i < s.len ? (unsigned char)s.ptr[i] : 0, k;
        uint32_t pair = last << 8 | c;

        for (k = 257; k < n && pairs[k] != pair; k++)
            continue;
        if (k < n && i < s.len) {
            last = k;
            continue;
        }
        put_code(&w, last);
        if (n < 1 << 12)
            pairs[n++] = pair;
        if (n > 1u << w.width && w.width < 12) {
            pad_group(&w);
            w.width++;
        }
        if (i / 10000 > n_cleared) { /* now and then the dictionary is thrown away */
            put_code(&w, 256);
            pad_group(&w);
            w.width = 9;
            n = 257;
            n_cleared++;
        }
        last = c;
    }
    pad_group(&w);
}

static void compress_is_taken_off(void **state)
{
    struct rig *r = *state;
    struct buf text = { .max = LIMIT };
    struct span out;

    for (int i = 0; i < 3000; i++)
        assert_int_equal(buf_printf(&text, "line %d of %d, aaaa\n", i * 7919 % 3000, i),
                         OK);
    add_compressed(r, buf_span(&text));
    assert_int_equal(run(r, "compress", &out), DECODE_OK);
    assert_true(out.len >= text.len);
    assert_memory_equal(out.ptr, text.ptr, text.len);
    assert_int_equal(decode_body(r->decoder, buf_span(&r->wire), SPAN("x-compress"),
                                 100, &r->scratch, &out),
                     DECODE_TOO_LARGE);
    assert_int_equal(out.len, 100);
    buf_clear(&text);
}

static void a_wrong_compress_code_is_bad(void **state)
{
    struct rig *r = *state;
    struct span out;

    add(r, SPAN("\x1F\x9D\x90\x61\xFE\x03\x00"));
    assert_int_equal(run(r, "compress", &out), DECODE_BAD);
    assert_true(span_eq(out, SPAN("a")));
    buf_reset(&r->wire);
    add(r, SPAN("\x1F\x9D\x91\x61\xFE\x03\x00")); /* 17 bits */
    assert_int_equal(run(r, "compress", &out), DECODE_BAD);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_RIG(every_coding_is_taken_off),
        WITH_RIG(no_coding_copies_nothing),
        WITH_RIG(a_gzip_header_may_carry_everything),
        WITH_RIG(a_length_that_lies_costs_no_byte),
        WITH_RIG(both_ways_through_gzip_give_the_same),
        WITH_RIG(members_and_frames_follow_one_another),
        WITH_RIG(what_follows_the_end_is_ignored),
        WITH_RIG(chains_are_undone_from_the_end),
        WITH_RIG(a_chain_that_names_a_coding_too_often_ends_where_the_page_is_plain),
        WITH_RIG(what_comes_out_of_few_bytes_is_whole),
        WITH_RIG(every_cut_is_noticed),
        WITH_RIG(damage_keeps_what_came_before),
        WITH_RIG(bombs_are_cut),
        WITH_RIG(a_bomb_within_a_chain_is_cut),
        WITH_RIG(the_limit_itself_is_allowed),
        WITH_RIG(a_wide_zstd_window_is_refused),
        WITH_RIG(zstd_before_it_was_one_is_bad),
        WITH_RIG(wrong_names_do_not_lose_the_page),
        WITH_RIG(brotli_under_another_name_must_end_where_the_body_does),
        WITH_RIG(an_unknown_coding_of_binary_bytes_is_bad),
        WITH_RIG(uncoded_bodies_have_the_limit_too),
        cmocka_unit_test(gzip_is_known_by_its_first_bytes),
        WITH_RIG(compress_is_taken_off),
        WITH_RIG(a_wrong_compress_code_is_bad),
    };

    return cmocka_run_group_tests_name("parse/decode", tests, NULL, NULL);
}
