/* SPDX-License-Identifier: MIT */
#include "store/recall.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/mem.h"

#define PLENTY ((size_t)MIB)

static void a_set_has_its_links_in_their_order(void **state)
{
    struct recall *r = recall_new(PLENTY);
    const struct recall_link *links;
    int64_t set;
    size_t n;

    (void)state;
    recall_begin(r, 7);
    recall_add(r, 3, true);
    recall_add(r, INT32_MAX, false);
    recall_begin(r, 9);
    recall_add(r, 1, false);

    assert_int_equal(recall_first(r), 7);
    assert_int_equal(recall_n_sets(r), 2);
    links = recall_links(r, 0, &set, &n);
    assert_int_equal(set, 7);
    assert_int_equal(n, 2);
    assert_int_equal(recall_dst(links[0]), 3);
    assert_true(recall_passes_rank(links[0]));
    assert_int_equal(recall_dst(links[1]), INT32_MAX);
    assert_false(recall_passes_rank(links[1]));
    links = recall_links(r, 1, &set, &n);
    assert_int_equal(set, 9);
    assert_int_equal(n, 1);
    assert_int_equal(recall_dst(links[0]), 1);
    recall_free(r);
}

static void nothing_is_there_before_the_first_set(void **state)
{
    struct recall *r = recall_new(PLENTY);

    (void)state;
    assert_int_equal(recall_first(r), 0);
    assert_int_equal(recall_n_sets(r), 0);
    recall_free(r);
}

static void assert_forgotten(struct recall *r)
{
    assert_int_equal(recall_first(r), 0);
    recall_begin(r, 100);
    recall_add(r, 1, true);
    assert_int_equal(recall_first(r), 0);
    recall_free(r);
}

static void over_its_bound_it_forgets_all_for_good(void **state)
{
    struct recall *r = recall_new((size_t)64 * KIB);

    (void)state;
    recall_begin(r, 1);
    for (int i = 0; i < 16384; i++)
        recall_add(r, i, true);
    assert_int_equal(recall_first(r), 1);
    recall_add(r, 1, true);
    assert_forgotten(r);
}

static void a_gap_between_sets_makes_it_forget(void **state)
{
    struct recall *r = recall_new(PLENTY);

    (void)state;
    recall_begin(r, 1);
    recall_add(r, 5, true);
    recall_begin(r, 3);
    assert_forgotten(r);
}

/* As when the last rows were removed before it came. */
static void a_set_that_begins_where_others_stood_makes_it_forget(void **state)
{
    struct recall *r = recall_new(PLENTY);

    (void)state;
    recall_begin(r, 1);
    recall_add(r, 5, true);
    recall_add(r, 6, true);
    recall_begin(r, 2);
    assert_forgotten(r);
}

static void a_number_that_does_not_fit_makes_it_forget(void **state)
{
    struct recall *r = recall_new(PLENTY);

    (void)state;
    recall_begin(r, 1);
    recall_add(r, (int64_t)INT32_MAX + 1, true);
    assert_forgotten(r);
}

static void without_memory_it_forgets(void **state)
{
    (void)state;
    for (int64_t nth = 1; nth <= 2; nth++) {
        struct recall *r = recall_new(PLENTY);

        mem_fail_after(nth);
        recall_begin(r, 1);
        recall_add(r, 2, true);
        mem_fail_after(0);
        assert_forgotten(r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_has_its_links_in_their_order),
        cmocka_unit_test(nothing_is_there_before_the_first_set),
        cmocka_unit_test(over_its_bound_it_forgets_all_for_good),
        cmocka_unit_test(a_gap_between_sets_makes_it_forget),
        cmocka_unit_test(a_set_that_begins_where_others_stood_makes_it_forget),
        cmocka_unit_test(a_number_that_does_not_fit_makes_it_forget),
        cmocka_unit_test(without_memory_it_forgets),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
