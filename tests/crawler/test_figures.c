/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crawler/figures.h"

static const struct {
    const char *label;
    char *(*format)(int64_t, char[FIGURES_SIZE]);
    int64_t n;
    const char *want;
} rows[] = {
    { "no thousands, no comma", figures_count, 999, "999" },
    { "thousands are grouped", figures_count, 1234567, "1,234,567" },
    { "a sign stands before the first group", figures_count, -123456, "-123,456" },
    { "the smallest number has room", figures_count, INT64_MIN,
      "-9,223,372,036,854,775,808" },
    { "small numbers stay whole at an axis", figures_short, 950, "950" },
    { "a zero decimal is not written", figures_short, 2000, "2k" },
    { "one decimal where it tells", figures_short, 2500, "2.5k" },
    { "rounding reaches the next unit", figures_short, 999600, "1M" },
    { "bytes below a thousand", figures_bytes, 512, "512 B" },
    { "sizes go by thousands", figures_bytes, 1234567, "1.2 MB" },
    { "tens of units have no decimal", figures_bytes, 425705537, "426 MB" },
    { "the largest size has a unit", figures_bytes, INT64_MAX, "9223372 TB" },
    { "no time is no time", figures_duration, 0, "0 ms" },
    { "milliseconds", figures_duration, 999, "999 ms" },
    { "seconds with what tells", figures_duration, 1250, "1.25 s" },
    { "whole seconds are whole", figures_duration, 2000, "2 s" },
    { "ten seconds and more have one decimal", figures_duration, 17260, "17.3 s" },
    { "minutes and seconds", figures_duration, 200000, "3 min 20 s" },
    { "what rounds up to a minute is one", figures_duration, 59990, "1 min" },
    { "hours and minutes", figures_duration, 7500000, "2 h 5 min" },
    { "days and hours", figures_duration, 273600000, "3 d 4 h" },
    { "moments are UTC", figures_moment, 1795219200000, "2026-11-21 00:00:00 UTC" },
    { "what is no moment is a dash", figures_moment, 0, "-" },
};

static void number_is_written_for_people(void **state)
{
    size_t i = (size_t)(uintptr_t)*state;
    char out[FIGURES_SIZE];

    assert_string_equal(rows[i].format(rows[i].n, out), rows[i].want);
}

static void a_small_part_is_not_none_and_a_large_one_not_all(void **state)
{
    char out[FIGURES_SIZE];

    (void)state;
    assert_string_equal(figures_percent(0, 100, out), "0.0 %");
    assert_string_equal(figures_percent(1, 100000, out), "under 0.1 %");
    assert_string_equal(figures_percent(1, 3, out), "33.3 %");
    assert_string_equal(figures_percent(99999, 100000, out), "over 99.9 %");
    assert_string_equal(figures_percent(5, 5, out), "100 %");
    assert_string_equal(figures_percent(0, 0, out), "-");
}

static void a_rate_has_the_digits_that_tell(void **state)
{
    char out[FIGURES_SIZE];

    (void)state;
    assert_string_equal(figures_rate(0.25, out), "0.25");
    assert_string_equal(figures_rate(12.34, out), "12.3");
    assert_string_equal(figures_rate(1234.4, out), "1,234");
}

static void a_scale_is_round_and_holds_the_largest_value(void **state)
{
    (void)state;
    for (int64_t largest = 1; largest < 3000000; largest += largest / 7 + 1) {
        int64_t step;
        int lines = figures_grid((double)largest, &step);

        assert_in_range(lines, 2, 3);
        assert_true(lines * step >= largest);
        assert_true(largest < 6 || (double)(lines * step) <= 2.5 * (double)largest);
        assert_int_equal(figures_round_step((double)step), step);
    }
}

#define OTHER_TESTS 3

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rows) + OTHER_TESTS] = {
        cmocka_unit_test(a_small_part_is_not_none_and_a_large_one_not_all),
        cmocka_unit_test(a_rate_has_the_digits_that_tell),
        cmocka_unit_test(a_scale_is_round_and_holds_the_largest_value),
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[OTHER_TESTS + i] =
            (struct CMUnitTest){ rows[i].label, number_is_written_for_people, NULL,
                                 NULL, (void *)(uintptr_t)i };
    return cmocka_run_group_tests_name("crawler/figures", tests, NULL, NULL);
}
