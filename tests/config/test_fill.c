/* SPDX-License-Identifier: MIT */
/* How text of our own is broken into lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/fill.h"

static const struct row {
    const char *label, *page;
    size_t columns;
    const char *want;
} rows[] = {
    { "a paragraph is filled", "one two\nthree four five\n\nsix\n", 12, "one two\nthree four\nfive\n\nsix\n" },
    { "what fits to the column stays", "one two\n", 7, "one two\n" },
    { "a long word sticks out", "a incomprehensible b\n", 6, "a\nincomprehensible\nb\n" },
    { "a text hangs below itself", "  name  what it is and does for us\n        and for you\n", 32,
      "  name  what it is and does for\n        us and for you\n" },
    { "the next one is another", "  a  one\n  b  two\n", 80, "  a  one\n  b  two\n" },
    { "where there is no room beside, it goes on below", "  a long name  and what it is\n", 20,
      "  a long name  and\n  what it is\n" },
    { "examples are not joined", "  crawl a\n  crawl b\n", 80, "  crawl a\n  crawl b\n" },
    { "paragraphs and what is indented stay apart", "See:\n  crawl a\nThen\nmore.\n", 80,
      "See:\n  crawl a\nThen more.\n" },
    { "nothing is nothing", "", 80, "" },
};

static void page_becomes(void **state)
{
    const struct row *row = *state;
    struct buf out;

    buf_init(&out, 1000);
    assert_int_equal(fill_page(&out, span_str(row->page), row->columns), OK);
    assert_int_equal(buf_append_byte(&out, '\0'), OK);
    assert_string_equal(out.ptr, row->want);
    buf_clear(&out);
}

static void what_does_not_fit_into_the_buffer_is_an_error(void **state)
{
    struct buf out;

    (void)state;
    for (size_t max = 0; max < 30; max++) {
        buf_init(&out, max);
        assert_int_equal(fill_page(&out, SPAN("  name  what it is and does\n\nmore"), 20), ERR_TOO_LARGE);
        buf_clear(&out);
    }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rows) + 1] = { cmocka_unit_test(what_does_not_fit_into_the_buffer_is_an_error) };
    struct row copies[ARRAY_LEN(rows)];

    memcpy(copies, rows, sizeof rows);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[i + 1] = (struct CMUnitTest){ rows[i].label, page_becomes, NULL, NULL, &copies[i] };
    return cmocka_run_group_tests_name("config/fill", tests, NULL, NULL);
}
