/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/mem.h"
#include "parse/digest.h"
#include "parse/pack.h"
#include "store/db.h"
#include "store/reader.h"
#include "store/schema.h"
#include "tests/kit/storekit.h"
#include "tests/kit/training.h"

#define ID PACK_FIRST_DICTIONARY_ID

static struct storekit kit;
static struct buf dictionary, page;

static int set_up(void **state)
{
    storekit_init(&kit);
    buf_init(&dictionary, (size_t)MIB);
    buf_init(&page, (size_t)MIB);
    training_dictionary(ID, &dictionary);
    *state = &kit;
    return 0;
}

static int tear_down(void **state)
{
    storekit_clear(*state);
    buf_clear(&dictionary);
    buf_clear(&page);
    return 0;
}

static void put_dictionary(struct storekit *k, uint32_t id, struct span data)
{
    struct store_op *op = store_op_new(STORE_DICTIONARY, (size_t)MIB);

    op->u.dictionary = (struct store_dictionary){ id, arena_copy(&op->mem, data) };
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
}

/* One page, stored with the dictionary. */
static void put_page(struct storekit *k)
{
    struct store_op *op = storekit_visit(storekit_seed(k, "http://a.example/"), 1, 0);
    struct span content = training_page(7000, &page);
    struct page_facts *f = storekit_page(op, "Title", "text", "content");
    struct buf packed;
    struct digest *d;
    struct pack *p;

    buf_init(&packed, (size_t)MIB);
    assert_int_equal(pack_new(&p), OK);
    assert_int_equal(digest_new(&d), OK);
    pack_set_dictionary(p, ID, buf_span(&dictionary));
    assert_int_equal(pack_compress(p, content, PACK_LEVEL, &packed), OK);
    assert_int_equal(pack_dictionary_id(buf_span(&packed)), ID);
    f->body = arena_copy(&op->mem, buf_span(&packed));
    f->size = (int64_t)content.len;
    assert_int_equal(digest_sha256(d, content, f->sha256), OK);
    storekit_do(k, op);
    assert_int_equal(op->result, OK);
    store_op_free(op);
    digest_free(d);
    pack_free(p);
    buf_clear(&packed);
}

static void change(struct storekit *k, const char *sql)
{
    sqlite3 *handle;
    char *problem = NULL;

    assert_int_equal(sqlite3_open(k->path, &handle), SQLITE_OK);
    sqlite3_exec(handle, sql, NULL, NULL, &problem);
    if (problem)
        fail_msg("%s", problem);
    sqlite3_close(handle);
}

static enum err on_problem(void *arg, const struct span *columns,
                           const struct reader_value *values, size_t n)
{
    char *out = arg;

    (void)columns;
    if (values && values[n - 1].type == READER_TEXT)
        snprintf(out, 128, "%.*s", SPAN_ARG(values[n - 1].text));
    return OK;
}

/* What `crawl verify` says about the one body; "" when it is sound, NULL for whatever it is. */
static void assert_problem(struct storekit *k, const char *want)
{
    struct err_note note = { "" };
    char said[128] = "";
    struct reader *r;

    assert_int_equal(reader_open(k->path, &r, &note), OK);
    if (reader_query(r,
                     SPAN("SELECT body_problem(sha256, codec, size, data) FROM body"),
                     NULL, 0, on_problem, said, &note))
        fail_msg("%s", note.text);
    if (want)
        assert_string_equal(said, want);
    else
        assert_true(said[0]);
    reader_close(r);
}

static enum err find(struct storekit *k, struct span packed, struct span *out,
                     struct reader **out_reader, struct err_note *note)
{
    uint32_t id;

    assert_int_equal(reader_open(k->path, out_reader, note), OK);
    return reader_dictionary(*out_reader, packed, &id, out, note);
}

/* Magic number, a header that names 32768 in two bytes. */
#define NAMES_IT SPAN("\x28\xB5\x2F\xFD\x22\x00\x80\x00")

/* --- the crawl's side ------------------------------------------------------------- */

static struct store_dictionary load(struct storekit *k, struct arena *mem)
{
    struct store_dictionary d;
    struct err_note note = { "" };

    assert_int_equal(storekit_try_open(k, &note), OK);
    if (store_load_dictionary(k->store, mem, &d, &note))
        fail_msg("%s", note.text);
    storekit_close(k);
    return d;
}

static void a_new_file_has_none_and_says_which_id_is_free(void **state)
{
    struct store_dictionary d;
    struct arena mem;

    arena_init(&mem, (size_t)MIB);
    d = load(*state, &mem);
    assert_int_equal(d.id, ID);
    assert_int_equal(d.data.len, 0);
    arena_clear(&mem);
}

static void what_was_put_is_there_at_the_next_start(void **state)
{
    struct storekit *k = *state;
    struct store_dictionary d;
    struct arena mem;

    arena_init(&mem, (size_t)MIB);
    storekit_open(k, REVISIT_ALL);
    put_dictionary(k, ID, buf_span(&dictionary));
    storekit_finish(k);
    d = load(k, &mem);
    assert_int_equal(d.id, ID);
    assert_true(span_eq(d.data, buf_span(&dictionary)));
    arena_clear(&mem);
}

static void a_damaged_one_is_not_used_and_its_id_not_given_again(void **state)
{
    static const char *const damages[] = {
        "UPDATE dictionaries SET data = zeroblob(1000)",
        "UPDATE dictionaries SET data = 'no blob'",
        "UPDATE dictionaries SET data = x''",
        "UPDATE dictionaries SET data = zeroblob(3000000)",
    };
    struct storekit *k = *state;
    struct store_dictionary d;
    struct arena mem;

    arena_init(&mem, (size_t)MIB);
    storekit_open(k, REVISIT_ALL);
    put_dictionary(k, ID, buf_span(&dictionary));
    storekit_finish(k);
    for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
        change(k, damages[i]);
        d = load(k, &mem);
        assert_int_equal(d.id, ID + 1);
        assert_int_equal(d.data.len, 0);
    }
    change(k, "UPDATE dictionaries SET id = 65535");
    assert_int_equal(load(k, &mem).id, 0);
    change(k, "UPDATE dictionaries SET id = -4");
    assert_int_equal(load(k, &mem).id, ID);
    arena_clear(&mem);
}

/* --- the readers' side ------------------------------------------------------------ */

static void a_body_is_unpacked_with_the_dictionary_of_its_file(void **state)
{
    struct storekit *k = *state;
    struct err_note note = { "" };
    struct reader *r;
    struct span found;

    storekit_open(k, REVISIT_ALL);
    put_dictionary(k, ID, buf_span(&dictionary));
    put_page(k);
    storekit_finish(k);
    assert_problem(k, "");
    assert_int_equal(find(k, NAMES_IT, &found, &r, &note), OK);
    assert_true(span_eq(found, buf_span(&dictionary)));
    reader_close(r);
    assert_int_equal(find(k, SPAN("no frame"), &found, &r, &note), OK);
    assert_int_equal(found.len, 0);
    reader_close(r);
}

static void what_is_wrong_with_a_dictionary_is_named(void **state)
{
    static const char MISSING[] = "it needs dictionary 32768, which is missing",
                      DAMAGED[] = "it needs dictionary 32768, which is damaged";

    static const struct {
        const char *sql, *problem;
    } rows[] = {
        { "DELETE FROM dictionaries", MISSING },
        { "UPDATE dictionaries SET id = 40000", MISSING },
        { "UPDATE dictionaries SET data = zeroblob(1000)", DAMAGED },
        { "UPDATE dictionaries SET data = zeroblob(200000000)", DAMAGED },
        { "UPDATE dictionaries SET data = 17", DAMAGED },
        { "UPDATE dictionaries SET data = 'text'", DAMAGED },
        { "UPDATE dictionaries SET data = x'37A430EC'", DAMAGED },
        /* a good head with garbage behind it, and the head of another */
        { "UPDATE dictionaries SET data = CAST(x'37A430EC00800000' || randomblob(5000)"
          " AS BLOB)",
          DAMAGED },
        { "UPDATE dictionaries SET data = CAST(x'37A430EC01800000' || substr(data, 9)"
          " AS BLOB)",
          DAMAGED },
    };
    struct storekit *k = *state;
    struct err_note note = { "" };
    struct reader *r;
    struct span found;

    storekit_open(k, REVISIT_ALL);
    put_dictionary(k, ID, buf_span(&dictionary));
    put_page(k);
    storekit_finish(k);
    change(k, "CREATE TABLE kept AS SELECT * FROM dictionaries");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (i)
            change(k, "DELETE FROM dictionaries;"
                      "INSERT INTO dictionaries SELECT * FROM kept");
        assert_problem(k, "");
        change(k, rows[i].sql);
        assert_problem(k, rows[i].problem);
        if (i == 7) /* its head is sound: who unpacks finds out */
            continue;
        assert_int_equal(find(k, NAMES_IT, &found, &r, &note),
                         rows[i].problem == MISSING ? ERR_NOT_FOUND : ERR_CORRUPT);
        assert_int_equal(found.len, 0);
        reader_close(r);
    }
    change(k, "DROP TABLE dictionaries");
    assert_problem(k, MISSING);
    change(k, "CREATE VIEW dictionaries AS SELECT 1");
    assert_int_equal(reader_open(k->path, &r, &note), ERR_REFUSED); /* shape.h */
}

static void the_content_of_another_dictionary_does_not_pass(void **state)
{
    struct storekit *k = *state;

    storekit_open(k, REVISIT_ALL);
    put_dictionary(k, ID, buf_span(&dictionary));
    put_page(k);
    storekit_finish(k);
    change(k, "UPDATE dictionaries SET data = CAST(substr(data, 1, 60000) || "
              "zeroblob(50000) AS BLOB)");
    assert_problem(k, NULL);
}

/* --- older files ------------------------------------------------------------------ */

static void make_schema_1(const char *path)
{
    sqlite3 *handle;

    assert_int_equal(sqlite3_open(path, &handle), SQLITE_OK);
    assert_int_equal(sqlite3_exec(handle, schema_sql(1), NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(
            handle,
            "PRAGMA application_id = 1129469772; PRAGMA user_version = 1;"
            "INSERT INTO meta VALUES ('hash_secret', 4711);"
            "INSERT INTO body VALUES (1, 1, 0, zeroblob(32), 'zstd', x'28B52FFD2200800000')",
            NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(handle);
}

static void a_file_of_schema_1_is_read_as_it_is_and_takes_one_when_it_is_crawled(
    void **state)
{
    struct storekit *k = *state;
    char old_path[160];

    make_schema_1(k->path);
    assert_problem(k, "it needs dictionary 32768, which is missing");
    storekit_open(k, REVISIT_NONE);
    put_dictionary(k, ID, buf_span(&dictionary));
    storekit_finish(k);
    assert_int_equal(storekit_int(k, "SELECT id FROM dictionaries"), ID);
    snprintf(old_path, sizeof old_path, "%s.schema1", k->path);
    assert_int_equal(unlink(old_path), 0); /* the copy that was kept */
}

#define WITH_KIT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WITH_KIT(a_new_file_has_none_and_says_which_id_is_free),
        WITH_KIT(what_was_put_is_there_at_the_next_start),
        WITH_KIT(a_damaged_one_is_not_used_and_its_id_not_given_again),
        WITH_KIT(a_body_is_unpacked_with_the_dictionary_of_its_file),
        WITH_KIT(what_is_wrong_with_a_dictionary_is_named),
        WITH_KIT(the_content_of_another_dictionary_does_not_pass),
        WITH_KIT(a_file_of_schema_1_is_read_as_it_is_and_takes_one_when_it_is_crawled),
    };

    return cmocka_run_group_tests_name("store/dictionaries", tests, NULL, NULL);
}
