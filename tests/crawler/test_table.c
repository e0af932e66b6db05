/* SPDX-License-Identifier: MIT */
/* Tables on a terminal of some width: what is cut, what becomes records; and widths of characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crawler/table.h"
#include "crawler/width.h"

static struct output_value integer(int64_t n)
{
    return (struct output_value){ .type = OUTPUT_INTEGER, .integer = n };
}

static struct output_value text(const char *s)
{
    return (struct output_value){ .type = OUTPUT_TEXT, .text = span_str(s) };
}

/* The table of two columns and one row, printed. */
static void check(int columns, const char *name, struct output_value second,
                  const char *first, const char *want)
{
    struct span names[] = { SPAN("url"), span_str(name) };
    struct output_value values[] = { text(first), second };
    struct terminal terminal = { .is_terminal = columns > 0,
                                 .columns = columns,
                                 .rows = 24 };
    struct table *t = table_new(names, 2, &terminal);
    struct buf out;

    buf_init(&out, (size_t)MIB);
    table_set_countless(t);
    assert_int_equal(table_row(t, values, &out), OK);
    assert_int_equal(table_finish(t, &out), OK);
    assert_int_equal(buf_append_byte(&out, '\0'), OK);
    assert_string_equal(out.ptr, want);
    buf_clear(&out);
    table_free(t);
}

static void elsewhere_nothing_is_cut(void **state)
{
    (void)state;
    check(0, "n", integer(7), "http://a.example/a-long-way-to-the-end",
          "url                                     n\n"
          "--------------------------------------  -\n"
          "http://a.example/a-long-way-to-the-end  7\n");
}

static void a_url_is_cut_in_its_middle(void **state)
{
    (void)state;
    check(34, "n", integer(7), "http://a.example/a-long-way-to-the-end",
          "url                              n\n"
          "───────────────────────────────  ─\n"
          "http://a.exampl…-way-to-the-end  7\n");
    check(24, "n", integer(7), "http://a.example/a-long-way-to-the-end",
          "url                    n\n"
          "─────────────────────  ─\n"
          "…-long-way-to-the-end  7\n");
}

static void other_text_is_cut_at_its_end_and_numbers_never(void **state)
{
    (void)state;
    check(24, "size", integer(123456789), "all work and no play makes it long",
          "url                 size\n"
          "─────────────  ─────────\n"
          "all work and…  123456789\n");
}

static void a_name_wider_than_its_values_is_cut_first(void **state)
{
    (void)state;
    check(24, "a_very_long_name", integer(1), "twelve chars",
          "url           a_very_lo…\n"
          "────────────  ──────────\n"
          "twelve chars           1\n");
}

static void what_has_no_room_becomes_a_record(void **state)
{
    (void)state;
    check(20, "n", integer(1234567890123456), "a text of some length",
          "── 1 ───────────────\n"
          "url  a text of some length\n"
          "n    1234567890123456\n");
}

static void wide_characters_are_two_columns(void **state)
{
    (void)state;
    check(80, "n", integer(7), "東京",
          "url   n\n"
          "────  ─\n"
          "東京  7\n");
    check(20, "n", text("x"), "東京東京東京東京東京東京",
          "url                n\n"
          "─────────────────  ─\n"
          "東京東京東京東京…  x\n");
}

static void escapes_stay_out_of_cells(void **state)
{
    (void)state;
    check(80, "n", integer(7), "\x1b[1m\xff",
          "url          n\n"
          "───────────  ─\n"
          "\\x1B[1m\\xFF  7\n");
}

/* The rows that are held before widths are known; what follows goes another way. */
#define HELD 1000

/* Values of each kind, and texts that are cut, wide or to be made harmless: each in each column. */
static const struct output_value kinds[] = {
    { .type = OUTPUT_NULL },
    { .type = OUTPUT_INTEGER, .integer = 0 },
    { .type = OUTPUT_INTEGER, .integer = INT64_MIN },
    { .type = OUTPUT_REAL, .real = 0.25 },
    { .type = OUTPUT_BLOB, .text = { "\x01\xfe", 2 } },
    { .type = OUTPUT_TEXT, .text = { "", 0 } },
    { .type = OUTPUT_TEXT, .text = { "plain text", 10 } },
    { .type = OUTPUT_TEXT, .text = { "a text wider than twenty columns", 32 } },
    { .type = OUTPUT_TEXT, .text = { "http://a.example/a-long-way-to-the-end", 38 } },
    { .type = OUTPUT_TEXT, .text = { "eight...\x7f", 9 } },
    { .type = OUTPUT_TEXT, .text = { "two\nlines", 9 } },
    { .type = OUTPUT_TEXT, .text = { "\xe6\x9d\xb1\xe4\xba\xac", 6 } },
};

/* The i-th row; what its text is. The last one that is held says which columns are of numbers. */
static struct span put(struct table *t, size_t i, struct buf *out)
{
    size_t n = ARRAY_LEN(kinds);
    struct output_value row[] = { kinds[i % n], kinds[i / n % n], kinds[i / n / n % n] };
    size_t from = out->len;

    assert_int_equal(table_row(t, row, out), OK);
    return span_skip(buf_span(out), from);
}

/* All rows are there twice: those of the first time are held, as far as rows are. */
static void check_rows_behind(struct terminal terminal, size_t first)
{
    struct span names[] = { SPAN("one"), SPAN("two"), SPAN("three") }, head, line, rest;
    struct table *t = table_new(names, 3, &terminal);
    struct buf out;

    buf_init(&out, (size_t)MIB);
    for (size_t i = 0; i < HELD; i++)
        put(t, first + i, &out);
    rest = buf_span(&out);
    assert_true(span_split(&rest, '\n', &head) && span_split(&rest, '\n', &head));
    for (size_t i = 0; i < HELD; i++) {
        size_t at = (size_t)(rest.ptr - out.ptr), len = rest.len, behind = out.len;
        struct span again = put(t, first + i, &out);

        rest = span_make(out.ptr + at, len); /* out may have moved */
        assert_true(span_split(&rest, '\n', &line));
        assert_int_equal(again.len, line.len + 1);
        assert_memory_equal(out.ptr + behind, line.ptr, line.len);
    }
    assert_int_equal(rest.len, 0);
    buf_clear(&out);
    table_free(t);
}

static void rows_look_the_same_whether_they_were_held_or_not(void **state)
{
    struct terminal file = { .columns = 0 }, narrow = { .is_terminal = true, .columns = 80, .rows = 24 };

    (void)state;
    check_rows_behind(file, 0);
    check_rows_behind(file, HELD);
    check_rows_behind(narrow, 0);
    check_rows_behind(narrow, HELD);
}

static void a_terminal_is_told_how_many_rows_there_were(void **state)
{
    static const struct {
        size_t n;
        const char *count;
    } cases[] = { { 1, "\n1 row\n" }, { 2, "\n2 rows\n" }, { HELD + 1, "\n1001 rows\n" } };
    struct terminal terminals[] = { { .is_terminal = true, .columns = 80, .rows = 24 }, { .columns = 0 } };
    struct span name = SPAN("one");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t k = 0; k < ARRAY_LEN(terminals); k++) {
            struct table *t = table_new(&name, 1, &terminals[k]);
            struct buf out;

            buf_init(&out, (size_t)MIB);
            for (size_t row = 0; row < cases[i].n; row++)
                assert_int_equal(table_row(t, &kinds[6], &out), OK);
            assert_int_equal(table_finish(t, &out), OK);
            assert_true(span_ends(buf_span(&out), span_str(k ? "\nplain text\n" : cases[i].count)));
            buf_clear(&out);
            table_free(t);
        }
}

static void widths_are_those_of_unicode(void **state)
{
    static const struct {
        const char *text;
        int width;
    } rows[] = { { "abc", 3 }, { "é", 1 },  { "e\u0301", 1 }, { "東", 2 },
                 { "한", 2 },  { "Ａ", 2 }, { "ｱ", 1 },       { "ที่", 1 },
                 { "😀", 2 },   { "Ж", 1 },  { "\xff", 1 },    { "", 0 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(width_of(span_str(rows[i].text)), rows[i].width);
    assert_int_equal(width_prefix(SPAN("a東b"), 2), 1);
    assert_int_equal(width_prefix(SPAN("a東b"), 3), 4);
    assert_int_equal(width_prefix(SPAN("e\u0301x"), 1), 3);
    assert_int_equal(width_suffix(SPAN("a東b"), 2), 1);
    assert_int_equal(width_suffix(SPAN("a東b"), 3), 4);
    assert_int_equal(width_suffix(SPAN("ab"), 9), 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(elsewhere_nothing_is_cut),
        cmocka_unit_test(a_url_is_cut_in_its_middle),
        cmocka_unit_test(other_text_is_cut_at_its_end_and_numbers_never),
        cmocka_unit_test(a_name_wider_than_its_values_is_cut_first),
        cmocka_unit_test(what_has_no_room_becomes_a_record),
        cmocka_unit_test(wide_characters_are_two_columns),
        cmocka_unit_test(escapes_stay_out_of_cells),
        cmocka_unit_test(rows_look_the_same_whether_they_were_held_or_not),
        cmocka_unit_test(a_terminal_is_told_how_many_rows_there_were),
        cmocka_unit_test(widths_are_those_of_unicode),
    };

    return cmocka_run_group_tests_name("crawler/table", tests, NULL, NULL);
}
