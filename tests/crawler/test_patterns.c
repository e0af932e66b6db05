/* SPDX-License-Identifier: MIT */
/* Regular expressions of the user's: numbers, mistakes, and those that run wild. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "crawler/patterns.h"

static void patterns_are_numbered_in_their_order(void **state)
{
    static const char *const texts[] = { "a",       "^b", "c$", "(?i)D", "x|y",
                                         "\\.zip$", "^$", "1",  "2",     "3" };
    struct patterns *p;

    (void)state;
    assert_int_equal(patterns_open(&p, NULL), OK);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_int_equal(patterns_add(p, texts[i], "--exclude", NULL), OK);
    assert_true(patterns_match(p, 0, SPAN("bab"), false));
    assert_false(patterns_match(p, 1, SPAN("ab"), false));
    assert_true(patterns_match(p, 2, SPAN("abc"), false));
    assert_true(patterns_match(p, 3, SPAN("abcd"), false));
    assert_true(patterns_match(p, 4, SPAN("http://y/"), false));
    assert_true(patterns_match(p, 5, SPAN("http://y/x.zip"), false));
    assert_false(patterns_match(p, 5, SPAN("http://y/xzip"), false));
    assert_true(patterns_match(p, 6, SPAN_NONE, false));
    assert_true(patterns_match(p, 9, SPAN("3"), false));
    patterns_close(p);
}

static void a_mistake_is_named_with_its_place(void **state)
{
    struct err_note note;
    struct patterns *p;

    (void)state;
    assert_int_equal(patterns_open(&p, NULL), OK);
    assert_int_equal(patterns_add(p, "a(b", "crawl.conf:3: url", &note), ERR_USAGE);
    assert_string_equal(
        note.text,
        "crawl.conf:3: url 'a(b': missing closing parenthesis at character 4");
    assert_int_equal(patterns_add(p, "a", "--include", &note), OK);
    assert_true(patterns_match(p, 0, SPAN("a"), false));
    patterns_close(p);
}

static void a_pattern_that_runs_wild_is_what_the_caller_says(void **state)
{
    struct span wild =
        SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
    struct patterns *p;

    (void)state;
    assert_int_equal(patterns_open(&p, NULL), OK);
    assert_int_equal(patterns_add(p, "^(a+)+$", "--exclude", NULL), OK);
    assert_false(patterns_match(p, 0, wild, false));
    assert_true(patterns_match(p, 0, wild, true));
    assert_true(patterns_match(p, 0, SPAN("aaaa"), false));
    assert_false(patterns_match(p, 0, SPAN("b"), true));
    patterns_close(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_are_numbered_in_their_order),
        cmocka_unit_test(a_mistake_is_named_with_its_place),
        cmocka_unit_test(a_pattern_that_runs_wild_is_what_the_caller_says),
    };

    return cmocka_run_group_tests_name("crawler/patterns", tests, NULL, NULL);
}
