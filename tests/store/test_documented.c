/* SPDX-License-Identifier: MIT */
/* The queries that README.md and docs/schema.md show: that they run in plain SQLite, and tell what stands above them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/buf.h"
#include "config/io.h"
#include "tests/kit/storekit.h"

#define FENCE "```sql\n"

static struct storekit kit;

static void visit(struct storekit *k, const char *url, const char *title, const char *text, const char *body)
{
    struct store_op *op = storekit_visit(storekit_id(k, url), 1, 0);

    storekit_page(op, title, text, body);
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

/* Two runs: of three pages one is new in the second, one has another title and body, and one was sent again as it was. */
static void fill(struct storekit *k)
{
    storekit_open(k, REVISIT_ALL);
    storekit_seed(k, "http://a.example/same");
    storekit_seed(k, "http://a.example/changed");
    visit(k, "http://a.example/same", "Same", "a crawler and its politeness", "<p>the same");
    visit(k, "http://a.example/changed", "Before", "near politeness", "<p>before");
    storekit_finish(k);
    storekit_open(k, REVISIT_ALL);
    storekit_seed(k, "http://a.example/new");
    visit(k, "http://a.example/same", "Same", "a crawler and its politeness", "<p>the same");
    visit(k, "http://a.example/changed", "After", "the crawler itself", "<p>after");
    visit(k, "http://a.example/new", "New", "of a crawler", "<p>new");
    storekit_finish(k);
}

static int set_up(void **state)
{
    storekit_init(&kit);
    fill(&kit);
    *state = &kit;
    return 0;
}

/* --- the text ------------------------------------------------------------------------- */

static void read_file(const char *path, struct buf *out)
{
    struct err_note note = { "" };

    buf_init(out, MIB);
    if (io_read_file(path, out, &note) || buf_append_byte(out, '\0'))
        fail_msg("%s", note.text);
}

/* The first column of a query's rows, each with a comma behind it; a query that does not run fails the test. */
static void ask(struct storekit *k, const char *sql, struct buf *out)
{
    sqlite3_stmt *st = NULL;
    sqlite3 *handle = NULL;
    int rc = sqlite3_open_v2(k->path, &handle, SQLITE_OPEN_READONLY, NULL);

    buf_init(out, MIB);
    for (const char *rest = sql; rc == SQLITE_OK && *rest;) {
        rc = sqlite3_prepare_v2(handle, rest, -1, &st, &rest);
        while (rc == SQLITE_OK && st && (rc = sqlite3_step(st)) == SQLITE_ROW) {
            const unsigned char *text = sqlite3_column_text(st, 0);

            rc = buf_printf(out, "%s,", text ? (const char *)text : "") ? SQLITE_NOMEM : SQLITE_OK;
        }
        if (rc == SQLITE_DONE)
            rc = SQLITE_OK;
        sqlite3_finalize(st);
        st = NULL;
    }
    if (rc != SQLITE_OK || buf_append_byte(out, '\0'))
        fail_msg("%s: %s", sqlite3_errmsg(handle), sql);
    sqlite3_close(handle);
}

/* Checks what the query below this heading answers. */
static void check(struct storekit *k, const char *path, const char *heading, const char *wanted)
{
    struct buf text, got;
    char *at, *end;

    read_file(path, &text);
    at = strstr(text.ptr, heading);
    if (!at)
        fail_msg("%s has no '%s'", path, heading);
    end = strstr(at, ";\n");
    assert_non_null(end);
    *end = '\0';
    ask(k, at, &got);
    assert_string_equal(got.ptr, wanted);
    buf_clear(&got);
    buf_clear(&text);
}

static size_t run_all(struct storekit *k, const char *path)
{
    struct buf text, got;
    size_t n = 0;

    read_file(path, &text);
    for (char *at = text.ptr, *end; (at = strstr(at, FENCE)); at = end + 1, n++) {
        at += strlen(FENCE);
        end = strstr(at, "```");
        assert_non_null(end);
        *end = '\0';
        ask(k, at, &got);
        buf_clear(&got);
    }
    buf_clear(&text);
    return n;
}

/* --- what is said ---------------------------------------------------------------------- */

static void every_query_that_is_shown_runs(void **state)
{
    assert_int_equal(run_all(*state, "README.md"), 1);
    assert_int_equal(run_all(*state, "docs/schema.md"), 1);
    assert_int_equal(run_all(*state, "docs/extraction.md"), 1);
}

static void what_was_sent_again_as_it_was_has_not_changed(void **state)
{
    check(*state, "README.md", "-- 9. What is new", "http://a.example/changed,http://a.example/new,");
}

static void another_title_than_before_is_found(void **state)
{
    check(*state, "docs/schema.md", "-- Pages whose title", "http://a.example/changed,");
}

static void words_near_each_other_are_found_and_near_is_no_word(void **state)
{
    check(*state, "docs/schema.md", "-- Full text", "http://a.example/same,");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_query_that_is_shown_runs),
        cmocka_unit_test(what_was_sent_again_as_it_was_has_not_changed),
        cmocka_unit_test(another_title_than_before_is_found),
        cmocka_unit_test(words_near_each_other_are_found_and_near_is_no_word),
    };

    return cmocka_run_group_tests_name("store/documented", tests, set_up, storekit_tear_down);
}
