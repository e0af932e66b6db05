/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/buf.h"
#include "config/io.h"
#include "parse/digest.h"
#include "parse/digest_wide.h"

static uint64_t next_random(uint64_t *random)
{
    *random = *random * UINT64_C(6364136223846793005) + 1442695040888963407u;
    return *random >> 33;
}

/* What both ways must count, said as simply as can be; of ASCII only. */
struct count {
    uint32_t bits[64], n;
    uint8_t seen[DIGEST_SLOTS];
};

static void count_feature(struct count *c, uint64_t raw)
{
    uint64_t h = (raw ^ raw >> 30) * DIGEST_MIX_1;

    h = (h ^ h >> 27) * DIGEST_MIX_2;
    h ^= h >> 31;
    if (c->seen[(raw ^ h >> 17) % DIGEST_SLOTS] == DIGEST_MAX_WEIGHT)
        return;
    c->seen[(raw ^ h >> 17) % DIGEST_SLOTS]++;
    c->n++;
    for (int bit = 0; bit < 64; bit++)
        c->bits[bit] += (uint32_t)(h >> bit & 1);
}

static void count_words(struct count *c, struct span text)
{
    uint64_t h = DIGEST_FIRST;
    bool in_word = false, in_digits = false;

    for (size_t i = 0; i <= text.len; i++) {
        char byte = i < text.len ? span_ascii_lower(text.ptr[i]) : ' ';
        bool is_digit = byte >= '0' && byte <= '9', is_word = is_digit || (byte >= 'a' && byte <= 'z');

        if (is_word && !(is_digit && in_digits))
            h = (h ^ (unsigned char)(is_digit ? '0' : byte)) * DIGEST_TIMES;
        if (!is_word && in_word) {
            count_feature(c, h);
            h = DIGEST_FIRST;
        }
        in_word = is_word;
        in_digits = is_digit;
    }
}

static uint64_t simplest(struct span ascii)
{
    struct count c = { .n = 0 };
    uint64_t hash = 0;

    count_words(&c, ascii);
    for (int bit = 0; bit < 64; bit++)
        hash |= (uint64_t)(2 * c.bits[bit] > c.n) << bit;
    return hash;
}

static void assert_alike(struct span text)
{
    assert_int_equal(digest_simhash(text), digest_simhash_plain(text));
}

static void assert_simplest(struct span ascii)
{
    uint64_t want = simplest(ascii);

    assert_int_equal(digest_simhash_plain(ascii), want);
    assert_int_equal(digest_simhash(ascii), want);
}

static void append(struct buf *out, struct span s)
{
    assert_int_equal(buf_append(out, s), OK);
}

/* Words of every length at every place of a block, of letters and of digits, and what is beside them. */
static void words_of_all_lengths_are_hashed_as_written(void **state)
{
    static const char *const letters[] = { "abcdefghijklmnopqrstuvwxyz", "AZ", "0", "9a", "a90", "aaaaaaaaaaaaaaa77" };
    struct buf text = { .max = 1 << 16 };

    (void)state;
    for (size_t kind = 0; kind < ARRAY_LEN(letters); kind++)
        for (size_t before = 0; before <= 64; before++)
            for (size_t n = 0; n <= 140; n++) {
                buf_reset(&text);
                for (size_t i = 0; i < before; i++)
                    append(&text, span_make(&"/@[`{:"[i % 6], 1));
                for (size_t i = 0; i < n; i++)
                    append(&text, span_make(&letters[kind][i % strlen(letters[kind])], 1));
                assert_simplest(buf_span(&text));
                append(&text, SPAN("-x"));
                assert_simplest(buf_span(&text));
            }
    buf_clear(&text);
}

/* Each byte alone, between letters, and between digits. */
static void each_ascii_byte_is_of_a_word_or_not(void **state)
{
    (void)state;
    for (int c = 0; c < 128; c++) {
        char alone = (char)c, letters[] = { 'a', (char)c, 'b' }, digits[] = { '1', (char)c, '2' };

        assert_simplest(span_make(&alone, 1));
        assert_simplest(span_make(letters, sizeof letters));
        assert_simplest(span_make(digits, sizeof digits));
    }
}

/* A word in so many is one of a few, which come more often than they count. */
static void append_words(struct buf *out, uint64_t *random, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint64_t r = next_random(random);
        size_t len = r % 3 ? 1 + r / 3 % 9 : 1 + r / 3 % 40;
        char word[40];

        for (size_t k = 0; k < len; k++)
            word[k] = r % 7 < 3 ? "theof"[k % 5] : "aBcdEfgh0123xyZ9"[next_random(random) % 16];
        append(out, span_make(word, len));
        append(out, r & 64 ? SPAN(" ") : SPAN("\n -"));
    }
}

/* Texts that fill the queue many times, by their words and by their letters. */
static void long_texts_fill_the_queue_again_and_again(void **state)
{
    struct buf text = { .max = 1 << 22 };
    uint64_t random = 7;

    (void)state;
    for (size_t n = 0; n < 3000; n += 1 + n / 8) {
        buf_reset(&text);
        append_words(&text, &random, n);
        assert_simplest(buf_span(&text));
    }
    for (size_t n = 1; n < 20000; n += 1 + n / 3) {
        buf_reset(&text);
        for (size_t i = 0; i < n; i++)
            append(&text, SPAN("q"));
        assert_simplest(buf_span(&text));
        append(&text, SPAN(" a b c d e f g h i j k l m n o p q r s t u v w x y z"));
        assert_simplest(buf_span(&text));
    }
    for (size_t n = 0; n < 1200; n++) {
        buf_reset(&text);
        for (size_t i = 0; i < n; i++)
            append(&text, SPAN("x "));
        assert_simplest(buf_span(&text));
    }
    buf_clear(&text);
}

/* Pieces of words, spaces and characters of all kinds in any order. */
static void other_characters_end_and_join_words_alike(void **state)
{
    static const char *const parts[] = {
        "a", "Word", "7", "2026", "seventeen letters", "internationalisierung", " ", " ", ", ", "\n", "é", "ß", "Ж",
        "слово", "日", "本語", "ไทย", "\u00A0", "…", "“", "”", "\xFF", "\xE2\x80", "\xC3", "_", "the ", "of ",
    };
    struct buf text = { .max = 1 << 20 };
    uint64_t random = 11;

    (void)state;
    for (size_t n = 0; n < 4000; n++) {
        size_t n_kinds = n % 2 ? ARRAY_LEN(parts) : 13;

        buf_reset(&text);
        for (size_t i = 0; i < n % 700; i++)
            append(&text, span_str(parts[next_random(&random) % n_kinds]));
        assert_alike(buf_span(&text));
    }
    buf_clear(&text);
}

/* The program's own pages for demonstration, as bytes and thus with their markup. */
static void real_pages_are_alike(void **state)
{
    static const char *const paths[] = { "tests/data/demo/index.html", "tests/data/demo/about.html", "README.md",
                                         "CHANGELOG.md", "docs/schema.md", "docs/performance.md", "parse/digest.c" };
    struct buf page;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        buf_init(&page, 16 << 20);
        assert_int_equal(io_read_file(paths[i], &page, NULL), OK);
        for (size_t from = 0; from < 200 && from < page.len; from++)
            assert_alike(span_skip(buf_span(&page), from));
        buf_clear(&page);
    }
}

/* A text that ends where memory ends. */
static void nothing_behind_a_text_is_read(void **state)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    char *pages = mmap(NULL, 2 * size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    assert_ptr_not_equal(pages, MAP_FAILED);
    assert_int_equal(mprotect(pages + size, size, PROT_NONE), 0);
    for (size_t i = 0; i < size; i++)
        pages[i] = "words of 12 letters, or so; "[i % 28];
    for (size_t n = 0; n < 400; n++)
        assert_simplest(span_make(pages + size - n, n));
    munmap(pages, 2 * size);
}

static void a_word_is_left_that_touches_another_character(void **state)
{
    static const struct {
        const char *text;
        size_t taken;
    } rows[] = { { "one two three", 13 },
                 { "one two thr\u00E9e", 8 },
                 { "one two \u00E9", 8 },
                 { "three-quarters,\u00E9t\u00E9", 15 },
                 { "undergroundcaf\u00E9", 0 },
                 { "caf\u00E9 au lait", 0 } };
    static struct digest_wide w;
    static struct count c;

    (void)state;
    if (!digest_wide_works())
        skip();
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct span text = span_str(rows[i].text);

        digest_wide_init(&w, c.bits, c.seen, &c.n);
        assert_int_equal(digest_wide_read(&w, text.ptr, text.ptr + text.len) - text.ptr, rows[i].taken);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_of_all_lengths_are_hashed_as_written),
        cmocka_unit_test(each_ascii_byte_is_of_a_word_or_not),
        cmocka_unit_test(long_texts_fill_the_queue_again_and_again),
        cmocka_unit_test(other_characters_end_and_join_words_alike),
        cmocka_unit_test(real_pages_are_alike),
        cmocka_unit_test(nothing_behind_a_text_is_read),
        cmocka_unit_test(a_word_is_left_that_touches_another_character),
    };

    return cmocka_run_group_tests_name("parse/digest_wide", tests, NULL, NULL);
}
