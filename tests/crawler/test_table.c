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
        cmocka_unit_test(widths_are_those_of_unicode),
    };

    return cmocka_run_group_tests_name("crawler/table", tests, NULL, NULL);
}
