/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/mem.h"
#include "parse/html_text.h"

static bool is_white(char c)
{
    return c == ' ' || c == '\n' || c == '\t' || c == '\f' || c == '\r';
}

/* The same byte by byte, for text without references: out has room for it. */
static size_t collapse(struct span in, char *out)
{
    size_t n = 0;

    for (size_t i = 0; i < in.len; i++) {
        bool is_first = i == 0 || is_white(in.ptr[i - 1]);

        if (is_white(in.ptr[i]))
            continue;
        if (is_first && n)
            out[n++] = ' ';
        out[n++] = in.ptr[i];
    }
    return n;
}

static int64_t count(struct span text, char c)
{
    int64_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += text.ptr[i] == c;
    return n;
}

/* Adds two pieces, each in a block of its own so that the sanitizer sees who reads beyond. */
static void add_halves(struct html_text *x, struct span in, size_t at)
{
    const struct span halves[2] = { span_slice(in, 0, at), span_skip(in, at) };

    html_text_reset(x);
    for (size_t i = 0; i < 2; i++) {
        char *copy = mem_alloc(halves[i].len + 1);

        memcpy(copy + 1, halves[i].ptr, halves[i].len);
        assert_int_equal(html_text_add(x, span_make(copy + 1, halves[i].len), ENTITIES_TEXT, false),
                         OK);
        mem_free(copy);
    }
}

static void white_space_collapses_wherever_it_stands(void **state)
{
    static const char bytes[] = "abcde&fgh-\x01\x1f\x7f\xc3\xa9      \n\n\n\t\r\f";
    uint64_t random = 1;
    struct html_text x;
    char in[80], want[2 * sizeof in];

    (void)state;
    html_text_init(&x, 1 << 16);
    for (size_t round = 0; round < 20000; round++) {
        size_t len = round % sizeof in, n;

        for (size_t i = 0; i < len; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            /* Every other text has next to no white space, so that long runs are seen. */
            in[i] = bytes[(random >> 33) % (random >> 60 && round % 2 ? 10 : sizeof bytes - 1)];
        }
        n = collapse(span_make(in, len), want);
        add_halves(&x, span_make(in, len), len ? (random >> 20) % len : 0);
        assert_int_equal(x.buf.len, n);
        assert_memory_equal(x.buf.ptr, want, n);
        assert_int_equal(html_text_words(&x), count(span_make(want, n), ' ') + (n > 0));
    }
    buf_clear(&x.buf);
}

/* Where more of the document follows a text it is read in one piece, and is the same; its end is a block's. */
static void what_follows_a_text_does_not_get_into_it(void **state)
{
    static const char in[] = "<p>some  words\n and <b>more</b>&amp; last";
    struct html_text x, alone;
    size_t len = sizeof in - 1;
    char *copy = mem_alloc(len);

    (void)state;
    memcpy(copy, in, len);
    html_text_init(&x, 1 << 16);
    html_text_init(&alone, 1 << 16);
    for (size_t from = 0; from < len; from++)
        for (size_t to = from; to <= len; to++) {
            html_text_reset(&x);
            html_text_reset(&alone);
            html_text_of(&x, span_make(copy, len));
            assert_int_equal(html_text_add(&x, span_make(copy + from, to - from), ENTITIES_TEXT, true), OK);
            assert_int_equal(html_text_add(&alone, span_make(copy + from, to - from), ENTITIES_TEXT, true), OK);
            assert_true(span_eq(buf_span(&x.buf), buf_span(&alone.buf)));
            assert_int_equal(x.pending, alone.pending);
        }
    buf_clear(&alone.buf);
    buf_clear(&x.buf);
    mem_free(copy);
}

/* More separators than the counter of a part can hold. */
static void words_are_counted_in_long_texts(void **state)
{
    struct html_text x;

    (void)state;
    html_text_init(&x, 1 << 16);
    for (int i = 0; i < 5000; i++) {
        html_text_break(&x, i % 3 ? ' ' : '\n');
        assert_int_equal(html_text_add(&x, SPAN("w"), ENTITIES_TEXT, false), OK);
        assert_int_equal(html_text_words(&x), i + 1);
    }
    buf_clear(&x.buf);
}

static void a_space_is_owed_until_something_follows(void **state)
{
    struct html_text x;

    (void)state;
    html_text_init(&x, 1 << 16);
    assert_int_equal(html_text_add(&x, SPAN("eight by\n"), ENTITIES_TEXT, false), OK);
    assert_true(span_eq(buf_span(&x.buf), SPAN("eight by")));
    assert_int_equal(html_text_words(&x), 2);
    html_text_break(&x, '\n');
    assert_int_equal(html_text_add(&x, SPAN(" and&amp;more"), ENTITIES_TEXT, true), OK);
    assert_true(span_eq(buf_span(&x.buf), SPAN("eight by\nand&more")));
    assert_int_equal(html_text_words(&x), 3);
    buf_clear(&x.buf);
}

static void references_are_what_they_stand_for_except_in_raw_text(void **state)
{
    static const struct {
        const char *in;
        enum entities_mode mode;
        const char *want;
    } cases[] = {
        { "a&amp;b", ENTITIES_TEXT, "a&b" },
        { "a&#32;b&#10;&#9;c", ENTITIES_TEXT, "a b c" }, /* white space that is spelt out collapses too */
        { "&nGt;", ENTITIES_TEXT, "\u226b\u20d2" },
        { "a&b", ENTITIES_TEXT, "a&b" },
        { "a&amp;b", ENTITIES_RAW, "a&amp;b" },
        { "a&amp;b", ENTITIES_RCDATA, "a&b" },
    };
    struct html_text x;

    (void)state;
    html_text_init(&x, 1 << 10);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        html_text_reset(&x);
        assert_int_equal(html_text_add(&x, span_str(cases[i].in), cases[i].mode, true), OK);
        if (!span_eq(buf_span(&x.buf), span_str(cases[i].want)))
            fail_msg("%s", cases[i].in);
    }
    buf_clear(&x.buf);
}

static void a_space_that_does_not_break_parts_words_and_alone_is_none(void **state)
{
    static const struct {
        const char *in;
        int64_t more;
    } cases[] = {
        { "", 0 },
        { "a b", 0 },
        { "a\u00a0b", 1 },
        { "a\u00a0\u00a0b", 1 },
        { "\u00a0", -1 },
        { "\u00a0a", 0 },
        { "a\u00a0", 0 },
        { "a \u00a0 b", -1 },
        { "a \u00a0b", 0 },
        { "a\u00a0b\u00a0c", 2 },
        { "a\u00a9b", 0 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(html_text_no_breaks(span_str(cases[i].in)), cases[i].more);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_collapses_wherever_it_stands),
        cmocka_unit_test(what_follows_a_text_does_not_get_into_it),
        cmocka_unit_test(words_are_counted_in_long_texts),
        cmocka_unit_test(a_space_is_owed_until_something_follows),
        cmocka_unit_test(references_are_what_they_stand_for_except_in_raw_text),
        cmocka_unit_test(a_space_that_does_not_break_parts_words_and_alone_is_none),
    };

    return cmocka_run_group_tests_name("parse/html_text", tests, NULL, NULL);
}
