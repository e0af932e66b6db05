/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "parse/bigram.h"

struct row {
    const char *label, *in, *want;
};

static struct row rows[] = {
    { "empty", "", "" },
    { "Latin stays", "Hello, world!  Two  spaces.", "Hello, world!  Two  spaces." },
    { "accents stay", "café “quoted” Ångström", "café “quoted” Ångström" },
    { "Cyrillic stays", "Привет, мир", "Привет, мир" },
    { "Korean stays", "안녕하세요 세계", "안녕하세요 세계" },
    { "emoji stay", "a 😀 b", "a 😀 b" },
    { "Han in pairs", "東京都", "東京 京都" },
    { "one character alone", "猫", "猫" },
    { "two characters", "東京", "東京" },
    { "kana and Han are one run", "東京のラーメン", "東京 京の のラ ラー ーメ メン" },
    { "punctuation ends a run", "你好，世界。", "你好 ， 世界 。" },
    { "words are set off", "Tokyo東京都2020", "Tokyo 東京 京都 2020" },
    { "spaces are not doubled", "Tokyo 東京都 2020", "Tokyo 東京 京都 2020" },
    { "newlines stay", "東京\n大阪", "東京\n大阪" },
    { "Thai with its marks", "ที่นี่ดี", "ที่นี่ นี่ดี" },
    { "Thai with the mark above", "วันนี้", "วัน นนี้" },
    { "Thai digits are words", "ปี ๒๕๖๗", "ปี ๒๕๖๗" },
    { "Thai beside Han", "ไทย中国", "ไท ทย 中国" },
    { "half-width katakana with its mark", "ｶﾞｷﾞ", "ｶﾞｷﾞ" },
    { "half-width katakana in pairs", "ｶﾞｷﾞｸ", "ｶﾞｷﾞ ｷﾞｸ" },
    { "beyond the BMP", "𠮷野家", "𠮷野 野家" },
    { "iteration marks belong", "人々は", "人々 々は" },
    { "the middle dot does not", "ジョン・スミス", "ジョ ョン ・ スミ ミス" },
    { "broken bytes stay", "a\xE6\x9D z\xFF東京", "a\xE6\x9D z\xFF 東京" },
    { "a cut character at the end", "東京\xE6\x9D", "東京 \xE6\x9D" },
};

static void is_rewritten(void **state)
{
    const struct row *r = *state;
    struct buf out;

    buf_init(&out, 3 * strlen(r->in) + 1);

    assert_int_equal(bigram_append(span_str(r->in), &out), OK);

    if (!span_eq(buf_span(&out), span_str(r->want)))
        print_error("got '%.*s', want '%s'\n", SPAN_ARG(buf_span(&out)), r->want);
    assert_true(span_eq(buf_span(&out), span_str(r->want)));
    buf_clear(&out);
}

/* What precedes in the buffer is somebody else's: no space is put before the first run. */
static void appending_begins_afresh(void **state)
{
    struct buf out = { .max = 100 };

    (void)state;
    assert_int_equal(buf_append(&out, SPAN("x")), OK);
    assert_int_equal(bigram_append(SPAN("東京"), &out), OK);
    assert_true(span_eq(buf_span(&out), SPAN("x東京")));
    buf_clear(&out);
}

/* The pairs of a word stand one behind the other wherever the word does. */
static void a_query_finds_its_text_as_a_phrase(void **state)
{
    struct buf text = { .max = 1000 }, query = { .max = 1000 };

    (void)state;
    assert_int_equal(bigram_append(SPAN("昨日、東京都庁に行った"), &text), OK);
    assert_int_equal(bigram_append(SPAN("東京都"), &query), OK);
    assert_true(span_find_span(buf_span(&text), buf_span(&query)) < text.len);
    buf_clear(&text);
    buf_clear(&query);
}

static void it_stops_at_the_cap(void **state)
{
    (void)state;
    for (size_t cap = 0; cap < 22; cap++) {
        struct buf out = { .max = cap };

        assert_int_equal(bigram_append(SPAN("x東京都庁"), &out), ERR_TOO_LARGE);
        buf_clear(&out);
    }
}

static void scripts_are_told_apart(void **state)
{
    static const uint32_t yes[] = { 0x0E01, 0x3005, 0x3041, 0x30A2, 0x30FC,
                                    0x4E00, 0x9FFF, 0xF900, 0xFF71, 0x20BB7 };
    static const uint32_t no[] = { 'a',    0xE9,   0x430,  0x0E3F, 0x0E50, 0x3000,
                                   0x3001, 0x30FB, 0xAC00, 0xFF21, 0xFFFD, 0x1F600 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(yes); i++)
        assert_true(bigram_is_unspaced(yes[i]));
    for (size_t i = 0; i < ARRAY_LEN(no); i++)
        assert_false(bigram_is_unspaced(no[i]));
}

/* Piece by piece, with offsets into the text, the words are those of the rewritten text. */
static void a_walk_gives_what_is_written(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct span in = span_str(rows[i].in), piece, want, got, rest;
        struct bigram_walk walk = { .rest = in };
        bool is_unspaced;
        struct buf out;

        buf_init(&out, 65536);
        assert_int_equal(bigram_append(in, &out), OK);
        rest = buf_span(&out);
        while (bigram_next(&walk, &piece, &is_unspaced)) {
            assert_true(piece.ptr >= in.ptr && piece.ptr + piece.len <= in.ptr + in.len);
            while (span_token(&piece, &got)) {
                assert_true(span_token(&rest, &want));
                assert_true(span_eq(got, want));
            }
        }
        assert_false(span_token(&rest, &want));
        buf_clear(&out);
    }
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test(appending_begins_afresh),
        cmocka_unit_test(a_query_finds_its_text_as_a_phrase),
        cmocka_unit_test(it_stops_at_the_cap),
        cmocka_unit_test(scripts_are_told_apart),
        cmocka_unit_test(a_walk_gives_what_is_written),
    };
    struct CMUnitTest tests[ARRAY_LEN(single) + ARRAY_LEN(rows)];

    memcpy(tests, single, sizeof(single));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[ARRAY_LEN(single) + i] = (struct CMUnitTest){ .name = rows[i].label,
                                                            .test_func = is_rewritten,
                                                            .initial_state = &rows[i] };
    return cmocka_run_group_tests_name("parse/bigram", tests, NULL, NULL);
}
