/* SPDX-License-Identifier: MIT */
#include <malloc.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "config/mem.h"
#include "config/small.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#    define IS_SANITIZED true
#else
#    define IS_SANITIZED false
#endif

static uint64_t next_random(uint64_t *io)
{
    *io ^= *io << 13;
    *io ^= *io >> 7;
    *io ^= *io << 17;
    return *io;
}

struct piece {
    unsigned char *p;
    size_t n;
    unsigned char mark;
};

static void check(const struct piece *x)
{
    for (size_t i = 0; i < x->n; i++)
        assert_int_equal(x->p[i], x->mark);
    assert_int_equal((uintptr_t)x->p % 16, 0);
    assert_in_range(small_size(x->p), x->n, SIZE_MAX);
}

static void fill(struct piece *x, unsigned char mark)
{
    x->mark = mark;
    memset(x->p, mark, x->n);
}

/* Pieces of all sizes come, grow, shrink and go: none ever touches another. */
static void pieces_keep_what_is_in_them(void **state)
{
    static struct piece pieces[500];
    uint64_t seed = 88172645463325252;

    (void)state;
    for (int round = 0; round < 200000; round++) {
        struct piece *x = &pieces[next_random(&seed) % ARRAY_LEN(pieces)];
        size_t n = next_random(&seed) % (round % 10 ? 200 : 3000);

        if (!x->p) {
            x->p = small_alloc(n);
            x->n = n;
        } else if (round % 3) {
            size_t kept = MIN(n, x->n);
            unsigned char mark = x->mark;

            check(x);
            x->p = small_resize(x->p, n);
            for (size_t i = 0; i < kept; i++)
                assert_int_equal(x->p[i], mark);
            x->n = n;
        } else {
            check(x);
            small_free(x->p);
            x->p = NULL;
            continue;
        }
        fill(x, (unsigned char)round);
    }
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        if (pieces[i].p)
            check(&pieces[i]);
        small_free(pieces[i].p);
    }
}

static void sizes_at_the_edges(void **state)
{
    static const size_t sizes[] = { 0,  1,    7,    8,    9,    23,   24,
                                    25, 1000, 1008, 1015, 1016, 1017, 5000 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct piece x = { small_alloc(sizes[i]), sizes[i], 0 },
                     y = { small_alloc(sizes[i]), sizes[i], 0 };

        fill(&x, 1);
        fill(&y, 2);
        check(&x);
        assert_in_range(small_room(sizes[i]), sizes[i], sizes[i] + 24);
        assert_int_equal(small_room(sizes[i]) % 8, 0);
        small_free(x.p);
        small_free(y.p);
    }
    small_free(NULL);
    assert_int_equal(small_size(NULL), 0);
}

static void the_last_that_was_freed_is_the_next(void **state)
{
    void *p, *q;

    (void)state;
    if (IS_SANITIZED)
        skip();
    p = small_alloc(100);
    small_free(p);
    q = small_alloc(97);
    assert_ptr_equal(p, q);
    /* In its room it does not move. */
    assert_ptr_equal(small_resize(q, 104), q);
    small_free(q);
}

static void zeroed_and_copied(void **state)
{
    char *p = small_alloc(64), *text;

    (void)state;
    memset(p, 0xff, 64);
    small_free(p);
    p = small_zeroed(8, 8);
    for (int i = 0; i < 64; i++)
        assert_int_equal(p[i], 0);
    small_free(p);
    text = small_copy("what stays");
    assert_string_equal(text, "what stays");
    small_free(text);
}

static void without_memory_there_is_none(void **state)
{
    void *p = small_alloc(2000);

    (void)state;
    mem_fail_after(1);
    assert_null(small_try(5000));
    mem_fail_after(1);
    assert_null(small_try_resize(p, 100000));
    mem_fail_after(0);
    assert_null(small_try(SIZE_MAX));
    assert_null(small_try_resize(p, SIZE_MAX - 3));
    assert_int_equal(small_size(p), 2000);
    small_free(p);
}

enum {
    N_HANDED = 20000
};

static void *handed[N_HANDED];

static void *free_all(void *arg)
{
    if (arg)
        small_start();
    for (int i = 0; i < N_HANDED; i++)
        small_free(handed[i]);
    for (int i = 0; i < N_HANDED; i++)
        handed[i] = small_zeroed(1, 40);
    return NULL;
}

static void another_thread_may_free(void **state)
{
    for (int has_lists = 0; has_lists < 2; has_lists++) {
        pthread_t thread;

        for (int i = 0; i < N_HANDED; i++)
            handed[i] = small_alloc(40);
        assert_int_equal(
            pthread_create(&thread, NULL, free_all, has_lists ? state : NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        for (int i = 0; i < N_HANDED; i++) {
            assert_int_equal(*(char *)handed[i], 0);
            small_free(handed[i]);
        }
    }
}

/* Threads that come and go, as libcurl's that resolve a proxy's name: nothing is lost with them. */
static void *ask_and_leave(void *arg)
{
    void **pieces = arg;

    for (int i = 0; i < 60; i++)
        pieces[i] = small_alloc((size_t)i * 16);
    return NULL;
}

static void threads_that_end_leave_nothing(void **state)
{
    size_t before = 0;

    (void)state;
    if (IS_SANITIZED)
        skip();
    for (int i = 0; i < 300; i++) {
        void *pieces[60];
        pthread_t thread;

        assert_int_equal(pthread_create(&thread, NULL, ask_and_leave, pieces), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        for (int k = 0; k < 60; k++)
            small_free(pieces[k]);
        if (i == 20)
            before = mallinfo2().uordblks;
    }
    assert_in_range(mallinfo2().uordblks, 0, before + 64 * 1024);
}

int main(void)
{
    small_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_keep_what_is_in_them),
        cmocka_unit_test(sizes_at_the_edges),
        cmocka_unit_test(the_last_that_was_freed_is_the_next),
        cmocka_unit_test(zeroed_and_copied),
        cmocka_unit_test(without_memory_there_is_none),
        cmocka_unit_test(another_thread_may_free),
        cmocka_unit_test(threads_that_end_leave_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
