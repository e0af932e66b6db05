/* SPDX-License-Identifier: MIT */
/* What people type into a search, as a query of FTS5 and as a complaint that names the place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/match.h"

struct desk {
    sqlite3 *handle;
    struct words *words;
    struct arena mem;
};

static struct desk desk;

static int set_up(void **state)
{
    (void)state;
    arena_init(&desk.mem, (size_t)16 * MIB);
    assert_int_equal(sqlite3_open(":memory:", &desk.handle), SQLITE_OK);
    assert_int_equal(words_open(desk.handle, &desk.words), OK);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    words_close(desk.words);
    sqlite3_close(desk.handle);
    arena_clear(&desk.mem);
    return 0;
}

/* Does FTS5 itself find this document with this query? */
static bool finds(struct span expression, const char *title, const char *text)
{
    sqlite3_stmt *st;
    bool is_found;

    sqlite3_exec(
        desk.handle,
        "DROP TABLE IF EXISTS t; CREATE VIRTUAL TABLE t USING fts5(title, description, text,"
        " tokenize=\"unicode61 categories 'L* N* Co Mn Mc'\")",
        NULL, NULL, NULL);
    sqlite3_prepare_v2(desk.handle, "INSERT INTO t VALUES (?1, '', ?2)", -1, &st, NULL);
    sqlite3_bind_text(st, 1, title, -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, text, -1, SQLITE_STATIC);
    assert_int_equal(sqlite3_step(st), SQLITE_DONE);
    sqlite3_finalize(st);
    sqlite3_prepare_v2(desk.handle, "SELECT 1 FROM t WHERE t MATCH ?1", -1, &st, NULL);
    sqlite3_bind_text(st, 1, expression.ptr, (int)expression.len, SQLITE_STATIC);
    is_found = sqlite3_step(st) == SQLITE_ROW;
    if (sqlite3_errcode(desk.handle) != SQLITE_ROW &&
        sqlite3_errcode(desk.handle) != SQLITE_DONE)
        fail_msg("%.*s: %s", SPAN_ARG(expression), sqlite3_errmsg(desk.handle));
    sqlite3_finalize(st);
    return is_found;
}

static const struct row {
    const char *query, *title, *text; /* the text as the index has it: in pairs */
    bool is_found;
    size_t n_terms;
} rows[] = {
    { "cat dog", "", "a dog and a cat", true, 2 },
    { "cat dog", "", "a cat", false, 2 },
    { "cat OR dog", "", "a cat", true, 2 },
    { "cat AND dog", "", "a cat", false, 2 },
    { "cat NOT dog", "", "a cat", true, 1 },
    { "cat NOT dog", "", "a cat, a dog", false, 1 },
    { "cat NOT dog bird", "", "cat bird", true, 2 },
    { "cat NOT dog bird", "", "cat", false, 2 },
    { "cat NOT dog NOT cow", "", "cat cow", false, 1 },
    { "cat NOT (dog OR cow)", "", "cat cow", false, 1 },
    { "cat -dog", "", "a cat", true, 1 },
    { "cat -dog", "", "a cat, a dog", false, 1 },
    { "cat -dog bird", "", "cat bird", true, 2 },
    { "cat -\"big dog\" -cow", "", "cat dog", true, 1 },
    { "cat -(dog OR cow)", "", "cat cow", false, 1 },
    { "cat-dog", "", "cat dog", true, 1 },
    { "cat \"-dog\"", "", "cat dog", true, 2 },
    { "cat --dog", "", "cat dog", true, 2 },
    { "(cat OR dog) bird", "", "dog bird", true, 3 },
    { "cat OR dog bird", "", "cat", true, 3 },
    { "\"big cat\"", "", "a big cat", true, 1 },
    { "\"big cat\"", "", "a cat, big", false, 1 },
    { "\"big ca\"*", "", "a big cat", true, 1 },
    { "ca*", "", "a cat", true, 1 },
    { "ca", "", "a cat", false, 1 },
    { "CAF\xc3\x89", "", "cafe", true, 1 },
    { "title:cat", "cat", "", true, 1 },
    { "title:cat", "", "cat", false, 1 },
    { "text:\"big cat\" dog", "dog", "big cat", true, 2 },
    { "std::vector", "", "std vector", true, 1 },
    { "C++", "", "c", true, 1 },
    { "and or not", "", "and or not", true, 3 }, /* operators are capitals */
    { "NEAR", "", "near", true, 1 },
    { "*x ^y +z", "", "x y z", true, 3 },
    { "東京都", "", "東京 京都", true, 1 },
    { "東京都", "", "京都 東京", false, 1 },
    { "東", "", "東京", true, 1 },
    { "Tokyo東京", "", "Tokyo 東京", true, 1 },
    { "ไทย", "", "ไท ทย", true, 1 },
    { "Привет", "", "привет мир", true, 1 },
};

static void fts5_understands_what_was_meant(void **state)
{
    const struct row *row = *state;
    struct match match;
    struct err_note note = { "" };

    if (match_parse(desk.words, span_str(row->query), &desk.mem, &match, &note))
        fail_msg("%s", note.text);
    assert_int_equal(finds(match.expression, row->title, row->text), row->is_found);
    assert_int_equal(match.n_terms, row->n_terms);
}

static void what_joins_two_parts_comes_behind_them(void **state)
{
    static const struct {
        enum match_kind kind;
        size_t n_words;
        bool is_prefix;
        int column;
    } want[] = {
        { MATCH_TERM, 1, false, MATCH_ANY_COLUMN }, { MATCH_TERM, 2, true, 0 },  { MATCH_TERM, 1, false, 2 },
        { MATCH_NOT, 0, false, 0 },                 { MATCH_AND, 0, false, 0 }, { MATCH_TERM, 1, true, 1 },
        { MATCH_OR, 0, false, 0 },
    };
    struct match match;

    (void)state;
    assert_int_equal(match_parse(desk.words, SPAN("cat title:\"big dog\"* NOT text:cow OR description:bi*"), &desk.mem,
                                 &match, NULL),
                     OK);
    assert_int_equal(match.n_steps, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++) {
        const struct match_step *step = &match.steps[i];

        assert_int_equal(step->kind, want[i].kind);
        assert_int_equal(step->term.n_words, want[i].n_words);
        assert_int_equal(step->term.is_prefix, want[i].is_prefix);
        assert_int_equal(step->column, want[i].column);
    }
}

static void a_wrong_query_is_refused_at_its_place(void **state)
{
    static const struct {
        const char *query;
        size_t at;
        const char *why;
    } wrong[] = {
        { "", 0, "no word" },
        { "   ", 0, "no word" },
        { "cat AND", 7, "at the end" },
        { "cat  OR ", 8, "at the end" },
        { "OR cat", 0, "before this operator" },
        { "NOT cat", 0, "before this operator" },
        { "-cat", 0, "in quotes it is a word" },
        { "dog OR -cat", 7, "in quotes it is a word" },
        { "dog -", 4, "no letter or digit" },
        { "cat AND OR dog", 8, "before this operator" },
        { "a \"b c", 2, "does not close" },
        { "a (b c", 2, "does not close" },
        { "a b)", 3, "was not opened" },
        { "a ( )", 4, "before this parenthesis" },
        { "a ++", 2, "no letter or digit" },
        { "title:\"\"", 0, "no letter or digit" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct match match;
        struct err_note note = { "" };

        assert_int_equal(
            match_parse(desk.words, span_str(wrong[i].query), &desk.mem, &match, &note),
            ERR_USAGE);
        assert_int_equal(match.wrong_at, wrong[i].at);
        if (!strstr(note.text, wrong[i].why))
            fail_msg("%s: %s", wrong[i].query, note.text);
    }
}

/* A hundred parentheses, a thousand words: said, not crashed. */
static void a_query_without_measure_is_refused(void **state)
{
    char deep[400], many[4001];
    struct match match;

    (void)state;
    memset(deep, '(', sizeof deep);
    assert_int_equal(
        match_parse(desk.words, span_make(deep, sizeof deep), &desk.mem, &match, NULL),
        ERR_USAGE);
    for (size_t i = 0; i + 1 < sizeof many; i += 2)
        memcpy(many + i, "a ", 2);
    assert_int_equal(match_parse(desk.words, span_make(many, sizeof many - 1),
                                 &desk.mem, &match, NULL),
                     ERR_TOO_LARGE);
}

/* Offsets are those of the text, whatever was folded; pairs overlap. */
static void words_know_their_places(void **state)
{
    struct span text = SPAN("Ünder 東京都x");
    struct word_list list = { 0 };

    (void)state;
    assert_int_equal(words_split(desk.words, text, &desk.mem, &list), OK);
    assert_int_equal(list.len, 4);
    assert_true(span_eq(list.items[0].folded, SPAN("under")));
    assert_int_equal(list.items[0].from, 0);
    assert_int_equal(list.items[0].to, 6);
    assert_true(span_eq(list.items[1].folded, SPAN("東京")));
    assert_int_equal(list.items[1].from, 7);
    assert_int_equal(list.items[1].to, 13);
    assert_int_equal(list.items[2].from, 10);
    assert_int_equal(list.items[2].to, 16);
    assert_true(span_eq(list.items[3].folded, SPAN("x")));
    assert_int_equal(list.items[3].from, 16);
}

int main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(what_joins_two_parts_comes_behind_them),
        cmocka_unit_test(a_wrong_query_is_refused_at_its_place),
        cmocka_unit_test(a_query_without_measure_is_refused),
        cmocka_unit_test(words_know_their_places),
    };
    struct CMUnitTest tests[ARRAY_LEN(plain) + ARRAY_LEN(rows)];
    struct row copies[ARRAY_LEN(rows)];

    memcpy(tests, plain, sizeof plain);
    memcpy(copies, rows, sizeof rows);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[ARRAY_LEN(plain) + i] =
            (struct CMUnitTest){ .name = rows[i].query,
                                 .test_func = fts5_understands_what_was_meant,
                                 .initial_state = &copies[i] };
    return cmocka_run_group_tests_name("store/match", tests, set_up, tear_down);
}
