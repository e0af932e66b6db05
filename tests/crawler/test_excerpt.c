/* SPDX-License-Identifier: MIT */
/* Which part of a text an excerpt shows, and what is marked in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crawler/excerpt.h"
#include "store/reader.h"

static struct reader *reader;
static struct words *words;
static struct arena mem;

static int set_up(void **state)
{
    struct err_note note = { "" };

    (void)state;
    arena_init(&mem, (size_t)64 * MIB);
    if (reader_open_empty(&reader, &note))
        fail_msg("%s", note.text);
    return words_open(reader_handle(reader), &words) ? -1 : 0;
}

static int tear_down(void **state)
{
    (void)state;
    words_close(words);
    reader_close(reader);
    arena_clear(&mem);
    return 0;
}

/* The excerpt with [ ] around its marks and ... where it is cut. */
static const char *shown(const char *query, const char *text, int columns)
{
    static char out[2000];
    struct match match;
    struct excerpt x;
    size_t n = 0;

    assert_int_equal(match_parse(words, span_str(query), &mem, &match, NULL), OK);
    assert_int_equal(excerpt_make(words, &match, span_str(text), columns, &mem, &x),
                     OK);
    assert_true(x.text.len < sizeof out - 400);
    n += (size_t)snprintf(out, sizeof out, "%s", x.is_cut_before ? "..." : "");
    for (size_t i = 0; i <= x.text.len; i++) {
        for (size_t k = 0; k < x.n_marks; k++)
            if (x.marks[k].to == i)
                out[n++] = ']';
        for (size_t k = 0; k < x.n_marks; k++)
            if (x.marks[k].from == i)
                out[n++] = '[';
        if (i < x.text.len)
            out[n++] = x.text.ptr[i];
    }
    snprintf(out + n, sizeof out - n, "%s", x.is_cut_after ? "..." : "");
    return out;
}

static const struct row {
    const char *query, *text;
    int columns;
    const char *want;
} rows[] = {
    { "cat", "A cat sat.", 80, "A [cat] sat." },
    { "cat", "A Cät, a CAT.", 80, "A [Cät], a [CAT]." },
    { "ca*", "a cat in a cab", 80, "a [cat] in a [cab]" },
    { "cat", "concatenate", 80, "concatenate" },
    { "\"big cat\"", "a cat, a big, big cat", 80, "a cat, a big, [big cat]" },
    { "cat NOT dog", "cat dog", 80, "[cat] dog" },
    { "京都", "東京都と京都", 80, "東[京都]と[京都]" },
    { "東京都", "これは東京都です", 80, "これは[東京都]です" },
    { "ไทย", "ภาษาไทยง่าย", 80, "ภาษา[ไทย]ง่าย" },
    { "мир", "Привет, Мир!", 80, "Привет, [Мир]!" },
    { "one two", "one a b c d e f g h i j k l m one two z", 20,
      "...i j k l m [one] [two] z" },
    { "loop", "How coroutines replace callbacks, and what it means for an event loop", 72,
      "How coroutines replace callbacks, and what it means for an event [loop]" },
    { "x", "first block\nx marks the spot", 15, "[x] marks the..." },
    { "x", "a\nx\ty\nz", 80, "[x] y z" },
    { "nothing", "some words that go on and on", 12, "some words..." },
    { "nothing", "", 12, "" },
};

static void it_shows_what_was_found(void **state)
{
    const struct row *row = *state;

    assert_string_equal(shown(row->query, row->text, row->columns), row->want);
}

/* A word on every line of a long text: bounded marks, and no more than was asked for. */
static void a_long_text_is_no_trouble(void **state)
{
    static char text[400000];

    (void)state;
    for (size_t i = 0; i + 4 < sizeof text; i += 4)
        memcpy(text + i, "cat ", 4);
    assert_true(strlen(shown("cat dog", text, 40)) < 100);
}

int main(void)
{
    static const struct CMUnitTest plain[] = { cmocka_unit_test(
        a_long_text_is_no_trouble) };
    struct CMUnitTest tests[ARRAY_LEN(plain) + ARRAY_LEN(rows)];
    struct row copies[ARRAY_LEN(rows)];

    memcpy(tests, plain, sizeof plain);
    memcpy(copies, rows, sizeof rows);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[ARRAY_LEN(plain) + i] =
            (struct CMUnitTest){ .name = rows[i].want,
                                 .test_func = it_shows_what_was_found,
                                 .initial_state = &copies[i] };
    return cmocka_run_group_tests_name("crawler/excerpt", tests, set_up, tear_down);
}
