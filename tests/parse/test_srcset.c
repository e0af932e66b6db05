/* SPDX-License-Identifier: MIT */
/* srcset candidates; want is the URLs with '|' between. Source: HTML standard §4.8.4.3.10. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/buf.h"
#include "parse/srcset.h"

struct row {
    const char *label, *in, *want;
};

static const struct row rows[] = {
    { "nothing", "", "" },
    { "only commas and spaces", " ,, \n,", "" },
    { "one without descriptor", "a.png", "a.png" },
    { "densities", "a 1x, b 2.5x,c 1e1x", "a|b|c" },
    { "widths", "a 100w, b 200w", "a|b" },
    { "width and height", "a 100w 50h, b 50h", "a" },
    { "commas inside a URL", "a,b 1x, c", "a,b|c" },
    { "commas behind a URL end it", "a,, b", "a|b" },
    { "no space behind the comma", "a 1x,b 2x", "a|b" },
    { "parentheses hide commas", "a (b, c 1x), d", "d" },
    { "open parenthesis", "a, b (c", "a" },
    { "zero width", "a 0w, b 00w, c 1w", "c" },
    { "fraction of a width", "a 1.5w", "" },
    { "signs", "a +1x, b -1x, c -0x, d -1w", "c" },
    { "bad numbers", "a 1.x, b .x, c ex, d 1ex, e .5x", "e" },
    { "twice the same", "a 1x 2x, b 1w 2w, c 1w 1h 1h", "" },
    { "density with width", "a 1x 1w, b 1w 1x", "" },
    { "units are lower case", "a 1X, b 1W", "" },
    { "unknown unit", "a 1q, b 1, c", "c" },
    { "no-break space is no space", "a \u00A01x, b", "b" },
    { "tabs and line feeds", "\ta\n1x\t,\f b", "a|b" },
};

static void row_holds(void **state)
{
    const struct row *row = *state;
    struct span rest = span_str(row->in), url;
    struct buf got;

    buf_init(&got, 4096);
    while (srcset_next(&rest, &url))
        assert_int_equal(buf_printf(&got, "%s%.*s", got.len ? "|" : "", SPAN_ARG(url)),
                         OK);

    if (!span_eq(buf_span(&got), span_str(row->want)))
        fail_msg("%.*s, want %s", SPAN_ARG(buf_span(&got)), row->want);
    buf_clear(&got);
}

static struct CMUnitTest tests[ARRAY_LEN(rows)];

int main(void)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[i] = (struct CMUnitTest){ .name = rows[i].label,
                                        .test_func = row_holds,
                                        .initial_state = (void *)(uintptr_t)&rows[i] };
    return cmocka_run_group_tests_name("parse/srcset", tests, NULL, NULL);
}
