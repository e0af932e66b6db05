/* SPDX-License-Identifier: MIT */
/* JSON as text: what is valid (RFC 8259), and its parts. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "parse/json_text.h"

static const struct valid_row {
    const char *text, *source;
    bool is_valid;
} valid_rows[] = {
    { "{}", "4", true },
    { " {\"a\" : [1 , {\"b\":null}] }\t", "2", true },
    { "[]", "5", true },
    { "\"x\"", "2", true },
    { "-0.5e+10", "6", true },
    { "0", "6", true },
    { "true", "3", true },
    { "[true,false,null]", "3", true },
    { "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"", "7", true },
    { "\"\\ud83d\\ude00\"", "7", true },
    { "{\"a\":1,\"a\":2}", "4", true },
    { "\"\x7f\xc3\xa9\"", "7", true },
    { "", "2", false },
    { "{", "4", false },
    { "{\"a\"}", "4", false },
    { "{\"a\":}", "4", false },
    { "{\"a\":1,}", "4", false },
    { "{a:1}", "4", false },
    { "{'a':1}", "4", false },
    { "[1,]", "5", false },
    { "[,1]", "5", false },
    { "[1 2]", "5", false },
    { "[1}", "5", false },
    { "{} {}", "2", false },
    { "{}x", "2", false },
    { "01", "6", false },
    { "-", "6", false },
    { "1.", "6", false },
    { ".5", "6", false },
    { "1e", "6", false },
    { "+1", "6", false },
    { "NaN", "6", false },
    { "True", "3", false },
    { "tru", "3", false },
    { "\"a", "7", false },
    { "\"a\tb\"", "7", false },
    { "\"\\x\"", "7", false },
    { "\"\\u12g4\"", "7", false },
    { "\"\\u12", "7", false },
    { "\"\\", "7", false },
    { "\"\\ud83d\"", "RFC 7493 2.1", false },
    { "\"\\ude00\"", "RFC 7493 2.1", false },
    { "\"\\ud83d\\u0041\"", "RFC 7493 2.1", false },
    { "\"\xff\"", "8.1", false },
    { "\xef\xbb\xbf{}", "8.1", false },
    { "/* c */ {}", "2", false },
};

static void text_is_valid_or_not(void **state)
{
    const struct valid_row *row = *state;

    if (json_text_is_value(span_str(row->text), JSON_TEXT_MAX_DEPTH) != row->is_valid)
        fail_msg("RFC 8259 section %s", row->source);
}

static void only_objects_are_objects(void **state)
{
    (void)state;
    assert_true(json_text_is_object(SPAN(" {\"a\":[]}")));
    assert_false(json_text_is_object(SPAN("[]")));
    assert_false(json_text_is_object(SPAN("")));
    assert_false(json_text_is_object(SPAN_NONE));
    assert_false(json_text_is_object(SPAN("{]")));
}

static void depth_is_limited(void **state)
{
    char text[2 * 300];

    (void)state;
    for (int depth = 1; depth < 300; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        struct span s = span_make(text, (size_t)depth * 2);
        assert_int_equal(json_text_is_value(s, 1000), depth <= JSON_TEXT_MAX_DEPTH);
        assert_int_equal(json_text_is_value(s, 10), depth <= 10);
    }
}

static void an_end_of_every_length_is_refused(void **state)
{
    struct span whole = SPAN("{\"a\":[1,-2.5e3,\"x\\u00e9\\n\",true,null,{\"b\":{}}]}");

    (void)state;
    assert_true(json_text_is_value(whole, 10));
    for (size_t n = 0; n < whole.len; n++)
        assert_false(json_text_is_value(span_slice(whole, 0, n), 10));
}

static void white_space_goes_but_not_in_strings(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(
        json_text_put_compact(SPAN(" { \"a b\" : [ 1 ,\n\t\" \\\" c\" ] } "), &out),
        OK);
    assert_true(span_eq(buf_span(&out), SPAN("{\"a b\":[1,\" \\\" c\"]}")));
    buf_clear(&out);
    buf_init(&out, 4);
    assert_int_equal(json_text_put_compact(SPAN("[1,2,3]"), &out), ERR_TOO_LARGE);
    buf_clear(&out);
}

static void strings_are_escaped(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 100);
    assert_int_equal(json_text_put_string(SPAN("a\"\\\n\x01\x7f\xc3\xa9"), &out), OK);
    assert_true(
        span_eq(buf_span(&out), SPAN("\"a\\\"\\\\\\n\\u0001\\u007f\xc3\xa9\"")));
    buf_clear(&out);
}

static void members_are_found_at_the_top_only(void **state)
{
    struct span o = SPAN(
        " { \"x\" : {\"@type\":\"no\"}, \"y\":\"@type\" , \"@type\" : [\"A\", \"B\"] ,\"@type\":1}");

    (void)state;
    assert_true(span_eq(json_text_member(o, SPAN("@type")), SPAN("[\"A\", \"B\"]")));
    assert_true(span_eq(json_text_member(o, SPAN("y")), SPAN("\"@type\"")));
    assert_null(json_text_member(o, SPAN("z")).ptr);
    assert_null(json_text_member(SPAN("[1]"), SPAN("z")).ptr);
    assert_null(json_text_member(SPAN("{}"), SPAN("z")).ptr);
}

static void elements_come_in_turn(void **state)
{
    struct span rest = SPAN("[ {\"a\":[1,2]} , 3,\"]\"]"), got;

    (void)state;
    assert_true(json_text_next(&rest, &got));
    assert_true(span_eq(got, SPAN("{\"a\":[1,2]}")));
    assert_true(json_text_next(&rest, &got));
    assert_true(span_eq(got, SPAN("3")));
    assert_true(json_text_next(&rest, &got));
    assert_true(span_eq(got, SPAN("\"]\"")));
    assert_false(json_text_next(&rest, &got));
    rest = SPAN("[]");
    assert_false(json_text_next(&rest, &got));
    rest = SPAN("{}");
    assert_false(json_text_next(&rest, &got));
}

#define PLAIN 7

int main(void)
{
    static struct CMUnitTest tests[ARRAY_LEN(valid_rows) + PLAIN] = {
        cmocka_unit_test(only_objects_are_objects),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(an_end_of_every_length_is_refused),
        cmocka_unit_test(white_space_goes_but_not_in_strings),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(members_are_found_at_the_top_only),
        cmocka_unit_test(elements_come_in_turn),
    };

    for (size_t i = 0; i < ARRAY_LEN(valid_rows); i++)
        tests[PLAIN + i] =
            (struct CMUnitTest){ *valid_rows[i].text ? valid_rows[i].text : "nothing",
                                 text_is_valid_or_not, NULL, NULL,
                                 (void *)(uintptr_t)&valid_rows[i] };
    return cmocka_run_group_tests_name("parse/json_text", tests, NULL, NULL);
}
