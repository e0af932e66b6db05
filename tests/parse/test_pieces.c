/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/mem.h"
#include "parse/pieces.h"

#define MAX_SAMPLES 64
#define ROOM        ((size_t)64 * KIB)

struct rig {
    struct buf samples, out;
    size_t sizes[MAX_SAMPLES];
    size_t n;
};

static int set_up(void **state)
{
    struct rig *r = mem_alloc(sizeof *r);

    *r = (struct rig){ 0 };
    buf_init(&r->samples, (size_t)4 * MIB);
    buf_init(&r->out, (size_t)1 * MIB);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;

    buf_clear(&r->samples);
    buf_clear(&r->out);
    mem_free(r);
    return 0;
}

/* What follows belongs to a new sample. */
static void begin(struct rig *r)
{
    assert_true(r->n < MAX_SAMPLES);
    r->sizes[r->n++] = 0;
}

static void add(struct rig *r, struct span bytes)
{
    assert_int_equal(buf_append(&r->samples, bytes), OK);
    r->sizes[r->n - 1] += bytes.len;
}

/* n bytes that no other seed has. */
static void add_noise(struct rig *r, uint32_t seed, size_t n)
{
    uint64_t x = UINT64_C(0x9E3779B97F4A7C15) * (seed + 1);

    for (size_t i = 0; i < n; i++) {
        char c;

        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        c = (char)(x >> 56);
        add(r, span_make(&c, 1));
    }
}

static struct span chosen(struct rig *r, size_t room)
{
    buf_reset(&r->out);
    assert_int_equal(
        pieces_choose(buf_span(&r->samples), r->sizes, r->n, room, &r->out), OK);
    assert_in_range(r->out.len, 0, room);
    return buf_span(&r->out);
}

/* Sample i's bytes from one offset of it to another. */
static struct span part(const struct rig *r, size_t i, size_t from, size_t to)
{
    size_t at = 0;

    for (size_t k = 0; k < i; k++)
        at += r->sizes[k];
    return span_slice(buf_span(&r->samples), at + from, at + to);
}

static bool holds(struct span all, struct span some)
{
    return memmem(all.ptr, all.len, some.ptr, some.len) != NULL;
}

static void what_several_samples_have_is_chosen_once(void **state)
{
    struct rig *r = *state;

    for (uint32_t i = 0; i < 10; i++) {
        begin(r);
        add_noise(r, 1000, PIECES_BYTES);
        add_noise(r, i, PIECES_BYTES);
    }

    assert_true(span_eq(chosen(r, ROOM), part(r, 0, 0, PIECES_BYTES)));
}

/* Each page has its head 7 bytes later than the one before: the same all the same, and once. */
static void it_need_not_stand_at_the_same_place(void **state)
{
    struct rig *r = *state;

    for (uint32_t i = 0; i < 10; i++) {
        begin(r);
        add_noise(r, i, 7 * i);
        add_noise(r, 1000, 2 * PIECES_BYTES);
    }

    assert_true(holds(chosen(r, ROOM), part(r, 0, 100, PIECES_BYTES - 100)));
    assert_in_range(r->out.len, 2 * PIECES_BYTES - 100, 3 * PIECES_BYTES);
}

static void what_most_have_comes_before_what_few_have(void **state)
{
    struct rig *r = *state;

    for (uint32_t i = 0; i < 12; i++) {
        begin(r);
        add_noise(r, 2000 + i / 2, PIECES_BYTES); /* two have it each */
        add_noise(r, 1000 + i / 6, PIECES_BYTES); /* six */
    }

    (void)chosen(r, 2 * PIECES_BYTES);
    assert_int_equal(r->out.len, 2 * PIECES_BYTES);
    assert_true(holds(buf_span(&r->out), part(r, 0, PIECES_BYTES, 2 * PIECES_BYTES)));
    assert_true(holds(buf_span(&r->out), part(r, 6, PIECES_BYTES, 2 * PIECES_BYTES)));
}

/* A page that says the same thing a hundred times needs no help of a dictionary to say it again. */
static void what_one_sample_repeats_is_worth_nothing(void **state)
{
    struct rig *r = *state;

    begin(r);
    for (int i = 0; i < 1000; i++)
        add(r, SPAN("the very same words again and again, "));
    begin(r);
    add_noise(r, 1, (size_t)40 * KIB);

    assert_int_equal(chosen(r, ROOM).len, 0);
}

static void the_pieces_of_a_sample_stay_together_and_in_order(void **state)
{
    struct rig *r = *state;

    for (uint32_t i = 0; i < 10; i++) {
        begin(r);
        add_noise(r, i, PIECES_BYTES);
        add_noise(r, 1000, 4 * PIECES_BYTES);
        add_noise(r, 100 + i, PIECES_BYTES);
    }

    assert_true(span_eq(chosen(r, ROOM), part(r, 0, PIECES_BYTES, 5 * PIECES_BYTES)));
}

static void there_is_never_more_than_there_is_room_for(void **state)
{
    static const size_t rooms[] = { 0, 1, 7, 8, 1000, PIECES_BYTES + 1 };
    struct rig *r = *state;

    for (uint32_t i = 0; i < 10; i++) {
        begin(r);
        add_noise(r, 1000, 4 * PIECES_BYTES);
    }

    for (size_t i = 0; i < ARRAY_LEN(rooms); i++)
        assert_int_equal(chosen(r, rooms[i]).len, rooms[i]);
}

static void what_is_too_small_or_alone_gives_nothing(void **state)
{
    struct rig *r = *state;

    assert_int_equal(chosen(r, ROOM).len, 0); /* no sample at all */
    begin(r);
    begin(r); /* two empty ones */
    assert_int_equal(chosen(r, ROOM).len, 0);
    add(r, SPAN("few"));
    begin(r);
    add(r, SPAN("few"));
    assert_int_equal(chosen(r, ROOM).len, 0);
    begin(r);
    add_noise(r, 1, (size_t)1 * MIB); /* a huge one that nothing is like */
    assert_int_equal(chosen(r, ROOM).len, 0);
}

static void samples_of_one_byte_are_one_word(void **state)
{
    static const char zeros[3 * PIECES_BYTES];
    struct rig *r = *state;

    for (int i = 0; i < MAX_SAMPLES; i++) {
        begin(r);
        add(r, span_make(zeros, sizeof zeros));
    }

    assert_in_range(chosen(r, ROOM).len, 0, PIECES_BYTES);
}

/* Every piece shares a little with every other, so that each choice lowers all: it ends all the same. */
static void pieces_that_all_overlap_come_to_an_end(void **state)
{
    struct rig *r = *state;

    for (uint32_t i = 0; i < MAX_SAMPLES; i++) {
        uint32_t x = i + 1;

        begin(r);
        for (int k = 0; k < 1000; k++) {
            x = x * 1664525u + 1013904223u;
            add_noise(r, 5000 + (x >> 16) % 4000, 32);
        }
    }

    assert_int_equal(chosen(r, ROOM).len, ROOM);
}

static void an_error_leaves_what_was_there(void **state)
{
    struct rig *r = *state;
    struct buf small;

    for (uint32_t i = 0; i < 3; i++) {
        begin(r);
        add_noise(r, 1000, 3 * PIECES_BYTES);
    }

    buf_init(&small, PIECES_BYTES + 6);
    assert_int_equal(buf_append(&small, SPAN("before")), OK);
    assert_int_equal(pieces_choose(buf_span(&r->samples), r->sizes, r->n, ROOM, &small),
                     ERR_TOO_LARGE);
    assert_true(span_eq(buf_span(&small), SPAN("before")));
    buf_clear(&small);
}

static void without_memory_it_says_so(void **state)
{
    struct rig *r = *state;
    enum err e = ERR_NO_MEMORY;
    int n;

    for (uint32_t i = 0; i < 3; i++) {
        begin(r);
        add_noise(r, 1000, 3 * PIECES_BYTES);
    }

    for (n = 1; e; n++) {
        buf_clear(&r->out);
        mem_fail_after(n);
        e = pieces_choose(buf_span(&r->samples), r->sizes, r->n, ROOM, &r->out);
        mem_fail_after(0);
        assert_true(!e || (e == ERR_NO_MEMORY && !r->out.len));
    }
    assert_in_range(n, 5, 20);
    assert_int_equal(r->out.len, 3 * PIECES_BYTES);
}

#define WITH_RIG(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_RIG(what_several_samples_have_is_chosen_once),
        WITH_RIG(it_need_not_stand_at_the_same_place),
        WITH_RIG(what_most_have_comes_before_what_few_have),
        WITH_RIG(what_one_sample_repeats_is_worth_nothing),
        WITH_RIG(the_pieces_of_a_sample_stay_together_and_in_order),
        WITH_RIG(there_is_never_more_than_there_is_room_for),
        WITH_RIG(what_is_too_small_or_alone_gives_nothing),
        WITH_RIG(samples_of_one_byte_are_one_word),
        WITH_RIG(pieces_that_all_overlap_come_to_an_end),
        WITH_RIG(an_error_leaves_what_was_there),
        WITH_RIG(without_memory_it_says_so),
    };

    return cmocka_run_group_tests_name("parse/pieces", tests, NULL, NULL);
}
