/* SPDX-License-Identifier: MIT */
/* Promise P55, and what a start costs: libcurl is loaded by who makes requests, and by nobody else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/kit/rig.h"

static const struct origin_route pages[] = {
    NO_ROBOTS, { .path = "*", .headers = HTML, .body = PAGE }
};

static int fresh_rig(void **state)
{
    static struct rig g;

    RIG_OPEN(&g, pages, 1, "http://127.0.0.1:$PORT/\n");
    *state = &g;
    return 0;
}

static int end_rig(void **state)
{
    (void)unsetenv("LD_LIBRARY_PATH");
    rig_close(*state);
    return 0;
}

/* The next runs find a libcurl that is none; who asks the loader for it, does not get it. */
static void break_libcurl(struct rig *g)
{
    program_write(&g->p, "libcurl.so.4", SPAN("not a library"));
    assert_int_equal(setenv("LD_LIBRARY_PATH", g->p.folder, 1), 0);
}

static int crawl(struct rig *g)
{
    return program_crawl(&g->p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL });
}

static bool printed(struct rig *g, const char *text)
{
    struct span all = buf_span(&g->p.out);

    return span_find_span(all, span_str(text)) < all.len;
}

static void who_makes_no_request_needs_no_libcurl(void **state)
{
    struct rig *g = *state;

    assert_int_equal(crawl(g), 0);
    break_libcurl(g);
    assert_int_equal(program_run(&g->p, ARGS{ "--version", NULL }), 0);
    assert_true(printed(g, "\nlibcurl "));
    assert_int_equal(program_run(&g->p, ARGS{ "--help", NULL }), 0);
    assert_int_equal(program_run(&g->p, ARGS{ "sql", "SELECT 6 * 7 AS n", NULL }), 0);
    assert_true(printed(g, "42"));
    assert_int_equal(program_run(&g->p, ARGS{ "report", "r.html", NULL }), 0);
    assert_int_equal(program_run(&g->p, ARGS{ "search", "page", NULL }), 0);
}

static void a_run_without_libcurl_says_so_and_the_next_goes_on(void **state)
{
    struct rig *g = *state;

    break_libcurl(g);
    assert_int_equal(crawl(g), 3);
    assert_true(program_said(&g->p, "cannot load libcurl: "));
    assert_true(program_said(&g->p, "libcurl.so.4"));
    assert_int_equal(origin_counts(g->o).requests, 0);
    (void)unsetenv("LD_LIBRARY_PATH");
    assert_int_equal(crawl(g), 0);
    assert_int_equal(program_number(&g->p, "SELECT count(*) FROM pages"), 1);
}

static void a_run_tells_which_libcurl_it_has(void **state)
{
    struct rig *g = *state;

    assert_int_equal(crawl(g), 0);
    assert_int_equal(
        program_number(&g->p,
                       "SELECT count(*) FROM events WHERE event = 'libraries'"
                       " AND level = 'info' AND detail GLOB 'libcurl [0-9]*.* (*/*)'"),
        1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_makes_no_request_needs_no_libcurl,
                                        fresh_rig, end_rig),
        cmocka_unit_test_setup_teardown(
            a_run_without_libcurl_says_so_and_the_next_goes_on, fresh_rig, end_rig),
        cmocka_unit_test_setup_teardown(a_run_tells_which_libcurl_it_has, fresh_rig,
                                        end_rig),
    };

    return cmocka_run_group_tests_name("flow/libraries", tests, NULL, NULL);
}
