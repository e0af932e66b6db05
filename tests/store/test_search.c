/* SPDX-License-Identifier: MIT */
/* Searching a database that visits filled: order, present content only, hosts, limits. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include <sqlite3.h>

#include "store/search.h"
#include "tests/kit/storekit.h"

static struct storekit kit;

static void fetch(const char *url, const char *title, const char *description,
                  const char *text)
{
    struct store_op *op = storekit_visit(storekit_seed(&kit, url), 1, 0);
    struct page_facts *f = storekit_page(op, title, text, text);

    f->description = span_str(description);
    storekit_do(&kit, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

static int set_up(void **state)
{
    (void)state;
    storekit_init(&kit);
    storekit_open(&kit, REVISIT_ALL);
    fetch("http://a.example/text", "Other", "", "a whale in the text of a page");
    fetch("http://a.example/title", "The whale", "", "nothing about it here at all");
    fetch("http://a.example/description", "Other", "of a whale",
          "nothing about it here");
    fetch("http://b.example/host", "Other", "",
          "a whale elsewhere, and a big word, many more");
    fetch("http://a.example/old", "Old", "", "the walrus was here");
    fetch("http://c.example/flood", "Other", "", "a flood");
    storekit_finish(&kit);
    storekit_open(&kit, REVISIT_ALL);
    fetch("http://a.example/old", "New", "", "the penguin is here");
    storekit_finish(&kit);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    storekit_clear(&kit);
    return 0;
}

struct asked {
    struct reader *r;
    struct arena mem;
    struct search_answer answer;
    struct err_note note;
    enum err e;
};

static struct asked ask(const char *query, const char *host, size_t limit)
{
    struct asked a = { .r = NULL };
    struct search_question q = { span_str(query), span_str(host), limit };

    arena_init(&a.mem, (size_t)64 * MIB);
    assert_int_equal(reader_open(kit.path, &a.r, &a.note), OK);
    a.e = search_ask(a.r, &q, &a.mem, &a.answer, &a.note);
    return a;
}

static void end(struct asked *a)
{
    search_close(&a->answer);
    reader_close(a->r);
    arena_clear(&a->mem);
}

static void the_title_counts_more_than_the_description_and_that_than_the_text(
    void **state)
{
    static const char *const want[] = { "http://a.example/title",
                                        "http://a.example/description",
                                        "http://a.example/text",
                                        "http://b.example/host" };
    struct asked a = ask("whale", NULL, 10);

    (void)state;
    assert_int_equal(a.e, OK);
    assert_int_equal(a.answer.n_hits, ARRAY_LEN(want));
    assert_int_equal(a.answer.n_found, ARRAY_LEN(want));
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        assert_true(span_eq(a.answer.hits[i].url, span_str(want[i])));
    end(&a);
}

static void only_what_a_page_says_now_is_found(void **state)
{
    struct asked a = ask("walrus", NULL, 10);

    (void)state;
    assert_int_equal(a.e, OK);
    assert_int_equal(a.answer.n_hits, 0);
    end(&a);
    a = ask("penguin", NULL, 10);
    assert_int_equal(a.answer.n_hits, 1);
    assert_true(span_eq(a.answer.hits[0].title, SPAN("New")));
    end(&a);
}

static void a_host_is_one_host(void **state)
{
    struct asked a = ask("whale", "b.example", 10);

    (void)state;
    assert_int_equal(a.answer.n_hits, 1);
    assert_int_equal(a.answer.n_found, 1);
    assert_true(span_eq(a.answer.hits[0].url, SPAN("http://b.example/host")));
    end(&a);
    a = ask("whale", "nowhere.example", 10);
    assert_int_equal(a.answer.n_hits, 0);
    end(&a);
}

/* As crawl sql hosts shows it, or as somebody types it. */
static void a_host_may_have_its_port_and_any_case(void **state)
{
    static const struct {
        const char *host;
        size_t n_hits;
    } rows[] = { { "b.example:80", 1 }, { "B.Example", 1 }, { "b.example:81", 0 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct asked a = ask("whale", rows[i].host, 10);

        assert_int_equal(a.answer.n_hits, rows[i].n_hits);
        end(&a);
    }
}

static void the_limit_leaves_the_best_and_the_count(void **state)
{
    struct asked a = ask("whale", NULL, 2);

    (void)state;
    assert_int_equal(a.answer.n_hits, 2);
    assert_int_equal(a.answer.n_found, 4);
    assert_true(span_eq(a.answer.hits[0].url, SPAN("http://a.example/title")));
    end(&a);
}

static void a_wrong_query_is_a_mistake_of_usage(void **state)
{
    struct asked a = ask("whale AND", NULL, 2);

    (void)state;
    assert_int_equal(a.e, ERR_USAGE);
    assert_int_equal(a.answer.match.wrong_at, 9);
    end(&a);
}

static void run(sqlite3 *db, const char *sql)
{
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
}

static void weigh(sqlite3 *db, int pages_of_a)
{
    char sql[100];

    snprintf(sql, sizeof sql, "UPDATE hosts SET pages = iif(host = 'a.example', %d, 100)", pages_of_a);
    run(db, sql);
}

/* More pages of a.example than are ranked: copies of one that say flood, each with an id of its own. */
static void flood_host(sqlite3 *db)
{
    char next[600];

    run(db, "BEGIN");
    run(db, "CREATE TEMP TABLE u AS SELECT * FROM url WHERE url = 'http://a.example/text'");
    run(db, "CREATE TEMP TABLE f AS SELECT * FROM fetch WHERE url_id = (SELECT id FROM u)");
    run(db, "CREATE TEMP TABLE p AS SELECT * FROM page WHERE url_id = (SELECT id FROM u)");
    for (int id = 1001; id <= 1001 + SEARCH_RANKED; id++) {
        snprintf(next, sizeof next,
                 "UPDATE u SET id = %d, url = 'http://a.example/%d', fetch_id = %d;"
                 "UPDATE f SET id = %d, url_id = %d;"
                 "UPDATE p SET url_id = %d, fetch_id = %d, text_id = %d;"
                 "INSERT INTO url SELECT * FROM u; INSERT INTO fetch SELECT * FROM f;"
                 "INSERT INTO page SELECT * FROM p;"
                 "INSERT INTO page_text (rowid, title, description, text) VALUES (%d, '', '', 'a flood');",
                 id, id, id, id, id, id, id, id, id);
        run(db, next);
    }
    run(db, "COMMIT");
}

/* Another page like that with the id 1001. */
#define COPY_PAGE(id, url)                                                                                    \
    "INSERT INTO url SELECT " id ", key_hash, host_id, state, reason, depth, redirects, hop, priority, retries,"  \
    " parent_id, run_id, " id ", discovered_at, next_fetch_at, interval_ms, '" url "', NULL, rule"                \
    " FROM url WHERE id = 1001;"                                                                                 \
    "CREATE TEMP TABLE g AS SELECT * FROM fetch WHERE id = 1001; UPDATE g SET id = " id ", url_id = " id ";"       \
    "CREATE TEMP TABLE q AS SELECT * FROM page WHERE url_id = 1001;"                                             \
    "UPDATE q SET url_id = " id ", fetch_id = " id ", text_id = " id ";"                                          \
    "INSERT INTO fetch SELECT * FROM g; INSERT INTO page SELECT * FROM q"

/* The texts of a small host are gathered first; those of a large one are looked up one by one. */
static void a_word_of_very_many_pages_is_found_on_a_host_small_or_large(void **state)
{
    static const char *const queries[] = { "flood", "flo*", "\"a flood\"", "\"a flo\"*", "flood NOT here" };
    struct asked a;
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(kit.path, &db), SQLITE_OK);
    flood_host(db);
    weigh(db, SEARCH_RANKED);
    a = ask("flood", "c.example", 10);
    assert_int_equal(a.e, OK);
    assert_int_equal(a.answer.n_hits, 1);
    assert_int_equal(a.answer.n_found, 1);
    assert_true(span_eq(a.answer.hits[0].url, SPAN("http://c.example/flood")));
    end(&a);
    a = ask("flood", "nowhere.example", 10);
    assert_int_equal(a.answer.n_hits, 0);
    assert_int_equal(a.answer.n_found, 0);
    end(&a);
    for (int pages = SEARCH_RANKED; pages > 0; pages -= SEARCH_RANKED - 1) {
        weigh(db, pages);
        for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
            a = ask(queries[i], "a.example", 10);
            assert_int_equal(a.answer.n_hits, 10);
            assert_int_equal(a.answer.n_found, SEARCH_RANKED + 1);
            end(&a);
            a = ask(queries[i], "c.example", 10);
            assert_int_equal(a.answer.n_found, 1);
            end(&a);
        }
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_beginning_finds_very_many_pages_and_a_single_one_far_behind_them(void **state)
{
    static const char FILL[] =
        "UPDATE page SET title = 'Ordinary' WHERE url_id > 1000;"
        "INSERT INTO page_text (rowid, title, description, text) VALUES (90000, 'Oxbow', '', 'here');"
        COPY_PAGE("90000", "http://a.example/oxbow");
    struct asked a;
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(kit.path, &db), SQLITE_OK);
    run(db, FILL);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    a = ask("o* OR flo*", NULL, 10);
    assert_int_equal(a.answer.n_found, SEARCH_RANKED + 1);
    assert_int_equal(a.answer.n_hits, 10);
    end(&a);
    a = ask("oxb* OR ordinarily*", NULL, 10);
    assert_int_equal(a.answer.n_found, 1);
    assert_true(span_eq(a.answer.hits[0].url, SPAN("http://a.example/oxbow")));
    end(&a);
}

/* Of the last of all pages, which is not among those that are ranked of the rest. */
static void titles_come_first_where_very_many_match(void **state)
{
    struct asked a;
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(kit.path, &db), SQLITE_OK);
    run(db, "INSERT INTO page_text (rowid, title, description, text) VALUES (89999, 'A flood', '', 'nothing else');"
            COPY_PAGE("89999", "http://a.example/noah"));
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    a = ask("flood", NULL, 3);
    assert_int_equal(a.answer.n_found, SEARCH_RANKED + 1);
    assert_int_equal(a.answer.n_hits, 3);
    assert_true(span_eq(a.answer.hits[0].url, SPAN("http://a.example/noah")));
    assert_false(span_eq(a.answer.hits[1].url, SPAN("http://a.example/noah")));
    assert_false(span_eq(a.answer.hits[2].url, SPAN("http://a.example/noah")));
    end(&a);
}

/* A stranger's file: what would be counted from them is left to FTS5. */
static void ids_that_no_text_has_do_no_harm(void **state)
{
    static const char *const ids[] = { "-2", "9223372036854775807", "1099511627776", "549755813888" };
    struct asked a;
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(kit.path, &db), SQLITE_OK);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        char sql[160];

        snprintf(sql, sizeof sql, "DELETE FROM page_text_docsize;"
                                  "INSERT INTO page_text_docsize (id, sz) VALUES (%s, x'000000')", ids[i]);
        run(db, sql);
        a = ask("fl*", "a.example", 3);
        end(&a);
        a = ask("flood", NULL, 3);
        end(&a);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Somebody took a text out of the index, and says so in a newer segment: that is for FTS5 to read. */
static void a_text_that_was_taken_out_is_not_found(void **state)
{
    struct asked a;
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(kit.path, &db), SQLITE_OK);
    run(db, "INSERT INTO page_text (page_text, rowid, title, description, text)"
            " VALUES ('delete', 90000, 'Oxbow', '', 'here')");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    a = ask("oxbow", NULL, 10);
    assert_int_equal(a.e, OK);
    assert_int_equal(a.answer.n_found, 0);
    assert_int_equal(a.answer.n_hits, 0);
    end(&a);
    a = ask("oxbow OR flood", NULL, 10);
    assert_int_equal(a.answer.n_found, SEARCH_RANKED + 1);
    assert_int_equal(a.answer.n_hits, 10);
    end(&a);
    a = ask("whale OR oxbow", "b.example", 10);
    assert_int_equal(a.answer.n_found, 1);
    end(&a);
}

/* Of very many that match few are of the host: then all of those are ranked by how well they fit alone. */
static void a_title_is_no_merit_of_its_own_where_all_are_ranked(void **state)
{
    static const char FILL[] = "UPDATE hosts SET pages = 40000 WHERE host = 'c.example';"
                               "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)"
                               " INSERT INTO page_text (rowid, title, text)"
                               " SELECT 500, 'flood', group_concat('word', ' ') FROM n;"
                               "UPDATE page SET text_id = 500 WHERE url_id = 500";
    struct asked a;
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(kit.path, &db), SQLITE_OK);
    run(db, "DROP TABLE IF EXISTS temp.g; DROP TABLE IF EXISTS temp.q;" COPY_PAGE("500", "http://c.example/long"));
    run(db, "UPDATE url SET host_id = (SELECT id FROM hosts WHERE host = 'c.example') WHERE id = 500");
    run(db, FILL);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    a = ask("flood", "c.example", 10);
    assert_int_equal(a.answer.n_found, 2);
    assert_true(span_eq(a.answer.hits[0].url, SPAN("http://c.example/flood")));
    assert_true(span_eq(a.answer.hits[1].url, SPAN("http://c.example/long")));
    end(&a);
}

/* The first texts that match are more than are ranked, but some say what their pages said before. */
static void former_content_is_made_up_for_by_pages_further_on(void **state)
{
    struct asked a;
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(kit.path, &db), SQLITE_OK);
    run(db, "UPDATE page SET text_id = NULL WHERE url_id BETWEEN 1002 AND 2001");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    a = ask("\"a flood\" NOT long", NULL, 10);
    /* a.example's, c.example's own, and the last one, whose title says it */
    assert_int_equal(a.answer.n_found, SEARCH_RANKED + 1 - 1000 + 2);
    assert_true(span_eq(a.answer.hits[0].url, SPAN("http://a.example/noah")));
    end(&a);
}

/* The run goes on: no entry of its URLs is in the index on hashes yet. */
static void a_page_that_a_running_crawl_brought_is_found_on_its_host(void **state)
{
    struct asked a;

    (void)state;
    storekit_open(&kit, REVISIT_ALL);
    fetch("http://d.example/flood", "Other", "", "a flood");
    a = ask("flood", "d.example:80", 10);
    assert_int_equal(a.answer.n_hits, 1);
    assert_int_equal(a.answer.n_found, 1);
    end(&a);
    storekit_finish(&kit);
}

/* How many texts and words there are, and how many words a text has: what a file says, whatever it has. */
static void counts_that_are_not_so_leave_a_score_or_an_error(void **state)
{
    static const char *const counts[] = {
        "UPDATE page_text_data SET block = x'ffffffffffffffffff010101' WHERE id = 1", /* texts */
        "UPDATE page_text_data SET block = x'0001010a' WHERE id = 1",
        "UPDATE page_text_data SET block = x'05ffffffffffffffffff01ffffffffffffffffff' WHERE id = 1", /* words */
        "UPDATE page_text_data SET block = x'05000000' WHERE id = 1",
        "UPDATE page_text_docsize SET sz = x'ffffffffffffffffff7fffffffffffffffff01'",
        "UPDATE page_text_docsize SET sz = x'8fffffff7f8fffffff7f8fffffff7f'",
    };
    struct asked a;
    sqlite3 *db;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        assert_int_equal(sqlite3_open(kit.path, &db), SQLITE_OK);
        run(db, "CREATE TEMP TABLE was AS SELECT block FROM page_text_data WHERE id = 1;"
                "CREATE TEMP TABLE sizes (id INTEGER PRIMARY KEY, sz);"
                "INSERT INTO sizes SELECT id, sz FROM page_text_docsize");
        run(db, counts[i]);
        a = ask("flood", NULL, 3);
        assert_true(a.e ? a.e == ERR_CORRUPT : a.answer.n_hits == 3); /* FTS5 says that it is */
        for (size_t k = 0; k < a.answer.n_hits; k++)
            assert_true(isfinite(a.answer.hits[k].score));
        end(&a);
        run(db, "UPDATE page_text_data SET block = (SELECT block FROM temp.was) WHERE id = 1;"
                "UPDATE page_text_docsize SET sz = (SELECT s.sz FROM temp.sizes s WHERE s.id = page_text_docsize.id)");
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            the_title_counts_more_than_the_description_and_that_than_the_text),
        cmocka_unit_test(only_what_a_page_says_now_is_found),
        cmocka_unit_test(a_host_is_one_host),
        cmocka_unit_test(a_host_may_have_its_port_and_any_case),
        cmocka_unit_test(the_limit_leaves_the_best_and_the_count),
        cmocka_unit_test(a_wrong_query_is_a_mistake_of_usage),
        cmocka_unit_test(a_word_of_very_many_pages_is_found_on_a_host_small_or_large),
        cmocka_unit_test(a_beginning_finds_very_many_pages_and_a_single_one_far_behind_them),
        cmocka_unit_test(titles_come_first_where_very_many_match),
        cmocka_unit_test(a_text_that_was_taken_out_is_not_found),
        cmocka_unit_test(a_title_is_no_merit_of_its_own_where_all_are_ranked),
        cmocka_unit_test(former_content_is_made_up_for_by_pages_further_on),
        cmocka_unit_test(a_page_that_a_running_crawl_brought_is_found_on_its_host),
        cmocka_unit_test(counts_that_are_not_so_leave_a_score_or_an_error),
        cmocka_unit_test(ids_that_no_text_has_do_no_harm),
    };

    return cmocka_run_group_tests_name("store/search", tests, set_up, tear_down);
}
