/* SPDX-License-Identifier: MIT */
/*
 * A site whose pages all change from run to run, crawled again and again with --keep-history: the full text does
 * not grow with the runs, and finds what the pages say now. Their bodies share a dictionary.
 * Also where some pages never change and came when no bodies were stored.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/span.h"
#include "tests/kit/faults.h"
#include "tests/kit/rig.h"
#include "tests/kit/training.h"

#define PAGES 200
#define RUNS  6

#define CRAWL                                                                                                    \
    ARGS                                                                                                         \
    {                                                                                                            \
        "seeds.txt", "-q", "--delay", "0", "--per-host", "4", "--workers", "1", "--keep-history", "1", NULL      \
    }

/* How often each page was asked for; the server's. */
static int n_asked[PAGES];

static void make_page(void *arg, const struct origin_request *r, int *io_status, struct buf *out)
{
    int64_t n;
    struct buf page;

    (void)arg;
    if (!span_parse_i64(span_str(r->path + 1), &n)) { /* training pages have links, too */
        *io_status = 404;
        return;
    }
    buf_init(&page, (size_t)MIB);
    if (n < 0 || n >= PAGES || buf_append(out, training_page((int)n, &page)) ||
        buf_printf(out, "<p>wordrun%d wordpage%lld \xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd", ++n_asked[n],
                   (long long)n))
        abort();
    for (int i = 1; i <= 2; i++)
        if (2 * n + i < PAGES && buf_printf(out, "<a href=/%lld>next</a>", (long long)(2 * n + i)))
            abort();
    buf_clear(&page);
}

static const struct origin_route site[] = {
    NO_ROBOTS,
    { .path = "*", .headers = HTML, .generate = make_page },
};

static int64_t n_found(struct rig *g, const char *words)
{
    char sql[128];

    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM page_text WHERE page_text MATCH '%s'", words);
    return program_number(&g->p, sql);
}

static void full_text_does_not_grow_with_the_runs(void **state)
{
    int n_renewed = 0;
    int64_t before = 0;
    struct rig g;

    (void)state;
    RIG_OPEN(&g, site, 1, "http://127.0.0.1:$PORT/0\n");
    for (int run = 1; run <= RUNS; run++) {
        int64_t n_texts, n_pages;
        char word[32];

        assert_int_equal(program_crawl(&g.p, CRAWL), 0);
        n_texts = program_number(&g.p, "SELECT count(*) FROM page_text_docsize");
        n_pages = program_number(&g.p, "SELECT count(text_id) FROM pages");
        assert_int_equal(n_pages, PAGES);
        assert_true(n_texts <= 2 * n_pages);
        n_renewed += n_texts <= before;
        before = n_texts;
        (void)snprintf(word, sizeof word, "wordrun%d", run);
        assert_int_equal(n_found(&g, word), n_pages);
        assert_int_equal(n_found(&g, "\"\xe6\x9d\xb1\xe4\xba\xac \xe4\xba\xac\xe9\x83\xbd\""), n_texts);
    }
    assert_true(n_renewed >= 2);
    assert_int_equal(n_found(&g, "wordrun1"), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM dictionaries"), 1);
    assert_int_equal(program_run(&g.p, ARGS{ "search", "wordpage77", "--json", NULL }), 0);
    assert_true(span_find_span(buf_span(&g.p.out), SPAN("/77\"")) < g.p.out.len);
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
    rig_close(&g);
}

/* Where the disk has no room for a second index beside the first, all stays as it is, and the log says why. */
static void without_room_the_full_text_stays_and_the_log_says_so(void **state)
{
    char room[32];
    struct rig g;

    (void)state;
    RIG_OPEN(&g, site, 1, "http://127.0.0.1:$PORT/0\n");
    for (int run = 1; run <= 2; run++)
        assert_int_equal(program_crawl(&g.p, CRAWL), 0);
    (void)snprintf(room, sizeof room, "%lld",
                   (long long)program_number(&g.p, "SELECT page_count * page_size / 2 FROM pragma_page_count,"
                                                   " pragma_page_size"));
    faults_load(NULL, NULL);
    setenv("FAULT_FREE", room, 1);
    for (int run = 3; run <= 4; run++)
        assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "--per-host", "4", "--workers", "1",
                                                   "--keep-history", "1", "--min-free", "4096", NULL }),
                         0);
    faults_unload();
    assert_true(program_said(&g.p, "texts-kept"));
    assert_true(program_said(&g.p, "MiB more must be free on the disk"));
    assert_true(program_number(&g.p, "SELECT count(*) FROM page_text_docsize") > 2 * PAGES);
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);

    assert_int_equal(program_crawl(&g.p, CRAWL), 0);
    assert_true(program_number(&g.p, "SELECT count(*) FROM page_text_docsize") <= 2 * PAGES);
    rig_close(&g);
}

/* --- pages that came without a body ----------------------------------------------------- */

static void make_still_page(void *arg, const struct origin_request *r, int *io_status, struct buf *out)
{
    (void)arg;
    (void)r;
    (void)io_status;
    if (buf_printf(out, "<title>still</title><p>wordstill and nothing else ever"))
        abort();
}

static const struct origin_route site_with_still_page[] = {
    NO_ROBOTS,
    { .path = "/still", .headers = HTML, .generate = make_still_page, .has_etag = true },
    { .path = "*", .headers = HTML, .generate = make_page },
};

static void a_page_that_came_without_its_body_is_asked_for_it_once(void **state)
{
    struct rig g;

    (void)state;
    RIG_OPEN(&g, site_with_still_page, 1, "http://127.0.0.1:$PORT/0\nhttp://127.0.0.1:$PORT/still\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "4", "--workers", "1",
                                               "--keep-history", "1", "--store-bodies", "none", NULL }),
                     0);
    for (int run = 2; run <= RUNS; run++)
        assert_int_equal(program_crawl(&g.p, CRAWL), 0);
    /* Run 4 finds that most texts are out of use, run 5 asks. */
    assert_true(program_number(&g.p, "SELECT count(*) FROM page_text_docsize") <= 2 * (PAGES + 1));
    assert_int_equal(n_found(&g, "wordstill"), 1);
    assert_int_equal(program_number(&g.p, "SELECT f.status_code FROM urls u JOIN fetches f ON f.id = u.fetch_id"
                                          " WHERE u.url LIKE '%/still'"),
                     304);
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(full_text_does_not_grow_with_the_runs),
        cmocka_unit_test(without_room_the_full_text_stays_and_the_log_says_so),
        cmocka_unit_test(a_page_that_came_without_its_body_is_asked_for_it_once),
    };

    return cmocka_run_group_tests_name("flow/renewal", tests, NULL, NULL);
}
