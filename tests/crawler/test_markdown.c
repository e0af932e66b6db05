/* SPDX-License-Identifier: MIT */
/* Our own documents as man(7) source: every form that docs/ is written in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crawler/markdown.h"

struct row {
    const char *label, *in, *want;
};

static const struct row rows[] = {
    { "the title is left out", "# The database\n\nText.\n", "Text.\n" },
    { "a second heading is a section, in capitals", "## Words\n\nText.\n",
      ".SH WORDS\nText.\n" },
    { "a third one is a part of it", "### urls: every URL-s\nText.\n",
      ".SS urls: every URL\\-s\nText.\n" },
    { "lines are one paragraph", "one\ntwo\n", "one two\n" },
    { "a blank line ends it", "one\n\ntwo\n", "one\n.PP\ntwo\n" },
    { "code and strong words are bold", "**urls.state**: `a-b` c\n",
      "\\fBurls.state\\fR: \\fBa\\-b\\fR c\n" },
    { "code may have blanks", "(`a b`)\n", "(\\fBa b\\fR)\n" },
    { "code may be cut by a line's end", "`a\nb`\n", "\\fBa b\\fR\n" },
    { "a dot at a line's beginning is no request", ".a\n", "\\&.a\n" },
    { "an apostrophe is none either", "'a'\n", "\\(aqa\\(aq\n" },
    { "a table's first cell is the term",
      "| column | |\n|---|---|\n| id, url | what `it` is |\n",
      ".TP\n.B id, url\nwhat \\fBit\\fR is\n" },
    { "a cell may be empty", "| a | b |\n|---|---|\n| id | |\n", ".TP\n.B id\n\\&\n" },
    { "a cell may hold a bar", "| a | b |\n|---|---|\n| x\\|y | z |\n",
      ".TP\n.B x|y\nz\n" },
    { "a row may have three cells", "| a | b | c |\n|---|---|---|\n| x | y | z |\n",
      ".TP\n.B x\ny\nz\n" },
    { "a second table has a heading of its own", "|a|\n|-|\n|x|\n\n|b|\n|-|\n|y|\n",
      ".TP\n.B x\n.TP\n.B y\n" },
    { "text behind a table is a paragraph", "|a|b|\n|-|-|\n|x|y|\n\nText.\n",
      ".TP\n.B x\ny\n.PP\nText.\n" },
    { "a list", "one:\n\n- a\n  b\n- c\n", "one:\n.IP \\(bu 2\na b\n.IP \\(bu 2\nc\n" },
    { "an example stays as it is", "Do:\n\n```sql\nSELECT  1;\n\n-- x\n```\n\nText.\n",
      "Do:\n.PP\n.EX\nSELECT  1;\n\n\\-\\- x\n.EE\n.PP\nText.\n" },
    { "an example right under a heading", "## Q\n\n```\n# x\n| y\n```\n",
      ".SH Q\n.EX\n# x\n| y\n.EE\n" },
    { "a long example is cut between words, not in quotes",
      "## Q\n```\nSELECT u.url, p.title FROM pages p JOIN urls u WHERE p.title LIKE 'a long text here'\n```\n",
      ".SH Q\n.EX\nSELECT u.url, p.title FROM pages p JOIN urls u WHERE p.title LIKE\n"
      "    \\(aqa long text here\\(aq\n.EE\n" },
    { "long text is broken in the source",
      "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 0123456789 end\n",
      "0123456789 0123456789 0123456789 0123456789 0123456789 0123456789\n0123456789 end\n" },
    { "nothing comes of nothing", "", "" },
};

static void becomes_roff(void **state)
{
    const struct row *row = *state;
    struct buf out;

    buf_init(&out, 10000);

    assert_int_equal(markdown_to_roff(&out, span_str(row->in)), OK);

    if (!span_eq(buf_span(&out), span_str(row->want)))
        fail_msg("got:\n%.*s", SPAN_ARG(buf_span(&out)));
    buf_clear(&out);
}

static void a_full_buffer_is_an_error(void **state)
{
    (void)state;
    for (size_t max = 0; max < 37; max++) {
        struct buf out;

        buf_init(&out, max);
        assert_int_equal(
            markdown_to_roff(
                &out,
                SPAN("## Words\n\ntext `code`\n\n| a | b |\n|---|---|\n| x | y |\n")),
            ERR_TOO_LARGE);
        buf_clear(&out);
    }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(rows) + 1];
    size_t n = 0;

    for (; n < ARRAY_LEN(rows); n++)
        tests[n] = (struct CMUnitTest){ .name = rows[n].label,
                                        .test_func = becomes_roff,
                                        .initial_state = (void *)(uintptr_t)&rows[n] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_full_buffer_is_an_error);
    return cmocka_run_group_tests_name("crawler/markdown", tests, NULL, NULL);
}
