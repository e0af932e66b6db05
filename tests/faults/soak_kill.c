/* SPDX-License-Identifier: MIT */
/*
 * `make soak-kill`: a crawl of some thousand pages on many hosts, killed with
 * SIGKILL at random moments again and again, then let go on to its end. The
 * database is looked at after each kill, the server's log at the end. Prints
 * figures and a verdict; ends with 1 when a promise (P1, P3) was broken.
 *
 * usage: soak_kill [KILLS [PAGES-PER-HOST [SEED]]]
 */
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <sqlite3.h>

#include "config/clock.h"
#include "config/mem.h"
#include "tests/kit/rig.h"

#define N_HOSTS         20
#define DELAY_MS        50
#define DELAY           "50ms"
#define LONGEST_LIFE    1200 /* milliseconds from a start to its kill, at most */
#define MAX_UNCOMMITTED 256  /* answered pages that wait for their commit */
#define MAX_LOG         ((size_t)400000)

struct soak {
    struct rig rig;
    int64_t kills, pages_per_host;
    char *is_done;   /* by host * pages_per_host + page: in the file after some kill */
    size_t *done_at; /* length of the log then */
    size_t robots_done_at[N_HOSTS]; /* 0: not yet */
    size_t log_before;              /* length of the log at the last kill */
    int64_t n_kills, n_early;       /* ... before there was a database */
    int64_t most_repeats,
        sum_repeats; /* asked and not in the file, at one kill and in all */
    int64_t broken;
};

PRINTF_LIKE(2, 3)

static void blame(struct soak *s, const char *fmt, ...)
{
    va_list args;

    s->broken++;
    printf("BROKEN after %lld kills: ", (long long)s->n_kills);
    va_start(args, fmt);
    (void)vprintf(fmt, args);
    va_end(args);
    printf("\n");
    fflush(stdout);
}

/* --- the site ------------------------------------------------------------------------ */

/* "/pN" */
static int64_t page_of(const char *path)
{
    int64_t n;

    return path[0] == '/' && path[1] == 'p' && span_parse_i64(span_str(path + 2), &n)
               ? n
               : -1;
}

/* Page N links to 2N+1 and 2N+2, and across. */
static void make_page(void *arg, const struct origin_request *r, int *io_status,
                      struct buf *out)
{
    struct soak *s = arg;
    int64_t n = page_of(r->path), total = s->pages_per_host;

    if (n < 0) {
        *io_status = 404;
        return;
    }
    BUG_IF(buf_printf(out, "<title>Page %lld</title><p>Words of page %lld.",
                      (long long)n, (long long)n) != OK);
    for (int64_t next = 2 * n + 1; next <= 2 * n + 2 && next < total; next++)
        BUG_IF(buf_printf(out, "<a href=/p%lld>on</a>", (long long)next) != OK);
    BUG_IF(buf_printf(out, "<a href=/p%lld>across</a>",
                      (long long)((n * 7 + 3) % total)) != OK);
}

/* --- what is in the file ---------------------------------------------------------------- */

static void each_row(struct soak *s, const char *sql,
                     void (*fn)(struct soak *s, sqlite3_stmt *st))
{
    sqlite3 *db;
    sqlite3_stmt *st;

    BUG_IF(sqlite3_open_v2(program_path(&s->rig.p, "crawl.db"), &db,
                           SQLITE_OPEN_READONLY, NULL) != SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) == SQLITE_OK)
        while (sqlite3_step(st) == SQLITE_ROW)
            fn(s, st);
    else
        blame(s, "%s", sqlite3_errmsg(db));
    sqlite3_finalize(st);
    sqlite3_close(db);
}

static size_t log_length(const struct soak *s)
{
    return (size_t)origin_counts(s->rig.o).requests;
}

/* "http://127.0.0.H:port..." */
static int64_t host_of(const char *url)
{
    return strtol(url + sizeof "http://127.0.0." - 1, NULL, 10) - 1;
}

static void mark_done(struct soak *s, sqlite3_stmt *st)
{
    const char *url = (const char *)sqlite3_column_text(st, 0);
    int64_t n = page_of(strrchr(url, '/')), at = host_of(url) * s->pages_per_host + n;

    if (n < 0 || s->is_done[at])
        return;
    s->is_done[at] = true;
    s->done_at[at] = s->log_before;
}

static void mark_robots(struct soak *s, sqlite3_stmt *st)
{
    int64_t host = host_of((const char *)sqlite3_column_text(st, 0));

    if (!s->robots_done_at[host])
        s->robots_done_at[host] = s->log_before;
}

static int64_t count_done(const struct soak *s)
{
    int64_t n = 0;

    for (int64_t i = 0; i < N_HOSTS * s->pages_per_host; i++)
        n += s->is_done[i];
    return n;
}

/* Distinct pages asked for so far. */
static int64_t count_asked(const struct soak *s)
{
    char *was_asked = mem_array((size_t)(N_HOSTS * s->pages_per_host), 1);
    const struct origin_request *r;
    int64_t sum = 0;

    for (size_t i = 0; (r = origin_request_at(s->rig.o, i)) != NULL; i++) {
        int64_t n = page_of(r->path), at = r->address * s->pages_per_host + n;

        if (n >= 0 && !was_asked[at])
            sum += was_asked[at] = 1;
    }
    mem_free(was_asked);
    return sum;
}

static void look(struct soak *s)
{
    struct program *p = &s->rig.p;
    int64_t lost;

    s->log_before = log_length(s);
    if (access(program_path(p, "crawl.db"), F_OK) != 0) {
        s->n_early++;
        return;
    }
    if (strcmp(program_text(p, "PRAGMA quick_check"), "ok") != 0)
        blame(s, "quick_check: %s", program_text(p, "PRAGMA quick_check"));
    if (program_run(p, ARGS{ "verify", NULL }) != 0)
        blame(s, "crawl verify: %.*s%.*s", SPAN_ARG(buf_span(&p->out)),
              SPAN_ARG(buf_span(&p->err)));
    each_row(s, "SELECT url FROM urls WHERE state = 'fetched'", mark_done);
    each_row(s,
             "SELECT scheme || '://' || host || ':' || port FROM hosts WHERE"
             " robots_fetched_at IS NOT NULL",
             mark_robots);
    lost = count_asked(s) - count_done(s);
    s->most_repeats = MAX(s->most_repeats, lost);
    if (lost > N_HOSTS + MAX_UNCOMMITTED)
        blame(s, "%lld pages were asked for and are not in the file", (long long)lost);
}

/* --- the end ------------------------------------------------------------------------------ */

static void judge_log(struct soak *s)
{
    const struct origin_request *r;
    int64_t n_pages = 0, n_robots = 0;

    for (size_t i = 0; (r = origin_request_at(s->rig.o, i)) != NULL; i++) {
        int64_t n = page_of(r->path), at = r->address * s->pages_per_host + n;
        bool is_late = n >= 0 ? s->is_done[at] && i >= s->done_at[at]
                              : s->robots_done_at[r->address] &&
                                    i >= s->robots_done_at[r->address];

        n_pages += n >= 0;
        n_robots += n < 0;
        if (is_late)
            blame(s, "127.0.0.%u%s was in the file and is asked for again as %zu",
                  r->address + 1, r->path, i);
    }
    s->sum_repeats = n_pages - count_asked(s);
    if (s->sum_repeats > s->n_kills * (N_HOSTS + MAX_UNCOMMITTED))
        blame(s, "%lld requests were repeats", (long long)s->sum_repeats);
    printf("requests for pages %lld, of them repeated %lld, at most %lld a kill;"
           " for robots.txt %lld on %d hosts\n",
           (long long)n_pages, (long long)s->sum_repeats, (long long)s->most_repeats,
           (long long)n_robots, N_HOSTS);
}

static void judge_gaps(struct soak *s)
{
    int64_t shortest = INT64_MAX;

    for (int i = 1; i <= N_HOSTS; i++) {
        char host[32];
        int64_t gap;

        (void)snprintf(host, sizeof host, "127.0.0.%d", i);
        gap = traffic_gap_us(s->rig.o, host);
        shortest = MIN(shortest, gap);
        if (gap < DELAY_MS * 1000)
            blame(s, "%s was asked %lld us after an answer", host, (long long)gap);
    }
    printf("shortest pause of a host %.1f ms, asked for: %d ms\n",
           (double)shortest / 1000, DELAY_MS);
}

static void judge_set(struct soak *s)
{
    struct program *p = &s->rig.p;
    int64_t want = N_HOSTS * s->pages_per_host;
    int64_t fetched =
        program_number(p, "SELECT count(*) FROM urls WHERE state = 'fetched'");
    int64_t right = program_number(
        p, "SELECT count(*) FROM pages p JOIN urls u ON u.id = p.url_id WHERE"
           " u.url LIKE '%/p' || substr(title, 6) AND parse_outcome = 'ok'");
    int64_t rows = program_number(p, "SELECT count(*) FROM urls");

    if (fetched != want || right != want || rows != want)
        blame(s, "%lld URLs, %lld fetched, %lld right pages; %lld are reachable",
              (long long)rows, (long long)fetched, (long long)right, (long long)want);
    if (strcmp(program_text(p, "PRAGMA integrity_check"), "ok") != 0)
        blame(s, "integrity_check: %s", program_text(p, "PRAGMA integrity_check"));
    printf("pages reachable %lld, in the file %lld\n", (long long)want,
           (long long)right);
}

/* --- all of it ------------------------------------------------------------------------------ */

static const char *const crawl_args[] = { "seeds.txt", "-q", "--delay", DELAY, NULL };

/* False when the crawl had ended before it could be killed. */
static bool kill_one(struct soak *s)
{
    struct program *p = &s->rig.p;
    size_t before = log_length(s);

    program_start_crawl(p, crawl_args);
    if (random() % 8) /* else perhaps before it asks for anything */
        for (int i = 0; i < 10000 && log_length(s) == before; i++)
            usleep(1000);
    usleep((useconds_t)(random() % LONGEST_LIFE * 1000));
    program_kill(p);
    if (p->exit_code == 0)
        return false;
    if (p->exit_code != 137)
        blame(s, "ended with %d: %.*s", p->exit_code, SPAN_ARG(buf_span(&p->err)));
    s->n_kills++;
    look(s);
    return true;
}

static void run(struct soak *s)
{
    int64_t began = clock_now_ns();
    int code;

    for (int64_t i = 0; i < s->kills; i++) {
        if (!kill_one(s))
            break;
        if (s->n_kills % 20 == 0) {
            printf("%lld kills, %lld pages in the file, %lld s\n",
                   (long long)s->n_kills, (long long)count_done(s),
                   (long long)((clock_now_ns() - began) / NS_PER_S));
            fflush(stdout);
        }
    }
    s->rig.p.patience_ms = INT64_C(3600000);
    code = program_crawl(&s->rig.p, crawl_args);
    if (code != 0)
        blame(s, "the last start ends with %d: %.*s", code,
              SPAN_ARG(buf_span(&s->rig.p.err)));
    look(s);
    judge_set(s);
    judge_log(s);
    judge_gaps(s);
    printf("kills %lld (%lld before there was a database); %lld s\n",
           (long long)s->n_kills, (long long)s->n_early,
           (long long)((clock_now_ns() - began) / NS_PER_S));
    if (s->n_kills < s->kills)
        blame(s, "the crawl ended after %lld kills of %lld: give it more pages",
              (long long)s->n_kills, (long long)s->kills);
}

static int64_t argument(int argc, char **argv, int i, int64_t fallback)
{
    int64_t n;

    return i < argc && span_parse_i64(span_str(argv[i]), &n) ? n : fallback;
}

int main(int argc, char **argv)
{
    struct soak s = { .kills = argument(argc, argv, 1, 200),
                      .pages_per_host = argument(argc, argv, 2, 3000) };
    const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .headers = PLAIN,
          .body = LIT("User-agent: *\nDisallow: /x\n") },
        { .path = "/p*",
          .headers = HTML,
          .generate = make_page,
          .arg = &s,
          .delay_ms = 3 },
    };
    struct origin_options options = { .routes = routes,
                                      .n_routes = ARRAY_LEN(routes),
                                      .n_addresses = N_HOSTS,
                                      .max_log = MAX_LOG };
    size_t n = (size_t)(N_HOSTS * s.pages_per_host);
    struct buf seeds;

    srandom((unsigned)argument(argc, argv, 3, 1));
    s.is_done = mem_array(n, 1);
    s.done_at = mem_array(n, sizeof *s.done_at);
    buf_init(&seeds, (size_t)64 * KIB);
    for (int i = 1; i <= N_HOSTS; i++)
        BUG_IF(buf_printf(&seeds, "http://127.0.0.%d:$PORT/p0\n", i) != OK);
    BUG_IF(buf_append_byte(&seeds, '\0') != OK);
    rig_open(&s.rig, &options, seeds.ptr);
    buf_clear(&seeds);
    s.rig.p.patience_ms = 600000;
    run(&s);
    rig_close(&s.rig);
    mem_free(s.is_done);
    mem_free(s.done_at);
    printf("%s\n", s.broken ? "PROMISES BROKEN" : "all promises kept");
    return s.broken ? 1 : 0;
}
