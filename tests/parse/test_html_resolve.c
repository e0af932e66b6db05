/* SPDX-License-Identifier: MIT */
/*
 * The shortcut and the cache of html_resolve against the URL parser: whatever
 * they answer must be what the parser answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parse/html_resolve.h"

static const char *const bases[] = {
    "http://h.test",
    "http://h.test/d/p.html",
    "https://h.test:8443/a/b/c/?q=/x#f",
    "http://u:p@h.test/a//b/",
    "http://h.test/a/.b/%2e",
    "ftp://h.test/a/b",
    "file:///C:/x/y",
    "http://h.test/?a/../b#../c",
    "mailto:x",
    "http://[::1]/x/",
    "http://h.test/a/b;c=1/d",
};

/* References are made of up to four of these. */
static const char *const pieces[] = {
    "a",
    "B9",
    "/",
    "//",
    ".",
    "..",
    "../",
    "./",
    "?",
    "#",
    ":",
    "%2e",
    "%",
    "\\",
    " ",
    "~",
    "'",
    "@",
    "http:",
    "c:",
    "|",
    "\u00E9",
    "=&;+,!*()$-_",
    "[",
    "",
};

struct rig {
    struct arena mem;
    struct url base;
    struct html_resolver resolver;
};

static void open_rig(struct rig *rig, const char *base)
{
    arena_init(&rig->mem, (size_t)1 << 30);
    assert_int_equal(url_parse(span_str(base), NULL, &rig->mem, &rig->base), OK);
    html_resolve_init(&rig->resolver, &rig->base, NULL, &rig->mem);
}

static void compare(struct rig *rig, struct span ref)
{
    struct html_resolved got;
    struct url want;

    assert_int_equal(html_resolve(&rig->resolver, ref, &got), OK);
    enum err e = url_parse(ref, &rig->base, &rig->mem, &want);
    if (e) {
        assert_null(got.href.ptr);
        return;
    }
    if (!span_eq(got.href, want.href) || got.scheme != want.scheme)
        fail_msg("%.*s against %.*s: %.*s, want %.*s", SPAN_ARG(ref),
                 SPAN_ARG(rig->base.href), SPAN_ARG(got.href), SPAN_ARG(want.href));
}

/* Every third combination of four pieces against one base. */
static void compare_all(const char *base)
{
    size_t n = ARRAY_LEN(pieces), n_all = n * n * n * n;
    struct rig rig;

    open_rig(&rig, base);
    for (size_t i = 0; i < n_all; i += 3) {
        compare(&rig,
                arena_format(&rig.mem, "%s%s%s%s", pieces[i % n], pieces[i / n % n],
                             pieces[i / n / n % n], pieces[i / n / n / n]));
        if (i % 3000 == 0) {
            arena_clear(&rig.mem);
            open_rig(&rig, base);
        }
    }
    arena_clear(&rig.mem);
}

static void the_shortcut_agrees_with_the_parser(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bases); i++)
        compare_all(bases[i]);
}

static void the_cache_tells_references_apart(void **state)
{
    struct rig rig;
    char refs[1000][16];

    (void)state;
    open_rig(&rig, bases[1]);
    for (int i = 0; i < 1000; i++)
        snprintf(refs[i], sizeof refs[i], "x%d%s", i % 500, i % 3 ? "" : " ");
    for (int i = 0; i < 3000; i++)
        compare(&rig, span_str(refs[i * 7 % 1000]));
    arena_clear(&rig.mem);
}

static void repeated_references_share_their_memory(void **state)
{
    struct html_resolved first, second;
    struct rig rig;

    (void)state;
    open_rig(&rig, bases[1]);
    assert_int_equal(html_resolve(&rig.resolver, SPAN("x/y"), &first), OK);
    assert_int_equal(html_resolve(&rig.resolver, SPAN("x/y"), &second), OK);
    assert_ptr_equal(first.href.ptr, second.href.ptr);
    arena_clear(&rig.mem);
}

static void a_full_arena_is_an_error(void **state)
{
    struct html_resolved got;
    struct arena small;
    struct rig rig;

    (void)state;
    open_rig(&rig, bases[1]);
    arena_init(&small, 16);
    html_resolve_init(&rig.resolver, &rig.base, NULL, &small);
    assert_int_equal(html_resolve(&rig.resolver, SPAN("x/y"), &got), ERR_TOO_LARGE);
    assert_int_equal(html_resolve(&rig.resolver, SPAN("http://other.test/"), &got),
                     ERR_TOO_LARGE);
    arena_clear(&small);
    arena_clear(&rig.mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shortcut_agrees_with_the_parser),
        cmocka_unit_test(the_cache_tells_references_apart),
        cmocka_unit_test(repeated_references_share_their_memory),
        cmocka_unit_test(a_full_arena_is_an_error),
    };

    return cmocka_run_group_tests_name("parse/html_resolve", tests, NULL, NULL);
}
