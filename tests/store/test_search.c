/* SPDX-License-Identifier: MIT */
/* Searching a database that visits filled: order, present content only, hosts, limits. */
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

/* The texts of a small host are gathered first; those of a large one are looked up one by one. */
static void a_word_of_very_many_pages_is_found_on_a_host_small_or_large(void **state)
{
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
        a = ask("flood", "a.example", 10);
        assert_int_equal(a.answer.n_hits, 10);
        assert_int_equal(a.answer.n_found, SEARCH_RANKED + 1);
        end(&a);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

/* Usual words answer where very many have the beginning; where they are not enough, all words do. */
static void usual_words_stand_for_a_beginning_of_very_many_pages_only(void **state)
{
    static const char FILL[] =
        "UPDATE page SET title = 'Ordinary' WHERE url_id > 1000;"
        "INSERT INTO page_text (rowid, title, description, text) VALUES (90000, 'Oxbow', '', 'here');"
        "INSERT INTO url SELECT 90000, key_hash, host_id, state, reason, depth, redirects, hop, priority, retries, parent_id,"
        " run_id, 90000, discovered_at, next_fetch_at, interval_ms, 'http://a.example/oxbow', NULL, rule FROM url WHERE id = 1001;"
        "CREATE TEMP TABLE g AS SELECT * FROM fetch WHERE id = 1001; UPDATE g SET id = 90000, url_id = 90000;"
        "CREATE TEMP TABLE q AS SELECT * FROM page WHERE url_id = 1001;"
        "UPDATE q SET url_id = 90000, fetch_id = 90000, text_id = 90000, title = 'Oxbow';"
        "INSERT INTO fetch SELECT * FROM g; INSERT INTO page SELECT * FROM q";
    struct asked a;
    sqlite3 *db;

    (void)state;
    assert_int_equal(sqlite3_open(kit.path, &db), SQLITE_OK);
    run(db, FILL);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    a = ask("o* OR flo*", NULL, 10);
    assert_true(a.answer.match.likely.len > 0);
    assert_int_equal(a.answer.n_found, SEARCH_RANKED + 1);
    assert_int_equal(a.answer.n_hits, 10);
    end(&a);
    a = ask("oxb* OR ordinarily*", NULL, 10);
    assert_int_equal(a.answer.n_found, 1);
    assert_true(span_eq(a.answer.hits[0].url, SPAN("http://a.example/oxbow")));
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
        cmocka_unit_test(usual_words_stand_for_a_beginning_of_very_many_pages_only),
        cmocka_unit_test(a_page_that_a_running_crawl_brought_is_found_on_its_host),
    };

    return cmocka_run_group_tests_name("store/search", tests, set_up, tear_down);
}
