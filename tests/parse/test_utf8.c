/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parse/utf8.h"

#define FFFD "\xEF\xBF\xBD"

struct row {
    const char *label;
    struct span in;
    struct span repaired;
    size_t valid; /* bytes before the first error */
    const char *source;
};

static const struct row rows[] = {
    { "empty", { "", 0 }, { "", 0 }, 0, "Encoding 8.1" },
    { "a NUL is a character", { "a\0b", 3 }, { "a\0b", 3 }, 3, "Encoding 8.1" },
    { "first and last of each length",
      { "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF",
        19 },
      { "\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xEF\xBF\xBF\xF0\x90\x80\x80\xF4\x8F\xBF\xBF",
        19 },
      19,
      "Unicode table 3-7" },
    { "a stray continuation byte",
      { "a\x80z", 3 },
      { "a" FFFD "z", 5 },
      1,
      "Unicode 3.9" },
    { "C0 and C1 begin nothing",
      { "\xC0\xAF\xC1", 3 },
      { FFFD FFFD FFFD, 9 },
      0,
      "table 3-7" },
    { "an overlong slash is three errors",
      { "\xE0\x80\xAF", 3 },
      { FFFD FFFD FFFD, 9 },
      0,
      "Unicode table 3-8" },
    { "a surrogate is three errors",
      { "\xED\xA0\x80", 3 },
      { FFFD FFFD FFFD, 9 },
      0,
      "table 3-9" },
    { "an overlong four is four errors",
      { "\xF0\x8F\xBF\xBF", 4 },
      { FFFD FFFD FFFD FFFD, 12 },
      0,
      "table 3-8" },
    { "above U+10FFFF",
      { "\xF4\x90\x80\x80", 4 },
      { FFFD FFFD FFFD FFFD, 12 },
      0,
      "table 3-9" },
    { "a cut sequence is one error",
      { "x\xF0\x9F\x98", 4 },
      { "x" FFFD, 4 },
      1,
      "table 3-11" },
    { "a quote behind a lead byte survives",
      { "\xE4\"\xE4\xBD\">", 6 },
      { FFFD "\"" FFFD "\">", 9 },
      0,
      "Encoding 8.1.1" },
    { "each maximal subpart",
      { "\x61\xF1\x80\x80\xE1\x80\xC2\x62\x80\x63\x80\xBF\x64", 13 },
      { "a" FFFD FFFD FFFD "b" FFFD "c" FFFD FFFD "d", 22 },
      1,
      "Unicode table 3-8" },
};

static void broken_text_is_repaired(void **state)
{
    const struct row *r = *state;
    struct buf out;

    buf_init(&out, 1000);

    assert_int_equal(utf8_repair(r->in, &out), OK);

    assert_int_equal(out.len, r->repaired.len);
    assert_true(span_eq(buf_span(&out), r->repaired));
    assert_int_equal(utf8_valid_prefix(r->in), r->valid);
    buf_clear(&out);
}

/* The bad sequence at every place of a word, so that no alignment is missed. */
static void an_error_is_found_wherever_it_stands(void **state)
{
    static const char *const fills[] = { "a",
                                         "\xD0\xB0",
                                         "\xE4\xB8\xAD",
                                         "\xE0\xB8\x81",
                                         "\xED\x95\x9C",
                                         "\xF0\x9F\x98\x80" };
    static const char *const bad[] = {
        "\x80", "\xC1\x81",         "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF5", "\xE4\xB8",
        "\xD0", "\xF4\x90\x80\x80", "\xF0\x8F",     "\xC3\xC3\xA4", "\xFF"
    };

    (void)state;
    for (size_t f = 0; f < ARRAY_LEN(fills); f++)
        for (size_t b = 0; b < ARRAY_LEN(bad); b++)
            for (size_t n = 0; n < 40; n++) {
                char text[256];
                size_t before = n * strlen(fills[f]), len = 0;

                for (size_t i = 0; i < n; i++)
                    len += (size_t)snprintf(text + len, sizeof(text) - len, "%s",
                                            fills[f]);
                len += (size_t)snprintf(text + len, sizeof(text) - len,
                                        "%sABCDEFGHIJKLMNOP", bad[b]);
                assert_int_equal(utf8_valid_prefix(span_make(text, len)), before);
            }
}

static void every_code_point_is_written_and_read_back(void **state)
{
    (void)state;
    for (uint32_t c = 0; c <= 0x10FFFF; c++) {
        char text[4];
        uint32_t got;
        size_t len;

        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        len = (size_t)(utf8_put(text, c) - text);
        assert_int_equal(utf8_valid_prefix(span_make(text, len)), len);
        assert_int_equal(utf8_decode(span_make(text, len), &got), len);
        assert_int_equal(got, c);
    }
}

static void the_ascii_prefix_ends_at_the_first_high_byte(void **state)
{
    char text[100];

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(utf8_ascii_prefix(span_make(text, sizeof(text))), sizeof(text));
    assert_int_equal(utf8_ascii_prefix(SPAN_NONE), 0);
    for (size_t i = 0; i < sizeof(text); i++) {
        text[i] = '\x80';
        assert_int_equal(utf8_ascii_prefix(span_make(text, sizeof(text))), i);
        text[i] = 'a';
    }
}

static void repairing_stops_at_the_cap(void **state)
{
    struct buf out;

    (void)state;
    buf_init(&out, 4);
    assert_int_equal(utf8_repair(SPAN("ab\xFF"), &out), ERR_TOO_LARGE);
    buf_clear(&out);
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test(an_error_is_found_wherever_it_stands),
        cmocka_unit_test(every_code_point_is_written_and_read_back),
        cmocka_unit_test(the_ascii_prefix_ends_at_the_first_high_byte),
        cmocka_unit_test(repairing_stops_at_the_cap),
    };
    static struct row copies[ARRAY_LEN(rows)];
    struct CMUnitTest tests[ARRAY_LEN(single) + ARRAY_LEN(rows)];

    memcpy(tests, single, sizeof(single));
    memcpy(copies, rows, sizeof(rows));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[ARRAY_LEN(single) + i] =
            (struct CMUnitTest){ .name = copies[i].label,
                                 .test_func = broken_text_is_repaired,
                                 .initial_state = &copies[i] };
    return cmocka_run_group_tests_name("parse/utf8", tests, NULL, NULL);
}
