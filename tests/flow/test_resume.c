/* SPDX-License-Identifier: MIT */
/*
 * Interrupted, killed and repeated crawls: the final set depends on the graph
 * alone, what is committed is never asked for again, and a second run asks
 * conditionally.
 */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "config/clock.h"
#include "tests/kit/rig.h"
#include "tests/kit/traffic.h"

#define PAGES 400
#define KILLS 12

/* The number at the start of text, behind a '/'; 0 for none. */
static int atoi_of(const char *text)
{
    return (int)strtol(text + (*text == '/'), NULL, 10);
}

/* Page N links to 2N+1 and 2N+2, and across. They carry a validator and answer 304 to it. */
static void make_page(void *arg, const struct origin_request *r, int *io_status,
                      struct buf *out)
{
    int n = atoi_of(r->path), pages = *(const int *)arg;

    if (strstr(r->headers, "If-None-Match: \"v1\"")) {
        *io_status = 304;
        return;
    }
    if (buf_printf(
            out,
            "<!doctype html><title>Page %d</title><p>The word number%d stands here.", n,
            n))
        abort();
    for (int i = 1; i <= 2; i++)
        if (2 * n + i < pages && buf_printf(out, "<a href=/%d>next</a>", 2 * n + i))
            abort();
    if (buf_printf(out, "<a href=/%d>across</a>", (n + 7) % pages))
        abort();
}

static int n_pages = PAGES;

static const struct origin_route graph[] = {
    NO_ROBOTS,
    { .path = "*",
      .headers = HTML "ETag: \"v1\"\r\n",
      .generate = make_page,
      .arg = &n_pages,
      .delay_ms = 3 },
};

/* --- what the database holds ------------------------------------------------------------------- */

struct urls {
    bool is_fetched[PAGES];
};

static void read_fetched(struct rig *g, struct urls *out)
{
    sqlite3 *db;
    sqlite3_stmt *st;

    *out = (struct urls){ 0 };
    assert_int_equal(sqlite3_open_v2(program_path(&g->p, "crawl.db"), &db,
                                     SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db,
                                        "SELECT url FROM urls WHERE state = 'fetched'",
                                        -1, &st, NULL),
                     SQLITE_OK);
    while (sqlite3_step(st) == SQLITE_ROW)
        out->is_fetched[atoi_of(
            strrchr((const char *)sqlite3_column_text(st, 0), '/'))] = true;
    sqlite3_finalize(st);
    sqlite3_close(db);
}

static size_t log_length(const struct rig *g)
{
    size_t n = 0;

    while (origin_request_at(g->o, n))
        n++;
    return n;
}

/* By a breadth-first walk of the same graph. */
static int sum_of_depths(void)
{
    int depth[PAGES] = { 0 }, queue[PAGES] = { 0 }, len = 1, sum = 0;

    for (int at = 0; at < len; at++) {
        int n = queue[at], next[3] = { 2 * n + 1, 2 * n + 2, (n + 7) % PAGES };

        sum += depth[n];
        for (int i = 0; i < 3; i++)
            if (next[i] < PAGES && next[i] && !depth[next[i]]) {
                depth[next[i]] = depth[n] + 1;
                queue[len++] = next[i];
            }
    }
    return sum;
}

static void assert_whole_graph(struct rig *g)
{
    assert_int_equal(
        program_number(
            &g->p,
            "SELECT count(*) FROM urls WHERE state IN ('fetched', 'not_modified')"),
        PAGES);
    assert_int_equal(program_number(&g->p, "SELECT count(*) FROM urls"), PAGES);
    assert_int_equal(
        program_number(&g->p, "SELECT count(*) FROM pages WHERE parse_outcome = 'ok'"),
        PAGES);
    assert_int_equal(
        program_number(&g->p,
                       "SELECT count(*) FROM pages p JOIN urls u ON u.id = p.url_id"
                       " WHERE u.url LIKE '%/' || substr(title, 6)"),
        PAGES);
    assert_int_equal(program_number(&g->p, "SELECT count(*) FROM links"),
                     2 * PAGES - 1);
    assert_int_equal(program_number(&g->p, "SELECT count(*) FROM page_text"), PAGES);
    assert_string_equal(program_text(&g->p, "PRAGMA integrity_check"), "ok");
    assert_int_equal(program_run(&g->p, ARGS{ "verify", NULL }), 0);
}

/* --- kill -9 --------------------------------------------------------------------------------------- */

struct kill {
    struct urls done; /* committed then */
    size_t log_length;
};

/* What ended in this start, well before the kill, must be in the file: commits are at most 200 ms late. */
static void assert_commits_are_timely(struct rig *g, const struct kill *k, size_t from,
                                      int64_t killed_ns)
{
    const struct origin_request *r;

    for (size_t i = from; i < k->log_length && (r = origin_request_at(g->o, i)) != NULL;
         i++)
        if (r->path[1] != 'r' && r->end_ns && r->end_ns < killed_ns - 600 * NS_PER_MS)
            assert_true(k->done.is_fetched[atoi_of(r->path)]);
}

static void assert_nothing_done_is_asked_again(const struct rig *g,
                                               const struct kill *k)
{
    const struct origin_request *r;

    for (size_t i = k->log_length; (r = origin_request_at(g->o, i)) != NULL; i++)
        if (r->path[1] != 'r' && k->done.is_fetched[atoi_of(r->path)]) {
            traffic_print(g->o);
            fail_msg("%s was done and is asked again as request %zu", r->path, i);
        }
}

static void killed_again_and_again_it_ends_with_the_same_set(void **state)
{
    static struct kill kills[KILLS];
    const char *const *args =
        ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "4", NULL };
    struct rig g;

    (void)state;
    srandom((unsigned)clock_now_ns());
    RIG_OPEN(&g, graph, 1, "http://127.0.0.1:$PORT/0\n");
    for (size_t i = 0; i < KILLS; i++) {
        size_t from = log_length(&g);
        int64_t killed_ns;

        program_start_crawl(&g.p, args);
        if (i)
            assert_true(
                traffic_wait(g.o, NULL, NULL, from + (size_t)random() % 12 + 1));
        usleep((useconds_t)random() % 12000);
        killed_ns = clock_now_ns();
        program_kill(&g.p);
        if (access(program_path(&g.p, "crawl.db"), F_OK) != 0)
            continue; /* so early that there was nothing */
        kills[i].log_length = log_length(&g);
        assert_string_equal(program_text(&g.p, "PRAGMA integrity_check"), "ok");
        if (program_number(
                &g.p, "SELECT count(*) FROM sqlite_master WHERE name = 'urls'") < 1)
            continue;
        assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
        read_fetched(&g, &kills[i].done);
        assert_commits_are_timely(&g, &kills[i], from, killed_ns);
    }

    assert_int_equal(program_crawl(&g.p, args), 0);

    assert_whole_graph(&g);
    for (size_t i = 0; i < KILLS; i++)
        assert_nothing_done_is_asked_again(&g, &kills[i]);
    assert_int_equal(program_number(&g.p, "SELECT sum(depth) FROM urls"),
                     sum_of_depths());
    rig_close(&g);
}

/* --- signals ------------------------------------------------------------------------------------------ */

static void stopped_again_and_again_nothing_is_asked_twice(void **state)
{
    struct rig g;
    size_t n = 0;

    (void)state;
    RIG_OPEN(&g, graph, 1, "http://127.0.0.1:$PORT/0\n");
    for (int i = 0; i < 4; i++) {
        n += 40;
        /* Seeds are remembered: later starts go on without them. */
        program_start_crawl(
            &g.p,
            i ? ARGS{ "-q", "--delay", "0", "--per-host", "4", NULL }
              : ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "4", NULL });
        assert_true(traffic_wait(g.o, NULL, NULL, n));
        program_signal(&g.p, i % 2 ? SIGTERM : SIGINT);
        assert_int_equal(program_wait(&g.p), i % 2 ? 143 : 130);
        assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
    }

    assert_int_equal(
        program_crawl(&g.p, ARGS{ "-q", "--delay", "0", "--per-host", "4", NULL }), 0);

    assert_int_not_equal(access(program_path(&g.p, "crawl.db-wal"), F_OK),
                         0); /* the file can be copied alone */
    assert_whole_graph(&g);
    assert_int_equal(traffic_most_of_one(g.o, NULL, NULL), 1);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM runs WHERE state = 'finished'"), 1);
    rig_close(&g);
}

/* --- parser processes ------------------------------------------------------------------------------------ */

static int parent_of(int pid)
{
    char path[64], text[512];
    int parent = 0;
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    f = fopen(path, "r");
    if (!f)
        return 0;
    if (fgets(text, sizeof text, f) && strrchr(text, ')'))
        parent = atoi_of(strrchr(text, ')') + 4);
    fclose(f);
    return parent;
}

static bool is_named_parser(int pid)
{
    char path[64], text[64] = "";
    FILE *f;

    snprintf(path, sizeof path, "/proc/%d/comm", pid);
    f = fopen(path, "r");
    if (!f)
        return false;
    if (!fgets(text, sizeof text, f))
        text[0] = '\0';
    fclose(f);
    return strncmp(text, "crawl: parser", 13) == 0;
}

/* Kills one parser process below program. False when there is none just now. */
static bool kill_a_parser(int program)
{
    DIR *proc = opendir("/proc");
    struct dirent *entry;
    bool did_kill = false;

    while (!did_kill && (entry = readdir(proc)) != NULL) {
        int pid = entry->d_name[0] >= '1' && entry->d_name[0] <= '9'
                      ? atoi_of(entry->d_name)
                      : 0;

        if (pid && is_named_parser(pid) && parent_of(parent_of(pid)) == program)
            did_kill = kill(pid, SIGKILL) == 0;
    }
    closedir(proc);
    return did_kill;
}

static void killed_parsers_cost_no_page(void **state)
{
    struct rig g;
    int n_killed = 0;

    (void)state;
    RIG_OPEN(&g, graph, 1, "http://127.0.0.1:$PORT/0\n");
    /* A page that has lost two parsers is given up: those that a kill hit need time for their second one before the next. */
    program_start_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "10ms", "--per-host",
                                    "2", "--workers", "2", NULL });
    for (size_t at = 20; at < PAGES; at += 20) {
        assert_true(traffic_wait(g.o, NULL, NULL, at));
        n_killed += kill_a_parser(g.p.pid);
    }

    assert_int_equal(program_wait(&g.p), 0);

    assert_true(n_killed >= 8);
    assert_whole_graph(&g);
    assert_int_equal(traffic_most_of_one(g.o, NULL, NULL), 1);
    rig_close(&g);
}

/* --- revisits ------------------------------------------------------------------------------------------------ */

static void second_run_asks_conditionally_and_none_asks_nothing(void **state)
{
    const struct origin_request *r;
    struct rig g;
    size_t first, second;

    (void)state;
    RIG_OPEN(&g, graph, 1, "http://127.0.0.1:$PORT/0\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--per-host", "4", NULL }),
                     0);
    first = log_length(&g);

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--per-host", "4", NULL }),
                     0);
    second = log_length(&g);
    assert_int_equal(second - first, PAGES); /* and robots.txt is still known */
    for (size_t i = first; (r = origin_request_at(g.o, i)) != NULL; i++)
        assert_non_null(strstr(r->headers, "If-None-Match: \"v1\""));
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'not_modified'"),
        PAGES);
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM fetches WHERE outcome = 'not_modified' AND status_code = 304"),
        PAGES);
    assert_whole_graph(&g);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM runs WHERE state = 'finished'"), 2);

    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--revisit", "none", NULL }), 0);
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--revisit", "due", NULL }), 0);
    assert_int_equal(log_length(&g), second);

    program_change(&g.p, "UPDATE url SET next_fetch_at = 1000 WHERE url LIKE '%/17'");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "-q", "--delay", "0", "--revisit", "due", NULL }), 0);
    assert_int_equal(log_length(&g), second + 1);

    /* --fresh keeps the old file aside and asks unconditionally. */
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "4",
                                  "--fresh", "-n", "5", NULL }),
        5);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM fetches"), 5);
    assert_int_equal(access(program_path(&g.p, "crawl.db.1"), F_OK), 0);
    assert_string_equal(program_text(&g.p, "SELECT level || ': ' || detail FROM events WHERE event = 'kept-aside'"),
                        "info: the database so far is kept as crawl.db.1");
    assert_null(
        strstr(origin_request_at(g.o, log_length(&g) - 1)->headers, "If-None-Match"));
    rig_close(&g);
}

/* As Apache with mod_deflate or mod_brotli: it names "x-gzip", and knows "x" alone. */
static void make_packed(void *arg, const struct origin_request *r, int *io_status, struct buf *out)
{
    if (strstr(r->headers, arg))
        *io_status = 304;
    else if (buf_append(out, SPAN("<title>Packed</title>")))
        abort();
}

static void tags_that_name_a_coding_are_known_without_it(void **state)
{
    static char gzip[] = "\"a-gzip\", \"a\"\r\n", br[] = "\"a-b-br\", \"a-b\"\r\n", weak[] = "W/\"-zstd\", W/\"\"\r\n",
                other[] = "If-None-Match: \"gzip\"\r\n";
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/gzip", .headers = HTML "ETag: \"a-gzip\"\r\n", .generate = make_packed, .arg = gzip },
        { .path = "/br", .headers = HTML "ETag: \"a-b-br\"\r\n", .generate = make_packed, .arg = br },
        { .path = "/weak", .headers = HTML "ETag: W/\"-zstd\"\r\n", .generate = make_packed, .arg = weak },
        { .path = "/other", .headers = HTML "ETag: \"gzip\"\r\n", .generate = make_packed, .arg = other },
    };
    const char *const *args = ARGS{ "seeds.txt", "-q", "--delay", "0", NULL };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1,
             "http://127.0.0.1:$PORT/gzip\nhttp://127.0.0.1:$PORT/br\nhttp://127.0.0.1:$PORT/weak\n"
             "http://127.0.0.1:$PORT/other\n");
    assert_int_equal(program_crawl(&g.p, args), 0);
    assert_int_equal(program_crawl(&g.p, args), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'not_modified'"), 4);
    rig_close(&g);
}

static void changed_page_replaces_its_row_and_leaves_history(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers =
              HTML "ETag: \"1\"\r\nLast-Modified: Sat, 21 Nov 2020 10:00:00 GMT\r\n",
          .body = LIT("<title>Old</title><a href=/a>a</a><a href=/b>b</a>"),
          .uses = 1 },
        { .path = "/",
          .headers = HTML "ETag: \"2\"\r\n",
          .body = LIT("<title>New</title><a href=/b>b</a><a href=/c>c</a>") },
        { .path = "/a", .headers = HTML, .body = LIT("<title>A</title>"), .uses = 1 },
        { .path = "/a", .status = 410 },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    const char *const *args = ARGS{ "seeds.txt", "-q", "--delay", "0", NULL };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, args), 0);
    assert_int_equal(program_crawl(&g.p, args), 0);

    assert_non_null(
        strstr(traffic_nth(g.o, NULL, "/", 1)->headers, "If-None-Match: \"1\""));
    assert_non_null(strstr(traffic_nth(g.o, NULL, "/", 1)->headers,
                           "If-Modified-Since: Sat, 21 Nov 2020 10:00:00 GMT"));
    assert_string_equal(
        program_text(
            &g.p,
            "SELECT group_concat(title, ',') FROM pages p JOIN urls u ON u.id = p.url_id WHERE url LIKE '%/'"),
        "New");
    assert_string_equal(
        program_text(&g.p, "SELECT title FROM page_history WHERE title = 'Old'"),
        "Old");
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM links l JOIN urls d ON d.id = l.dst_id WHERE d.url LIKE '%/b' AND position = 0"
            " OR d.url LIKE '%/c' AND position = 1"),
        2);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM links"), 2);
    assert_string_equal(rig_url(&g, "%/a", "state"), "fetched");
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM pages p JOIN urls u ON u.id = p.url_id WHERE url LIKE '%/a' AND title = 'A'"),
        0);
    assert_string_equal(rig_url(&g, "%/c", "state"), "fetched");
    rig_close(&g);
}

static void reader_holds_up_neither_start_nor_end(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS, { .path = "*", .headers = HTML, .body = PAGE }
    };
    struct rig g;
    sqlite3 *reader;
    sqlite3_stmt *st;
    int64_t began;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/a\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(sqlite3_open_v2(program_path(&g.p, "crawl.db"), &reader,
                                     SQLITE_OPEN_READONLY, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(reader, "SELECT url FROM urls", -1, &st, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW); /* and is not done with it */

    began = clock_now_ns();
    assert_int_equal(
        program_crawl(&g.p, ARGS{ origin_url(g.o, "/b"), "-q", "--delay", "0", NULL }),
        0);
    assert_true(clock_now_ns() - began < 5 * NS_PER_S);

    assert_int_equal(sqlite3_step(st),
                     SQLITE_DONE); /* it still sees what was there when it began */
    sqlite3_finalize(st);
    sqlite3_close(reader);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'fetched'"), 2);
    rig_close(&g);
}

/* --- what a start decides anew ------------------------------------------------------------------------------- */

static void changed_rules_decide_again_without_fetching(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .on = 1,
          .headers = HTML,
          TEXT_OF(
              "<a href=/keep>1</a><a href=/skip>2</a><a href=http://127.0.0.2:$PORT/>3</a>") },
        { .path = "/keep", .headers = HTML, .body = LIT("<a href=/deep>d</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-d",
                                               "1", "--exclude", "/skip", NULL }),
                     0);
    assert_string_equal(rig_url(&g, "%/skip", "reason || ' ' || rule"),
                        "include_exclude --exclude '/skip'");
    assert_string_equal(rig_url(&g, "%/deep", "reason"), "depth");
    assert_string_equal(rig_url(&g, "http://127.0.0.2%", "reason || ' ' || rule"),
                        "scope --scope host");
    assert_int_equal(traffic_count(g.o, NULL, NULL), 3);

    assert_int_equal(program_crawl(&g.p, ARGS{ "-q", "--delay", "0", "-d", "2",
                                               "--revisit", "none", NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, NULL), 5);
    assert_int_equal(traffic_count(g.o, NULL, "/skip"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/deep"), 1);

    assert_int_equal(program_crawl(&g.p, ARGS{ "-q", "--delay", "0", "--revisit",
                                               "none", "--scope", "any", NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, NULL),
                     7); /* robots.txt and / of the other */
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'fetched'"), 5);
    rig_close(&g);
}

/* The command line wins over what the database remembers: also over its queue and its known pages. */
static void changed_rules_hold_for_what_is_queued_and_known(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT("<a href=/keep>1</a><a href=/skip>2</a>") },
        { .path = "/keep", .headers = HTML, .body = LIT("<a href=/deep>d</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-n", "1", NULL }),
        5);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--exclude", "/skip", NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, "/skip"), 0);
    assert_string_equal(rig_url(&g, "%/skip", "state || ' ' || reason || ' ' || rule"),
                        "excluded include_exclude --exclude '/skip'");
    assert_int_equal(traffic_count(g.o, NULL, "/deep"), 1);

    /* A new run: what is known and too deep now is left alone. */
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-d", "1", NULL }),
        0);
    assert_int_equal(traffic_count(g.o, NULL, "/skip"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/deep"), 1);
    assert_string_equal(rig_url(&g, "%/deep", "state || ' ' || reason"),
                        "excluded depth");

    /* And comes back with the rules. */
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/deep"), 2);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'fetched'"), 4);
    rig_close(&g);
}

/*
 * A rule also holds for pages that were known but not asked for in the run that it came with: a later run under
 * the same settings would ask for them.
 */
static void changed_rules_hold_for_what_a_later_run_asks_for(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT("<a href=/skip>1</a><a href=/keep>2</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    static const char are_due[] = "UPDATE url SET next_fetch_at = 1000";
    const char *const *due = ARGS{ "seeds.txt", "-q",        "--delay",   "0",
                                   "--exclude", "/(skip|keep)", "--revisit", "due", NULL };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-n", "2", NULL }),
        5);
    assert_string_equal(rig_url(&g, "%/skip", "state"), "fetched");

    /* The run goes on with a rule, and ends; the next ones have the same. */
    for (int i = 0; i < 3; i++)
        assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                                   "--exclude", "/skip", NULL }),
                         0);
    assert_int_equal(traffic_count(g.o, NULL, "/skip"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/keep"), 3);
    assert_string_equal(rig_url(&g, "%/skip", "state || ' ' || rule"),
                        "excluded --exclude '/skip'");

    /* Nothing is due when the rule comes; later all is. */
    assert_int_equal(program_crawl(&g.p, due), 0);
    assert_string_equal(rig_url(&g, "%/keep", "state"), "fetched");
    program_change(&g.p, are_due);
    assert_int_equal(program_crawl(&g.p, due), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/keep"), 3);
    assert_int_equal(traffic_count(g.o, NULL, "/"), 4);
    assert_string_equal(rig_url(&g, "%/keep", "state || ' ' || reason"),
                        "excluded include_exclude");
    rig_close(&g);
}

/* And where the rule was left out for a night: what was found then is known, and was never decided by it. */
static void a_rule_that_comes_back_holds_for_what_was_found_without_it(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML, .body = LIT("<a href=/skip>1</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    const char *const *strict = ARGS{ "seeds.txt", "-q",    "--delay",   "0",  "--exclude",
                                      "/skip",     "--revisit", "due", NULL };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, strict), 0);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--revisit", "due", NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, "/skip"), 1);
    assert_int_equal(program_crawl(&g.p, strict), 0);
    program_change(&g.p, "UPDATE url SET next_fetch_at = 1000");
    assert_int_equal(program_crawl(&g.p, strict), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/skip"), 1);
    rig_close(&g);
}

/* Seen that robots.txt keeps much away, stopped, and started again without: not only the next run obeys. */
static void a_run_that_goes_on_without_robots_asks_for_what_they_forbade(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("User-agent: *\nDisallow: /no\n") },
        { .path = "/", .headers = HTML, .body = LIT("<a href=/no>1</a><a href=/a>2</a><a href=/b>3</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-n", "2", NULL }), 5);
    assert_string_equal(rig_url(&g, "%/no", "reason"), "robots");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--timeout", "29s",
                                               "-n", "0", NULL }),
                     5);
    assert_string_equal(rig_url(&g, "%/no", "reason"), "robots");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--no-robots", NULL }), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'fetched'"), 4);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM runs"), 1);
    rig_close(&g);
}

static void failures_are_tried_again_by_the_next_run(void **state)
{
    static const struct origin_step reset[] = { { .kind = ORIGIN_RESET } };
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .on = 2, .status = 500, .uses = 3 },
        NO_ROBOTS,
        { .path = "/lost",
          .script = reset,
          .n_steps = 1,
          .uses = 2 }, /* one is not charged */
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/lost\nhttp://127.0.0.2:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "20ms",
                                               "--retries", "0", NULL }),
                     0);
    assert_string_equal(rig_url(&g, "%/lost", "state || ' ' || reason"),
                        "failed connection_lost");
    assert_string_equal(rig_url(&g, "%2:%/", "state || ' ' || reason"),
                        "excluded robots_unreachable");

    assert_int_equal(
        program_crawl(&g.p, ARGS{ "-q", "--delay", "20ms", "--retries", "0", NULL }),
        0);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE state = 'fetched'"), 2);
    rig_close(&g);
}

static const struct origin_route papers[] = {
    NO_ROBOTS,
    { .path = "/", .headers = HTML, TEXT_OF("<a href=/paper.pdf>paper</a>") },
    { .path = "/paper.pdf",
      .headers = "Content-Type: application/pdf\r\n",
      TEXT_OF("%PDF-1.4") },
};

/* What was excluded for its type is asked for again when, and only when, the settings want it. */
static void a_type_is_decided_anew_with_the_settings(void **state)
{
    static const char is_excluded[] =
        "SELECT count(*) FROM urls WHERE reason = 'content_type'";
    struct rig g;

    (void)state;
    RIG_OPEN(&g, papers, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(program_number(&g.p, is_excluded), 1);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--timeout", "29s", NULL }),
                     0);
    assert_int_equal(program_number(&g.p, is_excluded), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/paper.pdf"), 1);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--store-bodies", "all", NULL }),
                     0);
    assert_int_equal(program_number(&g.p, is_excluded), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/paper.pdf"), 2);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM bodies"), 2);
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(killed_again_and_again_it_ends_with_the_same_set),
        cmocka_unit_test(stopped_again_and_again_nothing_is_asked_twice),
        cmocka_unit_test(killed_parsers_cost_no_page),
        cmocka_unit_test(a_type_is_decided_anew_with_the_settings),
        cmocka_unit_test(second_run_asks_conditionally_and_none_asks_nothing),
        cmocka_unit_test(tags_that_name_a_coding_are_known_without_it),
        cmocka_unit_test(changed_page_replaces_its_row_and_leaves_history),
        cmocka_unit_test(reader_holds_up_neither_start_nor_end),
        cmocka_unit_test(changed_rules_decide_again_without_fetching),
        cmocka_unit_test(changed_rules_hold_for_what_is_queued_and_known),
        cmocka_unit_test(changed_rules_hold_for_what_a_later_run_asks_for),
        cmocka_unit_test(a_rule_that_comes_back_holds_for_what_was_found_without_it),
        cmocka_unit_test(a_run_that_goes_on_without_robots_asks_for_what_they_forbade),
        cmocka_unit_test(failures_are_tried_again_by_the_next_run),
    };

    return cmocka_run_group_tests_name("flow/resume", tests, NULL, NULL);
}
