/* SPDX-License-Identifier: MIT */
/*
 * What --fail-on lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/conditions.h"

#define WORDS "gone|changed|http-errors"

static bool holds(const char *text, const char *word, int64_t count)
{
    struct text_item item = { (char *)(uintptr_t)text, (char *)(uintptr_t) "--fail-on", 0 };
    struct text_list list = { &item, 1 };

    return conditions_hold(&list, word, count);
}

static enum err check(const char *text, struct err_note *note)
{
    struct text_item item = { (char *)(uintptr_t)text, (char *)(uintptr_t) "--fail-on", 0 };
    struct text_list list = { &item, 1 };

    return conditions_check(&list, WORDS, note);
}

static void a_word_alone_holds_from_one_on(void **state)
{
    (void)state;
    assert_true(holds("gone", "gone", 1));
    assert_false(holds("gone", "gone", 0));
    assert_false(holds("gone", "changed", 1));
    assert_false(holds("gone", "go", 1));
}

static void a_number_is_what_it_may_reach(void **state)
{
    (void)state;
    assert_false(holds("gone, changed > 10", "changed", 10));
    assert_true(holds("gone, changed > 10", "changed", 11));
    assert_true(holds("changed>10,changed>2", "changed", 3));
}

static void mistakes_are_named(void **state)
{
    struct err_note note;

    (void)state;
    assert_int_equal(check("gone,changed>0, http-errors>7", &note), OK);
    assert_int_equal(check("gone,chnaged>3", &note), ERR_USAGE);
    assert_string_equal(
        note.text, "--fail-on 'chnaged>3': it must be one or more of gone, changed,"
                   " http-errors, each perhaps with >N");
    assert_int_equal(check("gone>", &note), ERR_USAGE);
    assert_int_equal(check("gone>-1", &note), ERR_USAGE);
    assert_int_equal(check("gone>99999999999999999999", &note), ERR_USAGE);
}

static void what_is_named_is_found(void **state)
{
    struct text_item item = { (char *)(uintptr_t) "gone>3, http-errors", NULL, 0 };
    struct text_list list = { &item, 1 }, none = { NULL, 0 };

    (void)state;
    assert_true(conditions_name(&list, "broken|gone"));
    assert_false(conditions_name(&list, "broken|changed"));
    assert_false(conditions_name(&none, WORDS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_word_alone_holds_from_one_on),
        cmocka_unit_test(a_number_is_what_it_may_reach),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(what_is_named_is_found),
    };

    return cmocka_run_group_tests_name("config/conditions", tests, NULL, NULL);
}
