/* SPDX-License-Identifier: MIT */
/* Views of extraction sections, as any SQLite reader sees them. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "store/views.h"
#include "tests/kit/storekit.h"

static const struct span two_columns[] = { { "title", 5 }, { "Price-EUR", 9 } };
static const struct span odd_columns[] = { { "a\"b'c", 5 } };

static void begin_with(struct storekit *k, const struct store_view *views, size_t n,
                       enum err want)
{
    struct store_run_params params = { .version = SPAN("0"),
                                       .settings_json = SPAN("{}"),
                                       .revisit = REVISIT_ALL,
                                       .now_wall_ms = STOREKIT_NOW,
                                       .views = views,
                                       .n_views = n };
    struct err_note note = { "" };

    assert_int_equal(storekit_try_open(k, &note), OK);
    assert_int_equal(store_begin_run(k->store, &params, &k->run, &note), want);
    store_close(k->store, &note);
    k->store = NULL;
}

/* One page with these facts, in a finished run. */
static void store_page(struct storekit *k, const char *facts)
{
    struct store_op *op;
    int64_t id;

    storekit_open(k, REVISIT_ALL);
    id = storekit_seed(k, "http://a.example/");
    op = storekit_visit(id, storekit_int(k, "SELECT host_id FROM url"), 0);
    storekit_page(op, "title", "text", "body")->facts_json = span_str(facts);
    op->u.visit.fetched_at_ms = STOREKIT_NOW;
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
    storekit_finish(k);
}

static int set_up(void **state)
{
    static struct storekit k;

    storekit_init(&k);
    *state = &k;
    return 0;
}

static void a_view_has_a_column_for_each_value(void **state)
{
    const struct store_view view = { SPAN("product"), two_columns, 2 };
    struct storekit *k = *state;
    char text[512];

    store_page(k, "{\"extract\":{\"product\":{\"title\":\"x\",\"Price-EUR\":9.5}}}");
    begin_with(k, &view, 1, OK);
    assert_string_equal(
        storekit_text(
            k,
            "SELECT url || ' ' || fetched_at || ' ' || title || ' ' || typeof(\"Price-EUR\")"
            " FROM extract_product",
            text),
        "http://a.example/ 2026-11-21T00:00:00.000Z x real");
    assert_int_equal(
        storekit_int(k, "SELECT count(*) FROM pragma_table_info('extract_product')"),
        4);
}

static void pages_without_the_section_are_not_in_its_view(void **state)
{
    const struct store_view views[] = { { SPAN("product"), two_columns, 2 },
                                        { SPAN("other"), two_columns, 1 } };
    struct storekit *k = *state;

    store_page(k,
               "{\"extract\":{\"product\":{\"title\":null}},\"extract_error\":\"x\"}");
    begin_with(k, views, 2, OK);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM extract_product"), 1);
    assert_int_equal(storekit_int(k, "SELECT title IS NULL FROM extract_product"), 1);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM extract_other"), 0);
}

static void a_page_without_facts_disturbs_no_view(void **state)
{
    const struct store_view view = { SPAN("product"), two_columns, 2 };
    struct storekit *k = *state;

    store_page(k, "");
    begin_with(k, &view, 1, OK);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM extract_product"), 0);
}

static void a_view_follows_its_section(void **state)
{
    struct store_view view = { SPAN("product"), two_columns, 2 };
    struct storekit *k = *state;
    int64_t before;

    begin_with(k, &view, 1, OK);
    before = storekit_int(k, "PRAGMA schema_version");
    begin_with(k, &view, 1, OK);
    assert_int_equal(storekit_int(k, "PRAGMA schema_version"), before);
    view.n_columns = 1;
    begin_with(k, &view, 1, OK);
    assert_int_equal(
        storekit_int(k, "SELECT count(*) FROM pragma_table_info('extract_product')"),
        3);
    begin_with(k, NULL, 0, OK);
    assert_int_equal(storekit_int(k, "SELECT count(*) FROM extract_product"),
                     0); /* it stays */
}

static void names_are_quoted(void **state)
{
    const struct store_view view = { SPAN("x"), odd_columns, 1 };
    struct storekit *k = *state;
    char text[512];

    store_page(k, "{\"extract\":{\"x\":{\"a\\\"b'c\":\"y\"}}}");
    begin_with(k, &view, 1, OK);
    assert_string_equal(storekit_text(k, "SELECT \"a\"\"b'c\" FROM extract_x", text),
                        "y");
}

static void a_section_name_that_is_none_is_refused(void **state)
{
    static const struct span names[] = {
        { "", 0 }, { "a-b", 3 }, { "A", 1 }, { "a\";DROP TABLE url;--", 20 }
    };
    struct storekit *k = *state;

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct store_view view = { names[i], two_columns, 2 };

        begin_with(k, &view, 1, ERR_INVALID);
    }
    begin_with(k, NULL, 0, OK);
}

static void readers_that_trust_no_schema_can_use_it(void **state)
{
    const struct store_view view = { SPAN("product"), two_columns, 2 };
    struct storekit *k = *state;
    sqlite3 *db;

    store_page(k, "{\"extract\":{\"product\":{\"title\":\"x\"}}}");
    begin_with(k, &view, 1, OK);
    assert_int_equal(sqlite3_open(k->path, &db), SQLITE_OK);
    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    assert_int_equal(
        sqlite3_exec(db, "SELECT * FROM extract_product", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, set_up, storekit_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_view_has_a_column_for_each_value),
        WITH_STORE(pages_without_the_section_are_not_in_its_view),
        WITH_STORE(a_page_without_facts_disturbs_no_view),
        WITH_STORE(a_view_follows_its_section),
        WITH_STORE(names_are_quoted),
        WITH_STORE(a_section_name_that_is_none_is_refused),
        WITH_STORE(readers_that_trust_no_schema_can_use_it),
    };

    return cmocka_run_group_tests_name("store/views", tests, NULL, NULL);
}
