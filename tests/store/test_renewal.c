/* SPDX-License-Identifier: MIT */
/*
 * Full text that no page has any more goes out of the file (with --keep-history), and none that one has.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/statvfs.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "tests/kit/storekit.h"

#define N_PAGES 70 /* more than a step takes */

static struct storekit kit;
static size_t op_bytes = MIB;
static int64_t free_bytes; /* of the disk; -1: it cannot be asked */

/* In place of the C library's. */
int statvfs(const char *path, struct statvfs *out)
{
    (void)path;
    *out = (struct statvfs){ .f_frsize = 1, .f_bavail = (fsblkcnt_t)MAX(free_bytes, 0) };
    return free_bytes < 0 ? -1 : 0;
}

static int set_up(void **state)
{
    free_bytes = INT64_C(1) << 40;
    storekit_init(&kit);
    kit.options.keep_history = 1;
    *state = &kit;
    return 0;
}

/* Page i as run r finds it: with the words runR and pageI, and a body unless it is to be left out. */
static void fetch(struct storekit *k, int i, int run, bool has_body)
{
    char url[64], text[64], title[64];
    struct store_op *op;
    struct page_facts *f;

    snprintf(url, sizeof url, "http://a.example/%d", i);
    snprintf(text, sizeof text, "run%d page%d", run, i);
    snprintf(title, sizeof title, "title%d of %d", i, run);
    op = storekit_visit(storekit_seed(k, url), 1, 0);
    f = storekit_page(op, title, text, text);
    f->description = SPAN("about it");
    if (has_body)
        f->body = arena_copy(&op->mem, span_str(text)); /* packed or not is not the store's concern */
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

static void crawl(struct storekit *k, int n_runs, bool has_body)
{
    for (int run = 1; run <= n_runs; run++) {
        storekit_open(k, REVISIT_ALL);
        for (int i = 0; i < N_PAGES; i++)
            fetch(k, i, run, has_body || i);
        storekit_finish(k);
    }
}

/* One step: gives back what the last one gave, whose text is "again " and the body. */
static struct store_op *step(struct storekit *k, struct store_op *last)
{
    struct store_op *op = store_op_new(STORE_TEXTS, op_bytes);
    size_t n = last ? last->u.texts.n_next : 0;

    for (size_t i = 0; i < n; i++)
        last->u.texts.next[i].text =
            arena_format(&last->mem, "again %.*s", SPAN_ARG(last->u.texts.next[i].data));
    if (last) {
        op->u.texts.done = last->u.texts.next;
        op->u.texts.n_done = n;
        op->u.texts.after = n ? last->u.texts.next[n - 1].id : last->u.texts.after;
    }
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    if (last)
        store_op_free(last);
    return op;
}

/* All steps; how many texts there were. */
static int64_t renew(struct storekit *k, bool *out_is_renewed)
{
    struct store_op *op = NULL;
    int64_t n = 0;

    do {
        op = step(k, op);
        n += (int64_t)op->u.texts.n_next;
    } while (!op->u.texts.is_over);
    *out_is_renewed = op->u.texts.is_renewed;
    store_op_free(op);
    return n;
}

static int64_t n_texts(struct storekit *k)
{
    return storekit_int(k, "SELECT count(*) FROM page_text_docsize");
}

static void texts_out_of_use_go_and_the_others_stay(void **state)
{
    struct storekit *k = *state;
    bool is_renewed;

    crawl(k, 3, true);
    assert_int_equal(n_texts(k), 3 * N_PAGES);
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(renew(k, &is_renewed), N_PAGES);
    assert_true(is_renewed);
    assert_int_equal(n_texts(k), N_PAGES);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM page_text WHERE page_text MATCH 'run3'"), N_PAGES);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM page_text WHERE page_text MATCH 'run2'"), 0);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM page_text JOIN page p ON p.text_id = page_text.rowid"
                                     " JOIN url u ON u.id = p.url_id WHERE page_text MATCH"
                                     " 'title : title69 AND description : about AND text : again AND page69'"
                                     " AND u.url = 'http://a.example/69'"),
                     1);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%new%'"), 0);
    assert_int_equal(renew(k, &is_renewed), 0); /* done */
    assert_false(is_renewed);
    fetch(k, 0, 4, true); /* and the writer goes on with the new one */
    assert_int_equal(n_texts(k), N_PAGES + 1);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM page_text WHERE page_text MATCH 'run4'"), 1);
    assert_int_equal(storekit_int(k, "SELECT v FROM page_text_config WHERE k = 'automerge'"), 0);
}

static void history_that_is_kept_is_found_too(void **state)
{
    struct storekit *k = *state;
    bool is_renewed;

    k->options.keep_history = 2;
    crawl(k, 5, true);
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(renew(k, &is_renewed), 2 * N_PAGES);
    assert_true(is_renewed);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM page_text JOIN page_old o ON o.text_id = page_text.rowid"
                                     " WHERE page_text MATCH 'again AND run4 AND title : 4'"),
                     N_PAGES);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM page_text WHERE page_text MATCH 'run3'"), 0);
}

static int64_t lacking(struct storekit *k)
{
    struct store_op *op = step(k, NULL);
    int64_t n = op->u.texts.lacking;

    assert_true(op->u.texts.is_over || !n);
    store_op_free(op);
    return n;
}

/* The second index may take as much as the whole file, and --min-free stays free beside it. */
static void without_room_for_a_second_one_nothing_begins(void **state)
{
    struct storekit *k = *state;
    bool is_renewed;
    int64_t bytes;

    k->options.min_free_bytes = 1000;
    crawl(k, 3, true);
    storekit_open(k, REVISIT_ALL);
    bytes = storekit_int(k, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    free_bytes = 1000;
    assert_int_equal(lacking(k), bytes);
    free_bytes = bytes + 999;
    assert_int_equal(lacking(k), 1);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%new%'"), 0);
    assert_int_equal(n_texts(k), 3 * N_PAGES);
    free_bytes = -1;
    assert_int_equal(lacking(k), bytes + 1000);
    free_bytes = bytes + 1000;
    assert_int_equal(renew(k, &is_renewed), N_PAGES);
    assert_true(is_renewed);
    free_bytes = 1000; /* and where none is due, none is missed */
    assert_int_equal(lacking(k), 0);
}

static void it_waits_until_more_than_half_is_out_of_use(void **state)
{
    struct storekit *k = *state;
    bool is_renewed;

    crawl(k, 2, true);
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(renew(k, &is_renewed), 0);
    fetch(k, 0, 3, true);
    assert_int_equal(renew(k, &is_renewed), N_PAGES);
    assert_true(is_renewed);
}

static void without_keep_history_all_stays(void **state)
{
    struct storekit *k = *state;
    bool is_renewed;

    k->options.keep_history = 0;
    crawl(k, 3, true);
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(renew(k, &is_renewed), 0);
    assert_false(is_renewed);
    assert_int_equal(n_texts(k), 3 * N_PAGES);
}

static void a_text_whose_body_is_not_stored_is_not_given_up(void **state)
{
    struct storekit *k = *state;
    bool is_renewed;

    crawl(k, 3, false); /* page 0 has none */
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(renew(k, &is_renewed), 0);
    assert_false(is_renewed);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM page_text WHERE page_text MATCH 'run3 AND page0'"), 1);
}

/* The text of a body that does not fit into the op cannot be had. */
static void a_body_too_large_for_the_op_leaves_all_as_it_was(void **state)
{
    static char large[200 * KIB];
    struct storekit *k = *state;
    bool is_renewed;
    struct store_op *op;

    crawl(k, 3, true);
    storekit_open(k, REVISIT_ALL);
    memset(large, 'x', sizeof large - 1);
    op = storekit_visit(storekit_seed(k, "http://a.example/69"), 1, 0);
    storekit_page(op, "large", "large", "large")->body = span_str(large); /* packed or not is not the store's concern */
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);

    op_bytes = 100 * KIB;
    assert_int_equal(renew(k, &is_renewed), N_PAGES - 1);
    assert_false(is_renewed);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%new%'"), 0);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM page_text WHERE page_text MATCH 'run2'"), N_PAGES);
    op_bytes = MIB;
    assert_int_equal(renew(k, &is_renewed), N_PAGES);
    assert_true(is_renewed);
}

/* A few packed bytes may be a large text: what a step gives has a bound unpacked, too. */
static void a_step_has_few_large_texts(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;
    sqlite3 *handle;

    crawl(k, 3, true);
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "UPDATE body SET size = 3000000", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(handle);
    op = step(k, NULL);
    assert_int_equal(op->u.texts.n_next, 3);
    store_op_free(op);
}

/* As after a kill: searches find what they found, and the rest is gone at the next start. */
static void what_was_left_half_done_is_dropped(void **state)
{
    struct storekit *k = *state;
    struct store_op *op;
    bool is_renewed;

    crawl(k, 3, true);
    storekit_open(k, REVISIT_ALL);
    op = step(k, step(k, NULL));
    assert_false(op->u.texts.is_over);
    store_op_free(op);
    assert_true(storekit_int(k, "SELECT count(*) FROM page_text_new_docsize") > 0);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM page_text WHERE page_text MATCH 'run3'"), N_PAGES);
    storekit_finish(k);
    storekit_open(k, REVISIT_ALL);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%new%'"), 0);
    assert_int_equal(n_texts(k), 3 * N_PAGES);
    assert_int_equal(renew(k, &is_renewed), N_PAGES);
    assert_true(is_renewed);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}

#define WITH_KIT(test) cmocka_unit_test_setup_teardown(test, set_up, storekit_tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_KIT(texts_out_of_use_go_and_the_others_stay),
        WITH_KIT(history_that_is_kept_is_found_too),
        WITH_KIT(without_room_for_a_second_one_nothing_begins),
        WITH_KIT(it_waits_until_more_than_half_is_out_of_use),
        WITH_KIT(without_keep_history_all_stays),
        WITH_KIT(a_text_whose_body_is_not_stored_is_not_given_up),
        WITH_KIT(a_body_too_large_for_the_op_leaves_all_as_it_was),
        WITH_KIT(a_step_has_few_large_texts),
        WITH_KIT(what_was_left_half_done_is_dropped),
    };

    return cmocka_run_group_tests_name("store/renewal", tests, NULL, NULL);
}
