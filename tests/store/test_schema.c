/* SPDX-License-Identifier: MIT */
/* The public names: tables, views, columns and words that docs/schema.md promises. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/schema.h"
#include "tests/kit/storekit.h"

static struct storekit kit;

static int set_up(void **state)
{
    storekit_init(&kit);
    storekit_open(&kit, REVISIT_ALL);
    *state = &kit;
    return 0;
}

static const struct row {
    const char *label; /* the table */
    const char *columns;
} rows[] = {
    { "runs", "id, started_at, finished_at, state, stop_reason, version, settings" },
    { "seeds", "run_id, url_id, source, line" },
    { "hosts",
      "id, scheme, host, port, ip, robots_state, robots_fetched_at, crawl_delay_ms,"
      " next_fetch_at, failures,"
      " backoff_until, pages, bytes" },
    { "robots", "host_id, fetched_at, status_code, outcome, body, sha256, expires_at" },
    { "sitemaps", "url, host_id, fetched_at, status_code, outcome, entries" },
    { "urls",
      "id, url, key, host_id, state, reason, rule, depth, redirects, parent_id, hop,"
      " discovered_at,"
      " next_fetch_at, retries, priority, run_id" },
    { "fetches",
      "id, url_id, run_id, attempt, fetched_at, outcome, status_code, error,"
      " content_type, charset,"
      " charset_source, http_version, ip, size, wire_size, dns_ms, connect_ms,"
      " tls_ms, ttfb_ms, total_ms,"
      " etag, last_modified, location, sha256, body_id, request_headers, headers" },
    { "pages", "url_id, fetch_id, title, description, h1, canonical_url, robots_meta,"
               " x_robots_tag, lang, word_count,"
               " simhash, links_out, parse_outcome, facts, links_other" },
    { "page_history",
      "url_id, fetch_id, title, description, h1, canonical_url, robots_meta,"
      " x_robots_tag, lang,"
      " word_count, simhash, links_out, parse_outcome, facts, links_other" },
    { "links", "src_id, dst_id, kind, rel, nofollow, anchor, position" },
    { "redirects", "src_id, dst_id, status_code, run_id" },
    { "bodies", "id, sha256, codec, size, data" },
    { "page_text", "title, description, text, rowid" },
    { "dictionaries", "id, made_at, data" },
    { "events", "run_id, at, level, component, event, url_id, detail" },
    { "crawl_log", "*" },
    { "internal_all", "*" },
    { "broken_links", "*" },
    { "redirect_chains", "*" },
    { "duplicates", "*" },
    { "near_duplicates", "*" },
    { "orphans", "*" },
    { "slow_pages", "*" },
    { "status_counts", "*" },
    { "host_summary", "*" },
    { "excluded", "*" },
    { "cdx", "*" },
};

static void is_there_with_its_columns(void **state)
{
    const struct row *row = *state;
    char sql[1024];

    storekit_init(&kit);
    storekit_open(&kit, REVISIT_ALL);
    storekit_fetch(&kit, storekit_seed(&kit, "http://a.example/"), 0, "body",
                   (const char *[]){ "http://a.example/x", NULL });
    snprintf(sql, sizeof sql, "SELECT count(*) FROM (SELECT %s FROM %s)", row->columns,
             row->label);
    assert_true(storekit_int(&kit, sql) >= 0);
    storekit_clear(&kit);
}

/* --- words ------------------------------------------------------------------------ */

static void exec(struct storekit *k, const char *sql)
{
    struct db *d;

    assert_int_equal(db_open(k->path, &d, NULL), OK);
    if (db_exec(d, sql))
        fail_msg("%s", d->note.text);
    db_close(d);
}

/* The word that a view shows for a number; the numbers may never change. */
static void assert_word(struct storekit *k, const char *set, const char *get,
                        int number, const char *want)
{
    char sql[128], text[512];

    snprintf(sql, sizeof sql, "%s%d", set, number);
    exec(k, sql);
    assert_string_equal(storekit_text(k, get, text), want[0] ? want : "NULL");
}

static void every_state_has_its_word(void **state)
{
    storekit_seed(*state, "http://a.example/");
    for (int i = 0; i < N_URL_STATES; i++)
        assert_word(*state, "UPDATE url SET state = ", "SELECT state FROM urls", i,
                    vocab_state((enum url_state)i));
}

static void every_reason_has_its_word(void **state)
{
    storekit_seed(*state, "http://a.example/");
    for (int i = 1; i < N_URL_REASONS; i++)
        assert_word(*state,
                    "UPDATE url SET state = 4, reason = ", "SELECT reason FROM urls", i,
                    vocab_reason((enum url_reason)i));
}

static void every_hop_has_its_word(void **state)
{
    static const char *const words[] = {
#define X(name, text) text,
        URL_HOP_TABLE(X)
#undef X
    };

    storekit_seed(*state, "http://a.example/");
    for (int i = 0; i < N_URL_HOPS; i++)
        assert_word(*state, "UPDATE url SET hop = ", "SELECT hop FROM urls", i, words[i]);
}

static void every_link_kind_has_its_word(void **state)
{
    static const char *const words[] = {
#define X(name, text) text,
        LINK_KIND_TABLE(X)
#undef X
    };

    storekit_fetch(*state, storekit_seed(*state, "http://a.example/"), 0, "body",
                   (const char *[]){ "http://a.example/x", NULL });
    for (int i = 0; i < N_LINK_KINDS; i++)
        assert_word(*state, "UPDATE outlink SET bits = 64 + ",
                    "SELECT kind FROM links WHERE nofollow = 1", i, words[i]);
}

static void words_out_of_range_are_marked(void **state)
{
    (void)state;
    assert_string_equal(vocab_state((enum url_state)99), "?");
    assert_string_equal(vocab_reason((enum url_reason)99), "?");
}

/* --- views ------------------------------------------------------------------------ */

static void times_are_iso_in_views(void **state)
{
    struct storekit *k = *state;
    char text[512];

    storekit_fetch(k, storekit_seed(k, "http://a.example/"), 0, "body", NULL);
    assert_string_equal(storekit_text(k, "SELECT fetched_at FROM crawl_log", text),
                        "2026-11-21T00:00:00.000Z");
    assert_string_equal(storekit_text(k, "SELECT timestamp FROM cdx", text),
                        "20261121000000");
}

static void hop(struct storekit *k, const char *from, const char *to)
{
    struct store_op *op = storekit_visit(
        storekit_offer_one(k, storekit_offer(from, HOP_LINK, 1)).id, 1, 1);
    struct store_offer target = storekit_offer(to, HOP_REDIRECT, 1);

    op->u.visit.outcome = "redirect";
    op->u.visit.status_code = 302;
    op->u.visit.redirect = &target;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

static void redirect_chains_begin_at_their_head(void **state)
{
    struct storekit *k = *state;
    char text[512];

    hop(k, "http://a.example/1", "http://a.example/2");
    hop(k, "http://a.example/2", "http://a.example/3");
    assert_string_equal(
        storekit_text(
            k,
            "SELECT group_concat(path || ' ' || hops || is_loop) FROM redirect_chains",
            text),
        "http://a.example/1 -> http://a.example/2 -> http://a.example/3 20");
}

static void redirect_loops_are_seen(void **state)
{
    struct storekit *k = *state;

    hop(k, "http://a.example/1", "http://a.example/2");
    hop(k, "http://a.example/2", "http://a.example/3");
    hop(k, "http://a.example/3", "http://a.example/1");
    assert_int_equal(
        storekit_int(k, "SELECT count(*) FROM redirect_chains WHERE is_loop"), 3);
    assert_int_equal(storekit_int(k, "SELECT max(hops) FROM redirect_chains"), 3);
}

static void put_page(struct storekit *k, const char *url, const char *body,
                     uint64_t simhash)
{
    struct store_op *op = storekit_visit(
        storekit_offer_one(k, storekit_offer(url, HOP_LINK, 1)).id, 1, 1);
    struct page_facts *f = storekit_page(op, "t", "x", body);

    f->simhash = simhash;
    f->word_count = 100;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

static void near_duplicates_differ_in_three_bits_at_most(void **state)
{
    struct storekit *k = *state;
    char text[512];

    put_page(k, "http://a.example/1", "a", UINT64_C(0xfedcba9876543210));
    put_page(k, "http://a.example/2", "b", UINT64_C(0xfedcba9876543211));
    put_page(k, "http://a.example/3", "c", UINT64_C(0x7edcba9876543310));
    put_page(k, "http://a.example/4", "d", UINT64_C(0x0123456789abcdef));
    put_page(k, "http://a.example/5", "e", UINT64_C(0xfedcba98765432ff));
    assert_string_equal(
        storekit_text(
            k,
            "SELECT group_concat(substr(url_a, -1) || substr(url_b, -1) || distance)"
            " FROM (SELECT * FROM near_duplicates ORDER BY 1, 2)",
            text),
        "121,132,233");
}

static void the_sign_bit_counts_like_any_other(void **state)
{
    struct storekit *k = *state;

    put_page(k, "http://a.example/1", "a", UINT64_C(0x8000000000000001));
    put_page(k, "http://a.example/2", "b", UINT64_C(0x0000000000000001));
    assert_int_equal(storekit_int(k, "SELECT distance FROM near_duplicates"), 1);
}

static void broken_links_say_where_they_stand(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;
    char text[512];

    storekit_fetch(
        k, storekit_seed(k, "http://a.example/"), 0, "body",
        (const char *[]){ "http://a.example/gone", "http://a.example/fine", NULL });
    op = storekit_visit(2, 1, 1);
    op->u.visit.outcome = "http_error";
    op->u.visit.status_code = 404;
    storekit_page(op, "404", "not found", "404");
    storekit_do(k, op);
    store_op_free(op);
    storekit_fetch(k, 3, 1, "fine", NULL);
    assert_string_equal(
        storekit_text(
            k,
            "SELECT group_concat(src_url || '>' || dst_url || ' ' || status_code ||"
            " ' ' ||"
            " problem || ' ' || anchor) FROM broken_links",
            text),
        "http://a.example/>http://a.example/gone 404 http_error here");
}

static void put_error(struct storekit *k, const char *url)
{
    struct store_op *op = storekit_visit(storekit_seed(k, url), 1, 1);

    op->u.visit.outcome = "http_error";
    op->u.visit.status_code = 404;
    storekit_page(op, "404", "not found", "404");
    storekit_do(k, op);
    store_op_free(op);
}

static void orphans_have_no_link_to_them(void **state)
{
    struct storekit *k = *state;
    char text[512];

    storekit_fetch(k, storekit_seed(k, "http://a.example/"), 0, "body",
                   (const char *[]){ "http://a.example/x", NULL });
    storekit_fetch(k, storekit_id(k, "http://a.example/x"), 1, "x", NULL);
    put_page(k, "http://a.example/alone", "alone", 1);
    put_error(k, "http://a.example/missing");
    assert_string_equal(
        storekit_text(
            k, "SELECT group_concat(url) FROM (SELECT url FROM orphans ORDER BY url)",
            text),
        "http://a.example/,http://a.example/alone");
}

static void the_migrations_are_embedded(void **state)
{
    (void)state;
    assert_non_null(strstr(schema_sql(1), "CREATE TABLE url"));
    assert_null(schema_sql(0));
    assert_non_null(strstr(schema_sql(DB_SCHEMA_VERSION + 1), "CREATE VIEW urls"));
    assert_null(schema_sql(DB_SCHEMA_VERSION + 2));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, storekit_tear_down)

int main(void)
{
    struct CMUnitTest tests[48] = {
        WITH_STORE(every_state_has_its_word),
        WITH_STORE(every_reason_has_its_word),
        WITH_STORE(every_hop_has_its_word),
        WITH_STORE(every_link_kind_has_its_word),
        cmocka_unit_test(words_out_of_range_are_marked),
        WITH_STORE(times_are_iso_in_views),
        WITH_STORE(redirect_chains_begin_at_their_head),
        WITH_STORE(redirect_loops_are_seen),
        WITH_STORE(near_duplicates_differ_in_three_bits_at_most),
        WITH_STORE(the_sign_bit_counts_like_any_other),
        WITH_STORE(broken_links_say_where_they_stand),
        WITH_STORE(orphans_have_no_link_to_them),
        cmocka_unit_test(the_migrations_are_embedded),
    };
    size_t n = 0;

    while (tests[n].name)
        n++;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[n++] = (struct CMUnitTest){ rows[i].label, is_there_with_its_columns,
                                          NULL, NULL, (void *)(uintptr_t)&rows[i] };
    return _cmocka_run_group_tests("store/schema", tests, n, NULL, NULL);
}
