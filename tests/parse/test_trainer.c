/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/mem.h"
#include "parse/pack.h"
#include "parse/pieces.h"
#include "parse/trainer.h"
#include "tests/kit/training.h"

#define ID PACK_FIRST_DICTIONARY_ID

struct rig {
    struct trainer *trainer;
    struct buf page, dictionary;
};

static int set_up(void **state)
{
    struct rig *r = mem_alloc(sizeof *r);

    r->trainer = trainer_new();
    buf_init(&r->page, 1 << 20);
    buf_init(&r->dictionary, 1 << 20);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    trainer_free(r->trainer);
    buf_clear(&r->page);
    buf_clear(&r->dictionary);
    mem_free(r);
    return 0;
}

static bool show(struct rig *r, struct span body, int digest)
{
    unsigned char sha256[32] = { 0 };

    memcpy(sha256, &digest, sizeof digest);
    return trainer_add(r->trainer, body, sha256);
}

static bool show_pages(struct rig *r, int from, int to)
{
    bool is_ready = false;

    for (int n = from; n < to; n++)
        is_ready = show(r, training_page(n, &r->page), n);
    return is_ready;
}

static void a_dictionary_comes_of_enough_pages_and_bears_its_id(void **state)
{
    struct rig *r = *state;

    assert_false(show_pages(r, 0, TRAINER_SAMPLES - 1));
    assert_true(show_pages(r, TRAINER_SAMPLES - 1, TRAINER_SAMPLES));
    assert_int_equal(buf_append(&r->dictionary, SPAN("before")), OK);
    assert_int_equal(trainer_make(r->trainer, ID + 7, &r->dictionary), OK);
    assert_true(pack_is_dictionary(span_skip(buf_span(&r->dictionary), 6), ID + 7));
}

/* Kilobytes of this process that are in memory. */
static int64_t resident_kib(void)
{
    long long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%*s %lld", &pages), 1);
    fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

/* It takes megabytes that a parser needs for nothing else; the samples go, too. */
static void what_the_making_took_is_given_back(void **state)
{
    struct rig *r = *state;
    int64_t before;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* their allocator has its own ways */
#endif
    mem_start();
    assert_true(show_pages(r, 0, TRAINER_SAMPLES));
    before = resident_kib();
    assert_int_equal(trainer_make(r->trainer, ID, &r->dictionary), OK);
    assert_in_range(resident_kib(), 0, before);
}

static void it_is_made_once(void **state)
{
    struct rig *r = *state;

    assert_true(show_pages(r, 0, TRAINER_SAMPLES));
    assert_int_equal(trainer_make(r->trainer, ID, &r->dictionary), OK);
    for (int n = 0; n < 3 * TRAINER_SAMPLES; n++)
        assert_false(show_pages(r, n, n + 1));
}

static void the_same_body_counts_once(void **state)
{
    struct rig *r = *state;

    for (int i = 0; i < 3 * TRAINER_SAMPLES; i++)
        assert_false(show(r, training_page(0, &r->page), 4711));
    assert_false(show_pages(r, 0, TRAINER_SAMPLES - 2));
    assert_false(
        show(r, SPAN("<p>short"), 99999)); /* and a very short one not at all */
    assert_true(show_pages(r, TRAINER_SAMPLES, TRAINER_SAMPLES + 1));
}

static void of_short_bodies_it_wants_more(void **state)
{
    struct rig *r = *state;

    for (int n = 1; n <= (int)(TRAINER_BYTES / TRAINER_LEAST_SAMPLE); n++) {
        struct span body =
            span_slice(training_page(n, &r->page), 0, TRAINER_LEAST_SAMPLE);

        assert_int_equal(show(r, body, n), n == 1024);
    }
    assert_int_equal(trainer_make(r->trainer, ID, &r->dictionary), OK);
}

static uint32_t next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 24;
}

static void bodies_with_nothing_in_common_make_none(void **state)
{
    static char noise[16 * KIB];
    struct rig *r = *state;
    uint32_t seed = 1;
    bool is_ready = false;

    for (int n = 0; !is_ready; n++) {
        for (size_t i = 0; i < sizeof noise; i++)
            noise[i] = (char)next_random(&seed);
        is_ready = show(r, span_make(noise, sizeof noise), n);
    }
    assert_int_equal(trainer_make(r->trainer, ID, &r->dictionary), ERR_NOT_FOUND);
    assert_int_equal(r->dictionary.len, 0);
    assert_false(show_pages(r, 1000, 1000 + TRAINER_SAMPLES));
}

static size_t packed_len(struct rig *r, struct span body)
{
    struct pack *pack;
    struct buf packed, plain;
    size_t n;

    buf_init(&packed, 1 << 20);
    buf_init(&plain, 1 << 20);
    assert_int_equal(pack_new(&pack), OK);
    pack_set_dictionary(pack, ID, buf_span(&r->dictionary));
    assert_int_equal(pack_compress(pack, body, PACK_LEVEL, &packed), OK);
    assert_int_equal(pack_dictionary_id(buf_span(&packed)), ID);
    assert_int_equal(pack_decompress(pack, buf_span(&packed), body.len, &plain), OK);
    assert_true(span_eq(buf_span(&plain), body));
    n = packed.len;
    pack_free(pack);
    buf_clear(&plain);
    buf_clear(&packed);
    return n;
}

/* Their digests differ only here; in a crawl a byte of each does. */
static void of_pages_that_are_all_alike_it_keeps_one(void **state)
{
    struct rig *r = *state;
    struct span page = training_page(1, &r->page);

    for (int n = 1; n < TRAINER_SAMPLES; n++)
        assert_false(show(r, page, n));
    assert_true(show(r, page, TRAINER_SAMPLES));
    assert_int_equal(trainer_make(r->trainer, ID, &r->dictionary), OK);

    assert_in_range(r->dictionary.len, page.len / 2, page.len + KIB);
    assert_in_range(packed_len(r, page), 0, 200);
}

/* A zero byte, a hundred times over: no library makes sense of it, and nothing breaks. */
static void bodies_of_one_byte_do_no_harm(void **state)
{
    static const char zeros[32 * KIB];
    struct rig *r = *state;
    enum err e;

    for (int n = 1; n <= TRAINER_SAMPLES; n++)
        (void)show(r, span_make(zeros, sizeof zeros), n);
    e = trainer_make(r->trainer, ID, &r->dictionary);
    assert_true(e == OK || e == ERR_NOT_FOUND);
    assert_int_equal(e == OK, pack_is_dictionary(buf_span(&r->dictionary), ID));
}

/* Page n of the site whose number is n % 8: all of a site are alike, and no two sites. */
static struct span site_page(struct rig *r, int n)
{
    uint32_t seed = (uint32_t)(n % 8) * 7919u + 1;

    buf_reset(&r->page);
    while (r->page.len < TRAINER_SAMPLE_BYTES - 64)
        assert_int_equal(buf_printf(&r->page, "<b class=%x%x>%x</b>",
                                    next_random(&seed), next_random(&seed),
                                    next_random(&seed)),
                         OK);
    assert_int_equal(buf_printf(&r->page, "%d", n), OK);
    return buf_span(&r->page);
}

/* Has some sample these bytes, with the end of a piece behind them? */
static bool ends_a_piece(struct rig *r, struct span bytes)
{
    for (int n = 0; n < TRAINER_SAMPLES; n++) {
        struct span page = site_page(r, n);
        const char *at = memmem(page.ptr, page.len, bytes.ptr, bytes.len);
        size_t end = at ? (size_t)(at - page.ptr) + bytes.len : 0;

        if (at && (end % PIECES_BYTES == 0 || end == page.len))
            return true;
    }
    return false;
}

/* There is more in common than fits: what was chosen is there to its last byte. */
static void a_dictionary_of_many_sites_is_full(void **state)
{
    struct rig *r = *state;
    size_t helped = 0;

    for (int n = 0; n < TRAINER_SAMPLES; n++)
        assert_int_equal(show(r, site_page(r, n), n), n == TRAINER_SAMPLES - 1);
    assert_int_equal(trainer_make(r->trainer, ID, &r->dictionary), OK);

    assert_in_range(r->dictionary.len, PACK_MAX_DICTIONARY_BYTES - 256,
                    PACK_MAX_DICTIONARY_BYTES);
    assert_true(
        ends_a_piece(r, span_skip(buf_span(&r->dictionary), r->dictionary.len - 64)));
    for (int n = 1000; n < 1008; n++)
        helped += packed_len(r, site_page(r, n)) < TRAINER_SAMPLE_BYTES / 16;
    assert_in_range(helped, 4, 5); /* of eight sites, of which five would fit */
}

static void only_the_beginning_of_a_long_body_is_kept(void **state)
{
    struct rig *r = *state;
    struct span most = span_make(mem_alloc((size_t)8 * MIB), (size_t)8 * MIB);

    for (int n = 0; n < TRAINER_SAMPLES - 1; n++)
        assert_false(show(r, most, n)); /* 800 MiB would not fit */
    assert_true(show(r, most, TRAINER_SAMPLES));
    mem_free((void *)(uintptr_t)most.ptr);
}

static void what_nobody_wants_is_forgotten(void **state)
{
    struct rig *r = *state;

    assert_false(show_pages(r, 0, TRAINER_SAMPLES - 1));
    trainer_forget(r->trainer);
    assert_false(show_pages(r, 0, TRAINER_SAMPLES - 1));
    assert_true(show_pages(r, TRAINER_SAMPLES, TRAINER_SAMPLES + 1));
}

static void without_room_there_is_none(void **state)
{
    struct rig *r = *state;
    struct buf small;

    buf_init(&small, 1000);
    assert_true(show_pages(r, 0, TRAINER_SAMPLES));
    assert_int_equal(trainer_make(r->trainer, ID, &small), ERR_TOO_LARGE);
    assert_int_equal(small.len, 0);
    buf_clear(&small);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_RIG(what_the_making_took_is_given_back),
        WITH_RIG(a_dictionary_comes_of_enough_pages_and_bears_its_id),
        WITH_RIG(it_is_made_once),
        WITH_RIG(the_same_body_counts_once),
        WITH_RIG(of_short_bodies_it_wants_more),
        WITH_RIG(bodies_with_nothing_in_common_make_none),
        WITH_RIG(of_pages_that_are_all_alike_it_keeps_one),
        WITH_RIG(bodies_of_one_byte_do_no_harm),
        WITH_RIG(a_dictionary_of_many_sites_is_full),
        WITH_RIG(only_the_beginning_of_a_long_body_is_kept),
        WITH_RIG(what_nobody_wants_is_forgotten),
        WITH_RIG(without_room_there_is_none),
    };

    return cmocka_run_group_tests_name("parse/trainer", tests, NULL, NULL);
}
