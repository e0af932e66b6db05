/* SPDX-License-Identifier: MIT */
#include "store/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/mem.h"

#define SECRET    12345
#define MAX_BYTES ((size_t)4 * MIB)

static struct filter *f;

static int setup(void **state)
{
    (void)state;
    f = filter_new(SECRET, MAX_BYTES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    filter_free(f);
    return 0;
}

/* In no order; no two alike. */
static uint64_t key(uint64_t n)
{
    n = (n + 1) * UINT64_C(0xBF58476D1CE4E5B9);
    return (n ^ n >> 31) * UINT64_C(0x94D049BB133111EB);
}

static void add(uint64_t from, uint64_t to)
{
    for (uint64_t n = from; n < to; n++)
        filter_add(f, key(n));
}

static uint64_t n_held(uint64_t from, uint64_t to)
{
    uint64_t n_found = 0;

    for (uint64_t n = from; n < to; n++)
        n_found += filter_may_have(f, key(n));
    return n_found;
}

static void make(uint64_t n_keys)
{
    bool is_new;

    assert_true(filter_is_making(f, (int64_t)n_keys, &is_new));
    assert_true(is_new);
    add(0, n_keys);
    filter_finish(f);
}

static void before_it_was_told_anything_all_may_be_there(void **state)
{
    (void)state;
    add(0, 10);
    assert_int_equal(n_held(0, 1000), 1000);
}

static void no_key_is_missed_and_few_others_seem_to_be_there(void **state)
{
    (void)state;
    make(1000000);
    assert_int_equal(n_held(0, 1000000), 1000000);
    assert_true(n_held(1000000, 1100000) < 2000); /* of 100,000 */
}

/* Ten bits a key: the fullest that it gets while it may grow. */
static void when_it_is_due_to_grow_one_of_a_hundred_is_wrong(void **state)
{
    bool is_new;

    (void)state;
    make(0);
    add(0, 52000);
    assert_false(filter_is_making(f, 52000, &is_new));
    assert_in_range(n_held(1000000, 1100000), 100, 2000);
    assert_true(filter_is_making(f, 53000, &is_new) && is_new);
}

static void what_comes_while_a_larger_one_is_made_is_in_both(void **state)
{
    bool is_new;

    (void)state;
    make(1000);
    assert_true(filter_is_making(f, 100000, &is_new) && is_new);
    assert_true(filter_is_making(f, 100000, &is_new) && !is_new);
    add(1000, 2000);
    assert_int_equal(n_held(0, 2000), 2000); /* the old one answers */
    assert_true(n_held(5000, 6000) < 100);
    add(0, 1000);
    filter_finish(f);
    assert_int_equal(n_held(0, 2000), 2000);
}

static void at_its_bound_it_grows_no_more_and_misses_none(void **state)
{
    bool is_new;

    (void)state;
    make(8000000); /* four bits a key */
    assert_false(filter_is_making(f, 80000000, &is_new));
    assert_false(filter_is_making(f, INT64_MAX, &is_new));
    assert_int_equal(n_held(0, 8000000), 8000000);
    assert_true(n_held(8000000, 8100000) < 60000);
}

static void without_memory_it_knows_nothing(void **state)
{
    bool is_new;
    struct filter *none = filter_new(SECRET, 8);

    (void)state;
    assert_false(filter_is_making(none, 1000, &is_new));
    assert_true(filter_may_have(none, 1));
    filter_free(none);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(before_it_was_told_anything_all_may_be_there),
        TEST(no_key_is_missed_and_few_others_seem_to_be_there),
        TEST(when_it_is_due_to_grow_one_of_a_hundred_is_wrong),
        TEST(what_comes_while_a_larger_one_is_made_is_in_both),
        TEST(at_its_bound_it_grows_no_more_and_misses_none),
        TEST(without_memory_it_knows_nothing),
    };

    return cmocka_run_group_tests_name("store/filter", tests, NULL, NULL);
}
