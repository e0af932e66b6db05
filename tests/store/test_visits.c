/* SPDX-License-Identifier: MIT */
/*
 * What a visit leaves behind: fetch, page, links, text, body, redirect, state, revisit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/visits.h"
#include "tests/kit/storekit.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define HOUR      INT64_C(3600000)

static void assert_text(struct storekit *k, const char *sql, const char *want)
{
    char text[512];

    assert_string_equal(storekit_text(k, sql, text), want);
}

static void do_op(struct storekit *k, struct store_op *op)
{
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

/* A new run in which everything is asked again. */
static void begin_again(struct storekit *k)
{
    storekit_finish(k);
    storekit_open(k, REVISIT_ALL);
}

static void a_page_is_stored_with_all_it_brought(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");

    storekit_fetch(k, id, 0, "body", LIST("http://a.example/x", "http://a.example/y"));
    assert_text(
        k, "SELECT state || ' ' || fetch_id || ' ' || retries FROM urls WHERE id = 1",
        "fetched 1 0");
    assert_text(
        k,
        "SELECT url_id || ' ' || run_id || ' ' || outcome || ' ' || status_code || '"
        " ' || charset ||"
        " ' ' || size || ' ' || wire_size || ' ' || ttfb_ms || ' ' || (dns_ms IS"
        " NULL) || ' ' ||"
        " length(sha256) FROM fetches",
        "1 1 ok 200 utf-8 1000 500 5 1 64");
    assert_text(
        k,
        "SELECT title || ' ' || fetch_id || ' ' || links_out || ' ' || parse_outcome"
        " FROM pages",
        "Title 1 2 ok");
    assert_text(
        k,
        "SELECT group_concat(src_id || '>' || dst_id || ' ' || kind || ' ' || anchor"
        " || ' ' || nofollow"
        " || ' ' || position) FROM links",
        "1>2 a here 0 0,1>3 a here 0 1");
    assert_text(
        k,
        "SELECT group_concat(state || ' ' || parent_id || ' ' || depth || ' ' ||"
        " hop) FROM urls"
        " WHERE id > 1",
        "queued 1 1 link,queued 1 1 link");
    assert_text(k, "SELECT rowid FROM page_text WHERE page_text MATCH 'some'", "1");
    assert_text(
        k,
        "SELECT requests || ' ' || pages || ' ' || bytes || ' ' || new_urls || ' '"
        " || used_pages"
        " FROM runs",
        "1 1 500 3 1");
    assert_text(k, "SELECT pages || ' ' || bytes FROM hosts", "1 500");
}

static void headers_become_lists_of_name_and_value(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = storekit_visit(storekit_seed(k, "http://a.example/"), 1, 0);

    op->u.visit.headers = SPAN(
        "HTTP/1.1 200 OK\r\nX-A: 1\r\nx-a:  two \r\nbroken line\r\nQ: \"\\\t\x01\r\n"
        "L: caf\xe9\r\nU: caf\xc3\xa9\r\n\r\n");
    do_op(k, op);
    assert_text(
        k, "SELECT headers FROM fetches",
        "[[\"X-A\",\"1\"],[\"x-a\",\"two\"],[\"Q\",\"\\\"\\\\\\u0009\\u0001\"],[\"L\",\"caf\xc3\xa9\"],"
        "[\"U\",\"caf\xc3\xa9\"]]");
    assert_text(k, "SELECT request_headers FROM fetches", "[[\"Host\",\"a.example\"]]");
    assert_text(k, "SELECT json_valid(headers) FROM fetches", "1");
}

static void outside_text_is_repaired_and_bounded(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = storekit_visit(storekit_seed(k, "http://a.example/"), 1, 0);
    char *error = arena_alloc(&op->mem, 5000);

    memset(error, 'e', 5000);
    op->u.visit.error = span_make(error, 5000);
    op->u.visit.content_type = span_make("text\0/\xff", 7);
    do_op(k, op);
    assert_text(k, "SELECT length(error) FROM fetches", "512");
    assert_text(k, "SELECT content_type FROM fetches", "text\xef\xbf\xbd/\xef\xbf\xbd");
}

static void a_retry_keeps_the_url_queued(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = storekit_visit(storekit_seed(k, "http://a.example/"), 1, 0);

    op->u.visit.state = STATE_QUEUED;
    op->u.visit.outcome = "timeout";
    op->u.visit.status_code = 0;
    op->u.visit.counts_as_page = false;
    op->u.visit.retries = 1;
    op->u.visit.next_fetch_ms = STOREKIT_NOW + 9000;
    do_op(k, op);
    assert_text(
        k,
        "SELECT state || ' ' || retries || ' ' || (next_fetch_at IS NOT NULL) || ' '"
        " || coalesce(reason, '-')"
        " FROM urls",
        "queued 1 1 -");
    assert_text(k,
                "SELECT outcome || ' ' || coalesce(status_code, 'null') FROM fetches",
                "timeout null");
    assert_text(k, "SELECT requests || ' ' || pages FROM runs", "1 0");
}

static void a_failed_url_says_the_outcome(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = storekit_visit(storekit_seed(k, "http://a.example/"), 1, 0);

    op->u.visit.state = STATE_FAILED;
    op->u.visit.outcome = "dns_failed";
    op->u.visit.error = SPAN("no such name");
    do_op(k, op);
    assert_text(k, "SELECT state || ' ' || reason FROM urls", "failed dns_failed");
    assert_text(k, "SELECT n FROM state_count WHERE state = 3", "1");
}

static void a_refusal_needs_no_request(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = storekit_visit(storekit_seed(k, "http://a.example/"), 1, 0);

    op->u.visit.state = STATE_EXCLUDED;
    op->u.visit.reason = REASON_ROBOTS;
    op->u.visit.rule = SPAN("robots.txt line 12: Disallow: /");
    op->u.visit.has_fetch = op->u.visit.counts_as_page = false;
    do_op(k, op);
    assert_text(k, "SELECT state || ' ' || reason || ' ' || rule FROM urls",
                "excluded robots robots.txt line 12: Disallow: /");
    assert_text(k, "SELECT count(*) FROM fetches", "0");
}

static void a_redirect_makes_its_target_a_url_of_its_own(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = storekit_visit(storekit_seed(k, "http://a.example/"), 1, 0);
    struct store_offer target = storekit_offer("https://a.example/", HOP_REDIRECT, 0);

    target.redirects = 1;
    op->u.visit.outcome = "redirect";
    op->u.visit.status_code = 301;
    op->u.visit.location = SPAN("https://a.example/");
    op->u.visit.redirect = &target;
    do_op(k, op);
    assert_int_equal(target.change, CHANGE_NEW);
    assert_text(
        k,
        "SELECT state || ' ' || hop || ' ' || redirects || ' ' || depth || ' ' ||"
        " parent_id FROM urls"
        " WHERE id = 2",
        "queued redirect 1 0 1");
    assert_text(
        k,
        "SELECT src_id || '>' || dst_id || ' ' || status_code || ' ' || run_id FROM"
        " redirects",
        "1>2 301 1");
    assert_text(
        k, "SELECT start_url || ' ' || hops || ' ' || final_url FROM redirect_chains",
        "http://a.example/ 1 https://a.example/");
}

/* --- content over time ------------------------------------------------------------ */

static void the_same_body_keeps_links_text_and_the_fetch_that_brought_it(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");

    storekit_fetch(k, id, 0, "body", LIST("http://a.example/x"));
    begin_again(k);
    storekit_fetch(k, id, 0, "body", LIST("http://a.example/x"));
    assert_text(k, "SELECT fetch_id || ' ' || text_id FROM pages", "1 1");
    assert_text(k, "SELECT fetch_id FROM urls", "2");
    assert_text(k, "SELECT count(*) FROM page_history", "0");
    assert_text(k, "SELECT count(*) FROM links", "1");
    assert_text(
        k, "SELECT group_concat(rowid) FROM page_text WHERE page_text MATCH 'some'",
        "1");
}

static void full_text_of_a_huge_page_is_all_found(void **state)
{
    static char text[600 * 1024]; /* more than segments of our own take */
    struct storekit *k = *state;
    struct store_op *op = storekit_visit(storekit_seed(k, "http://a.example/"), 1, 0);
    struct page_facts *f = storekit_page(op, "Title", "", "body");

    memset(text, ' ', sizeof text);
    memcpy(text, "first", 5);
    memcpy(text + sizeof text - 4, "last", 4);
    f->text = span_make(text, sizeof text);
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
    storekit_fetch(k, storekit_seed(k, "http://a.example/2"), 0, "other body", LIST("http://a.example/x"));
    assert_text(k, "SELECT group_concat(rowid) FROM page_text WHERE page_text MATCH '\"first last\"'", "1");
    assert_text(k, "SELECT group_concat(rowid) FROM page_text WHERE page_text MATCH 'title'", "1,2");
}

static void full_text_that_is_laid_out_as_nobody_knows_is_left_to_fts5(void **state)
{
    struct storekit *k = *state;
    sqlite3 *handle;

    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "INSERT INTO page_text (page_text, rank) VALUES ('pgsz', 40000)", NULL, NULL,
                                  NULL),
                     SQLITE_OK);
    sqlite3_close(handle);
    storekit_fetch(k, storekit_seed(k, "http://a.example/"), 0, "body", LIST("http://a.example/x"));
    assert_text(k, "SELECT group_concat(rowid) FROM page_text WHERE page_text MATCH 'some'", "1");
}

static void another_body_moves_the_old_page_into_history(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");

    storekit_fetch(k, id, 0, "body", LIST("http://a.example/x", "http://a.example/y"));
    begin_again(k);
    storekit_fetch(k, id, 0, "other", LIST("http://a.example/z"));
    assert_text(k, "SELECT fetch_id || ' ' || text_id FROM pages", "2 2");
    assert_text(
        k,
        "SELECT url_id || ' ' || fetch_id || ' ' || title || ' ' || links_out FROM"
        " page_history",
        "1 1 Title 2");
    assert_text(
        k, "SELECT group_concat(u.url) FROM links l JOIN urls u ON u.id = l.dst_id",
        "http://a.example/z");
}

static void changed_links_of_the_same_body_are_replaced(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");

    storekit_fetch(k, id, 0, "body", LIST("http://a.example/x"));
    begin_again(k);
    storekit_fetch(k, id, 0, "body", LIST("http://a.example/x", "http://a.example/y"));
    assert_text(k, "SELECT count(*) FROM links", "2");
}

/* Whose URLs came first does not matter: what is written last stands last, and full pages of the file are left alone. */
static void links_stand_in_the_order_of_writing(void **state)
{
    struct storekit *k = *state;
    int64_t first = storekit_seed(k, "http://a.example/1"), second = storekit_seed(k, "http://a.example/2");

    storekit_fetch(k, second, 0, "two", LIST("http://a.example/x", "http://a.example/y"));
    storekit_fetch(k, first, 0, "one", LIST("http://a.example/x"));
    assert_text(k, "SELECT group_concat(url_id || ':' || links_id) FROM (SELECT * FROM page ORDER BY url_id)",
                "1:3,2:1");
    assert_text(k, "SELECT group_concat(set_id || '.' || id) FROM outlink", "1.1,1.2,3.3");
    begin_again(k);
    storekit_fetch(k, second, 0, "two, other", LIST("http://a.example/z"));
    storekit_fetch(k, first, 0, "one, other", LIST("http://a.example/x"));
    /* Those of the first page are as before, so they stayed. */
    assert_text(k, "SELECT group_concat(url_id || ':' || links_id) FROM (SELECT * FROM page ORDER BY url_id)",
                "1:3,2:4");
    assert_text(k, "SELECT group_concat(set_id || '.' || id) FROM outlink", "3.3,4.4");
    assert_text(k, "SELECT group_concat(id || '.' || position) FROM links ORDER BY id", "3.0,4.0");
    assert_text(k, "SELECT group_concat(src_id || '>' || dst_id) FROM (SELECT * FROM links ORDER BY src_id)",
                "1>3,2>5");
}

static void run_beside(struct storekit *k, const char *sql)
{
    sqlite3 *handle;

    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
}

static void where_the_last_links_stood_the_next_ones_may_stand(void **state)
{
    struct storekit *k = *state;
    int64_t first = storekit_seed(k, "http://a.example/1"), second = storekit_seed(k, "http://a.example/2");

    storekit_fetch(k, first, 0, "one", LIST("http://a.example/x"));
    storekit_fetch(k, second, 0, "two", LIST("http://a.example/x", "http://a.example/y"));
    storekit_fetch(k, second, 0, "two, other", LIST("http://a.example/y", "http://a.example/z", "http://a.example/x"));
    assert_text(k, "SELECT group_concat(set_id || '.' || id) FROM outlink", "1.1,2.2,2.3,2.4");
    assert_text(k, "SELECT group_concat(src_id || '>' || dst_id || ' ' || position) FROM (SELECT * FROM links ORDER BY id)",
                "1>3 0,2>4 0,2>5 1,2>3 2");
}

static struct store_op *new_page(int64_t url_id, const char *body, const char *const *links)
{
    struct store_op *op = storekit_visit(url_id, 1, 0);

    storekit_page(op, "title", "text", body);
    storekit_links(op, links);
    return op;
}

/* The writer waits for the lock with the first, so the others are there when it goes on. */
static void store_in_one_transaction(struct storekit *k, struct store_op *const *ops, size_t n)
{
    struct list_node done, *node;
    sqlite3 *handle;
    size_t n_done = 0;

    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    for (size_t i = 0; i < n; i++)
        store_submit(k->store, ops[i]);
    assert_int_equal(sqlite3_exec(handle, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    list_init(&done);
    while (n_done < n) {
        store_take_done(k->store, SIZE_MAX, &done);
        while ((node = list_take_first(&done)) != NULL) {
            struct store_op *op = CONTAINER_OF(node, struct store_op, node);

            assert_int_equal(op->result, OK);
            store_op_free(op);
            n_done++;
        }
        usleep(1000);
    }
}

static void links_removed_in_the_same_transaction_make_room_too(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/1");

    storekit_fetch(k, id, 0, "one", LIST("http://a.example/x"));
    store_in_one_transaction(k,
                             (struct store_op *[]){ new_page(id, "two", LIST("http://a.example/y")),
                                                    new_page(id, "three", LIST("http://a.example/y", "http://a.example/z")) },
                             2);
    assert_text(k, "SELECT group_concat(set_id || '.' || id) FROM outlink", "1.1,1.2");
    assert_text(k, "SELECT group_concat(src_id || '>' || dst_id || ' ' || position) FROM (SELECT * FROM links ORDER BY id)",
                "1>3 0,1>4 1");
}

/* Between two commits the file is everybody's. */
static void links_go_behind_those_that_another_program_wrote(void **state)
{
    struct storekit *k = *state;
    int64_t first = storekit_seed(k, "http://a.example/1"), second = storekit_seed(k, "http://a.example/2");

    storekit_fetch(k, first, 0, "one", LIST("http://a.example/x"));
    run_beside(k, "INSERT INTO outlink (id, set_id, dst_id, bits) VALUES (50, 50, 1, 0)");
    storekit_fetch(k, second, 0, "two", LIST("http://a.example/x", "http://a.example/y"));
    assert_text(k, "SELECT group_concat(set_id || '.' || id) FROM outlink", "1.1,50.50,51.51,51.52");
    assert_text(k, "SELECT group_concat(src_id || '>' || dst_id) FROM (SELECT * FROM links ORDER BY id)", "1>3,2>3,2>4");
}

static void a_page_without_links_has_no_number_that_another_could_get(void **state)
{
    struct storekit *k = *state;
    int64_t first = storekit_seed(k, "http://a.example/1"), second = storekit_seed(k, "http://a.example/2");

    storekit_fetch(k, first, 0, "one", LIST("http://a.example/x"));
    begin_again(k);
    storekit_fetch(k, first, 0, "none", NULL);
    assert_text(k, "SELECT count(links_id) FROM page", "0");
    begin_again(k);
    storekit_fetch(k, second, 0, "two", LIST("http://a.example/x"));
    assert_text(k, "SELECT group_concat(url_id) FROM page WHERE links_id IS NOT NULL", "2");
    assert_text(k, "SELECT group_concat(src_id) FROM links", "2");
}

static void a_304_keeps_page_and_links(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");
    struct store_op *op;

    storekit_fetch(k, id, 0, "body", LIST("http://a.example/x"));
    begin_again(k);
    op = storekit_visit(id, 1, 0);
    op->u.visit.state = STATE_NOT_MODIFIED;
    op->u.visit.outcome = "not_modified";
    op->u.visit.status_code = 304;
    do_op(k, op);
    assert_text(k, "SELECT state || ' ' || fetch_id FROM urls WHERE id = 1",
                "not_modified 2");
    assert_text(k, "SELECT fetch_id FROM pages", "1");
    assert_text(k, "SELECT count(*) FROM links", "1");
}

static void a_failure_keeps_page_and_links(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");
    struct store_op *op;

    storekit_fetch(k, id, 0, "body", LIST("http://a.example/x"));
    begin_again(k);
    op = storekit_visit(id, 1, 0);
    storekit_page(op, "Half", "hal", "hal");
    op->u.visit.state = STATE_FAILED;
    op->u.visit.outcome = "incomplete";
    op->u.visit.body_is_final = false;
    do_op(k, op);
    assert_text(k, "SELECT title FROM pages", "Title");
    assert_text(k, "SELECT count(*) FROM links", "1");
    assert_text(k, "SELECT sha256 IS NULL FROM fetches WHERE id = 2", "1");
}

static void content_that_is_gone_becomes_history(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");
    struct store_offer target = storekit_offer("http://a.example/new", HOP_REDIRECT, 0);
    struct store_op *op;

    storekit_fetch(k, id, 0, "body", LIST("http://a.example/x"));
    begin_again(k);
    op = storekit_visit(id, 1, 0);
    op->u.visit.outcome = "redirect";
    op->u.visit.status_code = 301;
    op->u.visit.redirect = &target;
    do_op(k, op);
    assert_text(k, "SELECT count(*) FROM pages", "0");
    assert_text(k, "SELECT count(*) FROM links", "0");
    assert_text(k, "SELECT title FROM page_history", "Title");
}

/* One night a server may send its pages with a wrong type: they are pages again once it is mended. */
static void a_page_of_another_type_is_none_until_it_is_one_again(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");
    struct store_op *op;

    storekit_fetch(k, id, 0, "body", LIST("http://a.example/x"));
    begin_again(k);
    op = storekit_visit(id, 1, 0);
    op->u.visit.state = STATE_EXCLUDED;
    op->u.visit.reason = REASON_CONTENT_TYPE;
    op->u.visit.rule = SPAN("content-type: application/octet-stream");
    do_op(k, op);
    assert_text(k, "SELECT count(*) FROM pages", "0");
    assert_text(k, "SELECT count(*) FROM links", "0");
    assert_text(k, "SELECT title FROM page_history", "Title");
    assert_text(k, "SELECT interval_ms / 3600000 FROM urls", "12");

    begin_again(k);
    assert_text(k, "SELECT state FROM urls", "queued");
    storekit_fetch(k, id, 0, "body", LIST("http://a.example/x"));
    assert_text(k, "SELECT state || (SELECT count(*) FROM pages) FROM urls",
                "fetched1");
}

static void noindex_is_kept_out_of_full_text(void **state)
{
    struct storekit *k = *state;
    struct store_op *op = storekit_visit(storekit_seed(k, "http://a.example/"), 1, 0);

    storekit_page(op, "Secret", "some text", "body")->is_noindex = true;
    do_op(k, op);
    assert_text(k, "SELECT title || ' ' || (text_id IS NULL) FROM pages", "Secret 1");
    assert_text(k, "SELECT count(*) FROM page_text WHERE page_text MATCH 'some'", "0");
}

static void text_is_indexed_only_where_it_is_kept(void **state)
{
    struct storekit *k = *state;

    storekit_stop(k, true);
    k->options.keeps_text = false;
    storekit_open(k, REVISIT_ALL);
    storekit_fetch(k, storekit_seed(k, "http://a.example/"), 0, "body", NULL);
    assert_text(k, "SELECT text_id IS NULL FROM pages", "1");
}

/* --- bodies and history ----------------------------------------------------------- */

static void fetch_body(struct storekit *k, int64_t id, const char *content)
{
    struct store_op *op = storekit_visit(id, 1, 0);

    storekit_body(op, storekit_page(op, "t", "text", content), span_str(content));
    do_op(k, op);
}

static void equal_bodies_are_stored_once(void **state)
{
    struct storekit *k = *state;

    fetch_body(k, storekit_seed(k, "http://a.example/1"), "the same");
    fetch_body(k, storekit_seed(k, "http://a.example/2"), "the same");
    fetch_body(k, storekit_seed(k, "http://a.example/3"), "another");
    assert_text(k, "SELECT group_concat(id || ' ' || size || ' ' || codec) FROM bodies",
                "1 8 zstd,2 7 zstd");
    assert_text(k, "SELECT group_concat(refs) FROM body", "2,1");
    assert_text(k,
                "SELECT count(*) FROM fetches f JOIN bodies b ON b.id = f.body_id AND"
                " b.sha256 = f.sha256",
                "3");
    assert_text(k, "SELECT group_concat(copies || ' ' || url) FROM duplicates",
                "2 http://a.example/1,2 http://a.example/2");
}

/* The index has the first eight bytes of a hash: they find a body and do not decide. */
static void bodies_are_found_by_the_start_of_their_hash(void **state)
{
    struct storekit *k = *state;
    int64_t a = storekit_seed(k, "http://a.example/1"),
            b = storekit_seed(k, "http://a.example/2");

    for (int i = 0; i < 5; i++) {
        struct store_op *op = storekit_visit(i % 2 ? a : b, 1, 0);
        struct page_facts *f = storekit_page(op, "t", "text", i < 2 ? "one" : "two");

        storekit_body(op, f, span_str(i < 2 ? "one" : "two"));
        memset(f->sha256, 7, 8);
        do_op(k, op);
        if (i != 3)
            continue;
        assert_text(k, "SELECT group_concat(size || ' ' || refs) FROM body", "3 2,3 2");
        storekit_finish(k); /* from memory into the table */
        storekit_open(k, REVISIT_NONE);
    }
    assert_text(k, "SELECT group_concat(size || ' ' || refs) FROM body", "3 2,3 3");
    storekit_finish(k);
    assert_int_equal(storekit_int(k, "SELECT count(DISTINCT hash) FROM body_by_hash"), 1);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM body_by_hash"), 2);
    storekit_open(k, REVISIT_NONE);
}

static void history_is_pruned_with_its_bodies(void **state)
{
    struct storekit *k = *state;
    static const char *const contents[] = { "one", "two", "three", "four" };
    int64_t id;

    storekit_stop(k, true);
    k->options.keep_history = 2;
    storekit_open(k, REVISIT_ALL);
    id = storekit_seed(k, "http://a.example/");
    for (size_t i = 0; i < ARRAY_LEN(contents); i++) {
        fetch_body(k, id, contents[i]);
        begin_again(k);
    }
    assert_text(k, "SELECT group_concat(id) FROM fetches", "3,4");
    assert_text(k, "SELECT group_concat(fetch_id) FROM page_history", "3");
    assert_text(k, "SELECT count(*) FROM bodies", "2");
}

static void pruning_keeps_the_fetch_that_the_page_is_from(void **state)
{
    struct storekit *k = *state;
    int64_t id;

    storekit_stop(k, true);
    k->options.keep_history = 1;
    k->options.keeps_text = false; /* or the text's row would keep it */
    storekit_open(k, REVISIT_ALL);
    id = storekit_seed(k, "http://a.example/");
    fetch_body(k, id, "content");
    for (int i = 0; i < 3; i++) {
        struct store_op *op;

        begin_again(k);
        op = storekit_visit(id, 1, 0);
        op->u.visit.state = STATE_NOT_MODIFIED;
        op->u.visit.outcome = "not_modified";
        do_op(k, op);
    }
    assert_text(k, "SELECT group_concat(id) FROM fetches", "1,4");
    assert_text(k, "SELECT fetch_id FROM pages", "1");
    assert_text(k, "SELECT count(*) FROM bodies", "1");
}

/* Answers with an outcome and no content, in a run of its own. */
static void answer(struct storekit *k, int64_t id, const char *outcome, int status)
{
    struct store_op *op;

    begin_again(k);
    op = storekit_visit(id, 1, 0);
    op->u.visit.outcome = outcome;
    op->u.visit.status_code = status;
    if (strcmp(outcome, "not_modified") == 0)
        op->u.visit.state = STATE_NOT_MODIFIED;
    if (!status) {
        op->u.visit.state = STATE_FAILED;
        op->u.visit.counts_as_page = false;
    }
    do_op(k, op);
}

static void history_keeps_the_answer_that_its_oldest_fetch_rests_on(void **state)
{
    struct storekit *k = *state;
    int64_t id;

    storekit_stop(k, true);
    k->options.keep_history = 2;
    storekit_open(k, REVISIT_ALL);
    id = storekit_seed(k, "http://a.example/");
    fetch_body(k, id, "one");
    answer(k, id, "not_modified", 304);
    answer(k, id, "timeout", 0);
    begin_again(k);
    fetch_body(k, id, "two");
    /* The timeout of run 3 says nothing; the page was what fetch 1 brought. */
    assert_text(k, "SELECT group_concat(id) FROM fetches", "1,3,4");
    assert_text(k, "SELECT group_concat(fetch_id) FROM page_history", "1");
    assert_text(k, "SELECT value FROM meta WHERE name = 'history_lost'", "2");
    begin_again(k);
    fetch_body(k, id, "three");
    begin_again(k);
    fetch_body(k, id, "four");
    assert_text(k, "SELECT group_concat(id) FROM fetches", "5,6");
    assert_text(k, "SELECT value FROM meta WHERE name = 'history_lost'", "4");
}

static void a_row_of_the_history_keeps_the_fetch_that_brought_its_text(void **state)
{
    struct storekit *k = *state;
    int64_t id;

    storekit_stop(k, true);
    k->options.keep_history = 2;
    storekit_open(k, REVISIT_ALL);
    id = storekit_seed(k, "http://a.example/");
    for (int i = 0; i < 3; i++) {
        fetch_body(k, id, "same");
        begin_again(k);
    }
    fetch_body(k, id, "other");
    assert_text(k, "SELECT group_concat(id) FROM fetches", "1,3,4");
    assert_text(k, "SELECT fetch_id FROM page_history", "1");
}

/* However often it was tried in the last run: what the run before was told stays. */
static void tries_of_one_run_count_once(void **state)
{
    struct storekit *k = *state;
    int64_t id;

    storekit_stop(k, true);
    k->options.keep_history = 2;
    storekit_open(k, REVISIT_ALL);
    id = storekit_seed(k, "http://a.example/");
    fetch_body(k, id, "one");
    for (int run = 2; run <= 3; run++) {
        answer(k, id, "http_error", 500);
        for (int i = 0; i < 2; i++) {
            struct store_op *op = storekit_visit(id, 1, 0);

            op->u.visit.outcome = "http_error";
            op->u.visit.status_code = 500;
            do_op(k, op);
        }
    }
    assert_text(
        k, "SELECT group_concat(DISTINCT run_id) FROM fetches WHERE status_code = 500",
        "2,3");
    assert_text(k, "SELECT value FROM meta WHERE name = 'history_lost'", "1");
}

static void lead_elsewhere(struct storekit *k, int64_t id)
{
    struct store_offer target = storekit_offer("http://a.example/new", HOP_REDIRECT, 0);
    struct store_op *op = storekit_visit(id, 1, 0);

    op->u.visit.outcome = "redirect";
    op->u.visit.status_code = 301;
    op->u.visit.redirect = &target;
    do_op(k, op);
}

/* A URL that is a page and a redirect in turn must not leave a row a run for ever. */
static void redirects_of_the_past_go_with_the_history(void **state)
{
    struct storekit *k = *state;
    int64_t id;

    storekit_stop(k, true);
    k->options.keep_history = 1;
    storekit_open(k, REVISIT_ALL);
    id = storekit_seed(k, "http://a.example/");
    for (int i = 0; i < 3; i++) {
        lead_elsewhere(k, id);
        begin_again(k);
        fetch_body(k, id, "page");
        begin_again(k);
    }
    assert_text(k, "SELECT group_concat(run_id) FROM redirects", "5");
}

/* --- revisits --------------------------------------------------------------------- */

static void what_is_gone_is_asked_less_often_from_the_second_time_on(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");
    static const char *const bodies[] = { "Not here, 10:00", "Not here, 11:00",
                                          "Not here, 12:00" };
    static const char *const hours[] = { "12", "18", "27" };

    storekit_fetch(k, id, 0, "one", NULL);
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        struct store_op *op;

        begin_again(k);
        op = storekit_visit(id, 1, 0);
        op->u.visit.outcome = "http_error";
        op->u.visit.status_code = 404;
        storekit_page(op, "Not found", bodies[i], bodies[i]);
        do_op(k, op);
        assert_text(k, "SELECT interval_ms / 3600000 FROM urls", hours[i]);
    }
    begin_again(k);
    storekit_fetch(k, id, 0, "one", NULL);
    assert_text(k, "SELECT interval_ms / 3600000 FROM urls", "13");
}

static void a_redirect_that_appears_or_turns_is_a_change(void **state)
{
    static const char *const targets[] = { "/x", "/x", "/y" };
    static const char *const hours[] = { "12", "18", "9" };
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");

    storekit_fetch(k, id, 0, "one", NULL);
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        struct store_op *op;

        begin_again(k);
        op = storekit_visit(id, 1, 0);
        op->u.visit.outcome = "redirect";
        op->u.visit.status_code = 301;
        op->u.visit.location = span_str(targets[i]);
        do_op(k, op);
        assert_text(k, "SELECT interval_ms / 3600000 FROM urls", hours[i]);
    }
}

static void a_redirect_that_ends_is_a_change(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");
    struct store_op *op = storekit_visit(id, 1, 0);

    op->u.visit.outcome = "redirect";
    op->u.visit.status_code = 301;
    op->u.visit.location = SPAN("/x");
    do_op(k, op);
    assert_text(k, "SELECT interval_ms / 3600000 FROM urls", "24");
    begin_again(k);
    storekit_fetch(k, id, 0, "one", NULL);
    assert_text(k, "SELECT interval_ms / 3600000 FROM urls", "12");
}

static void headers_that_change_the_page_leave_the_row_of_before(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");

    for (int i = 0; i < 3; i++) {
        struct store_op *op = storekit_visit(id, 1, 0);
        struct page_facts *f = storekit_page(op, "Title", "text", "body");

        f->x_robots_tag = i ? SPAN("nosnippet") : SPAN("noarchive");
        f->canonical = i < 2 ? SPAN("http://a.example/one") : SPAN("http://a.example/two");
        do_op(k, op);
        begin_again(k);
    }
    assert_text(k, "SELECT x_robots_tag || ' ' || canonical_url FROM pages", "nosnippet http://a.example/two");
    assert_text(k, "SELECT group_concat(x_robots_tag || ' ' || canonical_url) FROM page_history",
                "noarchive http://a.example/one,nosnippet http://a.example/one");
}

static void an_error_page_gives_no_validators(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");
    struct store_op *op = storekit_visit(id, 1, 0);

    op->u.visit.outcome = "http_error";
    op->u.visit.status_code = 404;
    op->u.visit.etag = SPAN("\"error\"");
    storekit_page(op, "Not found", "text", "body");
    do_op(k, op);
    begin_again(k);
    op = storekit_refill(k, 1, ORDER_BFS, 10);
    assert_int_equal(op->u.refill.n_items, 1);
    assert_int_equal(op->u.refill.items[0].etag.len, 0);
    store_op_free(op);
}

static const struct interval_row {
    const char *label;
    int64_t last_hours;
    bool has_changed;
    int64_t want_hours;
} interval_rows[] = {
    { "the first interval is a day", 0, false, 24 },
    { "a page that changed: half", 10, true, 5 },
    { "a page that did not: half as much again", 10, false, 15 },
    { "never under the minimum", 1, true, 1 },
    { "never over the maximum", 700, false, 720 },
};

static void interval(void **state)
{
    const struct interval_row *row = *state;
    struct store_options options = { .revisit_min_ms = HOUR,
                                     .revisit_max_ms = 720 * HOUR };

    assert_int_equal(
        visits_interval(&options, row->last_hours * HOUR, row->has_changed),
        row->want_hours * HOUR);
}

static void the_interval_follows_the_changes_of_a_page(void **state)
{
    struct storekit *k = *state;
    int64_t id = storekit_seed(k, "http://a.example/");

    storekit_fetch(k, id, 0, "one", NULL);
    assert_text(k, "SELECT interval_ms / 3600000 FROM urls", "24");
    assert_int_equal(storekit_int(k, "SELECT next_fetch_at FROM urls"),
                     STOREKIT_NOW + 24 * HOUR);
    begin_again(k);
    storekit_fetch(k, id, 0, "two", NULL);
    assert_text(k, "SELECT interval_ms / 3600000 FROM urls", "12");
    begin_again(k);
    storekit_fetch(k, id, 0, "two", NULL);
    assert_text(k, "SELECT interval_ms / 3600000 FROM urls", "18");
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, storekit_set_up, storekit_tear_down)

int main(void)
{
    struct CMUnitTest tests[48] = {
        WITH_STORE(a_page_is_stored_with_all_it_brought),
        WITH_STORE(headers_become_lists_of_name_and_value),
        WITH_STORE(outside_text_is_repaired_and_bounded),
        WITH_STORE(a_retry_keeps_the_url_queued),
        WITH_STORE(a_failed_url_says_the_outcome),
        WITH_STORE(a_refusal_needs_no_request),
        WITH_STORE(a_redirect_makes_its_target_a_url_of_its_own),
        WITH_STORE(the_same_body_keeps_links_text_and_the_fetch_that_brought_it),
        WITH_STORE(full_text_of_a_huge_page_is_all_found),
        WITH_STORE(full_text_that_is_laid_out_as_nobody_knows_is_left_to_fts5),
        WITH_STORE(another_body_moves_the_old_page_into_history),
        WITH_STORE(changed_links_of_the_same_body_are_replaced),
        WITH_STORE(links_stand_in_the_order_of_writing),
        WITH_STORE(a_page_without_links_has_no_number_that_another_could_get),
        WITH_STORE(where_the_last_links_stood_the_next_ones_may_stand),
        WITH_STORE(links_removed_in_the_same_transaction_make_room_too),
        WITH_STORE(links_go_behind_those_that_another_program_wrote),
        WITH_STORE(a_304_keeps_page_and_links),
        WITH_STORE(a_failure_keeps_page_and_links),
        WITH_STORE(content_that_is_gone_becomes_history),
        WITH_STORE(a_page_of_another_type_is_none_until_it_is_one_again),
        WITH_STORE(noindex_is_kept_out_of_full_text),
        WITH_STORE(text_is_indexed_only_where_it_is_kept),
        WITH_STORE(equal_bodies_are_stored_once),
        WITH_STORE(bodies_are_found_by_the_start_of_their_hash),
        WITH_STORE(history_is_pruned_with_its_bodies),
        WITH_STORE(pruning_keeps_the_fetch_that_the_page_is_from),
        WITH_STORE(the_interval_follows_the_changes_of_a_page),
        WITH_STORE(history_keeps_the_answer_that_its_oldest_fetch_rests_on),
        WITH_STORE(a_row_of_the_history_keeps_the_fetch_that_brought_its_text),
        WITH_STORE(tries_of_one_run_count_once),
        WITH_STORE(redirects_of_the_past_go_with_the_history),
        WITH_STORE(what_is_gone_is_asked_less_often_from_the_second_time_on),
        WITH_STORE(a_redirect_that_appears_or_turns_is_a_change),
        WITH_STORE(a_redirect_that_ends_is_a_change),
        WITH_STORE(headers_that_change_the_page_leave_the_row_of_before),
        WITH_STORE(an_error_page_gives_no_validators),
    };
    size_t n = 0;

    while (tests[n].name)
        n++;
    for (size_t i = 0; i < ARRAY_LEN(interval_rows); i++)
        tests[n++] = (struct CMUnitTest){ interval_rows[i].label, interval, NULL, NULL,
                                          (void *)(uintptr_t)&interval_rows[i] };
    return _cmocka_run_group_tests("store/visits", tests, n, NULL, NULL);
}
