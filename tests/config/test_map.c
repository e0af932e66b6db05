/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/map.h"

static uint32_t next_random(uint32_t *x)
{
    *x = *x * 1664525 + 1013904223;
    return *x >> 8;
}

/* Some address for a number: maps hold pointers. */
static void *value_of(size_t n)
{
    static char base[100000];

    return &base[n + 1];
}

/* --- byte strings ------------------------------------------------------------------ */

static void what_is_set_is_found_and_what_is_not_is_not(void **state)
{
    struct map m;

    (void)state;
    map_init(&m);
    assert_null(map_get(&m, SPAN("a")));
    assert_null(map_remove(&m, SPAN("a")));
    map_set(&m, SPAN("a"), value_of(1));
    map_set(&m, SPAN("a\0b"), value_of(2));
    map_set(&m, SPAN_NONE, value_of(3));
    assert_ptr_equal(map_get(&m, SPAN("a")), value_of(1));
    assert_ptr_equal(map_get(&m, SPAN("a\0b")), value_of(2));
    assert_ptr_equal(map_get(&m, SPAN("")), value_of(3));
    assert_null(map_get(&m, SPAN("a\0")));
    assert_int_equal(m.len, 3);
    map_clear(&m);
    assert_null(map_get(&m, SPAN("a")));
}

static void setting_again_replaces(void **state)
{
    struct map m;

    (void)state;
    map_init(&m);
    map_set(&m, SPAN("a"), value_of(1));
    map_set(&m, SPAN("a"), value_of(2));
    assert_int_equal(m.len, 1);
    assert_ptr_equal(map_get(&m, SPAN("a")), value_of(2));
    assert_ptr_equal(map_remove(&m, SPAN("a")), value_of(2));
    assert_int_equal(m.len, 0);
    map_clear(&m);
}

static void keys_are_copied(void **state)
{
    char key[] = "key";
    struct map m;

    (void)state;
    map_init(&m);
    map_set(&m, span_str(key), value_of(1));
    key[0] = 'x';
    assert_ptr_equal(map_get(&m, SPAN("key")), value_of(1));
    assert_null(map_get(&m, SPAN("xey")));
    map_clear(&m);
}

static void every_map_has_its_own_seed(void **state)
{
    struct map a, b;

    (void)state;
    map_init(&a);
    map_init(&b);
    assert_true(a.seed != b.seed);
    assert_true(map_hash(SPAN("x"), 1) != map_hash(SPAN("x"), 2));
    assert_true(map_hash(SPAN_NONE, 1) == map_hash(SPAN(""), 1));
    map_clear(&a);
    map_clear(&b);
}

#define N_KEYS 600

static void a_string_map_agrees_with_an_array(void **state)
{
    size_t model[N_KEYS] = { 0 }, len = 0;
    uint32_t x = 1;
    struct map m;

    (void)state;
    map_init(&m);
    for (int step = 0; step < 60000; step++) {
        size_t k = next_random(&x) % N_KEYS, phase = (size_t)step / 10000 % 2;
        char key[16];
        int n = snprintf(key, sizeof key, "k%zu", k);
        struct span s = span_make(key, (size_t)n);

        if (next_random(&x) % 10 < (phase ? 7u : 3u)) {
            void *removed = map_remove(&m, s);

            assert_ptr_equal(removed, model[k] ? value_of(model[k]) : NULL);
            len -= model[k] != 0;
            model[k] = 0;
        } else {
            len += model[k] == 0;
            model[k] = (size_t)step % 50000 + 1;
            map_set(&m, s, value_of(model[k]));
        }
        assert_int_equal(m.len, len);
        k = next_random(&x) % N_KEYS;
        n = snprintf(key, sizeof key, "k%zu", k);
        assert_ptr_equal(map_get(&m, span_make(key, (size_t)n)),
                         model[k] ? value_of(model[k]) : NULL);
    }
    map_clear(&m);
}

static void count(void *value)
{
    ++*(int *)value;
}

static void clearing_with_values_frees_each_once(void **state)
{
    int seen[N_KEYS] = { 0 };
    struct map m;

    (void)state;
    map_init(&m);
    for (size_t k = 0; k < N_KEYS; k++) {
        char key[16];
        int n = snprintf(key, sizeof key, "%zu", k);

        map_set(&m, span_make(key, (size_t)n), &seen[k]);
    }
    map_clear_values(&m, count);
    for (size_t k = 0; k < N_KEYS; k++)
        assert_int_equal(seen[k], 1);
    assert_int_equal(m.len, 0);
}

/* --- ids -------------------------------------------------------------------------------- */

static void any_id_but_zero(void **state)
{
    struct idmap m;

    (void)state;
    idmap_init(&m);
    assert_null(idmap_get(&m, 1));
    assert_null(idmap_remove(&m, 1));
    idmap_set(&m, 1, value_of(1));
    idmap_set(&m, UINT64_MAX, value_of(2));
    idmap_set(&m, (uint64_t)INT64_MIN, value_of(3));
    assert_ptr_equal(idmap_get(&m, 1), value_of(1));
    assert_ptr_equal(idmap_get(&m, UINT64_MAX), value_of(2));
    assert_ptr_equal(idmap_get(&m, (uint64_t)INT64_MIN), value_of(3));
    assert_null(idmap_get(&m, 0));
    assert_null(idmap_remove(&m, 0));
    assert_int_equal(m.len, 3);
    idmap_clear(&m);
}

/*
 * Ids whose homes lie in few slots, so that runs are long and wrap around the
 * end: multiples of the inverse of the map's multiplier, shifted to where it looks.
 */
static uint64_t colliding_id(size_t k)
{
    const uint64_t inverse = UINT64_C(0xf1de83e19937733d);

    return inverse *
           (((uint64_t)(k % 3) << 20) - ((uint64_t)1 << 20) + (uint64_t)(k / 3) + 1);
}

static void check_ids_against_an_array(uint64_t (*id_of)(size_t k), uint32_t x)
{
    size_t model[N_KEYS] = { 0 }, len = 0;
    struct idmap m;

    idmap_init(&m);
    for (int step = 0; step < 60000; step++) {
        size_t k = next_random(&x) % N_KEYS, phase = (size_t)step / 10000 % 2;

        if (next_random(&x) % 10 < (phase ? 7u : 3u)) {
            void *removed = idmap_remove(&m, id_of(k));

            assert_ptr_equal(removed, model[k] ? value_of(model[k]) : NULL);
            len -= model[k] != 0;
            model[k] = 0;
        } else {
            len += model[k] == 0;
            model[k] = (size_t)step % 50000 + 1;
            idmap_set(&m, id_of(k), value_of(model[k]));
        }
        assert_int_equal(m.len, len);
        k = next_random(&x) % N_KEYS;
        assert_ptr_equal(idmap_get(&m, id_of(k)), model[k] ? value_of(model[k]) : NULL);
    }
    for (size_t k = 0; k < N_KEYS; k++)
        assert_ptr_equal(idmap_get(&m, id_of(k)), model[k] ? value_of(model[k]) : NULL);
    idmap_clear(&m);
}

static uint64_t plain_id(size_t k)
{
    return k + 1;
}

static void an_id_map_agrees_with_an_array(void **state)
{
    (void)state;
    check_ids_against_an_array(plain_id, 2);
}

static void an_id_map_agrees_under_collisions(void **state)
{
    (void)state;
    assert_true(UINT64_C(0x9e3779b97f4a7c15) * UINT64_C(0xf1de83e19937733d) == 1);
    check_ids_against_an_array(colliding_id, 3);
}

static void count_id(void *arg, uint64_t id, void *value)
{
    size_t *seen = arg;

    assert_ptr_equal(value, value_of(id));
    seen[id]++;
}

static void both_walks_over_ids_see_every_one_once(void **state)
{
    size_t seen[N_KEYS + 1] = { 0 }, n = 0;
    struct idmap m;

    (void)state;
    idmap_init(&m);
    assert_null(idmap_at(&m, 0));
    for (uint64_t id = 1; id <= N_KEYS; id++)
        idmap_set(&m, id, value_of(id));
    idmap_each(&m, count_id, seen);
    for (size_t k = 1; k <= N_KEYS; k++)
        assert_int_equal(seen[k], 1);
    for (size_t i = 0; i < m.cap; i++)
        n += idmap_at(&m, i) != NULL;
    assert_int_equal(n, N_KEYS);
    assert_null(idmap_at(&m, m.cap));
    idmap_clear(&m);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_set_is_found_and_what_is_not_is_not),
        cmocka_unit_test(setting_again_replaces),
        cmocka_unit_test(keys_are_copied),
        cmocka_unit_test(every_map_has_its_own_seed),
        cmocka_unit_test(a_string_map_agrees_with_an_array),
        cmocka_unit_test(clearing_with_values_frees_each_once),
        cmocka_unit_test(any_id_but_zero),
        cmocka_unit_test(an_id_map_agrees_with_an_array),
        cmocka_unit_test(an_id_map_agrees_under_collisions),
        cmocka_unit_test(both_walks_over_ids_see_every_one_once),
    };

    return cmocka_run_group_tests_name("config/map", tests, NULL, NULL);
}
