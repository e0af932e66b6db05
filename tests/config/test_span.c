/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/span.h"

static void assert_span(struct span got, const char *want)
{
    assert_int_equal(got.len, strlen(want));
    assert_true(span_eq(got, span_str(want)));
}

static void views_of_nothing_are_empty(void **state)
{
    (void)state;
    assert_int_equal(span_str(NULL).len, 0);
    assert_int_equal(span_str("").len, 0);
    assert_true(span_eq(SPAN_NONE, SPAN("")));
    assert_int_equal(span_slice(SPAN_NONE, 0, 0).len, 0);
    assert_null(span_skip(SPAN_NONE, 5).ptr);
    assert_int_equal(span_trim(SPAN_NONE).len, 0);
    assert_true(span_is_utf8(SPAN_NONE));
    assert_int_equal(span_cmp(SPAN_NONE, SPAN_NONE), 0);
}

static void a_literal_may_hold_nul_bytes(void **state)
{
    (void)state;
    assert_int_equal(SPAN("a\0b").len, 3);
    assert_false(span_eq(SPAN("a\0b"), SPAN("a\0c")));
    assert_int_equal(span_find(SPAN("a\0b"), 'b'), 2);
}

static void slices_and_skips_stay_inside(void **state)
{
    (void)state;
    assert_span(span_slice(SPAN("abcdef"), 2, 4), "cd");
    assert_span(span_slice(SPAN("abc"), 3, 3), "");
    assert_span(span_skip(SPAN("abc"), 1), "bc");
    assert_span(span_skip(SPAN("abc"), 3), "");
    assert_span(span_skip(SPAN("abc"), 99), "");
}

static void case_folds_for_ascii_letters_only(void **state)
{
    (void)state;
    assert_true(span_eq_nocase(SPAN("Content-TYPE"), SPAN("content-type")));
    assert_false(span_eq_nocase(SPAN("a"), SPAN("ab")));
    assert_false(span_eq_nocase(SPAN("@[`{"), SPAN("`{@[")));
    assert_false(span_eq_nocase(SPAN("\xc3\x84"), SPAN("\xc3\xa4")));
    assert_false(span_eq_nocase(SPAN("\x00"), SPAN("\x20")));
    assert_false(span_eq_nocase(SPAN("K"), SPAN("\xe2\x84\xaa"))); /* Kelvin sign */
}

/* Each byte at each place of texts as long as some words, beside each of two neighbours that carry and borrow. */
static void what_is_printable_ends_at_the_first_byte_that_is_not(void **state)
{
    char text[27];

    (void)state;
    assert_int_equal(span_printable(SPAN_NONE), 0);
    for (size_t len = 1; len < sizeof text; len++)
        for (size_t at = 0; at < len; at++)
            for (int byte = 0; byte < 256; byte++) {
                bool is_printable = byte >= 0x20 && byte <= 0x7e;

                memset(text, len % 2 ? ' ' : '~', sizeof text);
                text[at] = (char)byte;
                assert_int_equal(span_printable(span_make(text, len)), is_printable ? len : at);
                memset(text + at, byte, len - at);
                assert_int_equal(span_printable(span_make(text, len)), is_printable ? len : at);
            }
}

static void prefixes_and_suffixes(void **state)
{
    (void)state;
    assert_true(span_starts(SPAN("https://x"), SPAN("https://")));
    assert_false(span_starts(SPAN("htt"), SPAN("https://")));
    assert_true(span_starts(SPAN("x"), SPAN_NONE));
    assert_true(span_starts_nocase(SPAN("HTTPS://x"), SPAN("https://")));
    assert_true(span_ends(SPAN("a.zip"), SPAN(".zip")));
    assert_false(span_ends(SPAN("zip"), SPAN(".zip")));
    assert_true(span_ends(SPAN("x"), SPAN_NONE));
}

static void order_is_by_unsigned_bytes_and_length(void **state)
{
    (void)state;
    assert_true(span_cmp(SPAN("a"), SPAN("b")) < 0);
    assert_true(span_cmp(SPAN("b"), SPAN("a")) > 0);
    assert_true(span_cmp(SPAN("a"), SPAN("aa")) < 0);
    assert_true(span_cmp(SPAN("\xff"), SPAN("a")) > 0);
    assert_int_equal(span_cmp(SPAN("abc"), SPAN("abc")), 0);
    assert_true(span_cmp(SPAN_NONE, SPAN("a")) < 0);
}

static void finding(void **state)
{
    (void)state;
    assert_int_equal(span_find(SPAN("abcabc"), 'c'), 2);
    assert_int_equal(span_find(SPAN("abc"), 'x'), 3);
    assert_int_equal(span_find(SPAN_NONE, 'x'), 0);
    assert_int_equal(span_find_span(SPAN("a://b"), SPAN("://")), 1);
    assert_int_equal(span_find_span(SPAN("ab"), SPAN("abc")), 2);
    assert_int_equal(span_find_span(SPAN("abc"), SPAN_NONE), 0);
    assert_int_equal(span_find_span(SPAN_NONE, SPAN("a")), 0);
    assert_int_equal(span_find_nocase(SPAN("xxNoIndex"), SPAN("noindex")), 2);
    assert_int_equal(span_find_nocase(SPAN("noinde"), SPAN("noindex")), 6);
    assert_int_equal(span_find_nocase(SPAN("abc"), SPAN_NONE), 0);
}

static void trim_takes_ascii_white_space_only(void **state)
{
    (void)state;
    assert_span(span_trim(SPAN(" \t\r\n\f a b \f\n\r\t ")), "a b");
    assert_span(span_trim(SPAN(" \t ")), "");
    assert_span(span_trim(SPAN("\va\v")), "\va\v");
    assert_span(span_trim(SPAN("\xc2\xa0"
                               "a")),
                "\xc2\xa0"
                "a");
}

static void split_gives_every_part_but_a_last_empty_one(void **state)
{
    static const struct {
        const char *in, *want;
    } rows[] = { { "", "" },          { "a", "[a]" },
                 { "a,b", "[a][b]" }, { "a,,b", "[a][][b]" },
                 { "a,", "[a]" },     { ",", "[]" },
                 { ",a", "[][a]" },   { ",,", "[][]" } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct span rest = span_str(rows[i].in), part;
        char got[64] = "";
        size_t n = 0;

        while (span_split(&rest, ',', &part))
            n += (size_t)snprintf(got + n, sizeof got - n, "[%.*s]", SPAN_ARG(part));
        assert_string_equal(got, rows[i].want);
    }
}

static void tokens_are_runs_between_white_space(void **state)
{
    struct span rest = SPAN("  nofollow\tnoopener \n x "), token;

    (void)state;
    assert_true(span_token(&rest, &token));
    assert_span(token, "nofollow");
    assert_true(span_token(&rest, &token));
    assert_span(token, "noopener");
    assert_true(span_token(&rest, &token));
    assert_span(token, "x");
    assert_false(span_token(&rest, &token));
    assert_span(token, "x");
}

static void unsigned_numbers_are_digits_in_range(void **state)
{
    static const char *const bad[] = { "",
                                       "-1",
                                       "+1",
                                       " 1",
                                       "1 ",
                                       "0x10",
                                       "1e3",
                                       "1.0",
                                       "\xd9\xa1",
                                       "18446744073709551616",
                                       "99999999999999999999999" };
    uint64_t got = 7;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(span_parse_u64(span_str(bad[i]), &got));
    assert_false(span_parse_u64(SPAN("1\0"), &got));
    assert_int_equal(got, 7);
    assert_true(span_parse_u64(SPAN("18446744073709551615"), &got));
    assert_true(got == UINT64_MAX);
    assert_true(span_parse_u64(SPAN("007"), &got));
    assert_int_equal(got, 7);
    assert_true(span_parse_u64(SPAN("0"), &got));
    assert_int_equal(got, 0);
}

static void signed_numbers_reach_both_ends(void **state)
{
    int64_t got = 7;

    (void)state;
    assert_true(span_parse_i64(SPAN("9223372036854775807"), &got));
    assert_true(got == INT64_MAX);
    assert_true(span_parse_i64(SPAN("-9223372036854775808"), &got));
    assert_true(got == INT64_MIN);
    assert_true(span_parse_i64(SPAN("-0"), &got));
    assert_int_equal(got, 0);
    got = 7;
    assert_false(span_parse_i64(SPAN("9223372036854775808"), &got));
    assert_false(span_parse_i64(SPAN("-9223372036854775809"), &got));
    assert_false(span_parse_i64(SPAN("-"), &got));
    assert_false(span_parse_i64(SPAN("--1"), &got));
    assert_false(span_parse_i64(SPAN_NONE, &got));
    assert_int_equal(got, 7);
}

/* --- UTF-8 ------------------------------------------------------------------------- */

/* What UTF-8 says, decoded the slow way: code points must come back from the shortest form. */
static bool is_utf8_by_definition(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n;) {
        size_t len = p[i] < 0x80   ? 1
                     : p[i] < 0xc0 ? 0
                     : p[i] < 0xe0 ? 2
                     : p[i] < 0xf0 ? 3
                     : p[i] < 0xf8 ? 4
                                   : 0;
        uint32_t c = len == 1 ? p[i] : p[i] & (0x7fu >> len);

        if (!len || i + len > n)
            return false;
        for (size_t k = 1; k < len; k++) {
            if ((p[i + k] & 0xc0) != 0x80)
                return false;
            c = c << 6 | (p[i + k] & 0x3f);
        }
        if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff) || (len == 2 && c < 0x80) ||
            (len == 3 && c < 0x800) || (len == 4 && c < 0x10000))
            return false;
        i += len;
    }
    return true;
}

static void utf8_is_judged_as_unicode_defines_it(void **state)
{
    unsigned char p[12] = "aaaaaaaa";

    (void)state;
    /* Every pair and a net of threes and fours, behind 0 to 8 ASCII bytes (the fast path). */
    for (unsigned first = 0; first < 256; first++)
        for (unsigned second = 0; second < 256; second++)
            for (unsigned tail = 0; tail < 4; tail++)
                for (size_t at = 0; at <= 8; at += 4) {
                    static const unsigned char tails[4][2] = {
                        { 'x', 'y' }, { 0x80, 'y' }, { 0x80, 0xbf }, { 0xbf, 0xc0 }
                    };

                    memset(p, 'a', sizeof p);
                    p[at] = (unsigned char)first;
                    p[at + 1] = (unsigned char)second;
                    p[at + 2] = tails[tail][0];
                    p[at + 3] = tails[tail][1];
                    assert_int_equal(span_is_utf8(span_make((char *)p, sizeof p)),
                                     is_utf8_by_definition(p, sizeof p));
                    assert_int_equal(span_is_utf8(span_make((char *)p, at + 1)),
                                     is_utf8_by_definition(p, at + 1));
                }
}

static void clipping_keeps_characters_whole(void **state)
{
    struct span text =
        SPAN("a\xc3\xa4\xe4\xb8\xad\xf0\x9f\x98\x80"); /* 1 + 2 + 3 + 4 */
    static const size_t want[] = { 0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10 };

    (void)state;
    for (size_t max = 0; max < ARRAY_LEN(want); max++)
        assert_int_equal(span_clip_utf8(text, max).len, want[max]);
    assert_int_equal(span_clip_utf8(SPAN_NONE, 5).len, 0);
}

static void clipping_broken_text_still_gives_text(void **state)
{
    char bytes[100];

    (void)state;
    memset(bytes, 0x80, sizeof bytes);
    assert_int_equal(span_clip_utf8(span_make(bytes, sizeof bytes), 50).len, 50);
    assert_int_equal(span_clip_utf8(span_make(bytes, 3), 2).len, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(views_of_nothing_are_empty),
        cmocka_unit_test(a_literal_may_hold_nul_bytes),
        cmocka_unit_test(slices_and_skips_stay_inside),
        cmocka_unit_test(case_folds_for_ascii_letters_only),
        cmocka_unit_test(what_is_printable_ends_at_the_first_byte_that_is_not),
        cmocka_unit_test(prefixes_and_suffixes),
        cmocka_unit_test(order_is_by_unsigned_bytes_and_length),
        cmocka_unit_test(finding),
        cmocka_unit_test(trim_takes_ascii_white_space_only),
        cmocka_unit_test(split_gives_every_part_but_a_last_empty_one),
        cmocka_unit_test(tokens_are_runs_between_white_space),
        cmocka_unit_test(unsigned_numbers_are_digits_in_range),
        cmocka_unit_test(signed_numbers_reach_both_ends),
        cmocka_unit_test(utf8_is_judged_as_unicode_defines_it),
        cmocka_unit_test(clipping_keeps_characters_whole),
        cmocka_unit_test(clipping_broken_text_still_gives_text),
    };

    return cmocka_run_group_tests_name("config/span", tests, NULL, NULL);
}
