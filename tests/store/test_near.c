/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "config/mem.h"
#include "store/near.h"

static uint64_t next_random(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

static uint32_t cluster_of(const struct near_page *pages, size_t n, uint32_t id)
{
    for (size_t i = 0; i < n; i++)
        if (pages[i].id == id)
            return pages[i].cluster;
    fail_msg("no page %u", id);
    return 0;
}

static bool has_pair(const struct near_result *r, uint32_t a, uint32_t b, int distance)
{
    for (size_t i = 0; i < r->n_pairs; i++)
        if (r->pairs[i].a == a && r->pairs[i].b == b)
            return r->pairs[i].distance == distance;
    return false;
}

static void pages_three_bits_apart_are_near_and_four_bits_are_not(void **state)
{
    struct near_page pages[] = { { 0xf000, 1, 1, 0 },
                                 { 0xf007, 2, 2, 0 },
                                 { 0xf00f, 3, 3, 0 },
                                 { 0xabcdef0123456789, 4, 4, 0 } };
    struct near_result r;

    (void)state;
    assert_int_equal(near_find(pages, 4, NULL, &r), OK);
    assert_int_equal(r.n_pairs, 2);
    assert_true(has_pair(&r, 1, 2, 3));
    assert_true(has_pair(&r, 2, 3, 1));
    mem_free(r.pairs);
}

static void a_cluster_holds_together_through_others(void **state)
{
    struct near_page pages[] = { { 0xf000, 1, 7, 0 },
                                 { 0xf007, 2, 5, 0 },
                                 { 0xf03f, 3, 9, 0 },
                                 { 0x8000000000000000, 4, 1, 0 } };
    struct near_result r;

    (void)state;
    assert_int_equal(near_find(pages, 4, NULL, &r), OK);
    assert_int_equal(cluster_of(pages, 4, 7), 5);
    assert_int_equal(cluster_of(pages, 4, 9), 5);
    assert_int_equal(cluster_of(pages, 4, 5), 5);
    assert_int_equal(cluster_of(pages, 4, 1), 0);
    assert_int_equal(r.n_clusters, 1);
    mem_free(r.pairs);
}

static void equal_bodies_make_a_cluster_but_no_pair(void **state)
{
    struct near_page pages[] = { { 0xf0, 77, 1, 0 },
                                 { 0xf0, 77, 2, 0 },
                                 { 0xf1, 78, 3, 0 },
                                 { 0xf0, 0, 4, 0 },
                                 { 0xf0, 0, 5, 0 } };
    struct near_result r;

    (void)state;
    assert_int_equal(near_find(pages, 5, NULL, &r), OK);
    for (uint32_t id = 1; id <= 5; id++)
        assert_int_equal(cluster_of(pages, 5, id), 1);
    assert_true(has_pair(&r, 1, 3, 1));
    assert_true(has_pair(&r, 1, 4, 0));
    assert_true(has_pair(&r, 4, 5, 0)); /* bodies that are not known are not equal */
    assert_false(has_pair(&r, 1, 2, 0));
    assert_false(has_pair(&r, 2, 3, 1));
    assert_int_equal(r.n_pairs, 6);
    mem_free(r.pairs);
}

/* Every pair that comparing all with all finds is found, whichever bits differ, and no other. */
static void all_pairs_of_ordinary_pages_are_found(void **state)
{
    enum {
        N = 3000
    };
    struct near_page *pages = mem_array(N, sizeof *pages),
                     *copy = mem_array(N, sizeof *copy);
    struct near_result r;
    size_t wanted = 0;
    uint64_t seed = 88172645463325252u;

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        uint64_t base = i % 3 ? pages[i / 3].simhash : next_random(&seed);

        for (uint64_t k = 0; i % 3 && k < 1 + next_random(&seed) % 4; k++)
            base ^= UINT64_C(1) << next_random(&seed) % 64;
        pages[i] = (struct near_page){ .simhash = base, .body = i + 1, .id = i + 1 };
    }
    memcpy(copy, pages, N * sizeof *copy);
    assert_int_equal(near_find(pages, N, NULL, &r), OK);
    for (uint32_t a = 0; a < N; a++)
        for (uint32_t b = a + 1; b < N; b++) {
            int distance = __builtin_popcountll(copy[a].simhash ^ copy[b].simhash);

            if (distance > NEAR_BITS)
                continue;
            wanted++;
            assert_int_equal(cluster_of(pages, N, a + 1), cluster_of(pages, N, b + 1));
        }
    assert_true(wanted > 1000);
    assert_int_equal(r.n_pairs, wanted);
    for (size_t i = 0; i < r.n_pairs; i++)
        assert_int_equal(r.pairs[i].distance,
                         __builtin_popcountll(copy[r.pairs[i].a - 1].simhash ^
                                              copy[r.pairs[i].b - 1].simhash));
    mem_free(r.pairs);
    mem_free(pages);
    mem_free(copy);
}

/* Two hundred thousand fingerprints with the same 16 bits: all pairs would be 20,000,000,000. */
static void a_part_that_everybody_shares_costs_no_square(void **state)
{
    enum {
        N = 200000
    };
    struct near_page *pages = mem_array(N, sizeof *pages);
    struct near_result r;
    uint64_t seed = 1234567;

    (void)state;
    for (uint32_t i = 0; i < N; i++)
        pages[i] = (struct near_page){ .simhash = next_random(&seed) << 16 | 0xbeef,
                                       .body = i + 1,
                                       .id = i + 1 };
    pages[777].simhash = pages[4711].simhash ^ (UINT64_C(7) << 20);
    assert_int_equal(near_find(pages, N, NULL, &r), OK);
    assert_true(has_pair(&r, 778, 4712, 3));
    mem_free(r.pairs);
    mem_free(pages);
}

/* How many pairs the page has that has most; pairs come by a. */
static size_t most_pairs_of_a_page(const struct near_result *r)
{
    size_t most = 0, n = 0;

    for (size_t i = 0; i < r->n_pairs; i++) {
        n = i && r->pairs[i].a == r->pairs[i - 1].a ? n + 1 : 1;
        most = MAX(most, n);
    }
    return most;
}

static void a_pile_of_equal_texts_is_one_cluster_with_bounded_pairs(void **state)
{
    enum {
        N = 100000
    };
    struct near_page *pages = mem_array(N, sizeof *pages);
    struct near_result r;

    (void)state;
    for (uint32_t i = 0; i < N; i++)
        pages[i] = (struct near_page){ .simhash = 0xabcd, .body = i + 1, .id = i + 1 };
    assert_int_equal(near_find(pages, N, NULL, &r), OK);
    assert_int_equal(r.n_clusters, 1);
    for (uint32_t i = 0; i < N; i++)
        assert_int_equal(pages[i].cluster, 1);
    assert_int_equal(most_pairs_of_a_page(&r), NEAR_MAX_PAIRS);
    mem_free(r.pairs);
    mem_free(pages);
}

/* All values of sixteen scattered bits: each has 696 neighbours. */
static void a_dense_ball_is_one_cluster_with_bounded_pairs(void **state)
{
    enum {
        N = 65536
    };
    struct near_page *pages = mem_array(N, sizeof *pages);
    struct near_result r;

    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        uint64_t x = UINT64_C(1) << 63;

        for (int bit = 0; bit < 16; bit++)
            x |= (uint64_t)(i >> bit & 1) << bit * 3;
        pages[i] = (struct near_page){ .simhash = x, .body = i + 1, .id = i + 1 };
    }
    assert_int_equal(near_find(pages, N, NULL, &r), OK);
    assert_int_equal(r.n_clusters, 1);
    assert_int_equal(most_pairs_of_a_page(&r), NEAR_MAX_PAIRS);
    assert_true(r.n_pairs > N);
    mem_free(r.pairs);
    mem_free(pages);
}

static void no_pages_have_no_pairs(void **state)
{
    struct near_result r;

    (void)state;
    assert_int_equal(near_find(NULL, 0, NULL, &r), OK);
    assert_int_equal(r.n_pairs, 0);
    assert_int_equal(r.n_clusters, 0);
}

static void it_ends_when_told_to_and_without_memory(void **state)
{
    atomic_bool stop = true;
    struct near_page pages[] = { { 1, 1, 1, 0 }, { 3, 2, 2, 0 } };
    struct near_result r;

    (void)state;
    assert_int_equal(near_find(pages, 2, &stop, &r), ERR_CANCELLED);
    assert_null(r.pairs);
    for (int64_t nth = 1; nth <= 9; nth++) {
        mem_fail_after(nth);
        assert_int_equal(near_find(pages, 2, NULL, &r), ERR_NO_MEMORY);
        mem_fail_after(0);
        assert_null(r.pairs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_three_bits_apart_are_near_and_four_bits_are_not),
        cmocka_unit_test(a_cluster_holds_together_through_others),
        cmocka_unit_test(equal_bodies_make_a_cluster_but_no_pair),
        cmocka_unit_test(all_pairs_of_ordinary_pages_are_found),
        cmocka_unit_test(a_part_that_everybody_shares_costs_no_square),
        cmocka_unit_test(a_pile_of_equal_texts_is_one_cluster_with_bounded_pairs),
        cmocka_unit_test(a_dense_ball_is_one_cluster_with_bounded_pairs),
        cmocka_unit_test(no_pages_have_no_pairs),
        cmocka_unit_test(it_ends_when_told_to_and_without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
