/* SPDX-License-Identifier: MIT */
/* The macros that every file has. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/base.h"

/* As a clock does: every look at it says something else. */
static int n_looks;

static int64_t look(void)
{
    return 10 - 10 * n_looks++;
}

static void min_and_max_look_once(void **state)
{
    (void)state;
    n_looks = 0;
    assert_true(MAX(look(), INT64_C(5)) == 10);
    assert_int_equal(n_looks, 1);
    n_looks = 0;
    assert_true(MAX(INT64_C(5), look()) == 10);
    assert_int_equal(n_looks, 1);
    n_looks = 0;
    assert_true(MIN(look(), INT64_C(50)) == 10);
    assert_int_equal(n_looks, 1);
    n_looks = 0;
    assert_true(MIN(MAX(look(), INT64_C(-5)), MAX(INT64_C(50), INT64_C(60))) == 10);
    assert_int_equal(n_looks, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(min_and_max_look_once) };

    return cmocka_run_group_tests_name("config/base", tests, NULL, NULL);
}
