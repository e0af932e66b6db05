/* SPDX-License-Identifier: MIT */
/* Files whose tables are not as this program makes them: made by a stranger, or changed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/base.h"
#include "store/reader.h"
#include "store/schema.h"
#include "store/shape.h"
#include "tests/kit/storekit.h"

static struct storekit kit;

static void run_sql(const char *path, const char *sql)
{
    char *error = NULL;
    sqlite3 *handle;

    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    if (sqlite3_exec(handle, sql, NULL, NULL, &error))
        fail_msg("%s: %s", sql, error);
    sqlite3_close(handle);
}

static void make_database(void)
{
    storekit_init(&kit);
    storekit_open(&kit, REVISIT_ALL);
    storekit_fetch(&kit, storekit_seed(&kit, "http://a.example/"), 0, "body",
                   (const char *[]){ "http://a.example/x", NULL });
    storekit_finish(&kit);
}

/* --- declarations ----------------------------------------------------------------- */

static const struct declaration {
    const char *label, *a, *b;
    bool is_same;
} declarations[] = {
    { "spaces, case and comments do not matter", "CREATE TABLE t (a INT, -- one\n b /* two */ )",
      "create table T(a int,b)", true },
    { "quotes around a name do not matter", "CREATE VIRTUAL TABLE \"page_text\" USING fts5(a, content='')",
      "CREATE VIRTUAL TABLE page_text USING fts5(a, content='')", true },
    { "a quote of each kind", "CREATE TABLE `t` ([a], \"b\", 'c')", "CREATE TABLE t (a, b, c)", true },
    { "what stands in quotes has its case", "x('N*')", "x('n*')", false },
    { "a comment sign in quotes begins none", "t (a \"--\" CHECK (f(a)) \n)", "t (a )", false },
    { "nor does one of the other kind", "t (a \"/*\" CHECK (f(a)) \"*/\")", "t (a)", false },
    { "a doubled quote ends nothing", "t ('a''b' c)", "t ('a' b c)", false },
    { "words are whole", "t (ab)", "t (a b)", false },
    { "more at the end is more", "t (a)", "t (a) STRICT", false },
    { "and so is less", "t (a) STRICT", "t (a)", false },
    { "what never ends, ends", "t (\"a", "t (\"a", true },
    { "nor a comment", "t /* a", "t", true },
};

static void compared(void **state)
{
    const struct declaration *d = *state;

    assert_int_equal(shape_is_same(span_str(d->a), span_str(d->b)), d->is_same);
    assert_int_equal(shape_is_same(span_str(d->b), span_str(d->a)), d->is_same);
}

/* --- files ------------------------------------------------------------------------ */

#define WITH_SCHEMA(table, from, to)                                                           \
    "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET sql = replace(sql, '" from "', '" to \
    "') WHERE name = '" table "'"
#define WITH_TEXT(arguments) "DROP TABLE page_text; CREATE VIRTUAL TABLE page_text USING fts5(" arguments ")"
#define WORDS                "tokenize=\"unicode61 categories 'L* N* Co Mn Mc'\""

static const struct file {
    const char *label, *sql;
    const char *words; /* of the refusal; NULL: none */
} files[] = {
    { "a check", WITH_SCHEMA("url", "rule TEXT", "rule TEXT CHECK (length(zeroblob(99)) > 0)"), "url is not" },
    { "a generated column", WITH_SCHEMA("outlink", "rel TEXT", "rel TEXT AS (anchor)"), "outlink is not" },
    { "a default", WITH_SCHEMA("fetch", "etag TEXT", "etag TEXT DEFAULT (zeroblob(99))"), "fetch is not" },
    { "one more column", "ALTER TABLE page ADD COLUMN mine INTEGER NOT NULL DEFAULT 0", "page is not" },
    { "rows that are passed over", WITH_SCHEMA("meta", "PRIMARY KEY", "PRIMARY KEY ON CONFLICT IGNORE"),
      "meta is not" },
    { "a table that is missing", "DROP TABLE near_pair", "near_pair is not" },
    { "an index that is missing", "DROP INDEX url_queue", "url_queue is not" },
    { "an index of the same name", "DROP INDEX fetch_by_url; CREATE INDEX fetch_by_url ON page (title)",
      "fetch_by_url is not" },
    { "a view instead of a table",
      "PRAGMA legacy_alter_table = 1; DROP VIEW links; ALTER TABLE outlink RENAME TO o;"
      "CREATE VIEW outlink AS SELECT * FROM o",
      "outlink is not" },
    { "a virtual table instead of a table", "DROP TABLE near_pair; CREATE VIRTUAL TABLE near_pair USING rtree(a, b, c)",
      "near_pair is not" },
    { "texts with two columns", WITH_TEXT("title, text, content='', " WORDS), "page_text is not" },
    { "texts by another tokenizer", WITH_TEXT("title, description, text, content='', tokenize='trigram'"),
      "page_text is not" },
    { "texts that are kept", WITH_TEXT("title, description, text, " WORDS), "page_text is not" },
    { "texts of another table", WITH_TEXT("title, description, text, content='url', " WORDS), "page_text is not" },
    { "texts without places", WITH_TEXT("title, description, text, content='', detail=none, " WORDS),
      "page_text is not" },
    { "beginnings of words", WITH_TEXT("title, description, text, content='', prefix='2', " WORDS),
      "page_text is not" },
    { "texts without sizes", WITH_TEXT("title, description, text, content='', columnsize=0, " WORDS),
      "page_text is not" },
    { "rows of FTS5's with a check",
      WITH_SCHEMA("page_text_data", "block BLOB", "block BLOB CHECK (length(zeroblob(99)) > 0)"),
      "page_text_data is not" },
    { "a table where the rows of links are read from", "CREATE TABLE Page_Links (position, dst_id, bits, rel, anchor)",
      "Page_Links is a name" },
    { "a view there", "CREATE VIEW page_links AS SELECT 1", "page_links is a name" },
    { "a table in front of a pragma", "CREATE TABLE pragma_journal_mode (journal_mode)", "pragma_journal_mode is a" },
    { "a view where texts are indexed anew", "CREATE VIEW page_text_new AS SELECT 1", "page_text_new is a name" },
    { "a unique index", "CREATE UNIQUE INDEX mine ON fetch (url_id, attempt)", "mine is a unique" },
    { "a partial index", "CREATE INDEX mine ON fetch (url_id) WHERE length(zeroblob(99)) > attempt", "mine is a" },
    { "a computed index", "CREATE INDEX mine ON events (length(zeroblob(99)))", "mine is a" },
    { "a plain index", "CREATE INDEX mine ON url (url)", NULL },
    { "a table and a view",
      "CREATE TABLE mine (a CHECK (a > 1)); CREATE UNIQUE INDEX mine_a ON mine (a);"
      "CREATE VIEW my_urls AS SELECT * FROM urls",
      NULL },
    { "statistics", "ANALYZE", NULL },
    { "the index for links from the other end", "CREATE INDEX outlink_by_dst ON outlink (dst_id, set_id)", NULL },
    { "texts that were indexed anew",
      "DROP TABLE page_text; CREATE VIRTUAL TABLE page_text_new USING fts5(title, description, text, content='', " WORDS
      "); ALTER TABLE page_text_new RENAME TO page_text",
      NULL },
    { "the index of --order priority",
      "CREATE INDEX url_queue_plain ON url (host_id, priority, id) WHERE state = 0", NULL },
    { "another index of that name", "CREATE UNIQUE INDEX url_queue_plain ON url (id)", "url_queue_plain is not" },
    { "a file that was vacuumed", "VACUUM", NULL },
};

static void opened(void **state)
{
    const struct file *f = *state;
    struct err_note note = { "" };
    enum err e;

    make_database();
    run_sql(kit.path, f->sql);
    e = storekit_try_open(&kit, &note);
    if (f->words && !strstr(note.text, f->words))
        fail_msg("'%s' lacks '%s'", note.text, f->words);
    assert_string_equal(err_name(e), err_name(f->words ? ERR_REFUSED : OK));
    storekit_clear(&kit);
}

/* --- files that are only read ----------------------------------------------------- */

#define WITHOUT_END "WITH RECURSIVE n(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM n) SELECT "
static const struct file read_files[] = {
    { "a view without end",
      "DROP VIEW redirect_chains; CREATE VIEW redirect_chains AS " WITHOUT_END "i AS hops, '' AS path FROM n",
      "redirect_chains is not" },
    { "a view with one word more", "DROP VIEW bodies; CREATE VIEW bodies AS SELECT DISTINCT * FROM body",
      "bodies is not" },
    { "a view instead of a table",
      "PRAGMA legacy_alter_table = 1; ALTER TABLE fetch RENAME TO f; CREATE VIEW fetch AS SELECT a.* FROM f a, f b, f c",
      "fetch is not" },
    { "a table instead of a view", "DROP VIEW urls; CREATE TABLE urls (id, url)", "urls is not" },
    { "a computed column that is read", WITH_SCHEMA("url", "rule TEXT", "rule TEXT AS (hex(zeroblob(99)))"),
      "url is not" },
    { "a table without its key", "DROP TABLE redirects; CREATE TABLE redirects (src_id, dst_id, status_code, run_id)",
      "redirects is not" },
    { "a column of another type among those that were added later", WITH_SCHEMA("page", "links_id INTEGER", "links_id BLOB"),
      "page is not" },
    { "texts of another table that are read",
      WITH_TEXT("title, description, text, content='url', " WORDS), "page_text is not" },
    { "a view instead of FTS5's own table",
      "PRAGMA writable_schema = 1; UPDATE sqlite_schema SET type = 'view', rootpage = 0,"
      " sql = 'CREATE VIEW page_text_docsize AS SELECT 1 AS id' WHERE name = 'page_text_docsize'",
      "page_text_docsize is not" },
    { "a computed column in one of FTS5's own",
      WITH_SCHEMA("page_text_docsize", "sz BLOB", "sz BLOB, x AS (zeroblob(9))"), "page_text_docsize is not" },
    { "a table in front of a function", "CREATE VIEW json_each AS SELECT 1 AS key, 2 AS value", "json_each is a name" },
    { "a table in front of a pragma that is read", "CREATE TABLE pragma_table_info (name)", "pragma_table_info is a" },
    { "a table, views, a trigger and an index of one's own",
      "CREATE TABLE mine (a CHECK (a > 1), b AS (a)); CREATE UNIQUE INDEX mine_a ON url (url);"
      "CREATE VIEW my_urls AS SELECT * FROM urls; CREATE VIEW extract_x AS SELECT 1;"
      "CREATE TRIGGER urls_t AFTER INSERT ON mine BEGIN DELETE FROM mine; END",
      NULL },
    { "a view that is missing", "DROP VIEW cdx", NULL },
    { "statistics of a file that is read", "ANALYZE", NULL },
    { "texts that were indexed anew and are read",
      "DROP TABLE page_text; CREATE VIRTUAL TABLE page_text_new USING fts5(title, description, text, content='', " WORDS
      "); ALTER TABLE page_text_new RENAME TO page_text",
      NULL },
    { "a file that was vacuumed and is read", "VACUUM", NULL },
};

static void read_from(void **state)
{
    const struct file *f = *state;
    struct err_note note = { "" };
    struct reader *r = NULL;
    enum err e;

    make_database();
    run_sql(kit.path, f->sql);
    e = reader_open(kit.path, &r, &note);
    reader_close(r);
    if (f->words && !strstr(note.text, f->words))
        fail_msg("'%s' lacks '%s'", note.text, f->words);
    assert_string_equal(err_name(e), err_name(f->words ? ERR_REFUSED : OK));
    storekit_clear(&kit);
}

static enum err on_row(void *arg, const struct span *columns, const struct reader_value *values, size_t n)
{
    (void)arg;
    (void)columns;
    (void)values;
    (void)n;
    return OK;
}

/* What an older program's views said is known nowhere; what a question of them may take has a bound. */
static void views_of_an_older_schema_are_read(void **state)
{
    struct err_note note = { "" };
    struct reader *r = NULL;
    bool has_old_views = false;
    sqlite3 *handle;

    (void)state;
    storekit_init(&kit);
    assert_int_equal(sqlite3_open(kit.path, &handle), SQLITE_OK);
    for (int n = 1; n <= 7; n++)
        assert_int_equal(sqlite3_exec(handle, schema_sql(n), NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, "CREATE VIEW urls AS SELECT id, url FROM url; PRAGMA user_version = 7;"
                                          "PRAGMA application_id = 1129469772",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    if (shape_check_read(handle, kit.path, &has_old_views, &note))
        fail_msg("%s", note.text);
    assert_true(has_old_views);
    sqlite3_close(handle);
    assert_int_equal(reader_open(kit.path, &r, &note), OK);
    assert_int_equal(reader_query(r, SPAN("SELECT url FROM urls"), NULL, 0, on_row, NULL, &note), OK);
    reader_close(r);
    storekit_clear(&kit);
}

/* SECURITY.md: "triggers [...] are off". They may be there: the file's owner has a use for them elsewhere. */
static void no_trigger_runs(void **state)
{
    static const char *const tables[] = { "url", "page", "fetch", "outlink", "hosts", "runs", "meta",
                                          "page_text_data", "page_text_docsize" };
    char sql[512];

    (void)state;
    make_database();
    run_sql(kit.path, "CREATE TABLE ran (what)");
    for (size_t i = 0; i < ARRAY_LEN(tables); i++) {
        for (const char *const *verb = (const char *const[]){ "INSERT", "UPDATE", "DELETE", NULL }; *verb; verb++) {
            snprintf(sql, sizeof sql, "CREATE TRIGGER %s_%s BEFORE %s ON %s BEGIN INSERT INTO ran VALUES (1); END",
                     tables[i], *verb, *verb, tables[i]);
            run_sql(kit.path, sql);
        }
    }
    storekit_open(&kit, REVISIT_ALL);
    storekit_fetch(&kit, 1, 0, "another body", (const char *[]){ "http://a.example/y", NULL });
    storekit_finish(&kit);
    assert_int_equal(storekit_int(&kit, "SELECT count(*) FROM ran"), 0);
    storekit_clear(&kit);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(declarations) + ARRAY_LEN(files) + ARRAY_LEN(read_files) + 2];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(declarations); i++)
        tests[n++] = (struct CMUnitTest){ declarations[i].label, compared, NULL, NULL,
                                          (void *)(uintptr_t)&declarations[i] };
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        tests[n++] = (struct CMUnitTest){ files[i].label, opened, NULL, NULL, (void *)(uintptr_t)&files[i] };
    for (size_t i = 0; i < ARRAY_LEN(read_files); i++)
        tests[n++] = (struct CMUnitTest){ read_files[i].label, read_from, NULL, NULL, (void *)(uintptr_t)&read_files[i] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(views_of_an_older_schema_are_read);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(no_trigger_runs);
    return cmocka_run_group_tests_name("store/shape", tests, NULL, NULL);
}
