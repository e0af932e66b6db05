/* SPDX-License-Identifier: MIT */
/*
 * The cache of known URLs: what it says is right, what it forgets it does not invent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "store/seen.h"

#define N 200000

static struct seen_key key_of(const struct seen *s, int64_t i)
{
    char text[32];
    int n = snprintf(text, sizeof text, "http://a.example/%lld", (long long)i);

    return seen_key(s, span_make(text, (size_t)n));
}

static struct seen_row row_of(int64_t i)
{
    return (struct seen_row){ .id = i,
                              .host_id = i % 7 + 1,
                              .parent_id = i / 2,
                              .depth = (int32_t)(i % 50),
                              .state = (uint8_t)(i % 5),
                              .reason = (uint8_t)(i % 17) };
}

static bool is_row(const struct seen_row *row, int64_t i)
{
    struct seen_row want = row_of(i);

    return row->id == want.id && row->host_id == want.host_id &&
           row->parent_id == want.parent_id && row->depth == want.depth &&
           row->state == want.state && row->reason == want.reason;
}

static void what_fits_is_found_again(void **state)
{
    struct seen *s = seen_new(1, 64 * MIB);
    struct seen_row row;
    int64_t n_found = 0;

    (void)state;
    for (int64_t i = 1; i <= N; i++) {
        row = row_of(i);
        seen_put(s, key_of(s, i), &row);
    }
    for (int64_t i = 1; i <= N; i++) {
        if (!seen_find(s, key_of(s, i), &row))
            continue;
        n_found++;
        assert_true(is_row(&row, i));
        assert_int_equal(row.key_hash, key_of(s, i).hash);
        assert_true(!seen_find_id(s, i, &row) || is_row(&row, i));
        assert_int_equal(row.key_hash, key_of(s, i).hash);
    }
    assert_true(n_found > N * 95 / 100);
    assert_false(seen_find(s, key_of(s, N + 1), &row));
    assert_false(seen_find_id(s, N + 1, &row));
    seen_free(s);
}

static void a_small_cache_forgets_but_never_errs(void **state)
{
    struct seen *s = seen_new(1, 100000);
    struct seen_row row;

    (void)state;
    for (int64_t i = 1; i <= N; i++) {
        row = row_of(i);
        seen_put(s, key_of(s, i), &row);
    }
    for (int64_t i = 1; i <= N; i++)
        assert_true(!seen_find(s, key_of(s, i), &row) || is_row(&row, i));
    seen_free(s);
}

static void an_update_reaches_both_ways_in(void **state)
{
    struct seen *s = seen_new(1, MIB);
    struct seen_row row = row_of(5);
    struct seen_key key = key_of(s, 5);

    (void)state;
    seen_put(s, key, &row);
    row.state = STATE_FETCHED;
    row.depth = 3;
    seen_update(s, key.hash, &row);
    assert_true(seen_find(s, key, &row));
    assert_int_equal(row.state, STATE_FETCHED);
    assert_true(seen_find_id(s, 5, &row));
    assert_int_equal(row.depth, 3);
    seen_free(s);
}

static void an_update_of_what_is_not_there_adds_nothing(void **state)
{
    struct seen *s = seen_new(1, MIB);
    struct seen_row row = row_of(5);

    (void)state;
    seen_update(s, key_of(s, 5).hash, &row);
    assert_false(seen_find(s, key_of(s, 5), &row));
    assert_false(seen_find_id(s, 5, &row));
    seen_free(s);
}

static void putting_twice_keeps_the_later(void **state)
{
    struct seen *s = seen_new(1, MIB);
    struct seen_row row = row_of(5);

    (void)state;
    seen_put(s, key_of(s, 5), &row);
    row.depth = 1;
    seen_put(s, key_of(s, 5), &row);
    assert_true(seen_find(s, key_of(s, 5), &row));
    assert_int_equal(row.depth, 1);
    seen_free(s);
}

static void rows_out_of_its_range_are_left_to_the_table(void **state)
{
    struct seen *s = seen_new(1, MIB);
    struct seen_row row = row_of(5);

    (void)state;
    row.depth = 70000;
    seen_put(s, key_of(s, 5), &row);
    assert_false(seen_find(s, key_of(s, 5), &row));
    row = row_of(5);
    row.id = (int64_t)1 << 41;
    seen_put(s, key_of(s, 5), &row);
    assert_false(seen_find(s, key_of(s, 5), &row));
    seen_free(s);
}

static void growing_out_of_range_forgets_the_entry(void **state)
{
    struct seen *s = seen_new(1, MIB);
    struct seen_row row = row_of(5);

    (void)state;
    seen_put(s, key_of(s, 5), &row);
    row.depth = 70000;
    seen_update(s, key_of(s, 5).hash, &row);
    assert_false(seen_find(s, key_of(s, 5), &row));
    assert_false(seen_find_id(s, 5, &row));
    seen_free(s);
}

static void forgetting_all_leaves_nothing(void **state)
{
    struct seen *s = seen_new(1, MIB);
    struct seen_row row = row_of(5);

    (void)state;
    seen_put(s, key_of(s, 5), &row);
    seen_forget_all(s);
    assert_false(seen_find(s, key_of(s, 5), &row));
    assert_false(seen_find_id(s, 5, &row));
    seen_free(s);
}

static void another_secret_gives_other_hashes(void **state)
{
    struct seen *a = seen_new(1, MIB), *b = seen_new(2, MIB);

    (void)state;
    assert_true(key_of(a, 1).hash != key_of(b, 1).hash);
    seen_free(a);
    seen_free(b);
}

/* --- the hash --------------------------------------------------------------------------- */

static uint64_t hash_of(const char *key)
{
    return seen_hash(4711, span_str(key));
}

#define TOP(hash) ((hash) >> (64 - SEEN_ORIGIN_BITS))

static void what_a_site_has_lies_side_by_side(void **state)
{
    static const char *const same[] = {
        "http://a.example/",
        "http://a.example/path/to?query",
        "http://a.example?query",
        "http://a.example",
        "http://a.example/http://b.example/",
    };
    static const char *const others[] = {
        "https://a.example/",    "http://a.example:81/", "http://b.example/",
        "http://a.example.org/", "mailto:a.example",     "",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        assert_int_equal(TOP(hash_of(same[i])), TOP(hash_of(same[0])));
        for (size_t k = 0; k < i; k++)
            assert_true(hash_of(same[i]) != hash_of(same[k]));
    }
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_true(TOP(hash_of(others[i])) != TOP(hash_of(same[0])));
    assert_true(seen_hash(4711, SPAN("http://a.example/")) !=
                seen_hash(4712, SPAN("http://a.example/")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_fits_is_found_again),
        cmocka_unit_test(a_small_cache_forgets_but_never_errs),
        cmocka_unit_test(an_update_reaches_both_ways_in),
        cmocka_unit_test(an_update_of_what_is_not_there_adds_nothing),
        cmocka_unit_test(putting_twice_keeps_the_later),
        cmocka_unit_test(rows_out_of_its_range_are_left_to_the_table),
        cmocka_unit_test(growing_out_of_range_forgets_the_entry),
        cmocka_unit_test(forgetting_all_leaves_nothing),
        cmocka_unit_test(another_secret_gives_other_hashes),
        cmocka_unit_test(what_a_site_has_lies_side_by_side),
    };

    return cmocka_run_group_tests_name("store/seen", tests, NULL, NULL);
}
