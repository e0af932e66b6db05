/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/mem.h"
#include "crawler/window.h"

#define N 400

static uint32_t next_random(uint32_t *x)
{
    *x = *x * 1664525 + 1013904223;
    return *x >> 8;
}

/* --- the order ------------------------------------------------------------------------ */

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

static void the_order_of_each_kind(void **state)
{
    static const struct {
        enum store_order order;
        int a[3], b[3]; /* priority, depth, id */
        int want;
        const char *why;
    } rows[] = {
        { ORDER_BFS, { 0, 9, 9 }, { 1, 0, 0 }, -1, "the smaller priority first" },
        { ORDER_BFS, { 0, 1, 9 }, { 0, 2, 1 }, -1, "then the shallower" },
        { ORDER_BFS, { 0, 1, 1 }, { 0, 1, 2 }, -1, "then who was seen first" },
        { ORDER_DFS, { 0, 0, 0 }, { 1, 9, 9 }, -1, "the smaller priority first" },
        { ORDER_DFS, { 0, 2, 1 }, { 0, 1, 9 }, -1, "then the deeper" },
        { ORDER_DFS, { 0, 1, 2 }, { 0, 1, 1 }, -1, "then who was seen last" },
        { ORDER_PRIORITY, { 0, 9, 9 }, { 1, 0, 0 }, -1, "the smaller priority first" },
        { ORDER_PRIORITY,
          { 0, 9, 1 },
          { 0, 1, 2 },
          -1,
          "then who was seen first, at any depth" },
        { ORDER_BFS, { 3, 4, 5 }, { 3, 4, 5 }, 0, "equal" },
        { ORDER_DFS, { 3, 4, 5 }, { 3, 4, 5 }, 0, "equal" },
        { ORDER_BFS,
          { -2147483647 - 1, 0, 0 },
          { 2147483647, 0, 0 },
          -1,
          "no overflow" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const int *a = rows[i].a, *b = rows[i].b;

        assert_int_equal(
            sign(window_compare(rows[i].order, a[0], a[1], a[2], b[0], b[1], b[2])),
            rows[i].want);
        assert_int_equal(
            sign(window_compare(rows[i].order, b[0], b[1], b[2], a[0], a[1], a[2])),
            -rows[i].want);
    }
}

/* --- the ring ---------------------------------------------------------------------------- */

static int compare(enum store_order order, const struct ticket *a,
                   const struct ticket *b)
{
    return window_compare(order, a->priority, a->depth, a->id, b->priority, b->depth,
                          b->id);
}

/* Random inserts, takes and removals against an array kept sorted by insertion. */
static void check_against_sorting(enum store_order order, uint32_t x)
{
    static struct ticket tickets[N];
    struct ticket *sorted[N];
    size_t len = 0, used = 0;
    struct host h = { 0 };

    for (int step = 0; step < 20000; step++) {
        uint32_t what = next_random(&x) % 8, phase = (uint32_t)step / 500 % 2;

        assert_int_equal(h.len, len);
        assert_ptr_equal(window_peek_last(&h), len ? sorted[len - 1] : NULL);
        if (what < 3 + 2 * phase && len < N) {
            struct ticket *t;
            size_t i;

            /* A free ticket: not in the sorted array. */
            do {
                t = &tickets[used++ % N];
                for (i = 0; i < len && sorted[i] != t; i++)
                    ;
            } while (i < len);
            *t = (struct ticket){ .id = step,
                                  .depth = (int)(next_random(&x) % 5),
                                  .priority = (int)(next_random(&x) % 3) - 1 };
            for (i = len++; i > 0 && compare(order, sorted[i - 1], t) > 0; i--)
                sorted[i] = sorted[i - 1];
            sorted[i] = t;
            window_insert(&h, order, t);
        } else if (what < 6) {
            assert_ptr_equal(window_take_first(&h), len ? sorted[0] : NULL);
            for (size_t i = 1; i < len; i++)
                sorted[i - 1] = sorted[i];
            len -= len > 0;
        } else if (what == 6) {
            assert_ptr_equal(window_take_last(&h), len ? sorted[len - 1] : NULL);
            len -= len > 0;
        } else if (len) {
            size_t i = next_random(&x) % len;

            window_remove(&h, sorted[i]);
            for (len--; i < len; i++)
                sorted[i] = sorted[i + 1];
        }
    }
    while (len) {
        assert_ptr_equal(window_take_last(&h), sorted[--len]);
    }
    mem_free(h.window);
}

static void a_bfs_window_agrees_with_sorting(void **state)
{
    (void)state;
    check_against_sorting(ORDER_BFS, 1);
}

static void a_dfs_window_agrees_with_sorting(void **state)
{
    (void)state;
    check_against_sorting(ORDER_DFS, 2);
}

static void a_priority_window_agrees_with_sorting(void **state)
{
    (void)state;
    check_against_sorting(ORDER_PRIORITY, 3);
}

static void an_empty_window_has_nothing(void **state)
{
    struct host h = { 0 };

    (void)state;
    assert_null(window_take_first(&h));
    assert_null(window_take_last(&h));
    assert_null(window_peek_last(&h));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_of_each_kind),
        cmocka_unit_test(a_bfs_window_agrees_with_sorting),
        cmocka_unit_test(a_dfs_window_agrees_with_sorting),
        cmocka_unit_test(a_priority_window_agrees_with_sorting),
        cmocka_unit_test(an_empty_window_has_nothing),
    };

    return cmocka_run_group_tests_name("crawler/window", tests, NULL, NULL);
}
