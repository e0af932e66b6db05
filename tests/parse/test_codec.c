/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parse/charset_index.h"
#include "parse/codec.h"
#include "parse/utf8.h"

#define FFFD "\xEF\xBF\xBD"
#define S(text)                \
    {                          \
        text, sizeof(text) - 1 \
    }

struct row {
    const char *label, *name;
    struct span in, want;
    const char *source; /* section of the Encoding standard */
};

static struct row decoded[] = {
    { "windows-1252: C1 bytes stay", "windows-1252", S("\x80\x81\x9D\xFF"),
      S("\xE2\x82\xAC\xC2\x81\xC2\x9D\xC3\xBF"), "9" },
    { "windows-1253: a byte without a character", "windows-1253", S("\xC1\xD2\xC2"),
      S("\xCE\x91" FFFD "\xCE\x92"), "9" },
    { "koi8-u has Ukrainian letters", "koi8-u", S("\xA4\xA6\xA7\xAD\xAE"),
      S("\xD1\x94\xD1\x96\xD1\x97\xD2\x91\xD1\x9E"), "9" },
    { "x-user-defined goes to private use", "x-user-defined", S("a\x80\xFF"),
      S("a\xEF\x9E\x80\xEF\x9F\xBF"), "14.5" },
    { "gbk: two bytes", "gbk", S("\xC4\xE3\xBA\xC3!"), S("\xE4\xBD\xA0\xE5\xA5\xBD!"),
      "10.1" },
    { "gbk: the euro sign", "gbk", S("\x80"), S("\xE2\x82\xAC"), "10.1" },
    { "gbk: four bytes too", "gbk", S("\x81\x30\x81\x30"), S("\xC2\x80"), "10.2.1" },
    { "gb18030: beyond the BMP", "gb18030", S("\x90\x30\x81\x30\xE3\x32\x9A\x35"),
      S("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), "10.2.1" },
    { "gb18030: pointer 7457", "gb18030", S("\x81\x35\xF4\x37"), S("\xEE\x9F\x87"),
      "5" },
    { "gb18030: a hole in the ranges", "gb18030", S("\x84\x31\xA5\x30x"), S(FFFD "x"),
      "5" },
    { "gb18030: A3 A0 is a space", "gb18030", S("\xA3\xA0"), S("\xE3\x80\x80"),
      "10.2.2" },
    { "gb18030: a '<' behind a lead byte survives", "gb18030", S("\x81<b>"),
      S(FFFD "<b>"), "10.2.1" },
    { "gb18030: a '<' in third place is read again", "gb18030", S("\x81\x30<b>\x81\x30\xFF\x30"),
      S(FFFD "0<b>" FFFD "0" FFFD "0"), "10.2.1" },
    { "gb18030: a broken four is read again", "gb18030", S("\x81\x30\x81<"),
      S(FFFD "0" FFFD "<"), "10.2.1" },
    { "gb18030: cut after one, two, three", "gb18030", S("\x81"), S(FFFD), "10.2.1" },
    { "gb18030: cut after two", "gb18030", S("\x81\x30"), S(FFFD), "10.2.1" },
    { "gb18030: cut after three", "gb18030", S("\x81\x30\x81"), S(FFFD), "10.2.1" },
    { "big5: two bytes", "big5", S("\xA7\x41\xA6\x6E"), S("\xE4\xBD\xA0\xE5\xA5\xBD"),
      "11.1.1" },
    { "big5: two code points at once", "big5", S("\x88\x62\x88\xA5"),
      S("\xC3\x8A\xCC\x84\xC3\xAA\xCC\x8C"), "11.1.1" },
    { "big5: Hong Kong, beyond the BMP", "big5", S("\x87\x45"), S("\xF0\xA7\x89\xA7"),
      "11.1.1" },
    { "big5: a quote behind a lead byte survives", "big5", S("\xA1\">"), S(FFFD "\">"),
      "11.1.1" },
    { "big5: four that are two characters each", "big5", S("\x88\x62\x88\x64\x88\xA3\x88\xA5\x88\x66"),
      S("\xC3\x8A\xCC\x84\xC3\x8A\xCC\x8C\xC3\xAA\xCC\x84\xC3\xAA\xCC\x8C\xC3\x8A"), "11.1.1" },
    { "big5: FF and 80 begin nothing", "big5", S("\xFF\x41\x80\x41"),
      S(FFFD "A" FFFD "A"), "11.1.1" },
    { "euc-jp: kanji, katakana, JIS X 0212", "euc-jp",
      S("\xC6\xFC\x8E\xB1\x8F\xB0\xA1"), S("\xE6\x97\xA5\xEF\xBD\xB1\xE4\xB8\x82"),
      "12.1.1" },
    { "euc-jp: ASCII behind a lead byte survives", "euc-jp", S("\x8F\xB0<\xA1<"),
      S(FFFD "<" FFFD "<"), "12.1.1" },
    { "shift_jis: kanji, half-width, 5C", "shift_jis", S("\x93\xFA\xB1\\"),
      S("\xE6\x97\xA5\xEF\xBD\xB1\\"), "12.3.1" },
    { "shift_jis: Windows' additions", "shift_jis", S("\x87\x40\xFA\x40\xF0\x40\x80"),
      S("\xE2\x91\xA0\xE2\x85\xB0\xEE\x80\x80\xC2\x80"), "12.3.1" },
    { "shift_jis: A0, FD to FF are errors", "shift_jis", S("\xA0\xFD\xFE\xFF"),
      S(FFFD FFFD FFFD FFFD), "12.3.1" },
    { "shift_jis: ASCII behind a lead byte survives", "shift_jis", S("\x81\"x"),
      S(FFFD "\"x"), "12.3.1" },
    { "euc-kr: both halves", "euc-kr", S("\xC7\xD1\x81\x41"),
      S("\xED\x95\x9C\xEA\xB0\x82"), "13.1.1" },
    { "euc-kr: trail bytes that are none", "euc-kr", S("\xB0@\xB0\xFFx\xB0"), S(FFFD "@" FFFD "x" FFFD), "13.1.1" },
    { "euc-kr: a hole eats a high trail byte", "euc-kr", S("\xFE\xFE\xC9\x41"),
      S(FFFD FFFD "A"), "13.1.1" },
    { "iso-2022-jp: all four sets", "iso-2022-jp",
      S("a\x1B$B\x46\x7C\x1B(J\\~\x1B(I\x31\x1B(Bz"),
      S("a\xE6\x97\xA5\xC2\xA5\xE2\x80\xBE\xEF\xBD\xB1z"), "12.2.1" },
    { "iso-2022-jp: two escapes in a row", "iso-2022-jp", S("\x1B$B\x1B(Bx"),
      S(FFFD "x"), "12.2.1" },
    { "iso-2022-jp: an unknown escape loses only ESC", "iso-2022-jp", S("\x1B$Z"),
      S(FFFD "$Z"), "12.2.1" },
    { "iso-2022-jp: ESC in mid-character", "iso-2022-jp", S("\x1B$B\x46\x1B(Bx"),
      S(FFFD "x"), "12.2.1" },
    { "iso-2022-jp: shifts and high bytes", "iso-2022-jp", S("\x0E\x0F\x80y"),
      S(FFFD FFFD FFFD "y"), "12.2.1" },
    { "utf-16le: with a pair", "utf-16le", S("a\0\x3D\xD8\x00\xDE\0\0"),
      S("a\xF0\x9F\x98\x80\0"), "14.2.1" },
    { "utf-16be: the first pair and the last", "utf-16be", S("\xD8\x00\xDC\x00\xDB\xFF\xDF\xFF"),
      S("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), "14.2.1" },
    { "utf-16be: lone surrogates", "utf-16be", S("\xD8\x3D\0a\xDE\x00\0b"),
      S(FFFD "a" FFFD "b"), "14.2.1" },
    { "utf-16be: an odd byte at the end", "utf-16be", S("\0a\0"), S("a" FFFD),
      "14.2.1" },
    { "utf-16le: a pair cut in the middle", "utf-16le", S("\x3D\xD8\x00"), S(FFFD),
      "14.2.1" },
    { "replacement is one error", "replacement", S("<script>"), S(FFFD), "14.1.1" },
    { "replacement of nothing is nothing", "replacement", S(""), S(""), "14.1.1" },
};

static struct row encoded[] = {
    { "windows-1252 encodes a dagger", "windows-1252", S("x\xE2\x80\xA0"), S("x\x86"),
      "9" },
    { "iso-8859-2 has no cent sign", "iso-8859-2", S("\xC2\xA2"), S("%26%23162%3B"),
      "9" },
    { "gbk encodes the euro in one byte", "gbk", S("\xE2\x82\xAC"), S("\x80"),
      "10.2.2" },
    { "gb18030 encodes it in two", "gb18030", S("\xE2\x82\xAC"), S("\xA2\xE3"),
      "10.2.2" },
    { "gbk has no four bytes", "gbk", S("\xF0\x9F\x98\x80"), S("%26%23128512%3B"),
      "10.2.2" },
    { "gb18030 has", "gb18030", S("\xF0\x9F\x98\x80"), S("\x94\x39\xFC\x36"),
      "10.2.2" },
    { "gb18030 refuses U+E5E5", "gb18030", S("\xEE\x97\xA5"), S("%26%2358853%3B"),
      "10.2.2" },
    { "gb18030-2005's private use", "gb18030", S("\xEE\xA1\xA4"), S("\xFE\xA0"),
      "10.2.2" },
    { "big5 encodes nothing of Hong Kong", "big5", S("\xE2\x80\xA0\xE4\xBD\xA0"),
      S("%26%238224%3B\xA7\x41"), "11.1.2" },
    { "big5 takes the last of some", "big5", S("\xE2\x95\x90\xE5\x8D\x81"),
      S("\xF9\xF9\xA4\x51"), "5" },
    { "big5 takes the last of all six", "big5", S("\xE2\x95\x9E\xE2\x95\xA1\xE2\x95\xAA\xE5\x8D\x85"),
      S("\xF9\xE9\xF9\xEB\xF9\xEA\xA4\xCA"), "5" },
    { "gb18030 has a place for U+E7C7", "gb18030", S("\xEE\x9F\x87"), S("\x81\x35\xF4\x37"), "5" },
    { "euc-jp folds the minus sign", "euc-jp", S("\xE2\x88\x92\xEF\xBD\xB1\xC2\xA5"),
      S("\xA1\xDD\x8E\xB1\\"), "12.1.2" },
    { "shift_jis folds it too", "shift_jis",
      S("\xE2\x88\x92\xEF\xBD\xB1\xE2\x80\xBE\xC2\x80"), S("\x81\x7C\xB1~\x80"),
      "12.3.2" },
    { "shift_jis takes IBM's copy, not NEC's", "shift_jis", S("\xE7\xBA\x8A"),
      S("\xFA\x5C"), "5" },
    { "euc-kr encodes a dagger", "euc-kr", S("\xE2\x80\xA0"), S("\xA2\xD3"), "13.1.2" },
    { "iso-2022-jp switches and returns", "iso-2022-jp",
      S("\xE2\x80\xBE\\\xE6\x97\xA5"), S("\x1B(J~\x1B(B\\\x1B$B\x46\x7C\x1B(B"),
      "12.2.2" },
    { "iso-2022-jp hides no shift", "iso-2022-jp",
      S("\x0E"
        "A"),
      S("%26%2365533%3BA"), "12.2.2" },
    { "iso-2022-jp widens katakana", "iso-2022-jp", S("\xEF\xBD\xB1"),
      S("\x1B$B\x25\x22\x1B(B"), "12.2.2" },
    { "x-user-defined takes its own back", "x-user-defined", S("\xEF\x9E\x80\xC3\xA9"),
      S("\x80%26%23233%3B"), "14.5.2" },
    { "utf-16 encodes as utf-8", "utf-16le", S("\xC3\xA9"), S("\xC3\xA9"), "4.3" },
    { "replacement encodes as utf-8", "replacement", S("\xC3\xA9"), S("\xC3\xA9"),
      "4.3" },
};

static void assert_bytes(struct span got, struct span want)
{
    assert_int_equal(got.len, want.len);
    if (want.len)
        assert_memory_equal(got.ptr, want.ptr, want.len);
}

static void decodes_as_the_standard_does(void **state)
{
    const struct row *r = *state;
    struct codec codec;
    struct buf out;

    buf_init(&out, 10000);
    assert_true(codec_find(r->name, &codec));

    assert_int_equal(codec_decode(&codec, r->in, &out), OK);

    assert_bytes(buf_span(&out), r->want);
    buf_clear(&out);
}

static void encodes_as_the_standard_does(void **state)
{
    const struct row *r = *state;
    struct codec codec;
    struct buf out;

    buf_init(&out, 1000);
    assert_true(codec_find(r->name, &codec));

    assert_int_equal(codec_encode(&codec, r->in, &out), OK);

    assert_bytes(buf_span(&out), r->want);
    buf_clear(&out);
}

static const char *const legacy[] = { "gbk",       "gb18030",    "big5",
                                      "euc-jp",    "euc-kr",     "windows-1251",
                                      "shift_jis", "iso-2022-jp" };

/* Sequences that lie across the border of two blocks come out as they do alone. */
static void the_length_before_a_sequence_does_not_matter(void **state)
{
    static const char text[] = "\x90\x30\x81\x30\xC4\xE3";
    static char in[4200];
    struct codec codec;
    struct buf out;

    (void)state;
    assert_true(codec_find("gb18030", &codec));
    buf_init(&out, 100000);
    memset(in, 'a', sizeof(in));
    for (size_t before = 4080; before < 4100; before++) {
        buf_reset(&out);
        memset(in, 'a', sizeof(in));
        memcpy(in + before, text, sizeof(text) - 1);
        assert_int_equal(
            codec_decode(&codec, span_make(in, before + sizeof(text) - 1), &out), OK);
        assert_int_equal(out.len, before + 7);
        assert_memory_equal(out.ptr + before, "\xF0\x90\x80\x80\xE4\xBD\xA0", 7);
    }
    buf_clear(&out);
}

/* What an encoder writes, its decoder reads; but for the signs that the standard folds. */
static void what_is_encoded_decodes_to_itself(void **state)
{
    struct buf bytes, text;

    (void)state;
    buf_init(&bytes, 1000);
    buf_init(&text, 1000);
    for (size_t i = 0; i < ARRAY_LEN(legacy); i++) {
        struct codec codec;

        assert_true(codec_find(legacy[i], &codec));
        for (uint32_t c = 0xA0; c < 0xE000; c += 7) {
            char utf8[4];
            struct span in = { utf8, (size_t)(utf8_put(utf8, c) - utf8) };

            if (c >= 0xD800 || c == 0xA5 || c == 0x203E || c == 0x2212)
                continue;
            buf_reset(&bytes);
            buf_reset(&text);
            assert_int_equal(codec_encode(&codec, in, &bytes), OK);
            if (span_starts(buf_span(&bytes), SPAN("%26")))
                continue;
            assert_int_equal(codec_decode(&codec, buf_span(&bytes), &text), OK);
            assert_bytes(buf_span(&text), in);
        }
    }
    buf_clear(&bytes);
    buf_clear(&text);
}

static void decoded_bytes_are_valid_utf8_and_few(void **state)
{
    uint32_t r = 1;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(legacy); i++)
        for (int turn = 0; turn < 200; turn++) {
            char in[64];
            struct codec codec;
            struct buf out;

            for (size_t k = 0; k < sizeof(in); k++) {
                r = r * 1103515245u + 12345;
                in[k] = (char)(r >> 16);
            }
            buf_init(&out, 3 * sizeof(in) + 16);
            assert_true(codec_find(legacy[i], &codec));
            assert_int_equal(codec_decode(&codec, span_make(in, sizeof(in)), &out), OK);
            assert_int_equal(utf8_valid_prefix(buf_span(&out)), out.len);
            buf_clear(&out);
        }
}

static void a_full_buffer_is_an_error(void **state)
{
    struct codec codec;
    struct buf out;

    (void)state;
    buf_init(&out, 4);
    assert_true(codec_find("gbk", &codec));
    assert_int_equal(codec_decode(&codec, SPAN("\xC4\xE3\xBA\xC3"), &out),
                     ERR_TOO_LARGE);
    assert_int_equal(codec_encode(&codec, SPAN("abcde"), &out), ERR_TOO_LARGE);
    buf_clear(&out);
    assert_false(codec_find("utf-7", &codec));
    assert_false(codec_find("GBK", &codec));
}

static void ascii_is_told_from_what_only_looks_like_it(void **state)
{
    struct codec codec;

    (void)state;
    assert_true(codec_find("iso-2022-jp", &codec));
    assert_int_equal(codec_ascii_prefix(&codec, SPAN("ab\x1B$B")), 2);
    assert_true(codec_find("utf-16le", &codec));
    assert_int_equal(codec_ascii_prefix(&codec, SPAN("ab")), 0);
    assert_true(codec_find("koi8-r", &codec));
    assert_int_equal(codec_ascii_prefix(&codec, SPAN("ab\x1B$B\xFF")), 5);
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test(the_length_before_a_sequence_does_not_matter),
        cmocka_unit_test(what_is_encoded_decodes_to_itself),
        cmocka_unit_test(decoded_bytes_are_valid_utf8_and_few),
        cmocka_unit_test(a_full_buffer_is_an_error),
        cmocka_unit_test(ascii_is_told_from_what_only_looks_like_it),
    };
    struct CMUnitTest
        tests[ARRAY_LEN(single) + ARRAY_LEN(decoded) + ARRAY_LEN(encoded)];
    size_t n = ARRAY_LEN(single);

    memcpy(tests, single, sizeof(single));
    for (size_t i = 0; i < ARRAY_LEN(decoded); i++)
        tests[n++] = (struct CMUnitTest){ .name = decoded[i].label,
                                          .test_func = decodes_as_the_standard_does,
                                          .initial_state = &decoded[i] };
    for (size_t i = 0; i < ARRAY_LEN(encoded); i++)
        tests[n++] = (struct CMUnitTest){ .name = encoded[i].label,
                                          .test_func = encodes_as_the_standard_does,
                                          .initial_state = &encoded[i] };
    return cmocka_run_group_tests_name("parse/codec", tests, NULL, NULL);
}
