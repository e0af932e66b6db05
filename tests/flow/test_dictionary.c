/* SPDX-License-Identifier: MIT */
/*
 * Stored bodies and the dictionary that they share, as whole runs: made once, before
 * the bodies that need it, kept over kills, taken up by the next start, and named by
 * the readers when it is damaged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/mem.h"
#include "parse/pack.h"
#include "store/schema.h"
#include "tests/kit/rig.h"
#include "tests/kit/training.h"
#include "tests/kit/warcread.h"

#define PAGES 400
#define ID    PACK_FIRST_DICTIONARY_ID

#define CRAWL_BY(workers)                                                           \
    ARGS                                                                            \
    {                                                                               \
        "seeds.txt", "-q", "--delay", "0", "--per-host", "4", "--workers", workers, \
            NULL                                                                    \
    }
/* One process has seen enough sooner. */
#define CRAWL CRAWL_BY("1")

static int number_of(const char *path)
{
    return (int)strtol(path + 1, NULL, 10);
}

/* Page N links to 2N+1 and 2N+2; "/0" to "/399" are all reached from "/". */
static void append_page(int n, struct buf *out)
{
    struct buf page;

    buf_init(&page, (size_t)MIB);
    if (buf_append(out, training_page(n, &page)))
        abort();
    for (int i = 1; i <= 2; i++)
        if (2 * n + i < PAGES && buf_printf(out, "<a href=/%d>next</a>", 2 * n + i))
            abort();
    buf_clear(&page);
}

static void make_page(void *arg, const struct origin_request *r, int *io_status,
                      struct buf *out)
{
    (void)arg;
    (void)io_status;
    append_page(number_of(r->path), out);
}

static const struct origin_route site[] = {
    NO_ROBOTS,
    { .path = "*", .headers = HTML, .generate = make_page },
};

static const struct origin_route slow_site[] = {
    NO_ROBOTS,
    { .path = "*", .headers = HTML, .generate = make_page, .delay_ms = 20 },
};

/* The last page, asked anew, has another sentence; its link leads nowhere from the first. */
static void make_last_page(void *arg, const struct origin_request *r, int *io_status,
                           struct buf *out)
{
    const char *text = arg;

    make_page(NULL, r, io_status, out);
    if (buf_printf(out, "<a href=/lost>lost</a>%s", text ? text : ""))
        abort();
}

static char more[] = "<p>More.";

static const struct origin_route changing_site[] = {
    NO_ROBOTS,
    { .path = "/399", .headers = HTML, .generate = make_last_page, .uses = 1 },
    { .path = "/399", .headers = HTML, .generate = make_last_page, .arg = more },
    { .path = "/lost", .status = 404 },
    { .path = "*", .headers = HTML, .generate = make_page },
};

/* --- what the database holds ------------------------------------------------------ */

struct packed {
    int alone, with_ours, with_another;
};

static struct packed count_bodies(struct rig *g)
{
    struct packed n = { 0 };
    sqlite3_stmt *st;
    sqlite3 *db;

    assert_int_equal(sqlite3_open_v2(program_path(&g->p, "crawl.db"), &db,
                                     SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT data FROM bodies", -1, &st, NULL),
                     SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *bytes = sqlite3_column_blob(st, 0);
        uint32_t id =
            pack_dictionary_id(span_make(bytes, (size_t)sqlite3_column_bytes(st, 0)));

        *(id == 0 ? &n.alone : id == ID ? &n.with_ours : &n.with_another) += 1;
    }
    sqlite3_finalize(st);
    sqlite3_close(db);
    return n;
}

static bool printed(const struct rig *g, const char *text)
{
    return span_find_span(buf_span(&g->p.out), span_str(text)) < g->p.out.len;
}

static void assert_whole(struct rig *g)
{
    struct packed n = count_bodies(g);

    assert_int_equal(
        program_number(&g->p, "SELECT count(*) FROM urls WHERE state = 'fetched'"),
        PAGES);
    assert_int_equal(program_number(&g->p, "SELECT count(*) FROM dictionaries"), 1);
    assert_int_equal(n.alone + n.with_ours, PAGES);
    assert_true(n.with_ours > 0);
    assert_int_equal(program_run(&g->p, ARGS{ "verify", NULL }), 0);
}

/* Every page as it was sent is in a WARC file. */
static void assert_exported(struct rig *g)
{
    struct warcread *w;

    assert_int_equal(program_run(&g->p, ARGS{ "export", "--warc", "out", NULL }), 0);
    w = warcread_folder(program_path(&g->p, "out"), ".warc.gz");
    assert_null(w->problem);
    for (int n = 0; n < PAGES; n++) {
        const struct warcread_record *r;
        struct buf page;
        char path[16];

        buf_init(&page, (size_t)MIB);
        append_page(n, &page);
        snprintf(path, sizeof path, n ? "/%d" : "/", n);
        r = warcread_find(w, "response", origin_url(g->o, path));
        assert_non_null(r);
        assert_true(span_eq(warcread_payload(r), buf_span(&page)));
        buf_clear(&page);
    }
    warcread_free(w);
}

/* --- scenarios -------------------------------------------------------------------- */

static void a_crawl_makes_one_dictionary_and_later_bodies_need_it(void **state)
{
    struct packed n;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, site, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, CRAWL), 0);
    assert_whole(&g);
    n = count_bodies(&g);
    assert_true(n.alone >= 100 && n.with_ours >= 200);
    assert_int_equal(program_number(&g.p, "SELECT id FROM dictionaries"), ID);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM events WHERE event = 'dictionary'"),
        1);
    /* It pays. */
    assert_int_equal(
        program_number(&g.p,
                       "SELECT (SELECT avg(length(data)) FROM bodies WHERE id > 350) <"
                       " 0.8 * (SELECT avg(length(data)) FROM bodies WHERE id < 50)"),
        1);
    assert_exported(&g);
    rig_close(&g);
}

/* What the page was then can be read only with the dictionary. */
static void diff_reads_what_a_page_was(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, changing_site, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, CRAWL), 0);
    assert_true(count_bodies(&g).with_ours > 0);
    assert_int_equal(program_crawl(&g.p, CRAWL), 0);
    assert_int_equal(program_run(&g.p, ARGS{ "diff", "-f", "tsv", NULL }), 0);
    assert_true(printed(&g, "changed\t"));
    assert_false(printed(&g, "broken\t"));
    assert_false(program_said(&g.p, "may have been there before"));
    rig_close(&g);
}

/* While one process makes it, the other goes on, and may make another: the first counts. */
static void of_two_processes_one_makes_it(void **state)
{
    struct packed n;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, site, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, CRAWL_BY("2")), 0);
    n = count_bodies(&g);
    assert_int_equal(n.alone + n.with_ours, PAGES);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM dictionaries"), 1);
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
    rig_close(&g);
}

static void a_crawl_of_few_pages_has_none(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, site, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-n",
                                               "90", NULL }),
                     5);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM dictionaries"), 0);
    assert_int_equal(count_bodies(&g).with_ours, 0);
    rig_close(&g);
}

/* Starts, and kills it after that many requests in all, or when the dictionary is there. */
static void kill_at(struct rig *g, size_t requests, bool waits_for_dictionary)
{
    int looks = 0;

    program_start_crawl(&g->p, CRAWL);
    assert_true(traffic_wait(g->o, NULL, NULL, requests));
    while (waits_for_dictionary && looks++ < 20000 &&
           program_number(&g->p, "SELECT count(*) FROM dictionaries") != 1)
        ;
    program_kill(&g->p);
    assert_int_equal(program_run(&g->p, ARGS{ "verify", NULL }), 0);
}

static void killed_before_and_after_it_was_made_nothing_is_lost(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, slow_site, 1, "http://127.0.0.1:$PORT/\n");
    kill_at(&g, 80, false);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM dictionaries"), 0);
    kill_at(&g, 1, true); /* as soon as it is committed */
    kill_at(&g, traffic_count(g.o, NULL, NULL) + 20, false);
    kill_at(&g, traffic_count(g.o, NULL, NULL) + 20, false);
    assert_int_equal(program_crawl(&g.p, CRAWL), 0);
    assert_whole(&g);
    rig_close(&g);
}

static void the_next_start_goes_on_with_it(void **state)
{
    int before;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, site, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--workers", "1", "-n", "250", NULL }),
                     5);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM dictionaries"), 1);
    before = count_bodies(&g).alone;
    assert_int_equal(program_crawl(&g.p, CRAWL), 0);
    assert_whole(&g);
    assert_int_equal(count_bodies(&g).alone, before);
    rig_close(&g);
}

static void without_stored_bodies_there_is_none(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, site, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--store-bodies", "none", NULL }),
                     0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM dictionaries"), 0);
    rig_close(&g);
}

static void a_file_of_schema_1_goes_on_and_gets_one(void **state)
{
    sqlite3 *db;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, site, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(sqlite3_open(program_path(&g.p, "crawl.db"), &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, schema_sql(1), NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(db,
                     "PRAGMA application_id = 1129469772; PRAGMA user_version = 1;"
                     "INSERT INTO meta VALUES ('hash_secret', 4711)",
                     NULL, NULL, NULL),
        SQLITE_OK);
    sqlite3_close(db);
    assert_int_equal(program_crawl(&g.p, CRAWL), 0);
    assert_whole(&g);
    assert_int_equal(access(program_path(&g.p, "crawl.db.schema1"), F_OK), 0);
    assert_string_equal(program_text(&g.p, "SELECT level || ': ' || detail FROM events WHERE event = 'schema-changed'"),
                        "warn: crawl.db was brought forward from schema 1; as it was, it is kept as crawl.db.schema1"
                        " until you remove it");
    assert_int_equal(program_crawl(&g.p, CRAWL), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM events WHERE event IN ('schema-changed', 'kept-aside')"), 1);
    rig_close(&g);
}

static void a_damaged_dictionary_is_named_and_the_crawl_makes_another(void **state)
{
    struct warcread *w;
    struct packed n;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, site, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, CRAWL), 0);
    n = count_bodies(&g);
    program_change(&g.p, "UPDATE dictionaries SET data = zeroblob(5000)");
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 3);
    assert_true(printed(&g, "problem=it needs dictionary 32768, which is damaged"));
    assert_int_equal(program_run(&g.p, ARGS{ "export", "--warc", "out", NULL }), 3);
    w = warcread_folder(program_path(&g.p, "out"), ".warc.gz");
    assert_null(w->problem);
    assert_int_equal(warcread_count(w, "response", NULL), n.alone);
    assert_int_equal(warcread_count(w, "metadata", NULL), n.with_ours);
    warcread_free(w);

    assert_int_equal(program_crawl(&g.p, CRAWL), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM dictionaries WHERE id ="
                                          " 32769 AND length(data) > 5000"),
                     1);
    program_change(&g.p, "DELETE FROM dictionaries WHERE id = 32768");
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 3);
    assert_true(printed(&g, "problem=it needs dictionary 32768, which is missing"));
    rig_close(&g);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crawl_makes_one_dictionary_and_later_bodies_need_it),
        cmocka_unit_test(diff_reads_what_a_page_was),
        cmocka_unit_test(of_two_processes_one_makes_it),
        cmocka_unit_test(a_crawl_of_few_pages_has_none),
        cmocka_unit_test(killed_before_and_after_it_was_made_nothing_is_lost),
        cmocka_unit_test(the_next_start_goes_on_with_it),
        cmocka_unit_test(without_stored_bodies_there_is_none),
        cmocka_unit_test(a_file_of_schema_1_goes_on_and_gets_one),
        cmocka_unit_test(a_damaged_dictionary_is_named_and_the_crawl_makes_another),
    };

    return cmocka_run_group_tests_name("flow/dictionary", tests, NULL, NULL);
}
