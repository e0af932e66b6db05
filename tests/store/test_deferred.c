/* SPDX-License-Identifier: MIT */
#include "store/deferred.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/bodies.h"
#include "store/schema.h"
#include "store/urls.h"
#include "tests/kit/storekit.h"

#define SECRET    12345
#define MAX_BYTES ((size_t)32 * MIB) /* half a million entries */
/* More than a generation has while the table is small (deferred.c). */
#define MANY 70000

struct rig {
    struct storekit kit; /* of which only the directory is used */
    struct db *db;
    struct deferred *x;
};

static void open_rig(struct rig *r)
{
    struct err_note note;

    assert_int_equal(db_open(r->kit.path, &r->db, &note), OK);
    r->x = deferred_new(r->db, &urls_index, SECRET, MAX_BYTES);
    assert_int_equal(r->db->failed, OK);
}

static void close_rig(struct rig *r)
{
    deferred_free(r->x);
    db_close(r->db);
    r->x = NULL;
    r->db = NULL;
}

static int setup(void **state)
{
    static struct rig rig;
    struct err_note note;

    rig = (struct rig){ .db = NULL };
    storekit_init(&rig.kit);
    assert_int_equal(schema_create(rig.kit.path, &note), OK);
    open_rig(&rig);
    *state = &rig;
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;

    close_rig(r);
    storekit_clear(&r->kit);
    return 0;
}

/* In no order; no two alike. */
static uint64_t key(int64_t id)
{
    return (uint64_t)id * UINT64_C(0x9E3779B97F4A7C15);
}

/* A row of the table url, as the rest is read from it. */
static void make_row(struct rig *r, int64_t id, uint64_t hash)
{
    sqlite3_stmt *st = db_stmt(r->db, "INSERT INTO url (id, key_hash, state, depth, redirects, hop, priority, retries,"
                                      " run_id, discovered_at, url) VALUES (?1, ?2, 1, 0, 0, 1, 0, 0, 1, 1, 'u' || ?1)");

    db_int(r->db, st, 1, id);
    db_int(r->db, st, 2, (int64_t)hash);
    assert_int_equal(db_run(r->db, st), OK);
}

static void commit(struct rig *r)
{
    db_begin(r->db);
    deferred_write(r->x);
    assert_int_equal(db_commit(r->db), OK);
}

/* A thousand a transaction. */
static void add_rows(struct rig *r, int64_t from, int64_t to)
{
    for (int64_t id = from; id <= to; id++) {
        db_begin(r->db);
        make_row(r, id, key(id));
        deferred_add(r->x, key(id), id);
        if (id % 1000 == 0 || id == to)
            commit(r);
    }
}

static int64_t n_in_table(struct rig *r)
{
    return db_value(r->db, "SELECT count(*) FROM url_by_hash", -1);
}

static int64_t mark(struct rig *r)
{
    return db_value(r->db, "SELECT value FROM meta WHERE name = 'url_by_hash_to'", -1);
}

static bool waits(struct rig *r, int64_t id)
{
    struct deferred_walk walk = { 0 };
    int64_t found;

    while ((found = deferred_next(r->x, key(id), &walk)) != 0)
        if (found == id)
            return true;
    return false;
}

static bool is_in_table(struct rig *r, int64_t id)
{
    sqlite3_stmt *st = db_stmt(r->db, "SELECT 1 FROM url_by_hash WHERE key_hash = ?1 AND url_id = ?2");
    bool found;

    db_int(r->db, st, 1, (int64_t)key(id));
    db_int(r->db, st, 2, id);
    found = db_next(r->db, st);
    if (found)
        db_done(st);
    return found;
}

static void entries_wait_in_memory(void **state)
{
    struct rig *r = *state;

    add_rows(r, 1, 1000);
    commit(r);
    assert_int_equal(n_in_table(r), 0);
    assert_false(deferred_has_table(r->x));
    for (int64_t id = 1; id <= 1000; id++)
        assert_true(waits(r, id));
    assert_false(waits(r, 1001));
}

static void ids_of_one_key_are_all_given(void **state)
{
    struct rig *r = *state;
    struct deferred_walk walk = { 0 };
    int64_t sum = 0, id;

    for (int64_t i = 1; i <= 3; i++)
        deferred_add(r->x, key(7), i);
    while ((id = deferred_next(r->x, key(7), &walk)) != 0)
        sum = sum * 10 + id;
    assert_int_equal(sum, 123);
}

/* Every entry is found at every moment, in one place, however far the generation has got. */
static void a_generation_goes_into_the_table_slice_by_slice(void **state)
{
    struct rig *r = *state;
    int64_t before, n = 0;

    add_rows(r, 1, MANY);
    for (int i = 0; mark(r) == 0; i++) {
        before = n;
        n = n_in_table(r);
        assert_true(n > before && n < MANY);
        assert_true(deferred_has_table(r->x));
        for (int64_t id = 1; id <= MANY; id += 997)
            assert_int_equal(waits(r, id) + is_in_table(r, id), 1);
        add_rows(r, MANY + i * 1000 + 1, MANY + i * 1000 + 1000);
    }
    assert_true(before > 10000);
    assert_true(mark(r) > 60000 && mark(r) <= MANY);
    assert_int_equal(n_in_table(r), mark(r));
    assert_true(waits(r, MANY + 1));
}

static void the_end_writes_all(void **state)
{
    struct rig *r = *state;

    add_rows(r, 1, MANY);
    commit(r);
    add_rows(r, MANY + 1, MANY + 100);
    db_begin(r->db);
    assert_int_equal(deferred_write_all(r->x), OK);
    db_commit(r->db);
    assert_int_equal(n_in_table(r), MANY + 100);
    assert_int_equal(mark(r), MANY + 100);
    assert_false(waits(r, MANY + 100));
    close_rig(r);
    open_rig(r);
    assert_false(waits(r, 1));
    assert_true(deferred_has_table(r->x));
}

/* A crash takes what is in memory; the rows have it. */
static void what_a_crash_keeps_from_the_table_is_read_from_the_rows(void **state)
{
    struct rig *r = *state;

    add_rows(r, 1, MANY);
    commit(r);
    assert_true(n_in_table(r) > 0 && mark(r) == 0);
    close_rig(r);
    open_rig(r);
    for (int64_t id = 1; id <= MANY; id += 997)
        assert_true(waits(r, id));
    db_begin(r->db);
    deferred_write_all(r->x);
    assert_int_equal(db_commit(r->db), OK);
    assert_int_equal(n_in_table(r), MANY);
    assert_int_equal(mark(r), MANY);
}

/* A generation was half written: its entries are in the table, and wait again. */
static void after_a_crash_an_entry_is_removed_from_both_places(void **state)
{
    struct rig *r = *state;
    int64_t both = 1;

    add_rows(r, 1, MANY);
    commit(r);
    close_rig(r);
    open_rig(r);
    while (!is_in_table(r, both))
        both++;
    assert_true(waits(r, both));
    db_begin(r->db);
    deferred_remove(r->x, key(both), both);
    assert_false(waits(r, both));
    assert_false(is_in_table(r, both));
    deferred_write_all(r->x);
    assert_int_equal(db_commit(r->db), OK);
    assert_int_equal(n_in_table(r), MANY - 1);
}

/* One each: waiting, on its way, in the table. */
static void an_entry_is_removed_wherever_it_is(void **state)
{
    struct rig *r = *state;
    int64_t written = 0, older = 0;

    add_rows(r, 1, MANY);
    commit(r);
    add_rows(r, MANY + 1, MANY + 1);
    for (int64_t id = 1; id <= MANY && !(written && older); id++) {
        written = is_in_table(r, id) ? id : written;
        older = is_in_table(r, id) ? older : id;
    }
    assert_true(written && older);
    db_begin(r->db);
    deferred_remove(r->x, key(written), written);
    deferred_remove(r->x, key(older), older);
    deferred_remove(r->x, key(MANY + 1), MANY + 1);
    assert_false(is_in_table(r, written));
    assert_false(waits(r, older));
    assert_false(waits(r, MANY + 1));
    deferred_write_all(r->x);
    assert_int_equal(db_commit(r->db), OK);
    assert_int_equal(n_in_table(r), MANY - 2);
}

static int64_t n_held(struct rig *r, int64_t from, int64_t to)
{
    int64_t n = 0;

    for (int64_t id = from; id <= to; id++)
        n += deferred_may_have(r->x, key(id));
    return n;
}

/* At every moment while it grows with the table, and again after each start, by which all entries are somewhere. */
static void the_filter_misses_no_key_wherever_its_entry_is(void **state)
{
    struct rig *r = *state;
    const int64_t n = 4 * MANY;

    assert_int_equal(n_held(r, 1, 1000), 1000); /* it knows nothing yet */
    for (int64_t top = 10000; top <= n; top += 10000) {
        add_rows(r, top - 9999, top);
        assert_int_equal(n_held(r, 1, top), top);
    }
    assert_true(mark(r) > 0 && mark(r) < n);
    assert_true(n_held(r, n + 1, n + 10000) < 500);
    close_rig(r);
    open_rig(r);
    assert_int_equal(n_held(r, 1, n + 10000), n + 10000);
    for (int i = 0; i < 100; i++) {
        commit(r);
        assert_int_equal(n_held(r, 1, n), n);
    }
    assert_true(n_held(r, n + 1, n + 10000) < 500);
}

static void the_filter_has_blob_keys_and_ids_that_came_back(void **state)
{
    struct rig *r = *state;
    struct deferred *x = deferred_new(r->db, &bodies_index, SECRET, MAX_BYTES);

    db_begin(r->db);
    for (int64_t id = 1; id <= 100; id++)
        deferred_add(x, key(id), id);
    deferred_write_all(x);
    deferred_free(x);
    x = deferred_new(r->db, &bodies_index, SECRET, MAX_BYTES);
    deferred_write(x);
    deferred_add(x, key(1000), 100); /* a row was removed, and another has its id */
    for (int64_t id = 1; id <= 100; id++)
        assert_true(deferred_may_have(x, key(id)));
    assert_true(deferred_may_have(x, key(1000)));
    assert_false(deferred_may_have(x, key(101)));
    assert_int_equal(db_commit(r->db), OK);
    deferred_free(x);
}

/* SQLite gives the id of a removed last row again; the mark may be above it. */
static void an_id_that_comes_back_is_written_at_once(void **state)
{
    struct rig *r = *state;

    add_rows(r, 1, 10);
    db_begin(r->db);
    deferred_write_all(r->x);
    deferred_remove(r->x, key(10), 10);
    deferred_add(r->x, key(11), 10);
    assert_int_equal(db_commit(r->db), OK);
    assert_int_equal(db_value(r->db, "SELECT count(*) FROM url_by_hash WHERE url_id = 10", -1), 1);
    assert_int_equal(n_in_table(r), 10);
}

/* A hand that went through meta: it costs one start that reads all rows. */
static void a_mark_that_is_missing_is_written_again(void **state)
{
    struct rig *r = *state;

    add_rows(r, 1, 10);
    db_exec(r->db, "DELETE FROM meta WHERE name = 'url_by_hash_to'");
    close_rig(r);
    open_rig(r);
    assert_true(waits(r, 10));
    db_begin(r->db);
    deferred_write_all(r->x);
    assert_int_equal(db_commit(r->db), OK);
    assert_int_equal(mark(r), 10);
}

static void blob_keys_begin_with_the_highest_byte(void **state)
{
    struct rig *r = *state;
    struct deferred *x = deferred_new(r->db, &bodies_index, SECRET, MAX_BYTES);

    db_begin(r->db);
    deferred_add(x, UINT64_C(0x0102030405060708), 1);
    deferred_write_all(x);
    assert_int_equal(db_commit(r->db), OK);
    assert_int_equal(db_value(r->db, "SELECT body_id FROM body_by_hash WHERE hash = x'0102030405060708'", -1), 1);
    deferred_free(x);
}

/* A forged mark costs time, not memory: each full generation is written before more is read. */
static void a_mark_that_is_far_too_low_is_made_up_for(void **state)
{
    struct rig *r = *state;
    const int64_t n = 600000; /* more than the largest generation */

    db_begin(r->db);
    for (int64_t id = 1; id <= n; id++)
        make_row(r, id, key(id));
    assert_int_equal(db_commit(r->db), OK);
    close_rig(r);
    open_rig(r);
    assert_true(mark(r) > 500000 && mark(r) < n);
    assert_int_equal(n_in_table(r), mark(r));
    assert_true(waits(r, n));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(entries_wait_in_memory),
        TEST(ids_of_one_key_are_all_given),
        TEST(a_generation_goes_into_the_table_slice_by_slice),
        TEST(the_end_writes_all),
        TEST(what_a_crash_keeps_from_the_table_is_read_from_the_rows),
        TEST(after_a_crash_an_entry_is_removed_from_both_places),
        TEST(an_entry_is_removed_wherever_it_is),
        TEST(the_filter_misses_no_key_wherever_its_entry_is),
        TEST(the_filter_has_blob_keys_and_ids_that_came_back),
        TEST(an_id_that_comes_back_is_written_at_once),
        TEST(a_mark_that_is_missing_is_written_again),
        TEST(blob_keys_begin_with_the_highest_byte),
        TEST(a_mark_that_is_far_too_low_is_made_up_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
