/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/mem.h"
#include "parse/pack.h"
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

/* What the library says to it is its business; a dictionary or none, and then it is over. */
static void bodies_with_nothing_in_common_do_no_harm(void **state)
{
    static char noise[16 * KIB];
    struct rig *r = *state;
    uint32_t seed = 1;
    bool is_ready = false;
    enum err e;

    for (int n = 0; !is_ready; n++) {
        for (size_t i = 0; i < sizeof noise; i++) {
            seed = seed * 1664525u + 1013904223u;
            noise[i] = (char)(seed >> 24);
        }
        is_ready = show(r, span_make(noise, sizeof noise), n);
    }
    e = trainer_make(r->trainer, ID, &r->dictionary);
    assert_true(e == OK || e == ERR_NOT_FOUND);
    assert_int_equal(e == OK, pack_is_dictionary(buf_span(&r->dictionary), ID));
    assert_false(show_pages(r, 1000, 1000 + TRAINER_SAMPLES));
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
        WITH_RIG(bodies_with_nothing_in_common_do_no_harm),
        WITH_RIG(only_the_beginning_of_a_long_body_is_kept),
        WITH_RIG(what_nobody_wants_is_forgotten),
        WITH_RIG(without_room_there_is_none),
    };

    return cmocka_run_group_tests_name("parse/trainer", tests, NULL, NULL);
}
