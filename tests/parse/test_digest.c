/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/buf.h"
#include "parse/digest.h"
#include "parse/digest_wide.h"
#include "parse/utf8.h"

static void assert_sha256(struct digest *d, struct span s, const char *want)
{
    unsigned char got[DIGEST_SHA256_BYTES];
    char hex[2 * DIGEST_SHA256_BYTES + 1];

    assert_int_equal(digest_sha256(d, s, got), OK);
    for (size_t i = 0; i < DIGEST_SHA256_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", got[i]);
    assert_string_equal(hex, want);
}

/* FIPS 180-4 examples; the context is used again. */
static void sha256_is_sha256(void **state)
{
    char million[1000];
    struct digest *d;
    struct buf many = { .max = 2000000 };

    (void)state;
    memset(million, 'a', sizeof(million));
    for (int i = 0; i < 1000; i++)
        assert_int_equal(buf_append(&many, span_make(million, sizeof(million))), OK);
    assert_int_equal(digest_new(&d), OK);
    assert_sha256(d, SPAN("abc"),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_sha256(d, SPAN_NONE,
                  "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_sha256(d, buf_span(&many),
                  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
    assert_sha256(d, SPAN("abc"),
                  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    digest_free(d);
    digest_free(NULL);
    buf_clear(&many);
}

/* n words of a made-up language with frequent and rare ones; the same seed, the same text. */
static void make_text(struct buf *out, uint32_t seed, int n)
{
    static const char *const common[] = { "the", "of", "and", "to",
                                          "in",  "a",  "is",  "that" };

    buf_reset(out);
    for (int i = 0; i < n; i++) {
        uint32_t r = (seed + (uint32_t)i) * 2654435761u;

        r ^= r >> 15;
        if (r % 3 == 0)
            assert_int_equal(buf_printf(out, "%s ", common[r / 3 % ARRAY_LEN(common)]),
                             OK);
        else
            assert_int_equal(buf_printf(out, "w%c%c%cn ", 'a' + (int)(r % 26),
                                        'a' + (int)(r / 26 % 26),
                                        'a' + (int)(r / 676 % 4)),
                             OK);
    }
}

static uint64_t simhash_with(struct buf *text, const char *extra)
{
    size_t before = text->len;
    uint64_t hash;

    assert_int_equal(buf_append(text, span_str(extra)), OK);
    hash = digest_simhash(buf_span(text));
    text->len = before;
    return hash;
}

static void a_little_change_changes_little(void **state)
{
    struct buf text = { .max = 1000000 };
    int n_near = 0;

    (void)state;
    for (uint32_t seed = 1; seed <= 100; seed++) {
        uint64_t plain;

        make_text(&text, seed * 5000, 400);
        plain = digest_simhash(buf_span(&text));
        n_near +=
            digest_distance(plain, simhash_with(&text, "new")) <= DIGEST_NEAR_BITS;
        /* Another date and counter are no change at all, nor is another case. */
        assert_int_equal(
            digest_distance(simhash_with(&text, "2024-05-17 10:31 visitor 123"),
                            simhash_with(&text, "1999-12-31 23:59 VISITOR 98765")),
            0);
    }
    assert_true(n_near >= 95);
    buf_clear(&text);
}

static void other_texts_are_far_away(void **state)
{
    struct buf text = { .max = 1000000 };
    uint64_t seen[60];

    (void)state;
    for (uint32_t i = 0; i < ARRAY_LEN(seen); i++) {
        make_text(&text, i * 7919, 400);
        seen[i] = digest_simhash(buf_span(&text));
        for (uint32_t k = 0; k < i; k++)
            assert_true(digest_distance(seen[i], seen[k]) > DIGEST_NEAR_BITS);
    }
    buf_clear(&text);
}

static void words_are_what_counts(void **state)
{
    (void)state;
    assert_int_equal(digest_simhash(SPAN("Hello, world!")),
                     digest_simhash(SPAN("  hello -- WORLD")));
    assert_int_equal(digest_simhash(SPAN("ÀÉ Жук Ωμ Łódź")),
                     digest_simhash(SPAN("àé жук ωμ łódź")));
    assert_int_equal(digest_simhash(SPAN("it is “quoted” – here")),
                     digest_simhash(SPAN("it is quoted here")));
    assert_int_not_equal(digest_simhash(SPAN("hello world")),
                         digest_simhash(SPAN("helloworld")));
    assert_int_equal(digest_simhash(SPAN("a1b22c333")), digest_simhash(SPAN("a9b9c9")));
    assert_int_not_equal(digest_simhash(SPAN("a1b")), digest_simhash(SPAN("ab")));
}

static uint64_t hash_between(const char *before, uint32_t c, const char *behind)
{
    char text[64], *at = text;

    at = utf8_put((char *)mempcpy(at, before, strlen(before)), c);
    at = mempcpy(at, behind, strlen(behind));
    return digest_simhash(span_make(text, (size_t)(at - text)));
}

static void letters_of_either_case_are_the_same_up_to_the_ends_of_each_range(void **state)
{
    static const uint32_t pairs[][2] = {
        { 0xC0, 0xE0 },   { 0xD6, 0xF6 },   { 0xD8, 0xF8 },   { 0xDE, 0xFE },   { 0x100, 0x101 }, { 0x136, 0x137 },
        { 0x139, 0x13A }, { 0x147, 0x148 }, { 0x14A, 0x14B }, { 0x176, 0x177 }, { 0x179, 0x17A }, { 0x17D, 0x17E },
        { 0x391, 0x3B1 }, { 0x3A9, 0x3C9 }, { 0x400, 0x450 }, { 0x40F, 0x45F }, { 0x410, 0x430 }, { 0x42F, 0x44F },
        { 0x460, 0x461 }, { 0x52E, 0x52F },
    };
    static const uint32_t alone[] = { 0xDF, 0xFF, 0x138, 0x149, 0x178, 0x17F, 0x390, 0x3AA, 0x45F, 0x530 };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (hash_between("a", pairs[i][0], "b") != hash_between("a", pairs[i][1], "b"))
            fail_msg("U+%04X", pairs[i][0]);
    for (size_t i = 0; i < ARRAY_LEN(alone); i++) {
        uint64_t hash = hash_between("a", alone[i], "b");
        if (hash == hash_between("a", alone[i] + 1, "b") || hash == hash_between("a", alone[i] - 1, "b") ||
            hash == hash_between("a", alone[i] + 0x20, "b"))
            fail_msg("U+%04X", alone[i]);
    }
}

static void signs_part_words_and_letters_beside_them_do_not(void **state)
{
    static const uint32_t signs[] = { 0xA9,   0xD7,   0xF7,   0x2000, 0x206F, 0x2190, 0x2BFF, 0x2E00, 0x2E7F, 0x3000,
                                      0x303F, 0xFF00, 0xFF0F, 0xFF1A, 0xFF20, 0xFF3B, 0xFF40, 0xFF5B, 0xFF65, 0xFFFD };
    static const uint32_t letters[] = { 0xAA,   0xB5,   0xBA,   0xC0,   0xD6,   0xD8,   0xF6,   0xF8,   0x1FFF, 0x2070,
                                        0x218F, 0x2C00, 0x2DFF, 0xFF10, 0xFF19, 0xFF21, 0xFF3A, 0xFF41, 0xFF5A };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(signs); i++)
        if (hash_between("alpha", signs[i], "beta") != digest_simhash(SPAN("alpha beta")))
            fail_msg("U+%04X", signs[i]);
    for (size_t i = 0; i < ARRAY_LEN(letters); i++)
        if (hash_between("alpha", letters[i], "beta") == digest_simhash(SPAN("alpha beta")))
            fail_msg("U+%04X", letters[i]);
}

static void nothing_gives_zero(void **state)
{
    (void)state;
    assert_int_equal(digest_simhash(SPAN_NONE), 0);
    assert_int_equal(digest_simhash(SPAN(" \n--- ... ")), 0);
    assert_int_equal(digest_simhash(SPAN("\xFF\xFE\xC3")), 0);
}

static void scripts_without_spaces_give_pairs(void **state)
{
    uint64_t a =
        digest_simhash(SPAN("東京都の天気は晴れ、明日の天気は雨、大阪府の天気は曇り"));
    uint64_t b =
        digest_simhash(SPAN("東京都の天気は晴れ。明日の天気は雨。大阪府の天気は曇り"));
    uint64_t c =
        digest_simhash(SPAN("我們的網站提供最新消息與各種服務，歡迎您的光臨與指教"));

    (void)state;
    assert_int_equal(a, b);
    assert_true(digest_distance(a, c) > 10);
}

/* More features than a byte-wide lane holds. */
static void long_texts_do_not_overflow(void **state)
{
    struct buf text = { .max = 10000000 };
    uint64_t hash;

    (void)state;
    make_text(&text, 1, 100000);
    hash = digest_simhash(buf_span(&text));
    assert_int_not_equal(hash, 0);
    assert_int_not_equal(hash, UINT64_MAX);
    buf_clear(&text);
}

/* Fingerprints are stored and compared across runs: no text's may ever change. */
static void fingerprints_stay(void **state)
{
    static const char *const parts[] = {
        "a", "B", "Zq",  "and", "Word", "9", "07", "1a2", "longerthaneight", " ", " ", "\n", ". ",
        "_", "-", "\x1f", "@",   "[",    "`", "{",  "\x7f", "é", "Ж", "日", "本", "\u00A0", "…",
        "\xFF", "x86", "the ", "of ", "2026-11-30 ",
    };
    uint64_t random = 1, sum = 0, plain = 0;
    struct buf text = { .max = 1 << 20 };

    (void)state;
    for (size_t n = 0; n < 600; n++) {
        buf_reset(&text);
        for (size_t i = 0; i < n; i++) {
            random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
            /* Mostly words and spaces, so that there are many whole ones in a row. */
            size_t pick = random >> 60 ? (random >> 40) % 13 : (random >> 40) % ARRAY_LEN(parts);
            assert_int_equal(buf_append(&text, span_str(parts[pick])), OK);
        }
        sum = sum * 31 + digest_simhash(buf_span(&text));
        plain = plain * 31 + digest_simhash_plain(buf_span(&text));
    }
    assert_int_equal(sum, UINT64_C(0x40860efd37bd82c7));
    assert_int_equal(plain, UINT64_C(0x40860efd37bd82c7)); /* another machine's */
    buf_clear(&text);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(sha256_is_sha256),
        cmocka_unit_test(a_little_change_changes_little),
        cmocka_unit_test(other_texts_are_far_away),
        cmocka_unit_test(words_are_what_counts),
        cmocka_unit_test(letters_of_either_case_are_the_same_up_to_the_ends_of_each_range),
        cmocka_unit_test(signs_part_words_and_letters_beside_them_do_not),
        cmocka_unit_test(nothing_gives_zero),
        cmocka_unit_test(scripts_without_spaces_give_pairs),
        cmocka_unit_test(long_texts_do_not_overflow),
        cmocka_unit_test(fingerprints_stay),
    };

    return cmocka_run_group_tests_name("parse/digest", tests, NULL, NULL);
}
