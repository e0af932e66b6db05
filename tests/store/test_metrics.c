/* SPDX-License-Identifier: MIT */
/* Link metrics, near-duplicates and counts as the end of a run leaves them in the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/buf.h"
#include "store/metrics.h"
#include "store/schema.h"
#include "store/stats.h"
#include "tests/kit/storekit.h"

static int set_up(void **state)
{
    struct storekit *k = calloc(1, sizeof *k);

    storekit_init(k);
    storekit_open(k, REVISIT_ALL);
    *state = k;
    return 0;
}

static int tear_down(void **state)
{
    storekit_clear(*state);
    free(*state);
    return 0;
}

/* Ends the run as a finished crawl does. What STORE_GRAPH said, in *said. */
static void finish(struct storekit *k, const atomic_bool *stop, struct store_op *said)
{
    struct store_op *op = store_op_new(STORE_END_RUN, MIB);

    op->u.end_run.is_finished = true;
    op->u.end_run.stop_reason = "finished";
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
    op = store_op_new(STORE_GRAPH, MIB);
    op->u.graph.wants_metrics = true;
    op->u.graph.stop = stop;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    if (said)
        *said = *op;
    store_op_free(op);
}

static void put_page(struct storekit *k, const char *url, int depth, const char *body,
                     uint64_t simhash, const char *const *links)
{
    int64_t id = storekit_id(k, url);
    struct store_op *op;
    struct page_facts *f;

    if (!id)
        id = storekit_seed(k, url);
    op = storekit_visit(id, 1, depth);
    f = storekit_page(op, body, "words of a page", body);
    f->simhash = simhash;
    f->word_count = 100;
    if (links)
        storekit_links(op, links);
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

#define HOME  "http://a.example/"
#define PAGE1 "http://a.example/1"
#define PAGE2 "http://a.example/2"
#define PAGE3 "http://a.example/3"

/* Home links to 1, 1 and 2; 1 to home; 2 to nothing; 3 to itself and home. Texts of 1 and 2 are near. */
static void make_site(struct storekit *k)
{
    put_page(k, HOME, 0, "home", 0x1111222233334444,
             (const char *[]){ PAGE1, PAGE1, PAGE2, "http://a.example/gone", NULL });
    put_page(k, PAGE1, 1, "one", 0xfff0, (const char *[]){ HOME, NULL });
    put_page(k, PAGE2, 1, "two", 0xfff1, NULL);
    put_page(k, PAGE3, 0, "three", 0x9999888877776666,
             (const char *[]){ PAGE3, HOME, NULL });
}

#define FRESH "SELECT is_fresh FROM metrics_state"
#define COUNTS                                                                             \
    "SELECT group_concat(substr(url, 18) || ':' || links_in || '/' || pages_in, ' ') FROM" \
    " (SELECT * FROM internal_all ORDER BY url)"
#define SITE_COUNTS ":2/2 1:2/1 2:1/1 3:1/0 gone:1/1"
#define PAIRS \
    "SELECT group_concat(substr(url_a, 18) || substr(url_b, 18) || distance) FROM near_duplicates"

static void a_finished_run_leaves_metrics(void **state)
{
    struct storekit *k = *state;
    struct store_op said;

    make_site(k);
    finish(k, NULL, &said);
    assert_true(said.u.graph.is_new);
    assert_int_equal(said.u.graph.n_pages, 4);
    assert_int_equal(said.u.graph.n_links, 7);
    assert_int_equal(said.u.graph.n_clusters, 1);
    assert_int_equal(storekit_int(k, FRESH), 1);
    assert_int_equal(
        storekit_int(k, "SELECT round(sum(pagerank) * 1000000) FROM metrics"), 1000000);
    EXPECT_TEXT(
        k,
        "SELECT group_concat(substr(url, 18)) FROM (SELECT url FROM metrics JOIN urls"
        " ON id = url_id WHERE pagerank IS NOT NULL ORDER BY pagerank DESC)",
        ",1,2,3");
    assert_int_equal(
        storekit_int(k, "SELECT count(*) FROM metrics WHERE pagerank IS NULL"), 1);
}

static void views_say_the_same_with_and_without_metrics(void **state)
{
    struct storekit *k = *state;

    make_site(k);
    put_page(k, "http://a.example/copy", 0, "two", 0xfff1, NULL);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(storekit_int(k, FRESH), i);
        EXPECT_TEXT(k, COUNTS, ":2/2 1:2/1 2:1/1 3:1/0 copy:0/0 gone:1/1");
        EXPECT_TEXT(k, PAIRS, "121");
        EXPECT_TEXT(
            k, "SELECT group_concat(url) FROM (SELECT url FROM orphans ORDER BY url)",
            PAGE3 ",http://a.example/copy");
        EXPECT_TEXT(k, "SELECT group_concat(copies || substr(url, 18)) FROM duplicates",
                    "22,2copy");
        if (!i)
            finish(k, NULL, NULL);
    }
}

static void stored_counts_are_used_only_while_they_are_right(void **state)
{
    struct storekit *k = *state;

    make_site(k);
    finish(k, NULL, NULL);
    storekit_close(k);
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(storekit_int(k, FRESH), 0);
    put_page(k, PAGE3, 0, "another three", 0x9999888877776666,
             (const char *[]){ PAGE2, NULL });
    EXPECT_TEXT(k, COUNTS, ":1/1 1:2/1 2:2/2 3:0/0 gone:1/1");
    EXPECT_TEXT(k, PAIRS, "121");
    finish(k, NULL, NULL);
    assert_int_equal(storekit_int(k, FRESH), 1);
    EXPECT_TEXT(k, COUNTS, ":1/1 1:2/1 2:2/2 3:0/0 gone:1/1");
}

static void equal_content_is_not_computed_again(void **state)
{
    struct storekit *k = *state;
    struct store_op said;

    make_site(k);
    finish(k, NULL, NULL);
    storekit_close(k);
    storekit_open(k, REVISIT_ALL);
    put_page(k, PAGE2, 1, "two", 0xfff1, NULL);
    finish(k, NULL, &said);
    assert_false(said.u.graph.is_new);
    assert_int_equal(said.u.graph.skipped, OK);
    assert_int_equal(storekit_int(k, FRESH), 1);
    EXPECT_TEXT(k, COUNTS, SITE_COUNTS);
}

static void told_to_stop_it_writes_nothing_and_the_next_run_does(void **state)
{
    struct storekit *k = *state;
    atomic_bool stop = true;
    struct store_op said;

    make_site(k);
    finish(k, &stop, &said);
    assert_int_equal(said.u.graph.skipped, ERR_CANCELLED);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM metric"), 0);
    assert_int_equal(storekit_int(k, FRESH), 0);
    EXPECT_TEXT(k, "SELECT state FROM runs", "finished");
    EXPECT_TEXT(k, COUNTS, SITE_COUNTS);
    storekit_close(k);
    storekit_open(k, REVISIT_NONE);
    finish(k, NULL, &said);
    assert_true(said.u.graph.is_new);
    assert_int_equal(storekit_int(k, FRESH), 1);
}

static void links_that_stand_on_no_page_do_not_count(void **state)
{
    struct storekit *k = *state;
    struct store_op said;
    sqlite3 *handle;

    make_site(k);
    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle,
                                  "UPDATE outlink SET id = -id; UPDATE outlink SET id = (set_id > 1) * 100 + 100 - id,"
                                  " set_id = (set_id > 1) * 100 + 100 + set_id;"
                                  "UPDATE page SET links_id = (links_id > 1) * 100 + 100 + links_id;"
                                  "INSERT INTO outlink (id, set_id, dst_id, bits) VALUES (1, 1, 1, 0),"
                                  " (150, 150, 1, 0), (9999, 9999, 1, 0)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(handle);
    finish(k, NULL, &said);
    assert_int_equal(said.u.graph.n_links, 7);
    assert_int_equal(said.u.graph.n_recalled, 0); /* another program wrote: what is in memory may be wrong */
    assert_int_equal(said.u.graph.n_in_roll, 0);
    EXPECT_TEXT(k, "SELECT group_concat(substr(url, 18) || links_in) FROM metrics JOIN urls ON id = url_id"
                   " WHERE url_id = 1", "2");
}

static void links_that_this_start_wrote_are_not_read_again(void **state)
{
    struct storekit *k = *state;
    struct store_op said;

    make_site(k);
    finish(k, NULL, &said);
    assert_int_equal(said.u.graph.n_links, 7);
    assert_int_equal(said.u.graph.n_recalled, 7);
    assert_int_equal(said.u.graph.n_in_roll, 4);
    EXPECT_TEXT(k, COUNTS, SITE_COUNTS);
}

/* The file says the same: nothing is computed again. */
static void pages_that_this_start_wrote_are_as_the_file_has_them(void **state)
{
    struct storekit *k = *state;
    struct store_op said;

    make_site(k);
    finish(k, NULL, &said);
    assert_true(said.u.graph.is_new);
    assert_int_equal(said.u.graph.n_in_roll, 4);
    storekit_close(k);
    storekit_open(k, REVISIT_NONE);
    finish(k, NULL, &said);
    assert_int_equal(said.u.graph.n_in_roll, 0);
    assert_int_equal(said.u.graph.n_pages, 4);
    assert_false(said.u.graph.is_new);
}

static void a_page_that_changed_is_read_from_the_file(void **state)
{
    struct storekit *k = *state;
    struct store_op said;

    make_site(k);
    put_page(k, PAGE2, 1, "two, again", 0xfff1, NULL);
    finish(k, NULL, &said);
    assert_int_equal(said.u.graph.n_in_roll, 0);
    assert_int_equal(said.u.graph.n_pages, 4);
    EXPECT_TEXT(k, COUNTS, SITE_COUNTS);
}

/* Its arrays would have a place for each id. */
static void ids_far_apart_get_no_metrics(void **state)
{
    struct storekit *k = *state;
    struct store_op said;
    sqlite3 *handle;

    make_site(k);
    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "UPDATE url SET id = 4000000000 WHERE id = (SELECT max(id) FROM url)", NULL, NULL,
                                  NULL), SQLITE_OK);
    sqlite3_close(handle);
    finish(k, NULL, &said);
    assert_string_equal(err_name(said.u.graph.skipped), err_name(ERR_TOO_LARGE));
    EXPECT_TEXT(k, "SELECT count(*) FROM metrics", "0");
}

static void copying_the_log_back_makes_no_start_forget_its_links(void **state)
{
    struct storekit *k = *state;
    struct store_op said;
    char url[64];

    storekit_close(k);
    k->options.log_bytes = (int64_t)64 * KIB;
    storekit_open(k, REVISIT_ALL);
    for (int i = 0; i < 200; i++) {
        snprintf(url, sizeof url, "http://a.example/n%d", i);
        put_page(k, url, 0, url, 0, (const char *[]){ HOME, PAGE1, NULL });
    }
    finish(k, NULL, &said);
    assert_int_equal(said.u.graph.n_links, 400);
    assert_int_equal(said.u.graph.n_recalled, 400);
}

static void links_of_an_earlier_start_are_read(void **state)
{
    struct storekit *k = *state;
    struct store_op said;

    put_page(k, HOME, 0, "home", 0x1111222233334444,
             (const char *[]){ PAGE1, PAGE1, PAGE2, "http://a.example/gone", NULL });
    storekit_close(k);
    storekit_open(k, REVISIT_ALL);
    put_page(k, PAGE1, 1, "one", 0xfff0, (const char *[]){ HOME, NULL });
    put_page(k, PAGE2, 1, "two", 0xfff1, NULL);
    put_page(k, PAGE3, 0, "three", 0x9999888877776666, (const char *[]){ PAGE3, HOME, NULL });
    finish(k, NULL, &said);
    assert_int_equal(said.u.graph.n_links, 7);
    assert_int_equal(said.u.graph.n_recalled, 0);
    assert_int_equal(said.u.graph.n_in_roll, 0);
    EXPECT_TEXT(k, COUNTS, SITE_COUNTS);
}

static void nofollow_and_embedded_things_give_no_rank(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;

    put_page(k, PAGE1, 0, "one", 1, NULL);
    put_page(k, PAGE2, 0, "two", 2, NULL);
    put_page(k, PAGE3, 0, "three", 4, NULL);
    op = storekit_visit(storekit_seed(k, HOME), 1, 0);
    storekit_page(op, "home", "words", "home");
    storekit_links(op, (const char *[]){ PAGE1, PAGE2, PAGE3, NULL });
    storekit_found(op, 1)->is_nofollow = true;
    storekit_found(op, 2)->kind = LINK_IFRAME; /* followed as a link is */
    storekit_do(k, op);
    store_op_free(op);
    finish(k, NULL, NULL);
    assert_int_equal(storekit_int(k, "SELECT links_in FROM metrics WHERE url_id = 2"),
                     1);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM metrics WHERE pagerank ="
                                     " (SELECT min(pagerank) FROM metrics)"),
                     3);
    assert_int_equal(
        storekit_int(k, "SELECT url_id FROM metrics ORDER BY pagerank DESC LIMIT 1"),
        1);
}

static void pages_with_few_words_are_near_nobody(void **state)
{
    struct storekit *k = *state;

    for (int i = 0; i < 3; i++) {
        const char *const urls[] = { PAGE1, PAGE2, PAGE3 };
        struct store_op *op = storekit_visit(storekit_seed(k, urls[i]), 1, 0);
        struct page_facts *f = storekit_page(op, "t", "words", urls[i]);

        f->simhash = 0xff00;
        f->word_count = i ? METRICS_MIN_WORDS : METRICS_MIN_WORDS - 1;
        storekit_do(k, op);
        store_op_free(op);
    }
    EXPECT_TEXT(k, PAIRS, "230");
    finish(k, NULL, NULL);
    EXPECT_TEXT(k, PAIRS, "230");
    EXPECT_TEXT(k, "SELECT group_concat(substr(url, 18)) FROM near_clusters", "2,3");
}

static void rank_goes_through_a_redirect(void **state)
{
    struct storekit *k = *state;
    struct store_offer to;
    struct store_op *op;

    put_page(k, HOME, 0, "home", 1, (const char *[]){ "http://a.example/moved", NULL });
    put_page(k, PAGE1, 0, "one", 2, NULL);
    put_page(k, PAGE2, 0, "two", 4, NULL);
    op = storekit_visit(storekit_id(k, "http://a.example/moved"), 1, 1);
    to = storekit_offer(PAGE1, HOP_REDIRECT, 1);
    op->u.visit.outcome = "redirect";
    op->u.visit.status_code = 301;
    op->u.visit.redirect = &to;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
    finish(k, NULL, NULL);
    EXPECT_TEXT(
        k,
        "SELECT url FROM metrics JOIN urls ON id = url_id ORDER BY pagerank DESC LIMIT 1",
        PAGE1);
}

/* --- counts by host and state ------------------------------------------------------------ */

#define STATUS                                                                          \
    "SELECT group_concat(state || coalesce(reason, '') || coalesce(status_code, '') ||" \
    " '=' || urls, ' ') FROM (SELECT * FROM status_counts ORDER BY 1, 2, 3)"
#define HOSTS                                                                               \
    "SELECT group_concat(host || ' ' || urls || ' ' || fetched || ' ' || queued || ' ' || " \
    " errors || ' ' || mean_total_ms) FROM host_summary"

static void counts_of_large_files_say_the_same(void **state)
{
    struct storekit *k = *state;
    char status[2][512], hosts[2][512];
    sqlite3 *handle;

    make_site(k);
    storekit_text(k, STATUS, status[0]);
    storekit_text(k, HOSTS, hosts[0]);
    assert_int_equal(storekit_int(k, "SELECT is_fresh FROM stats_state"), 0);
    storekit_close(k);
    /* As if there were many: the threshold is all that is asked for. */
    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(handle, "UPDATE state_count SET n = n + 200000 WHERE state = 1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(handle);
    storekit_open(k, REVISIT_NONE);
    finish(k, NULL, NULL);
    storekit_close(k);
    assert_int_equal(storekit_int(k, "SELECT sum(urls) FROM url_stat"), 5);
    assert_int_equal(storekit_int(k, "SELECT is_fresh FROM stats_state"), 0);
    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(handle, "UPDATE state_count SET n = n - 200000 WHERE state = 1",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(handle);
    assert_int_equal(storekit_int(k, "SELECT is_fresh FROM stats_state"), 1);
    assert_string_equal(storekit_text(k, STATUS, status[1]), status[0]);
    assert_string_equal(storekit_text(k, HOSTS, hosts[1]), hosts[0]);
}

/* --- older files --------------------------------------------------------------------------- */

static void run_sql(sqlite3 *handle, const char *sql)
{
    char *error = NULL;

    if (sqlite3_exec(handle, sql, NULL, NULL, &error))
        fail_msg("%s", error);
}

/* A file as the program of schema 1 left it: one finished run over two pages. */
static void make_schema_1(const char *path)
{
    sqlite3 *handle;

    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    run_sql(handle, schema_sql(1));
    run_sql(
        handle,
        "CREATE VIEW internal_all AS SELECT title FROM page;"
        "PRAGMA application_id = 1129469772; PRAGMA user_version = 1;"
        "INSERT INTO meta VALUES ('hash_secret', 4711);"
        "INSERT INTO runs (id, started_at, finished_at, state) VALUES (1, 1, 2, 'finished');"
        "INSERT INTO hosts (id, scheme, host, port) VALUES (1, 'http', 'old.example', 80);"
        "INSERT INTO url (id, key_hash, host_id, state, depth, redirects, hop, priority,"
        " retries, run_id, fetch_id, discovered_at, url) VALUES"
        " (1, 11, 1, 1, 0, 0, 0, 0, 0, 1, 1, 1, 'http://old.example/'),"
        " (2, 12, 1, 1, 1, 0, 1, 0, 0, 1, 2, 1, 'http://old.example/2');"
        "UPDATE state_count SET n = 2 WHERE state = 1;"
        "INSERT INTO fetch (id, url_id, run_id, attempt, fetched_at, outcome, status_code)"
        " VALUES (1, 1, 1, 1, 1, 'ok', 200), (2, 2, 1, 1, 1, 'ok', 200);"
        "INSERT INTO page (url_id, fetch_id, link_hash, title, parse_outcome) VALUES"
        " (1, 1, 0, 'one', 'ok'), (2, 2, 0, 'two', 'ok');"
        "INSERT INTO link (src_id, position, dst_id, bits) VALUES (1, 0, 2, 0);");
    sqlite3_close(handle);
}

static void a_file_of_schema_1_is_brought_forward_and_kept(void **state)
{
    struct storekit *k = *state;
    char old_path[160], current[160];
    sqlite3 *old;

    storekit_close(k);
    unlink(k->path);
    make_schema_1(k->path);
    snprintf(old_path, sizeof old_path, "%s.schema1", k->path);
    snprintf(current, sizeof current,
             "SELECT user_version = %d FROM pragma_user_version", DB_SCHEMA_VERSION);
    storekit_open(k, REVISIT_NONE);
    assert_int_equal(storekit_int(k, current), 1);
    EXPECT_TEXT(k, "SELECT group_concat(title || links_in) FROM internal_all",
                "one0,two1");
    put_page(k, "http://a.example/new", 0, "new", 7,
             (const char *[]){ "http://a.example/x", NULL });
    finish(k, NULL, NULL);
    assert_int_equal(storekit_int(k, FRESH), 1);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM metrics WHERE pagerank > 0"),
                     3);
    assert_int_equal(sqlite3_open_v2(old_path, &old, SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
    run_sql(old, "SELECT title FROM internal_all");
    assert_int_not_equal(sqlite3_exec(old, "SELECT * FROM metric", NULL, NULL, NULL),
                         SQLITE_OK);
    sqlite3_close(old);
    unlink(old_path);
}

static void a_migrated_file_has_the_schema_of_a_new_one(void **state)
{
    struct storekit *k = *state;
    struct buf texts[2];
    char old_path[160];
    static const char SQL[] =
        "SELECT type || name || sql FROM sqlite_master WHERE sql IS NOT NULL"
        " AND name NOT LIKE 'sqlite_%' ORDER BY name";

    for (int i = 0; i < 2; i++) {
        sqlite3_stmt *st;
        sqlite3 *handle;

        buf_init(&texts[i], (size_t)MIB);
        storekit_close(k);
        assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
        assert_int_equal(sqlite3_prepare_v2(handle, SQL, -1, &st, NULL), SQLITE_OK);
        while (sqlite3_step(st) == SQLITE_ROW)
            assert_int_equal(
                buf_append(&texts[i],
                           span_str((const char *)sqlite3_column_text(st, 0))),
                OK);
        sqlite3_finalize(st);
        sqlite3_close(handle);
        if (i)
            break;
        unlink(k->path);
        make_schema_1(k->path);
        storekit_open(k, REVISIT_NONE);
    }
    assert_true(texts[0].len > 10000);
    assert_true(span_eq(buf_span(&texts[0]), buf_span(&texts[1])));
    buf_clear(&texts[0]);
    buf_clear(&texts[1]);
    snprintf(old_path, sizeof old_path, "%s.schema1", k->path);
    unlink(old_path);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_finished_run_leaves_metrics),
        WITH_STORE(links_that_stand_on_no_page_do_not_count),
        WITH_STORE(links_that_this_start_wrote_are_not_read_again),
        WITH_STORE(pages_that_this_start_wrote_are_as_the_file_has_them),
        WITH_STORE(a_page_that_changed_is_read_from_the_file),
        WITH_STORE(ids_far_apart_get_no_metrics),
        WITH_STORE(copying_the_log_back_makes_no_start_forget_its_links),
        WITH_STORE(links_of_an_earlier_start_are_read),
        WITH_STORE(views_say_the_same_with_and_without_metrics),
        WITH_STORE(stored_counts_are_used_only_while_they_are_right),
        WITH_STORE(equal_content_is_not_computed_again),
        WITH_STORE(told_to_stop_it_writes_nothing_and_the_next_run_does),
        WITH_STORE(nofollow_and_embedded_things_give_no_rank),
        WITH_STORE(pages_with_few_words_are_near_nobody),
        WITH_STORE(rank_goes_through_a_redirect),
        WITH_STORE(counts_of_large_files_say_the_same),
        WITH_STORE(a_file_of_schema_1_is_brought_forward_and_kept),
        WITH_STORE(a_migrated_file_has_the_schema_of_a_new_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
