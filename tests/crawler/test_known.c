/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crawler/known.h"

static struct known *open_known(size_t max_bytes)
{
    struct known *k = NULL;

    assert_int_equal(known_open(max_bytes, &k, NULL), OK);
    return k;
}

static void put(struct known *k, struct span url, int64_t id, int32_t depth)
{
    known_put(k, url, &(struct known_entry){ id, depth, REASON_NONE });
}

static void what_was_put_is_found(void **state)
{
    struct known *k = open_known((size_t)MIB);
    struct known_entry got = { 0 };

    (void)state;
    assert_false(known_find(k, SPAN("https://a.org/"), &got));
    assert_int_equal(got.id, 0);
    put(k, SPAN("https://a.org/"), 5, 3);
    known_put(k, SPAN_NONE, &(struct known_entry){ 6, 0, REASON_SCOPE });
    assert_true(known_find(k, SPAN("https://a.org/"), &got));
    assert_int_equal(got.id, 5);
    assert_int_equal(got.depth, 3);
    assert_int_equal(got.reason, REASON_NONE);
    assert_true(known_find(k, SPAN(""), &got));
    assert_int_equal(got.id, 6);
    assert_int_equal(got.reason, REASON_SCOPE);
    assert_false(known_find(k, SPAN("https://a.org"), &got));
    known_close(k);
    known_close(NULL);
}

static void putting_again_updates(void **state)
{
    struct known *k = open_known(0);
    struct known_entry got;

    (void)state;
    put(k, SPAN("a"), 1, 9);
    put(k, SPAN("b"), 2, 9);
    put(k, SPAN("a"), 1, 4);
    assert_true(known_find(k, SPAN("a"), &got));
    assert_int_equal(got.depth, 4);
    assert_true(known_find(k, SPAN("b"), &got));
    known_close(k);
}

static void the_smallest_cache_keeps_its_four_latest(void **state)
{
    struct known *k = open_known(0);
    struct known_entry got;

    (void)state;
    put(k, SPAN("a"), 1, 0);
    put(k, SPAN("b"), 2, 0);
    put(k, SPAN("c"), 3, 0);
    put(k, SPAN("d"), 4, 0);
    put(k, SPAN("a"), 1, 0);
    put(k, SPAN("e"), 5, 0);
    assert_true(known_find(k, SPAN("a"), &got));
    assert_false(known_find(k, SPAN("b"), &got));
    assert_true(known_find(k, SPAN("c"), &got));
    assert_true(known_find(k, SPAN("d"), &got));
    assert_true(known_find(k, SPAN("e"), &got));
    known_close(k);
}

/* A miss is allowed, a wrong answer never. */
static void an_overfull_cache_forgets_but_never_confuses(void **state)
{
    struct known *k = open_known((size_t)64 * KIB);
    int64_t n_found = 0;

    (void)state;
    for (int64_t i = 1; i <= 20000; i++) {
        char url[64];
        int n = snprintf(url, sizeof url, "https://a.org/page/%lld", (long long)i);

        put(k, span_make(url, (size_t)n), i, (int32_t)(i % 50));
    }
    for (int64_t i = 1; i <= 40000; i++) {
        char url[64];
        int n = snprintf(url, sizeof url, "https://a.org/page/%lld", (long long)i);
        struct known_entry got;

        if (!known_find(k, span_make(url, (size_t)n), &got))
            continue;
        n_found++;
        assert_int_equal(got.id, i);
        assert_int_equal(got.depth, i % 50);
    }
    assert_true(n_found > 1000 && n_found <= 2048);
    known_close(k);
}

/* Far more than the first sets hold, and far less than the cache could: growing loses next to nothing. */
static void a_growing_cache_keeps_what_it_has_room_for(void **state)
{
    struct known *k = open_known((size_t)32 * MIB);
    int64_t n_found = 0;

    (void)state;
    for (int64_t i = 1; i <= 100000; i++) {
        char url[64];
        int n = snprintf(url, sizeof url, "https://a.org/page/%lld", (long long)i);

        put(k, span_make(url, (size_t)n), i, (int32_t)(i % 50));
    }
    for (int64_t i = 1; i <= 100000; i++) {
        char url[64];
        int n = snprintf(url, sizeof url, "https://a.org/page/%lld", (long long)i);
        struct known_entry got;

        if (known_find(k, span_make(url, (size_t)n), &got)) {
            n_found++;
            assert_int_equal(got.id, i);
        }
    }
    assert_true(n_found > 90000);
    known_close(k);
}

static void a_key_taken_before_the_table_grew_finds_what_it_named(void **state)
{
    struct known *k = open_known((size_t)8 * MIB);
    struct known_key key = known_key(k, SPAN("https://a.org/")), other = known_key(k, SPAN("https://b.org/"));
    struct known_entry got;

    (void)state;
    assert_false(known_find_key(k, key, &got));
    for (int64_t i = 1; i <= 5000; i++) {
        char url[64];
        int n = snprintf(url, sizeof url, "https://a.org/page/%lld", (long long)i);

        put(k, span_make(url, (size_t)n), i, 0);
    }
    put(k, SPAN("https://a.org/"), 6000, 2);
    assert_true(known_find_key(k, key, &got));
    assert_int_equal(got.id, 6000);
    assert_int_equal(got.depth, 2);
    assert_false(known_find_key(k, other, &got));
    known_close(k);
}

static void forgetting_leaves_nothing(void **state)
{
    struct known *k = open_known((size_t)MIB);
    struct known_entry got;

    (void)state;
    put(k, SPAN("a"), 1, 0);
    known_forget(k);
    assert_false(known_find(k, SPAN("a"), &got));
    put(k, SPAN("a"), 2, 0);
    assert_true(known_find(k, SPAN("a"), &got));
    assert_int_equal(got.id, 2);
    known_close(k);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_put_is_found),
        cmocka_unit_test(putting_again_updates),
        cmocka_unit_test(the_smallest_cache_keeps_its_four_latest),
        cmocka_unit_test(an_overfull_cache_forgets_but_never_confuses),
        cmocka_unit_test(a_growing_cache_keeps_what_it_has_room_for),
        cmocka_unit_test(a_key_taken_before_the_table_grew_finds_what_it_named),
        cmocka_unit_test(forgetting_leaves_nothing),
    };

    return cmocka_run_group_tests_name("crawler/known", tests, NULL, NULL);
}
