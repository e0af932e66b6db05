/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

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
        { INT64_C(253402300800000), "10000-01-01T00:00:00.000Z" },
        { INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z" },
        { INT64_C(-62167219200001), "-0001-12-31T23:59:59.999Z" },
        { INT64_MAX, "292278994-08-17T07:12:55.807Z" },
        { INT64_MIN, "-292275055-05-16T16:47:04.192Z" },
    };

    char out[CLOCK_ISO_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_ptr_equal(clock_format_iso(rows[i].ms, out), out);
        assert_string_equal(out, rows[i].want);
    }
}

/* Every day of 800 years, also centuries that are no leap years, against the C library's calendar. */
static void iso_dates_are_those_of_the_calendar(void **state)
{
    char out[CLOCK_ISO_SIZE], want[CLOCK_ISO_SIZE + 32];

    (void)state;
    for (int64_t day = -500 * 365; day < 300 * 366; day++) {
        time_t s = (time_t)(day * 86400 + (day * 7919 % 86400 + 86400) % 86400);
        struct tm tm;

        assert_non_null(gmtime_r(&s, &tm));
        snprintf(want, sizeof want, "%04d-%02d-%02dT%02d:%02d:%02d.042Z", tm.tm_year + 1900, tm.tm_mon + 1,
                 tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_string_equal(clock_format_iso((int64_t)s * 1000 + 42, out), want);
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
        cmocka_unit_test(iso_dates_are_those_of_the_calendar),
        cmocka_unit_test(no_moment_is_too_far),
    };

    return cmocka_run_group_tests_name("config/clock", tests, NULL, NULL);
}
