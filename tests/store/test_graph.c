/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/mem.h"
#include "store/graph.h"

struct edge {
    int64_t src, dst;
};

/* A graph of pages 1..n with these followed links, ranked. */
static struct graph *make(int64_t n, const struct edge *edges, size_t n_edges)
{
    struct graph *g = graph_new(n);
    int passes;

    for (int64_t id = 1; id <= n; id++)
        assert_int_equal(graph_add_page(g, id), OK);
    assert_int_equal(graph_settle(g), OK);
    for (size_t i = 0; i < n_edges; i++)
        assert_int_equal(graph_add_link(g, edges[i].src, edges[i].dst, true), OK);
    assert_int_equal(graph_rank(g, NULL, &passes), OK);
    return g;
}

static void assert_rank(const struct graph *g, int64_t id, double wanted)
{
    double got = graph_get(g, id).rank;

    if (fabs(got - wanted) > 1e-5)
        fail_msg("rank of %d is %.7f, not %.7f", (int)id, got, wanted);
}

/*
 * The textbook's way, on purpose another one: powers of the matrix, with the mass of pages
 * without links spread over all.
 */
static void by_powers(size_t n, const struct edge *edges, size_t n_edges, double *rank)
{
    double next[64];
    int out[64] = { 0 };

    assert_true(n < 64);
    for (size_t i = 0; i < n_edges; i++)
        out[edges[i].src]++;
    for (size_t i = 1; i <= n; i++)
        rank[i] = 1.0 / (double)n;
    for (int step = 0; step < 500; step++) {
        double loose = 0.0;

        for (size_t i = 1; i <= n; i++)
            loose += out[i] ? 0.0 : rank[i];
        for (size_t i = 1; i <= n; i++)
            next[i] = (0.15 + 0.85 * loose) / (double)n;
        for (size_t i = 0; i < n_edges; i++)
            next[edges[i].dst] += 0.85 * rank[edges[i].src] / out[edges[i].src];
        memcpy(rank, next, sizeof next);
    }
}

static void a_circle_shares_equally(void **state)
{
    static const struct edge edges[] = { { 1, 2 }, { 2, 3 }, { 3, 1 } };
    struct graph *g = make(3, edges, ARRAY_LEN(edges));

    (void)state;
    for (int64_t id = 1; id <= 3; id++)
        assert_rank(g, id, 1.0 / 3.0);
    graph_free(g);
}

/* The example of eleven pages that encyclopedias draw: 38.4, 34.3, 8.1, 3.9, 3.3, 1.6 per cent. */
static void the_well_known_example_comes_out(void **state)
{
    static const struct edge edges[] = {
        { 2, 3 }, { 3, 2 }, { 4, 1 }, { 4, 2 },  { 5, 2 },  { 5, 4 },
        { 5, 6 }, { 6, 2 }, { 6, 5 }, { 7, 2 },  { 7, 5 },  { 8, 2 },
        { 8, 5 }, { 9, 2 }, { 9, 5 }, { 10, 5 }, { 11, 5 },
    };
    struct graph *g = make(11, edges, ARRAY_LEN(edges));

    (void)state;
    assert_true(fabs(graph_get(g, 2).rank - 0.384) < 0.0005);
    assert_true(fabs(graph_get(g, 3).rank - 0.343) < 0.0005);
    assert_true(fabs(graph_get(g, 5).rank - 0.081) < 0.0005);
    assert_true(fabs(graph_get(g, 4).rank - 0.039) < 0.0005);
    assert_true(fabs(graph_get(g, 1).rank - 0.033) < 0.0005);
    assert_true(fabs(graph_get(g, 11).rank - 0.016) < 0.0005);
    graph_free(g);
}

static void ranks_agree_with_powers_of_the_matrix(void **state)
{
    uint64_t seed = 42;

    (void)state;
    for (int round = 0; round < 30; round++) {
        size_t n = 2 + (size_t)round, n_edges = 0;
        struct edge edges[2048];
        double wanted[64] = { 0 }, sum = 0.0;
        struct graph *g;

        for (size_t src = 1; src <= n; src++)
            for (size_t dst = 1; dst <= n; dst++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                if (src != dst && src % 4 && seed >> 33 & 1 && seed >> 34 & 1)
                    edges[n_edges++] = (struct edge){ (int64_t)src, (int64_t)dst };
            }
        by_powers(n, edges, n_edges, wanted);
        g = make((int64_t)n, edges, n_edges);
        for (size_t id = 1; id <= n; id++) {
            assert_rank(g, (int64_t)id, wanted[id]);
            sum += graph_get(g, (int64_t)id).rank;
        }
        assert_true(fabs(sum - 1.0) < 1e-9);
        graph_free(g);
    }
}

static void a_link_counts_once_for_the_rank_however_often_it_stands(void **state)
{
    static const struct edge once[] = { { 1, 2 }, { 1, 3 }, { 2, 1 } },
                             often[] = { { 1, 2 }, { 1, 3 }, { 1, 2 },
                                         { 1, 2 }, { 1, 1 }, { 2, 1 } };
    struct graph *a = make(3, once, ARRAY_LEN(once)),
                 *b = make(3, often, ARRAY_LEN(often));

    (void)state;
    for (int64_t id = 1; id <= 3; id++)
        assert_rank(b, id, graph_get(a, id).rank);
    graph_free(a);
    graph_free(b);
}

static void links_and_pages_are_counted_apart(void **state)
{
    static const struct edge edges[] = {
        { 1, 2 }, { 1, 2 }, { 1, 1 }, { 2, 2 }, { 3, 2 }
    };
    struct graph *g = make(3, edges, ARRAY_LEN(edges));

    (void)state;
    assert_int_equal(graph_get(g, 2).links_in, 4);
    assert_int_equal(graph_get(g, 2).pages_in, 2);
    assert_int_equal(graph_get(g, 1).links_in, 1);
    assert_int_equal(graph_get(g, 1).pages_in, 0);
    graph_free(g);
}

static void links_that_are_not_followed_give_no_rank(void **state)
{
    struct graph *g = graph_new(3);
    int passes;

    (void)state;
    for (int64_t id = 1; id <= 3; id++)
        assert_int_equal(graph_add_page(g, id), OK);
    assert_int_equal(graph_settle(g), OK);
    assert_int_equal(graph_add_link(g, 1, 2, false), OK);
    assert_int_equal(graph_add_link(g, 1, 3, true), OK);
    assert_int_equal(graph_add_link(g, 1, 2, false), OK);
    assert_int_equal(graph_rank(g, NULL, &passes), OK);
    assert_true(graph_get(g, 3).rank > graph_get(g, 2).rank);
    assert_rank(g, 1, graph_get(g, 2).rank);
    assert_int_equal(graph_get(g, 2).links_in, 2);
    graph_free(g);
}

static void rank_passes_through_redirects_to_their_end(void **state)
{
    static const struct edge direct[] = { { 1, 2 }, { 2, 1 } };
    struct graph *wanted = make(2, direct, ARRAY_LEN(direct)), *g = graph_new(6);
    int passes;

    (void)state;
    assert_int_equal(graph_add_page(g, 1), OK);
    assert_int_equal(graph_add_page(g, 2), OK);
    assert_int_equal(graph_add_redirect(g, 3, 4), OK);
    assert_int_equal(graph_add_redirect(g, 4, 2), OK);
    assert_int_equal(graph_add_redirect(g, 5, 6), OK); /* a loop leads nowhere */
    assert_int_equal(graph_add_redirect(g, 6, 5), OK);
    assert_int_equal(graph_settle(g), OK);
    assert_int_equal(graph_add_link(g, 1, 3, true), OK);
    assert_int_equal(graph_add_link(g, 1, 5, true), OK);
    assert_int_equal(graph_add_link(g, 2, 1, true), OK);
    assert_int_equal(graph_rank(g, NULL, &passes), OK);
    assert_rank(g, 1, graph_get(wanted, 1).rank);
    assert_rank(g, 2, graph_get(wanted, 2).rank);
    assert_false(graph_get(g, 3).has_page);
    assert_int_equal(graph_get(g, 3).pages_in, 1);
    assert_int_equal(graph_get(g, 2).pages_in, 0);
    graph_free(g);
    graph_free(wanted);
}

static void sources_may_come_in_any_order(void **state)
{
    static const struct edge rising[] = { { 1, 2 }, { 1, 3 }, { 2, 3 }, { 3, 1 }, { 4, 1 }, { 4, 3 } },
                             falling[] = { { 4, 1 }, { 4, 3 }, { 3, 1 }, { 1, 2 }, { 1, 3 }, { 2, 3 } };
    struct graph *a = make(4, rising, ARRAY_LEN(rising)), *b = make(4, falling, ARRAY_LEN(falling));

    (void)state;
    for (int64_t id = 1; id <= 4; id++)
        assert_rank(b, id, graph_get(a, id).rank);
    graph_free(a);
    graph_free(b);
}

static void links_to_what_has_no_page_take_nothing_away(void **state)
{
    static const struct edge pages[] = { { 1, 2 }, { 2, 1 } };
    struct graph *a = make(2, pages, ARRAY_LEN(pages)), *b = graph_new(9);
    int passes;

    (void)state;
    assert_int_equal(graph_add_page(b, 1), OK);
    assert_int_equal(graph_add_page(b, 2), OK);
    assert_int_equal(graph_settle(b), OK);
    assert_int_equal(graph_add_link(b, 1, 9, true), OK);
    assert_int_equal(graph_add_link(b, 1, 2, true), OK);
    assert_int_equal(graph_add_link(b, 2, 1, true), OK);
    assert_int_equal(graph_add_link(b, 7, 1, true),
                     OK); /* no page: not a source either */
    assert_int_equal(graph_rank(b, NULL, &passes), OK);
    assert_rank(b, 1, graph_get(a, 1).rank);
    assert_int_equal(graph_get(b, 9).links_in, 1);
    graph_free(a);
    graph_free(b);
}

static void wrong_input_is_refused_or_passed_over(void **state)
{
    struct graph *g = graph_new(5);

    (void)state;
    assert_null(graph_new(INT64_C(1) << 40));
    assert_null(graph_new(-1));
    assert_int_equal(graph_add_page(g, 0), ERR_INVALID);
    assert_int_equal(graph_add_page(g, 6), ERR_INVALID);
    assert_int_equal(graph_add_page(g, 3), OK);
    assert_int_equal(graph_add_page(g, 3), ERR_INVALID);
    assert_int_equal(graph_add_redirect(g, 1, 6), ERR_INVALID);
    assert_int_equal(graph_settle(g), OK);
    assert_int_equal(graph_add_link(g, 3, 6, true), OK);
    assert_int_equal(graph_add_link(g, -3, 1, true), OK);
    assert_int_equal(graph_add_link(g, 3, 1, true), OK);
    assert_int_equal(graph_add_link(g, 2, 1, true), OK);
    assert_int_equal(graph_add_link(g, 3, 2, true), ERR_INVALID);
    assert_int_equal(graph_get(g, 77).links_in, 0);
    graph_free(g);
}

static int64_t resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "re");
    long all = 0, resident = 0;

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &all, &resident), 2);
    fclose(f);
    return (int64_t)resident * sysconf(_SC_PAGESIZE);
}

/* A forged file may have any id: what has no page and no link takes no memory. */
static void ids_far_apart_take_no_memory(void **state)
{
    const int64_t far = 50000000; /* 800 MB of addresses */
    int64_t before = resident_bytes();
    struct graph *g = graph_new(far);

    (void)state;
    assert_non_null(g);
    assert_int_equal(graph_add_page(g, 1), OK);
    assert_int_equal(graph_add_page(g, far), OK);
    assert_int_equal(graph_settle(g), OK);
    assert_int_equal(graph_add_link(g, 1, far, true), OK);
    assert_int_equal(graph_get(g, far).links_in, 1);
    assert_true(resident_bytes() - before < (int64_t)200 * 1000 * 1000);
    graph_free(g);
}

static void an_empty_graph_has_no_ranks(void **state)
{
    struct graph *g = graph_new(0);
    int passes = -1;

    (void)state;
    assert_int_equal(graph_settle(g), OK);
    assert_int_equal(graph_rank(g, NULL, &passes), OK);
    assert_int_equal(graph_n_pages(g), 0);
    graph_free(g);
}

static void it_ends_when_told_to_and_after_a_hundred_passes(void **state)
{
    atomic_bool stop = true;
    struct graph *g = graph_new(2);
    int passes = 0;

    (void)state;
    assert_int_equal(graph_add_page(g, 1), OK);
    assert_int_equal(graph_settle(g), OK);
    assert_int_equal(graph_rank(g, &stop, &passes), ERR_CANCELLED);
    assert_true(passes <= GRAPH_MAX_PASSES);
    graph_free(g);
}

static void without_memory_it_says_so(void **state)
{
    (void)state;
    for (int64_t nth = 1; nth <= 9; nth++) {
        struct graph *g = graph_new(3);
        enum err e;
        int passes;

        mem_fail_after(nth);
        e = graph_add_page(g, 1);
        e = e ? e : graph_add_redirect(g, 2, 1);
        e = e ? e : graph_add_page(g, 3);
        e = e ? e : graph_settle(g);
        e = e ? e : graph_add_link(g, 1, 3, true);
        e = e ? e : graph_rank(g, NULL, &passes);
        mem_fail_after(0);
        assert_int_equal(e, ERR_NO_MEMORY);
        graph_free(g);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_circle_shares_equally),
        cmocka_unit_test(the_well_known_example_comes_out),
        cmocka_unit_test(ranks_agree_with_powers_of_the_matrix),
        cmocka_unit_test(a_link_counts_once_for_the_rank_however_often_it_stands),
        cmocka_unit_test(links_and_pages_are_counted_apart),
        cmocka_unit_test(links_that_are_not_followed_give_no_rank),
        cmocka_unit_test(rank_passes_through_redirects_to_their_end),
        cmocka_unit_test(sources_may_come_in_any_order),
        cmocka_unit_test(links_to_what_has_no_page_take_nothing_away),
        cmocka_unit_test(wrong_input_is_refused_or_passed_over),
        cmocka_unit_test(ids_far_apart_take_no_memory),
        cmocka_unit_test(an_empty_graph_has_no_ranks),
        cmocka_unit_test(it_ends_when_told_to_and_after_a_hundred_passes),
        cmocka_unit_test(without_memory_it_says_so),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
