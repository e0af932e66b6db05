/* SPDX-License-Identifier: MIT */
/* Regular expressions of the user's: numbers, mistakes, and those that run wild. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/mem.h"
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
    assert_int_equal(patterns_match(p, 0, SPAN("bab")), PATTERNS_YES);
    assert_int_equal(patterns_match(p, 1, SPAN("ab")), PATTERNS_NO);
    assert_int_equal(patterns_match(p, 2, SPAN("abc")), PATTERNS_YES);
    assert_int_equal(patterns_match(p, 3, SPAN("abcd")), PATTERNS_YES);
    assert_int_equal(patterns_match(p, 4, SPAN("http://y/")), PATTERNS_YES);
    assert_int_equal(patterns_match(p, 5, SPAN("http://y/x.zip")), PATTERNS_YES);
    assert_int_equal(patterns_match(p, 5, SPAN("http://y/xzip")), PATTERNS_NO);
    assert_int_equal(patterns_match(p, 6, SPAN_NONE), PATTERNS_YES);
    assert_int_equal(patterns_match(p, 9, SPAN("3")), PATTERNS_YES);
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
    assert_int_equal(patterns_match(p, 0, SPAN("a")), PATTERNS_YES);
    patterns_close(p);
}

/* --- patterns that take long ---------------------------------------------------------- */

static const struct wild_row {
    const char *label, *pattern;
    const char *filling; /* repeated to a URL of 8 KiB */
    const char *end;
} wild_rows[] = {
    { "a group in a group", "^http://h/(\\w+)+$", "a", "!" },
    { "a group in a group, not at the beginning", "(a+)+$", "a", "!" },
    { "many stars", "a.*.*.*.*.*yz", "ab", "zy" },
    { "a star anew at each byte", "[a-z]+.*[a-z]+[0-9]$", "a", "0z" },
    { "a look ahead anew at each byte", "(?=.*x.*y)", "a", "yx" },
    { "what gives nothing back, anew at each byte", "(?:[a-z]++,?)++[0-9]:", "a", ":0" },
    { "back references", "(a+)\\1+b", "a", "/b" },
    { "back references that are long", "(.+)(.+)\\1\\2\\2z", "a", "/z" },
    { "recursion", "(a(?1)?a|a)(?1)*b", "a", "/b" },
    { "in code that is not compiled", "(*NO_JIT)a.*.*.*.*.*yz", "ab", "zy" },
    { "what gives nothing back, in code that is not compiled", "(*NO_JIT)(?:[a-z]++,?)++[0-9]:", "a", ":0" },
};

static void a_match_that_takes_too_long_is_given_up(void **state)
{
    const struct wild_row *row = *state;
    size_t len = 8192, n = strlen(row->filling), n_end = strlen(row->end);
    char *url = mem_alloc(len);
    struct patterns *p;

    for (size_t i = 0; i < len; i++)
        url[i] = row->filling[i % n];
    memcpy(url, "http://h/", 9);
    memcpy(url + len - n_end, row->end, n_end);
    assert_int_equal(patterns_open(&p, NULL), OK);
    assert_int_equal(patterns_add(p, row->pattern, "--exclude", NULL), OK);
    /* Without a bound it would take hours: that it comes back is the test. */
    assert_int_equal(patterns_match(p, 0, span_make(url, len)), PATTERNS_UNDECIDED);
    patterns_close(p);
    mem_free(url);
}

static const struct tame_row {
    const char *label, *pattern, *filling;
} tame_rows[] = {
    { "an end", "\\.(zip|gz|jpe?g)$", "a.b" },
    { "a place in the middle", "/private/.*\\.html", "/private" },
    { "a look ahead", "^https?://(?!www\\.)[^/]+/shop/", "shop/" },
    { "segments", "^https?://[^/]+/([^/]+/){3,}x$", "ab/" },
    { "a segment that is repeated", "/([^/]+)/\\1/\\1/$", "a/b/c/" },
    { "parameters", "[?&](sid|sort|page)=[^&]*&.*=x$", "?a=b&sort=price" },
    { "letters and digits", "[a-z]+[0-9]+\\.html?$", "a0b1" },
};

/* What people write is decided, however long the URL. */
static void a_usual_pattern_is_decided(void **state)
{
    const struct tame_row *row = *state;
    size_t len = 8192, n = strlen(row->filling);
    char *url = mem_alloc(len);
    struct patterns *p;

    for (size_t i = 0; i < len; i++)
        url[i] = row->filling[i % n];
    memcpy(url, "http://h/", 9);
    url[len - 1] = '!';
    assert_int_equal(patterns_open(&p, NULL), OK);
    assert_int_equal(patterns_add(p, row->pattern, "--exclude", NULL), OK);
    assert_int_equal(patterns_match(p, 0, span_make(url, len)), PATTERNS_NO);
    patterns_close(p);
    mem_free(url);
}

static void a_pattern_that_runs_wild_is_undecided_there_only(void **state)
{
    struct span wild =
        SPAN("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!");
    struct patterns *p;

    (void)state;
    assert_int_equal(patterns_open(&p, NULL), OK);
    assert_int_equal(patterns_add(p, "^(a+)+$", "--exclude", NULL), OK);
    assert_int_equal(patterns_match(p, 0, wild), PATTERNS_UNDECIDED);
    assert_int_equal(patterns_match(p, 0, SPAN("aaaa")), PATTERNS_YES);
    assert_int_equal(patterns_match(p, 0, SPAN("b")), PATTERNS_NO);
    patterns_close(p);
}

int main(void)
{
    struct CMUnitTest tests[3 + ARRAY_LEN(wild_rows) + ARRAY_LEN(tame_rows)] = {
        cmocka_unit_test(patterns_are_numbered_in_their_order),
        cmocka_unit_test(a_mistake_is_named_with_its_place),
        cmocka_unit_test(a_pattern_that_runs_wild_is_undecided_there_only),
    };
    size_t n = 3;

    for (size_t i = 0; i < ARRAY_LEN(wild_rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = wild_rows[i].label,
                                          .test_func = a_match_that_takes_too_long_is_given_up,
                                          .initial_state = (void *)(uintptr_t)&wild_rows[i] };
    for (size_t i = 0; i < ARRAY_LEN(tame_rows); i++)
        tests[n++] = (struct CMUnitTest){ .name = tame_rows[i].label,
                                          .test_func = a_usual_pattern_is_decided,
                                          .initial_state = (void *)(uintptr_t)&tame_rows[i] };
    return cmocka_run_group_tests_name("crawler/patterns", tests, NULL, NULL);
}
