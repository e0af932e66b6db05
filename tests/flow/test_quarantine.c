/* SPDX-License-Identifier: MIT */
/*
 * A page that takes a parser too long, through the whole program (P34, P6): its
 * fetch is kept, what became of it is recorded, its bytes are kept as a
 * reproducer that `crawl inspect` takes, and the other pages notice nothing.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "config/mem.h"
#include "tests/kit/rig.h"

#define N_HEAVY   4
#define N_HEALTHY 40
#define PIECE \
    "<p id=a class='b c'><b><i title=x>text &amp; more</i></b><a href=#x>y</a>"

static struct origin_route routes[] = {
    NO_ROBOTS,
    { .path = "/heavy*", .headers = HTML "X-Odd: \xe9\r\n" },
    { .path = "*", .headers = HTML, .body = PAGE },
};
static struct rig g;

/* 9 MiB of dense markup: several times what the time is for, on a fast machine too. */
static struct span heavy_page(void)
{
    static const struct span piece = LIT(PIECE);
    const size_t n = (size_t)9 * MIB / piece.len;
    char *text = mem_alloc(n * piece.len);

    for (size_t i = 0; i < n; i++)
        memcpy(text + i * piece.len, piece.ptr, piece.len);
    return span_make(text, n * piece.len);
}

static int crawl(const char *quarantine)
{
    char seeds[8192];
    size_t n = 0;

    for (int i = 0; i < N_HEAVY; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n,
                              "http://127.0.0.1:$PORT/heavy%d\n", i);
    for (int i = 0; i < N_HEALTHY; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n,
                              "http://127.0.0.1:$PORT/ok%d\n", i);
    routes[1].body = heavy_page();
    RIG_OPEN(&g, routes, 1, seeds);
    return program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host",
                                     "8", "--workers", "2", "--parse-time", "10ms",
                                     "--quarantine", quarantine, NULL });
}

static void end(void)
{
    mem_free((void *)(uintptr_t)routes[1].body.ptr);
    rig_close(&g);
}

static int64_t count(const char *what)
{
    char sql[512];

    snprintf(sql, sizeof sql, "SELECT count(*) FROM %s", what);
    return program_number(&g.p, sql);
}

static void pages_that_take_too_long_cost_nobody_else_anything(void **state)
{
    (void)state;
    assert_int_equal(crawl("2"), 0);

    assert_int_equal(count("urls WHERE state = 'fetched'"), N_HEAVY + N_HEALTHY);
    assert_int_equal(count("pages WHERE parse_outcome = 'timeout'"), N_HEAVY);
    /* Nobody saw those bodies whole: they have no hash, and are no duplicates of each other. */
    assert_int_equal(count("fetches f JOIN pages p ON p.fetch_id = f.id"
                           " WHERE p.parse_outcome = 'timeout' AND f.sha256 IS NULL"),
                     N_HEAVY);
    assert_int_equal(count("pages WHERE parse_outcome = 'ok'"), N_HEALTHY);
    assert_int_equal(count("fetches WHERE outcome = 'ok'"), N_HEAVY + N_HEALTHY);
    assert_int_equal(traffic_count(g.o, NULL, "/heavy*"), N_HEAVY);
    assert_int_equal(
        count("events WHERE event = 'page-not-parsed'"
              " AND detail LIKE '%no answer within 10 ms of processor time'"),
        N_HEAVY);
    assert_int_equal(count("events WHERE event = 'page-quarantined'"
                           " AND detail LIKE '%crawl.db-quarantine/page-00000_.json'"),
                     2);
    assert_int_equal(
        count("events WHERE event = 'page-not-kept' AND detail LIKE '%full'"), 2);
    end();
}

/* crawl inspect links < path */
static int inspect_links(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC), old = dup(STDIN_FILENO), code;

    assert_true(file >= 0 && dup2(file, STDIN_FILENO) == STDIN_FILENO);
    code = program_run(&g.p, ARGS{ "inspect", "links", NULL });
    dup2(old, STDIN_FILENO);
    close(old);
    close(file);
    return code;
}

static void what_was_kept_is_a_request_of_inspect(void **state)
{
    const char *path;
    struct err_note note;
    struct stat st;
    struct buf text;

    (void)state;
    assert_int_equal(crawl("1"), 0);

    path = program_path(&g.p, "crawl.db-quarantine/page-000001.json");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    buf_init(&text, (size_t)64 * MIB);
    assert_int_equal(io_read_file(path, &text, &note), OK);
    assert_true(span_find_span(buf_span(&text), SPAN("[\"X-Odd\",\"\xc3\xa9\"]")) <
                text.len);
    buf_clear(&text);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    end();
    skip(); /* it has eight seconds, which sanitizers on a busy machine do not keep */
#endif
    /* Inspecting has all the time it needs: here the page is only slow, so it is answered. */
    assert_int_equal(inspect_links(path), 0);
    if (span_find_span(buf_span(&g.p.out), SPAN("\"links\":[{")) == g.p.out.len)
        fail_msg("%.*s", (int)MIN(g.p.out.len, (size_t)300), g.p.out.ptr);
    end();
}

static void without_quarantine_nothing_is_kept(void **state)
{
    struct stat st;

    (void)state;
    assert_int_equal(crawl("0"), 0);
    assert_int_equal(count("pages WHERE parse_outcome = 'timeout'"), N_HEAVY);
    assert_int_equal(count("events WHERE event LIKE 'page-quarantined'"), 0);
    assert_int_not_equal(stat(program_path(&g.p, "crawl.db-quarantine"), &st), 0);
    end();
}

/* P5: it exists for debugging, and is not forgotten. */
static void a_run_without_its_sandbox_says_so(void **state)
{
    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/ok\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", NULL }), 0);
    assert_int_equal(count("events WHERE event = 'no-sandbox'"), 0);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--no-sandbox", NULL }), 0);
    assert_int_equal(
        count("events WHERE event = 'no-sandbox' AND level = 'warn' AND run_id = 2"),
        1);
    assert_true(program_said(&g.p, "without their sandbox"));
    assert_int_equal(count("runs WHERE settings LIKE '%\"no-sandbox\":true%'"), 1);
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_that_take_too_long_cost_nobody_else_anything),
        cmocka_unit_test(what_was_kept_is_a_request_of_inspect),
        cmocka_unit_test(without_quarantine_nothing_is_kept),
        cmocka_unit_test(a_run_without_its_sandbox_says_so),
    };

    return cmocka_run_group_tests_name("flow/quarantine", tests, NULL, NULL);
}
