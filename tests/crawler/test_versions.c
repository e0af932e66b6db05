/* SPDX-License-Identifier: MIT */
/* Promise P55: who runs with libraries older than any that was tested is told so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crawler/versions.h"

#define TESTED                                                   \
    {                                                            \
        .libcurl = 0x075801, .libxml2 = 20914, .sqlite = 3040001 \
    }

static void what_runs_here_is_new_enough(void **state)
{
    struct versions_in_use v;
    char text[128];

    (void)state;
    versions_read(&v);
    assert_false(versions_are_old(&v, text, sizeof text));
}

static void the_floor_itself_and_what_is_newer_is_fine(void **state)
{
    struct versions_in_use v = TESTED;
    char text[128];

    (void)state;
    assert_false(versions_are_old(&v, text, sizeof text));
    v = (struct versions_in_use){ 0x080a00, 21309, 3045001 };
    assert_false(versions_are_old(&v, text, sizeof text));
}

static void an_older_one_is_named(void **state)
{
    struct versions_in_use v = TESTED;
    char text[128];

    (void)state;
    v.libcurl = 0x074f01;
    assert_true(versions_are_old(&v, text, sizeof text));
    assert_string_equal(text,
                        "libcurl 77901 is older than 78801, the oldest that is tested");
    v = (struct versions_in_use)TESTED;
    v.libxml2 = 20910;
    assert_true(versions_are_old(&v, text, sizeof text));
    assert_string_equal(text,
                        "libxml2 20910 is older than 20914, the oldest that is tested");
    v = (struct versions_in_use)TESTED;
    v.sqlite = 3039004;
    assert_true(versions_are_old(&v, text, sizeof text));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_runs_here_is_new_enough),
        cmocka_unit_test(the_floor_itself_and_what_is_newer_is_fine),
        cmocka_unit_test(an_older_one_is_named),
    };

    return cmocka_run_group_tests_name("crawler/versions", tests, NULL, NULL);
}
