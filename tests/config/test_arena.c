/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/arena.h"
#include "config/mem.h"

static void pieces_are_aligned_and_apart(void **state)
{
    struct arena a;
    char *last = NULL;

    (void)state;
    arena_init(&a, 1000000);
    for (size_t n = 1; n < 300; n++) {
        char *p = arena_alloc(&a, n);

        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(p[i], 0);
        memset(p, (int)n, n);
        if (last)
            assert_int_equal((unsigned char)last[0], (n - 1) & 255);
        last = p;
    }
    arena_clear(&a);
}

static void pieces_stay_where_they_are(void **state)
{
    struct arena a;
    struct span first;

    (void)state;
    arena_init(&a, (size_t)64 * MIB);
    first = arena_copy(&a, SPAN("the first"));
    for (int i = 0; i < 10000; i++)
        memset(arena_alloc(&a, 100), 'x', 100);
    assert_true(span_eq(first, SPAN("the first")));
    arena_clear(&a);
}

static void nothing_is_a_piece_too(void **state)
{
    struct arena a;
    struct span copy;

    (void)state;
    arena_init(&a, 1000);
    assert_non_null(arena_try_alloc(&a, 0));
    assert_non_null(arena_try_array(&a, 0, 8));
    assert_non_null(arena_alloc(&a, 0));
    copy = arena_copy(&a, SPAN_NONE);
    assert_int_equal(copy.len, 0);
    assert_string_equal(copy.ptr, "");
    arena_clear(&a);
}

static void the_cap_counts_everything_asked_for(void **state)
{
    struct arena a;
    struct span out = SPAN("untouched");

    (void)state;
    arena_init(&a, 160);
    assert_non_null(arena_try_alloc(&a, 100)); /* counts as 112 */
    assert_null(arena_try_alloc(&a, 49));
    assert_int_equal(
        arena_try_copy(&a, SPAN("0123456789012345678901234567890123456789012345678"),
                       &out),
        ERR_TOO_LARGE);
    assert_true(span_eq(out, SPAN("untouched")));
    assert_non_null(arena_try_alloc(&a, 48));
    assert_null(arena_try_alloc(&a, 1));
    arena_clear(&a);
    assert_non_null(arena_try_alloc(&a, 160));
    arena_clear(&a);
}

static void sizes_near_the_end_of_memory_are_refused(void **state)
{
    struct arena a;
    struct span out;

    (void)state;
    arena_init(&a, SIZE_MAX);
    assert_null(arena_try_alloc(&a, SIZE_MAX));
    assert_null(arena_try_alloc(&a, SIZE_MAX - 15));
    assert_null(arena_try_array(&a, SIZE_MAX / 2, 3));
    assert_int_equal(arena_try_copy(&a, span_make("", SIZE_MAX), &out), ERR_TOO_LARGE);
    arena_clear(&a);
}

static void without_memory_a_try_is_null(void **state)
{
    struct arena a;

    (void)state;
    arena_init(&a, 100000);
    mem_fail_after(1);
    assert_null(arena_try_alloc(&a, 10));
    assert_int_equal(a.used_bytes, 0);
    assert_non_null(arena_try_alloc(&a, 10));
    mem_fail_after(1);
    assert_null(arena_try_array(&a, 5000, 1));
    mem_fail_after(0);
    arena_clear(&a);
}

static jmp_buf out_of_memory;

static void on_oom(void)
{
    longjmp(out_of_memory, 1);
}

/* P33: not "bug", which is what a caller over its own cap reads. */
static void without_memory_the_others_say_so(void **state)
{
    struct arena a;
    volatile int n_said = 0;

    (void)state;
    arena_init(&a, 100000);
    mem_set_oom_hook(on_oom);
    for (volatile int i = 0; i < 3; i++) {
        mem_fail_after(1);
        if (setjmp(out_of_memory) != 0)
            n_said++;
        else if (i == 0)
            assert_null(arena_alloc(&a, 10));
        else if (i == 1)
            assert_null(arena_copy(&a, SPAN("text")).ptr);
        else
            assert_null(arena_format(&a, "%d", 5).ptr);
    }
    mem_fail_after(0);
    mem_set_oom_hook(NULL);
    assert_int_equal(n_said, 3);
    arena_clear(&a);
}

static void copies_end_in_a_nul_the_span_does_not_count(void **state)
{
    struct arena a;
    struct span copy;

    (void)state;
    arena_init(&a, 1000);
    copy = arena_copy(&a, SPAN("a\0b"));
    assert_int_equal(copy.len, 3);
    assert_int_equal(copy.ptr[3], '\0');
    copy = arena_format(&a, "%s %d", "x", 5);
    assert_int_equal(copy.len, 3);
    assert_string_equal(copy.ptr, "x 5");
    arena_clear(&a);
}

static void arrays_are_zeroed_even_where_memory_is_reused(void **state)
{
    struct arena a;
    char *p;

    (void)state;
    arena_init(&a, 1000);
    memset(arena_alloc(&a, 500), 0xff, 500);
    arena_reset(&a);
    p = arena_try_array(&a, 50, 10);
    for (int i = 0; i < 500; i++)
        assert_int_equal(p[i], 0);
    arena_clear(&a);
}

static void reset_keeps_one_block_and_starts_counting_again(void **state)
{
    struct arena a;
    void *first;

    (void)state;
    arena_init(&a, 200000);
    arena_reset(&a); /* of an empty one */
    first = arena_alloc(&a, 10);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 100; i++)
            memset(arena_alloc(&a, 1000), 1, 1000);
        arena_reset(&a);
        assert_int_equal(a.used_bytes, 0);
        assert_ptr_equal(arena_alloc(&a, 10), first);
    }
    arena_clear(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_aligned_and_apart),
        cmocka_unit_test(pieces_stay_where_they_are),
        cmocka_unit_test(nothing_is_a_piece_too),
        cmocka_unit_test(the_cap_counts_everything_asked_for),
        cmocka_unit_test(sizes_near_the_end_of_memory_are_refused),
        cmocka_unit_test(without_memory_a_try_is_null),
        cmocka_unit_test(without_memory_the_others_say_so),
        cmocka_unit_test(copies_end_in_a_nul_the_span_does_not_count),
        cmocka_unit_test(arrays_are_zeroed_even_where_memory_is_reused),
        cmocka_unit_test(reset_keeps_one_block_and_starts_counting_again),
    };

    return cmocka_run_group_tests_name("config/arena", tests, NULL, NULL);
}
