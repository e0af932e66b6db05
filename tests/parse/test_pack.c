/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <zstd.h>

#include <cmocka.h>

#include "parse/pack.h"
#include "tests/kit/training.h"

#define LIMIT ((size_t)1 << 22)

struct rig {
    struct pack *pack;
    struct buf packed, plain;
    struct buf page, dictionary;
};

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof(*r));

    buf_init(&r->packed, LIMIT);
    buf_init(&r->plain, LIMIT);
    buf_init(&r->page, LIMIT);
    buf_init(&r->dictionary, LIMIT);
    *state = r;
    return pack_new(&r->pack) ? -1 : 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    pack_free(r->pack);
    buf_clear(&r->packed);
    buf_clear(&r->plain);
    buf_clear(&r->page);
    buf_clear(&r->dictionary);
    free(r);
    return 0;
}

/* n bytes, half text, half noise. */
static struct span make_body(size_t n)
{
    char *p = malloc(n + 1);
    uint32_t r = 7;

    for (size_t i = 0; i < n; i++) {
        r = r * 1103515245u + 12345;
        p[i] = i % 64 < 32 ? "<p class=\"item\">some text</p>\n  "[i % 32]
                           : (char)(r >> 16);
    }
    return span_make(p, n);
}

static void drop(struct span s)
{
    union {
        const char *from;
        char *to;
    } p = { .from = s.ptr };

    free(p.to);
}

static void bodies_come_back(void **state)
{
    static const size_t sizes[] = { 0, 1, 100, 131072, 131073, 300000, 1000000 };
    struct rig *r = *state;

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        for (int level = 1; level <= 19; level += 6) {
            struct span body = make_body(sizes[i]);

            buf_reset(&r->packed);
            buf_reset(&r->plain);
            assert_int_equal(pack_compress(r->pack, body, level, &r->packed), OK);
            assert_int_equal(
                pack_decompress(r->pack, buf_span(&r->packed), body.len, &r->plain),
                OK);
            assert_true(span_eq(buf_span(&r->plain), body));
            drop(body);
        }
}

static void both_append(void **state)
{
    struct rig *r = *state;

    assert_int_equal(buf_append(&r->packed, SPAN("head")), OK);
    assert_int_equal(buf_append(&r->plain, SPAN("head")), OK);
    assert_int_equal(pack_compress(r->pack, SPAN("body"), PACK_LEVEL, &r->packed), OK);
    assert_int_equal(
        pack_decompress(r->pack, span_skip(buf_span(&r->packed), 4), 4, &r->plain), OK);
    assert_true(span_eq(buf_span(&r->plain), SPAN("headbody")));
}

static void more_than_asked_for_is_refused(void **state)
{
    struct rig *r = *state;
    struct span body = make_body(200000);

    assert_int_equal(pack_compress(r->pack, body, PACK_LEVEL, &r->packed), OK);
    assert_int_equal(buf_append(&r->plain, SPAN("x")), OK);
    assert_int_equal(
        pack_decompress(r->pack, buf_span(&r->packed), body.len - 1, &r->plain),
        ERR_TOO_LARGE);
    assert_int_equal(r->plain.len, 1);
    drop(body);
}

/* A frame that does not say its size is counted as it grows. */
static void a_frame_without_a_size_is_counted(void **state)
{
    struct rig *r = *state;
    ZSTD_CCtx *c = ZSTD_createCCtx();
    struct span body = make_body(200000);
    ZSTD_inBuffer in = { body.ptr, body.len, 0 };
    ZSTD_outBuffer out;

    assert_int_equal(buf_reserve(&r->packed, 300000), OK);
    out = (ZSTD_outBuffer){ r->packed.ptr, 300000, 0 };
    assert_false(ZSTD_isError(ZSTD_compressStream2(c, &out, &in, ZSTD_e_continue)));
    assert_int_equal(ZSTD_compressStream2(c, &out, &in, ZSTD_e_end), 0);
    r->packed.len = out.pos;
    assert_int_equal(
        pack_decompress(r->pack, buf_span(&r->packed), body.len, &r->plain), OK);
    assert_true(span_eq(buf_span(&r->plain), body));
    buf_reset(&r->plain);
    assert_int_equal(
        pack_decompress(r->pack, buf_span(&r->packed), body.len - 1, &r->plain),
        ERR_TOO_LARGE);
    assert_int_equal(r->plain.len, 0);
    ZSTD_freeCCtx(c);
    drop(body);
}

static void damage_is_noticed(void **state)
{
    struct rig *r = *state;
    struct span body = make_body(5000);

    assert_int_equal(pack_compress(r->pack, body, PACK_LEVEL, &r->packed), OK);
    for (size_t n = 0; n < r->packed.len; n++) {
        char *cut = malloc(n + 1);

        memcpy(cut, r->packed.ptr, n);
        assert_int_equal(pack_decompress(r->pack, span_make(cut, n), LIMIT, &r->plain),
                         ERR_CORRUPT);
        assert_int_equal(r->plain.len, 0);
        free(cut);
    }
    assert_int_equal(buf_append_byte(&r->packed, 'x'), OK);
    assert_int_equal(pack_decompress(r->pack, buf_span(&r->packed), LIMIT, &r->plain),
                     ERR_CORRUPT);
    assert_int_equal(pack_decompress(r->pack, SPAN("no zstd at all"), LIMIT, &r->plain),
                     ERR_CORRUPT);
    assert_int_equal(pack_decompress(r->pack,
                                     SPAN("\x27\xB5\x2F\xFD\x04\x4E#>\x0A\xB8\x90H8$"),
                                     LIMIT, &r->plain),
                     ERR_CORRUPT);
    assert_int_equal(r->plain.len, 0);
    drop(body);
}

static void a_full_buffer_is_an_error(void **state)
{
    struct rig *r = *state;
    struct span body = make_body(50000);
    struct buf small;

    buf_init(&small, 1000);
    assert_int_equal(pack_compress(r->pack, body, PACK_LEVEL, &small), ERR_TOO_LARGE);
    assert_int_equal(small.len, 0);
    assert_int_equal(pack_compress(r->pack, body, PACK_LEVEL, &r->packed), OK);
    assert_int_equal(pack_decompress(r->pack, buf_span(&r->packed), LIMIT, &small),
                     ERR_TOO_LARGE);
    assert_int_equal(small.len, 0);
    buf_clear(&small);
    drop(body);
}

/* --- dictionaries --- */

#define ID PACK_FIRST_DICTIONARY_ID

static void assert_comes_back(struct rig *r, struct span body)
{
    buf_reset(&r->plain);
    assert_int_equal(
        pack_decompress(r->pack, buf_span(&r->packed), body.len, &r->plain), OK);
    assert_true(span_eq(buf_span(&r->plain), body));
}

static void a_body_packed_with_a_dictionary_is_smaller_and_names_it(void **state)
{
    struct rig *r = *state;
    struct span dictionary = training_dictionary(ID, &r->dictionary);
    struct span page = training_page(100000, &r->page);
    size_t alone;

    assert_int_equal(pack_compress(r->pack, page, PACK_LEVEL, &r->packed), OK);
    assert_int_equal(pack_dictionary_id(buf_span(&r->packed)), 0);
    alone = r->packed.len;

    pack_set_dictionary(r->pack, ID, dictionary);
    assert_comes_back(r, page); /* what was packed before stays readable */
    buf_reset(&r->packed);
    assert_int_equal(pack_compress(r->pack, page, PACK_LEVEL, &r->packed), OK);
    assert_true(r->packed.len < alone * 3 / 4);
    assert_int_equal(pack_dictionary_id(buf_span(&r->packed)), ID);
    assert_comes_back(r, page);
}

static void bodies_of_all_sizes_come_back_through_a_dictionary(void **state)
{
    static const size_t sizes[] = { 0, 1, 100, 131072, 131073, 1000000 };
    struct rig *r = *state;

    pack_set_dictionary(r->pack, ID, training_dictionary(ID, &r->dictionary));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct span body = make_body(sizes[i]);

        buf_reset(&r->packed);
        assert_int_equal(pack_compress(r->pack, body, PACK_LEVEL, &r->packed), OK);
        assert_comes_back(r, body);
        drop(body);
    }
}

static void a_body_without_its_dictionary_is_said_to_need_it(void **state)
{
    struct rig *r = *state;
    struct span page = training_page(5000, &r->page);
    struct buf other;

    pack_set_dictionary(r->pack, ID, training_dictionary(ID, &r->dictionary));
    assert_int_equal(pack_compress(r->pack, page, PACK_LEVEL, &r->packed), OK);

    pack_set_dictionary(r->pack, 0, SPAN_NONE);
    assert_int_equal(pack_decompress(r->pack, buf_span(&r->packed), LIMIT, &r->plain),
                     ERR_NOT_FOUND);
    buf_init(&other, LIMIT);
    pack_set_dictionary(r->pack, ID + 1, training_dictionary(ID + 1, &other));
    assert_int_equal(pack_decompress(r->pack, buf_span(&r->packed), LIMIT, &r->plain),
                     ERR_NOT_FOUND);
    assert_int_equal(r->plain.len, 0);
    buf_reset(&r->packed);
    assert_int_equal(pack_compress(r->pack, page, PACK_LEVEL, &r->packed), OK);
    assert_int_equal(pack_dictionary_id(buf_span(&r->packed)), ID + 1);
    buf_clear(&other);

    pack_set_dictionary(r->pack, ID, buf_span(&r->dictionary)); /* taken apart anew */
    buf_reset(&r->packed);
    assert_int_equal(pack_compress(r->pack, page, PACK_LEVEL, &r->packed), OK);
    assert_int_equal(pack_dictionary_id(buf_span(&r->packed)), ID);
    assert_comes_back(r, page);
}

/* The head is right, what follows is not: no reader crashes, and a body is packed without. */
static void a_dictionary_that_the_library_refuses_is_none(void **state)
{
    struct rig *r = *state;
    struct span page = training_page(5000, &r->page);

    pack_set_dictionary(r->pack, ID, training_dictionary(ID, &r->dictionary));
    assert_int_equal(pack_compress(r->pack, page, PACK_LEVEL, &r->packed), OK);
    pack_free(r->pack);
    assert_int_equal(pack_new(&r->pack), OK);

    memset(r->dictionary.ptr + 8, 0xff, r->dictionary.len - 8);
    pack_set_dictionary(r->pack, ID, buf_span(&r->dictionary));
    assert_int_equal(pack_decompress(r->pack, buf_span(&r->packed), LIMIT, &r->plain),
                     ERR_NOT_FOUND);
    buf_reset(&r->packed);
    assert_int_equal(pack_compress(r->pack, page, PACK_LEVEL, &r->packed), OK);
    assert_int_equal(pack_dictionary_id(buf_span(&r->packed)), 0);
    assert_comes_back(r, page);
}

static void a_dictionary_is_known_by_its_head(void **state)
{
    struct rig *r = *state;
    struct span d = training_dictionary(ID, &r->dictionary);
    struct span huge = make_body(PACK_MAX_DICTIONARY_BYTES + 1);
    char *p = (char *)(uintptr_t)huge.ptr;

    assert_true(pack_is_dictionary(d, ID));
    assert_false(pack_is_dictionary(d, ID + 1));
    assert_false(pack_is_dictionary(span_slice(d, 0, 8), ID));
    assert_false(pack_is_dictionary(span_skip(d, 1), ID));
    assert_false(pack_is_dictionary(SPAN_NONE, ID));
    memcpy(p, d.ptr, 8);
    assert_true(pack_is_dictionary(span_slice(huge, 0, huge.len - 1), ID));
    assert_false(pack_is_dictionary(huge, ID));
    memset(p + 4, 0, 4);
    assert_false(pack_is_dictionary(span_slice(huge, 0, 1000), 0));
    drop(huge);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_RIG(bodies_come_back),
        WITH_RIG(both_append),
        WITH_RIG(more_than_asked_for_is_refused),
        WITH_RIG(a_frame_without_a_size_is_counted),
        WITH_RIG(damage_is_noticed),
        WITH_RIG(a_full_buffer_is_an_error),
        WITH_RIG(a_body_packed_with_a_dictionary_is_smaller_and_names_it),
        WITH_RIG(bodies_of_all_sizes_come_back_through_a_dictionary),
        WITH_RIG(a_body_without_its_dictionary_is_said_to_need_it),
        WITH_RIG(a_dictionary_that_the_library_refuses_is_none),
        WITH_RIG(a_dictionary_is_known_by_its_head),
    };

    return cmocka_run_group_tests_name("parse/pack", tests, NULL, NULL);
}
