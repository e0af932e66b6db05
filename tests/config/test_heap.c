/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/heap.h"

static void assert_heap_sane(const struct heap *h)
{
    for (size_t i = 0; i < h->len; i++) {
        const struct heap_node *n = h->nodes[i],
                               *parent = h->nodes[i ? (i - 1) / 2 : 0];

        assert_int_equal(n->slot, i + 1);
        assert_true(parent->key <= n->key);
        if (i && parent->key == n->key)
            assert_true(parent->order < n->order);
    }
}

static void an_empty_heap_has_nothing(void **state)
{
    struct heap_node n = { 0 };
    struct heap h;

    (void)state;
    heap_init(&h);
    assert_null(heap_peek(&h));
    assert_false(heap_has(&n));
    heap_remove(&h, &n);
    heap_clear(&h);
}

static void the_smallest_key_is_on_top(void **state)
{
    static const int64_t keys[] = { 5, INT64_MAX, -3, INT64_MIN, 0, 7 };
    struct heap_node nodes[ARRAY_LEN(keys)] = { { 0 } };
    int64_t last = INT64_MIN;
    struct heap h;

    (void)state;
    heap_init(&h);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        heap_add(&h, &nodes[i], keys[i]);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct heap_node *n = heap_peek(&h);

        assert_true(n->key >= last);
        last = n->key;
        heap_remove(&h, n);
        assert_false(heap_has(n));
    }
    assert_null(heap_peek(&h));
    heap_clear(&h);
}

static void equal_keys_leave_in_order_of_arrival(void **state)
{
    struct heap_node nodes[500] = { { 0 } };
    struct heap h;

    (void)state;
    heap_init(&h);
    for (size_t i = 0; i < ARRAY_LEN(nodes); i++)
        heap_add(&h, &nodes[i], (int64_t)(i % 3));
    for (size_t key = 0; key < 3; key++)
        for (size_t i = key; i < ARRAY_LEN(nodes); i += 3) {
            assert_ptr_equal(heap_peek(&h), &nodes[i]);
            heap_remove(&h, &nodes[i]);
        }
    heap_clear(&h);
}

static void moving_goes_behind_its_equals(void **state)
{
    struct heap_node a = { 0 }, b = { 0 }, c = { 0 };
    struct heap h;

    (void)state;
    heap_init(&h);
    heap_add(&h, &a, 1);
    heap_add(&h, &b, 1);
    heap_move(&h, &a, 1);
    assert_ptr_equal(heap_peek(&h), &b);
    heap_move(&h, &c, 0); /* was in none */
    assert_ptr_equal(heap_peek(&h), &c);
    heap_move(&h, &c, 2);
    assert_ptr_equal(heap_peek(&h), &b);
    assert_int_equal(h.len, 3);
    heap_clear(&h);
}

#define N_NODES 300

static void a_heap_agrees_with_a_search_through_an_array(void **state)
{
    static struct heap_node nodes[N_NODES];
    uint64_t order[N_NODES], next_order = 0;
    uint32_t x = 5;
    struct heap h;

    (void)state;
    heap_init(&h);
    for (int step = 0; step < 20000; step++) {
        size_t best = N_NODES, i;

        x = x * 1664525 + 1013904223;
        i = (x >> 8) % N_NODES;
        if (x >> 30 == 0 || (heap_has(&nodes[i]) && x >> 30 == 1)) {
            heap_remove(&h, &nodes[i]);
        } else {
            heap_move(&h, &nodes[i], (int64_t)(x >> 4 & 63) - 32);
            order[i] = next_order++;
        }
        for (size_t k = 0; k < N_NODES; k++) {
            if (!heap_has(&nodes[k]))
                continue;
            if (best == N_NODES || nodes[k].key < nodes[best].key ||
                (nodes[k].key == nodes[best].key && order[k] < order[best]))
                best = k;
        }
        assert_ptr_equal(heap_peek(&h), best == N_NODES ? NULL : &nodes[best]);
        if (step % 100 == 0)
            assert_heap_sane(&h);
    }
    heap_clear(&h);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_has_nothing),
        cmocka_unit_test(the_smallest_key_is_on_top),
        cmocka_unit_test(equal_keys_leave_in_order_of_arrival),
        cmocka_unit_test(moving_goes_behind_its_equals),
        cmocka_unit_test(a_heap_agrees_with_a_search_through_an_array),
    };

    return cmocka_run_group_tests_name("config/heap", tests, NULL, NULL);
}
