/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/buf.h"
#include "config/mem.h"

static void an_empty_buffer_is_an_empty_span(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    assert_int_equal(buf_span(&b).len, 0);
    assert_null(b.ptr);
    buf_reset(&b);
    buf_clear(&b);
    buf_clear(&b);
}

static void appending_goes_on_where_it_ended(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 1000);
    assert_int_equal(buf_append(&b, SPAN("ab")), OK);
    assert_int_equal(buf_append_byte(&b, '\0'), OK);
    assert_int_equal(buf_append(&b, SPAN_NONE), OK);
    assert_int_equal(buf_printf(&b, "%d-%s", 42, "x"), OK);
    assert_int_equal(buf_printf(&b, "%s", ""), OK);
    assert_true(span_eq(buf_span(&b), SPAN("ab\0"
                                           "42-x")));
    buf_clear(&b);
}

static void the_cap_is_reached_exactly_and_never_passed(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    assert_int_equal(buf_append(&b, SPAN("abcdef")), ERR_TOO_LARGE);
    assert_int_equal(b.len, 0);
    assert_int_equal(buf_append(&b, SPAN("abcd")), OK);
    assert_int_equal(buf_append(&b, SPAN("ef")), ERR_TOO_LARGE);
    assert_int_equal(buf_append_byte(&b, 'e'), OK);
    assert_int_equal(buf_append_byte(&b, 'f'), ERR_TOO_LARGE);
    assert_true(span_eq(buf_span(&b), SPAN("abcde")));
    buf_clear(&b);
    assert_int_equal(b.max, 5);
}

static void formatting_fits_exactly_too(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5);
    assert_int_equal(buf_printf(&b, "%s", "abcdef"), ERR_TOO_LARGE);
    assert_int_equal(buf_printf(&b, "%s", "abcde"), OK);
    assert_int_equal(buf_printf(&b, "%s", ""), OK);
    assert_true(span_eq(buf_span(&b), SPAN("abcde")));
    buf_clear(&b);
}

static void a_cap_of_nothing_holds_nothing(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    assert_int_equal(buf_append(&b, SPAN_NONE), OK);
    assert_int_equal(buf_printf(&b, "%s", ""), OK);
    assert_int_equal(buf_append_byte(&b, 'x'), ERR_TOO_LARGE);
    buf_clear(&b);
}

static void a_size_near_the_end_of_memory_is_refused(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, SIZE_MAX);
    assert_int_equal(buf_append(&b, SPAN("x")), OK);
    assert_int_equal(buf_reserve(&b, SIZE_MAX), ERR_TOO_LARGE);
    assert_int_equal(buf_reserve(&b, SIZE_MAX - 1), ERR_NO_MEMORY);
    assert_true(span_eq(buf_span(&b), SPAN("x")));
    buf_clear(&b);
}

static void without_memory_the_content_stays(void **state)
{
    struct buf b;
    char many[500] = { 'm' };

    (void)state;
    buf_init(&b, 1000);
    assert_int_equal(buf_append(&b, SPAN("abc")), OK);
    mem_fail_after(1);
    assert_int_equal(buf_append(&b, span_make(many, sizeof many)), ERR_NO_MEMORY);
    mem_fail_after(1);
    assert_int_equal(buf_printf(&b, "%499s", "x"), ERR_NO_MEMORY);
    mem_fail_after(0);
    assert_true(span_eq(buf_span(&b), SPAN("abc")));
    assert_int_equal(buf_append(&b, SPAN("d")), OK);
    buf_clear(&b);
}

static void reserved_room_is_there_to_be_written(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 5000);
    assert_int_equal(buf_reserve(&b, 4000), OK);
    memset(b.ptr + b.len, 'x', 4000);
    b.len += 4000;
    assert_int_equal(buf_append(&b, SPAN("y")), OK);
    assert_int_equal(b.ptr[3999], 'x');
    assert_int_equal(b.ptr[4000], 'y');
    buf_clear(&b);
}

static void growing_byte_by_byte_allocates_rarely(void **state)
{
    struct buf b;
    size_t n_moves = 0, cap = 0;

    (void)state;
    buf_init(&b, 1000000);
    for (int i = 0; i < 1000000; i++) {
        assert_int_equal(buf_append_byte(&b, (char)i), OK);
        n_moves += b.cap != cap;
        cap = b.cap;
    }
    assert_true(n_moves < 40);
    assert_int_equal((unsigned char)b.ptr[999999], 999999 & 255);
    buf_clear(&b);
}

static void reset_keeps_the_memory(void **state)
{
    struct buf b;
    char *p;

    (void)state;
    buf_init(&b, 100);
    assert_int_equal(buf_append(&b, SPAN("abc")), OK);
    p = b.ptr;
    buf_reset(&b);
    assert_int_equal(buf_append(&b, SPAN("d")), OK);
    assert_ptr_equal(b.ptr, p);
    assert_true(span_eq(buf_span(&b), SPAN("d")));
    buf_clear(&b);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_is_an_empty_span),
        cmocka_unit_test(appending_goes_on_where_it_ended),
        cmocka_unit_test(the_cap_is_reached_exactly_and_never_passed),
        cmocka_unit_test(formatting_fits_exactly_too),
        cmocka_unit_test(a_cap_of_nothing_holds_nothing),
        cmocka_unit_test(a_size_near_the_end_of_memory_is_refused),
        cmocka_unit_test(without_memory_the_content_stays),
        cmocka_unit_test(reserved_room_is_there_to_be_written),
        cmocka_unit_test(growing_byte_by_byte_allocates_rarely),
        cmocka_unit_test(reset_keeps_the_memory),
    };

    return cmocka_run_group_tests_name("config/buf", tests, NULL, NULL);
}
