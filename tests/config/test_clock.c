/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/clock.h"

static void deadlines_saturate(void **state)
{
    (void)state;
    assert_true(clock_after(5, 7) == 12);
    assert_true(clock_after(5, -7) == -2);
    assert_true(clock_after(5, DEADLINE_NEVER) == DEADLINE_NEVER);
    assert_true(clock_after(DEADLINE_NEVER, 1) == DEADLINE_NEVER);
    assert_true(clock_after(DEADLINE_NEVER - 1, 1) == DEADLINE_NEVER);
    assert_true(clock_after(INT64_MIN, -1) == INT64_MIN);
}

static void real_clocks_go_forward(void **state)
{
    int64_t before = clock_now_ns();

    (void)state;
    assert_false(clock_is_fake());
    assert_true(clock_now_ns() >= before);
    assert_true(clock_wall_ms() > INT64_C(1600000000000));
}

static void the_fake_clock_moves_only_when_told(void **state)
{
    (void)state;
    clock_fake_start(1000, 5000);
    assert_true(clock_is_fake());
    assert_true(clock_now_ns() == 1000);
    assert_true(clock_wall_ms() == 5000);
    clock_fake_advance(3 * NS_PER_MS);
    assert_true(clock_now_ns() == 1000 + 3 * NS_PER_MS);
    assert_true(clock_wall_ms() == 5003);
    clock_fake_stop();
    assert_false(clock_is_fake());
    assert_true(clock_wall_ms() > 5003);
}

static void small_steps_of_the_fake_clock_add_up(void **state)
{
    (void)state;
    clock_fake_start(0, 0);
    for (int i = 0; i < 1000; i++)
        clock_fake_advance(NS_PER_MS / 10);
    assert_true(clock_now_ns() == 100 * NS_PER_MS);
    assert_true(clock_wall_ms() == 100);
    clock_fake_stop();
}

static void iso_dates(void **state)
{
    static const struct {
        int64_t ms;
        const char *want;
    } rows[] = {
        { 0, "1970-01-01T00:00:00.000Z" },
        { 1, "1970-01-01T00:00:00.001Z" },
        { -1, "1969-12-31T23:59:59.999Z" },
        { -1000, "1969-12-31T23:59:59.000Z" },
        { INT64_C(1795252800123), "2026-11-21T09:20:00.123Z" },
        { INT64_C(951782400000), "2000-02-29T00:00:00.000Z" },
        { INT64_C(4102444800000), "2100-01-01T00:00:00.000Z" },
        { INT64_C(253402300799999), "9999-12-31T23:59:59.999Z" },
    };

    char out[CLOCK_ISO_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_ptr_equal(clock_format_iso(rows[i].ms, out), out);
        assert_string_equal(out, rows[i].want);
    }
}

static void no_moment_is_too_far(void **state)
{
    char out[CLOCK_ISO_SIZE];

    (void)state;
    assert_int_equal(strlen(clock_format_iso(INT64_MAX, out)) < CLOCK_ISO_SIZE, true);
    assert_int_equal(out[strlen(out) - 1], 'Z');
    assert_int_equal(strlen(clock_format_iso(INT64_MIN, out)) < CLOCK_ISO_SIZE, true);
    assert_int_equal(out[strlen(out) - 1], 'Z');
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(deadlines_saturate),
        cmocka_unit_test(real_clocks_go_forward),
        cmocka_unit_test(the_fake_clock_moves_only_when_told),
        cmocka_unit_test(small_steps_of_the_fake_clock_add_up),
        cmocka_unit_test(iso_dates),
        cmocka_unit_test(no_moment_is_too_far),
    };

    return cmocka_run_group_tests_name("config/clock", tests, NULL, NULL);
}
