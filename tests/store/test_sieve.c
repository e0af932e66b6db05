/* SPDX-License-Identifier: MIT */
/*
 * What is read from FTS5's tables is what FTS5 finds there: documents and scores of many queries are the same, over
 * texts made at random, in segments of tiny pages, merged and unmerged; and a damaged table harms nobody.
 */
#include "store/sieve.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "config/buf.h"
#include "store/rank.h"

#define TABLE                                                                                  \
    "CREATE VIRTUAL TABLE page_text USING fts5(title, description, text, content='',"          \
    " tokenize=\"unicode61 categories 'L* N* Co Mn Mc'\");"                                    \
    "INSERT INTO page_text (page_text, rank) VALUES ('automerge', 0), ('crisismerge', 999), ('usermerge', 2)"

static struct {
    sqlite3 *handle;
    struct words *words;
    struct arena mem;
    uint64_t seed;
} rig;

static void exec(const char *sql)
{
    char *message = NULL;

    if (sqlite3_exec(rig.handle, sql, NULL, NULL, &message))
        fail_msg("%s: %s", sql, message);
}

static sqlite3_stmt *prepare(const char *sql)
{
    sqlite3_stmt *st;

    assert_int_equal(sqlite3_prepare_v2(rig.handle, sql, -1, &st, NULL), SQLITE_OK);
    return st;
}

static int set_up(void **state)
{
    (void)state;
    arena_init(&rig.mem, (size_t)64 * MIB);
    rig.seed = 1;
    assert_int_equal(sqlite3_open(":memory:", &rig.handle), SQLITE_OK);
    assert_int_equal(rank_register(rig.handle), OK);
    assert_int_equal(words_open(rig.handle, &rig.words), OK);
    exec(TABLE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    words_close(rig.words);
    assert_int_equal(sqlite3_close(rig.handle), SQLITE_OK); /* nothing of ours is open */
    arena_clear(&rig.mem);
    return 0;
}

static uint64_t below(uint64_t n)
{
    rig.seed = rig.seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (rig.seed >> 33) % n;
}

/* --- texts ------------------------------------------------------------------------- */

/* Few words are in most texts, many in few; beginnings are shared, and some are pairs of Chinese. */
static const char *word(void)
{
    static const char *const usual[] = { "the", "a", "ab", "abc", "page", "title", "of", "ten", "tent", "東京", "京都" };
    static char rare[16];

    if (below(10) < 7)
        return usual[below(below(ARRAY_LEN(usual)) + 1)];
    snprintf(rare, sizeof rare, "%c%llu", (char)('a' + below(4)), (unsigned long long)below(300));
    return rare;
}

static void append(struct buf *b, const char *text)
{
    assert_int_equal(buf_append(b, span_str(text)), OK);
}

static void fill(struct buf *b, uint64_t n_words)
{
    buf_reset(b);
    append(b, "");
    for (uint64_t i = 0; i < n_words; i++) {
        append(b, word());
        append(b, " ");
    }
}

/* Texts with ids from first on, with gaps, in one transaction: a segment. */
static int64_t add_texts(int64_t first, int n)
{
    sqlite3_stmt *st;
    struct buf b;

    buf_init(&b, (size_t)MIB);
    exec("BEGIN");
    st = prepare("INSERT INTO page_text (rowid, title, description, text) VALUES (?1, ?2, ?3, ?4)");
    for (int i = 0; i < n; i++) {
        uint64_t sizes[] = { below(5), below(3) ? 0 : below(8), below(40) ? below(30) : 3000 };

        first += 1 + (int64_t)below(3);
        sqlite3_bind_int64(st, 1, first);
        for (int k = 0; k < 3; k++) {
            fill(&b, sizes[k]);
            sqlite3_bind_text(st, 2 + k, b.ptr ? b.ptr : "", (int)b.len, SQLITE_TRANSIENT);
        }
        assert_int_equal(sqlite3_step(st), SQLITE_DONE);
        sqlite3_reset(st);
    }
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
    exec("COMMIT");
    buf_clear(&b);
    return first;
}

/* --- comparing --------------------------------------------------------------------- */

static const char *const queries[] = {
    "the",
    "nowhere",
    "a1",
    "the OR a1",
    "the AND page",
    "the NOT page",
    "page NOT nowhere",
    "nowhere NOT page",
    "nowhere OR page",
    "\"the a\"",
    "\"a a\"",
    "\"a a a\"",
    "\"the a ab abc\"",
    "\"abc the nowhere\"",
    "\"of the page title\"",
    "t*",
    "te*",
    "a1*",
    "nowhere*",
    "\"the t\"*",
    "\"a the a\"*",
    "title:the",
    "description:the",
    "text:the",
    "title:\"the a\"",
    "text:\"the t\"*",
    "title:t* description:a*",
    "title:the OR text:a2",
    "(the OR page) NOT (a OR title:ab)",
    "the (a1 OR b2 OR c3)",
    "(the AND a1) OR (page NOT abc)",
    "(the AND title:page) OR (a NOT (b* OR c1)) OR \"of of\"",
    "東京都",
    "東",
    "title:東京都 OR 京",
    "d* NOT d1*",
    "a the of ten tent page title",
    "a NOT the NOT ab NOT abc",
    "the NOT (page AND a1)",
    "THE Pag\u00e9",
};

struct asked {
    struct match match;
    struct postings *postings;
    struct sieve *sieve;
    int64_t end;
};

static void ask(const char *query, struct asked *out)
{
    assert_int_equal(match_parse(rig.words, span_str(query), &rig.mem, &out->match, NULL), OK);
    assert_int_equal(postings_open(rig.handle, &out->postings), OK);
    assert_int_equal(sieve_new(out->postings, &out->match, &out->sieve), OK);
    assert_int_equal(postings_end(out->postings, &out->end), OK);
}

static void end(struct asked *a)
{
    sieve_free(a->sieve);
    postings_close(a->postings);
}

/* What FTS5 finds of the domain, and we do in those columns. */
static void compare(const char *query, const struct asked *a, const struct postings_domain *domain, unsigned columns)
{
    struct span expression = columns == SIEVE_TITLE
                                 ? arena_format(&rig.mem, "{title} : %.*s", SPAN_ARG(a->match.expression))
                                 : a->match.expression;
    int64_t id = -1, n = 0;
    sqlite3_stmt *st;

    assert_int_equal(sieve_run(a->sieve, domain, columns), OK);
    st = prepare("SELECT rowid, relevance(page_text) FROM page_text WHERE page_text MATCH ?1 ORDER BY rowid");
    sqlite3_bind_text(st, 1, expression.ptr, (int)expression.len, SQLITE_STATIC);
    while (sqlite3_step(st) == SQLITE_ROW) {
        double score;

        if (!postings_wants(domain, sqlite3_column_int64(st, 0)))
            continue;
        id = sieve_next(a->sieve, id + 1);
        if (id != sqlite3_column_int64(st, 0))
            fail_msg("%s: %lld instead of %lld", query, (long long)id, sqlite3_column_int64(st, 0));
        assert_int_equal(sieve_score(a->sieve, id, &score), OK);
        if (fabs(score - sqlite3_column_double(st, 1)) > 1e-9)
            fail_msg("%s: %lld has %f instead of %f", query, (long long)id, score, sqlite3_column_double(st, 1));
        n++;
    }
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
    assert_int_equal(sieve_next(a->sieve, id + 1), -1);
    assert_int_equal(sieve_n_found(a->sieve), n);
}

/* Of all documents, of the first ones, and of some. */
static void compare_domains(const char *query)
{
    uint64_t bits[1000];
    struct asked a;

    ask(query, &a);
    assert_in_range(a.end, 0, 64 * (int64_t)ARRAY_LEN(bits) - 1);
    for (int64_t i = 0; i < a.end / 64 + 1; i++)
        bits[i] = i < 2 ? UINT64_MAX : UINT64_C(1) << below(64) | UINT64_C(1) << below(64);
    const struct postings_domain domains[] = {
        { a.end, NULL }, { a.end / 3, NULL },          { a.end, bits },        { a.end / 2 + 1, bits },
        { 0, NULL },     { a.end / 64 * 64, bits }, { a.end + 500, NULL },
    };
    for (size_t i = 0; i < ARRAY_LEN(domains); i++) {
        compare(query, &a, &domains[i], SIEVE_ALL_COLUMNS);
        compare(query, &a, &domains[i], SIEVE_TITLE);
    }
    end(&a);
}

static void compare_all(void)
{
    for (size_t i = 0; i < ARRAY_LEN(queries); i++)
        compare_domains(queries[i]);
}

static void an_empty_table_has_nothing(void **state)
{
    (void)state;
    compare_all();
}

/* Lists over many pages, places cut between two, terms at the beginning of one. */
static void fts5_finds_the_same_in_pages_of_any_size(void **state)
{
    static const char *const sizes[] = { "64", "100", "511", "4050" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char sql[120];
        int64_t id = 0;

        exec("INSERT INTO page_text (page_text) VALUES ('delete-all')");
        snprintf(sql, sizeof sql, "INSERT INTO page_text (page_text, rank) VALUES ('pgsz', %s)", sizes[i]);
        exec(sql);
        for (int k = 0; k < 4; k++)
            id = add_texts(id, 60);
        compare_all();
    }
}

/* A merge that is under way has emptied some segments in part; the last step leaves one. */
static void fts5_finds_the_same_before_during_and_after_a_merge(void **state)
{
    int64_t id = 0;

    (void)state;
    exec("INSERT INTO page_text (page_text, rank) VALUES ('pgsz', 128)");
    for (int i = 0; i < 6; i++)
        id = add_texts(id, 50);
    for (int i = 0; i < 5; i++) {
        exec("INSERT INTO page_text (page_text, rank) VALUES ('merge', 20)");
        compare_all();
        id = add_texts(id, 5);
    }
    exec("INSERT INTO page_text (page_text) VALUES ('optimize')");
    compare_all();
}

/* Ids that went back: what is older in the index has larger ones. */
static void segments_may_hold_their_documents_in_any_order(void **state)
{
    (void)state;
    add_texts(5000, 40);
    add_texts(1000, 40);
    add_texts(3000, 40);
    compare_all();
}

/* More than RANK_LOOKED_AT have it within the first documents, in all, or nowhere. */
static void a_word_is_worth_what_fts5s_first_rows_say(void **state)
{
    static const char *const words[] = { "all",  "half", "fifth", "tenth", "late", "\"all half\"", "h*",
                                         "fifth OR late OR all", "all NOT half", "title:all OR fifth",
                                         "\"fifth x late\"" };

    (void)state;
    exec("BEGIN; WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 140000)"
         " INSERT INTO page_text (rowid, title, description, text) SELECT id, iif(id % 3, '', 'all'), '', 'all '"
         " || iif(id % 2, 'half ', '') || iif(id % 5, '', 'fifth ') || iif(id % 10, 'x ', 'tenth x ')"
         " || iif(id > 70000, 'late', '') FROM n; COMMIT");
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        uint64_t bits[2200] = { 0 }, most[2200] = { 1 };
        const struct postings_domain some = { 140001, bits }, first = { SIEVE_FIRST_DOCUMENTS, NULL },
                                     nearly_all = { 140001, most };
        struct asked a;

        ask(words[i], &a);
        for (int64_t k = 0; k < 100; k++)
            bits[below((uint64_t)a.end / 64)] |= UINT64_C(1) << below(64);
        memset(most + 1, 0xff, sizeof most - sizeof *most);
        compare(words[i], &a, i % 2 ? &some : &nearly_all, SIEVE_ALL_COLUMNS);
        compare(words[i], &a, &first, SIEVE_ALL_COLUMNS);
        compare(words[i], &a, &some, SIEVE_TITLE);
        end(&a);
    }
}

static void a_document_that_was_taken_out_is_for_fts5(void **state)
{
    struct postings_domain domain = { .bits = NULL };
    struct asked a;

    (void)state;
    add_texts(0, 20);
    exec("INSERT INTO page_text (rowid, title, text) VALUES (900, 'whale', 'whale');"
         "INSERT INTO page_text (page_text, rowid, title, text) VALUES ('delete', 900, 'whale', 'whale')");
    ask("whale", &a);
    domain.end = a.end + 1000;
    assert_int_equal(sieve_run(a.sieve, &domain, SIEVE_ALL_COLUMNS), ERR_UNSUPPORTED);
    end(&a);
}

static void a_table_of_another_format_is_for_fts5(void **state)
{
    struct postings *p;

    (void)state;
    exec("UPDATE page_text_config SET v = 5 WHERE k = 'version'");
    assert_int_equal(postings_open(rig.handle, &p), ERR_UNSUPPORTED);
    assert_null(p);
    exec("UPDATE page_text_config SET v = 4 WHERE k = 'version'; DELETE FROM page_text_data WHERE id = 10");
    assert_int_equal(postings_open(rig.handle, &p), ERR_UNSUPPORTED);
    exec("DROP TABLE page_text");
    assert_int_equal(postings_open(rig.handle, &p), ERR_UNSUPPORTED);
}

/* A byte of the table is another: the answer may be wrong or refused, and nothing is read that is not there. */
static void damage_anywhere_harms_nobody(void **state)
{
    static const char DAMAGE[] = "UPDATE page_text_data SET block = CAST(substr(block, 1, ?1 % length(block)) AS BLOB)"
                                 " || ?2 || CAST(substr(block, ?1 % length(block) + 2) AS BLOB)"
                                 " WHERE id = (SELECT id FROM page_text_data WHERE length(block) > 0 LIMIT 1"
                                 " OFFSET ?3)";
    sqlite3_stmt *st;
    int64_t id = 0;

    (void)state;
    exec("INSERT INTO page_text (page_text, rank) VALUES ('pgsz', 256)");
    for (int i = 0; i < 3; i++)
        id = add_texts(id, 30);
    st = prepare(DAMAGE);
    for (int i = 0; i < 1500; i++) {
        const char *query = queries[below(ARRAY_LEN(queries))];
        unsigned char byte = (unsigned char)(below(2) ? below(256) : 0xff);
        struct asked a = { .postings = NULL };

        exec("SAVEPOINT whole");
        sqlite3_bind_int64(st, 1, (int64_t)below(100000));
        sqlite3_bind_blob(st, 2, &byte, 1, SQLITE_TRANSIENT);
        sqlite3_bind_int64(st, 3, (int64_t)below(150));
        assert_int_equal(sqlite3_step(st), SQLITE_DONE);
        sqlite3_reset(st);
        assert_int_equal(match_parse(rig.words, span_str(query), &rig.mem, &a.match, NULL), OK);
        if (postings_open(rig.handle, &a.postings) == OK) {
            struct postings_domain domain = { .end = 300 };
            double score;

            assert_int_equal(sieve_new(a.postings, &a.match, &a.sieve), OK);
            if (sieve_run(a.sieve, &domain, SIEVE_ALL_COLUMNS) == OK)
                for (id = 0; (id = sieve_next(a.sieve, id)) >= 0; id++)
                    (void)!sieve_score(a.sieve, id, &score);
            end(&a);
        }
        exec("ROLLBACK TO whole; RELEASE whole");
    }
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
}

/* A phrase of very long places, and a domain of very many documents. */
static void what_would_take_too_much_memory_is_refused(void **state)
{
    struct postings_domain domain = { .end = INT64_C(1) << 40 };
    struct asked a;

    (void)state;
    add_texts(0, 20);
    ask("the", &a);
    assert_int_equal(sieve_run(a.sieve, &domain, SIEVE_ALL_COLUMNS), ERR_TOO_LARGE);
    domain.end = a.end;
    compare("the", &a, &domain, SIEVE_ALL_COLUMNS);
    end(&a);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_empty_table_has_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fts5_finds_the_same_in_pages_of_any_size, set_up, tear_down),
        cmocka_unit_test_setup_teardown(fts5_finds_the_same_before_during_and_after_a_merge, set_up, tear_down),
        cmocka_unit_test_setup_teardown(segments_may_hold_their_documents_in_any_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_word_is_worth_what_fts5s_first_rows_say, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_document_that_was_taken_out_is_for_fts5, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_table_of_another_format_is_for_fts5, set_up, tear_down),
        cmocka_unit_test_setup_teardown(damage_anywhere_harms_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_would_take_too_much_memory_is_refused, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("store/sieve", tests, NULL, NULL);
}
