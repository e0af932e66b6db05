/* SPDX-License-Identifier: MIT */
/*
 * robots.txt through the whole program: what each kind of answer to it means
 * (RFC 9309 §2.3), that it is asked first and once, and that what it forbids
 * is never requested, whichever way it was found.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <zlib.h>

#include "parse/robots.h"
#include "tests/kit/rig.h"

#define RULES  LIT("User-agent: *\nDisallow: /private\n")
#define FILLER ((size_t)600 * 1024)

/* --- one crawl of many hosts, a kind of answer each ------------------------------------ */

enum fate {
    RULES_HOLD,  /* / is fetched, /private is not */
    NO_RULES,    /* both are fetched */
    UNREACHABLE, /* three tries, neither is fetched */
};

struct class
{
    const char *label;
    uint32_t on;
    enum fate fate;
    size_t n_robots; /* requests for /robots.txt */
};

static const struct class classes[] = {
    { "200", 1, RULES_HOLD, 1 },
    { "404", 2, NO_RULES, 1 },
    { "401", 3, NO_RULES, 1 },
    { "403", 4, NO_RULES, 1 },
    { "410", 5, NO_RULES, 1 },
    { "429", 6, UNREACHABLE, 3 },
    { "500", 7, UNREACHABLE, 3 },
    { "503", 8, UNREACHABLE, 3 },
    { "a reset connection", 9, UNREACHABLE, 3 },
    { "no answer in time", 10, UNREACHABLE, 3 },
    { "an HTML page", 11, NO_RULES, 1 },
    { "one redirect", 12, RULES_HOLD, 1 },
    { "five redirects", 13, RULES_HOLD, 1 },
    { "six redirects", 14, UNREACHABLE, 3 },
    { "a redirect to another host", 15, RULES_HOLD, 1 },
    { "a redirect to itself", 16, UNREACHABLE, 18 },
    { "a cut body", 17, UNREACHABLE, 3 },
    { "a redirect to a refused address", 18, UNREACHABLE, 3 },
    { "a redirect to another scheme", 19, UNREACHABLE, 3 },
    { "an empty file", 20, NO_RULES, 1 },
    { "a gzipped file", 21, RULES_HOLD, 1 },
    { "204", 22, NO_RULES, 1 },
    { "a cut gzip stream", 23, UNREACHABLE, 3 },
};

static const struct origin_step reset_script[] = { { .kind = ORIGIN_RESET } };
static const struct origin_step hang_script[] = { { .kind = ORIGIN_HANG } };
static const struct origin_step cut_script[] = {
    { .kind = ORIGIN_SEND,
      .bytes = LIT(
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 500\r\n\r\nUser-agent: *\n") },
    { .kind = ORIGIN_CLOSE },
};

#define ROBOTS(address, ...)                              \
    {                                                     \
        .path = "/robots.txt", .on = address, __VA_ARGS__ \
    }
#define MOVED(address, from, to)                                                      \
    {                                                                                 \
        .path = from, .on = address, .status = 302, .headers = "Location: " to "\r\n" \
    }

static struct origin_route class_routes[] = {
    ROBOTS(1, .headers = PLAIN, .body = RULES),
    ROBOTS(2, .status = 404),
    ROBOTS(3, .status = 401),
    ROBOTS(4, .status = 403),
    ROBOTS(5, .status = 410),
    ROBOTS(6, .status = 429),
    ROBOTS(7, .status = 500),
    ROBOTS(8, .status = 503),
    ROBOTS(9, .script = reset_script, .n_steps = 1),
    ROBOTS(10, .script = hang_script, .n_steps = 1),
    ROBOTS(11, .headers = HTML,
           .body = LIT("<!doctype html><title>Nothing here</title><p>Disallow it")),
    MOVED(12, "/robots.txt", "/r1"),
    { .path = "/r1", .on = 12, .headers = PLAIN, .body = RULES },
    MOVED(13, "/robots.txt", "/r1"),
    MOVED(13, "/r1", "/r2"),
    MOVED(13, "/r2", "/r3"),
    MOVED(13, "/r3", "/r4"),
    MOVED(13, "/r4", "/r5"),
    { .path = "/r5", .on = 13, .headers = PLAIN, .body = RULES },
    MOVED(14, "/robots.txt", "/r1"),
    MOVED(14, "/r1", "/r2"),
    MOVED(14, "/r2", "/r3"),
    MOVED(14, "/r3", "/r4"),
    MOVED(14, "/r4", "/r5"),
    MOVED(14, "/r5", "/r6"),
    { .path = "/r6", .on = 14, .headers = PLAIN, .body = RULES },
    MOVED(15, "/robots.txt", "http://127.0.0.30:$PORT/shared.txt"),
    { .path = "/shared.txt", .on = 30, .headers = PLAIN, .body = RULES },
    MOVED(16, "/robots.txt", "/robots.txt"),
    ROBOTS(17, .script = cut_script, .n_steps = 2),
    MOVED(18, "/robots.txt", "http://10.255.1.2/robots.txt"),
    MOVED(19, "/robots.txt", "ftp://127.0.0.1/robots.txt"),
    ROBOTS(20, .headers = PLAIN),
    ROBOTS(21, .headers = PLAIN "Content-Encoding: gzip\r\n"),
    ROBOTS(22, .status = 204),
    ROBOTS(23, .headers = PLAIN "Content-Encoding: gzip\r\n",
           .framing = ORIGIN_UNTIL_CLOSE),
    { .path = "*",
      .headers = HTML,
      .body = LIT("<!doctype html><title>Page</title><p>text") },
};

static struct origin *class_origin;
static struct program class_run;

static struct origin_route *robots_route(uint32_t on)
{
    for (size_t i = 0; i < ARRAY_LEN(class_routes); i++)
        if (class_routes[i].on == on)
            return &class_routes[i];
    abort();
}

static struct span gzip(struct span text)
{
    static char out[256];
    z_stream z = { .next_in = (Bytef *)(uintptr_t)text.ptr,
                   .avail_in = (uInt)text.len,
                   .next_out = (Bytef *)out,
                   .avail_out = sizeof out };

    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    deflateEnd(&z);
    return span_make(out, z.total_out);
}

static int crawl_every_class(void **state)
{
    struct span rules = RULES, zipped = gzip(rules);
    struct buf seeds;

    (void)state;
    robots_route(21)->body = zipped;
    robots_route(23)->body = span_slice(zipped, 0, zipped.len - 12);
    class_origin =
        origin_start(&(struct origin_options){ .routes = class_routes,
                                               .n_routes = ARRAY_LEN(class_routes),
                                               .n_addresses = 30 });
    program_open(&class_run);
    buf_init(&seeds, (size_t)MIB);
    for (size_t i = 0; i < ARRAY_LEN(classes); i++)
        if (buf_printf(&seeds,
                       "http://127.0.0.%u:$PORT/\nhttp://127.0.0.%u:$PORT/private\n",
                       classes[i].on, classes[i].on) ||
            buf_append_byte(&seeds, '\0'))
            return -1;
        else
            seeds.len--;
    program_seeds(&class_run, origin_port(class_origin), seeds.ptr);
    buf_clear(&seeds);
    return program_crawl(&class_run, (const char *[]){ "seeds.txt", "--delay", "20ms",
                                                       "--first-byte-timeout", "300ms",
                                                       "-q", NULL });
}

static int end_classes(void **state)
{
    (void)state;
    program_close(&class_run);
    origin_stop(class_origin);
    return 0;
}

static const char *page_column(uint32_t on, const char *path, const char *column)
{
    char sql[256];

    snprintf(sql, sizeof sql,
             "SELECT %s FROM urls WHERE url = 'http://127.0.0.%u:%u%s'", column, on,
             origin_port(class_origin), path);
    return program_text(&class_run, sql);
}

static void answer_means(void **state)
{
    const struct class *c = *state;
    char host[32];

    snprintf(host, sizeof host, "127.0.0.%u", c->on);
    assert_non_null(traffic_nth(class_origin, host, NULL, 0));
    assert_string_equal(traffic_nth(class_origin, host, NULL, 0)->path, "/robots.txt");
    assert_int_equal(traffic_count(class_origin, host, "/robots.txt"), c->n_robots);
    assert_int_equal(traffic_count(class_origin, host, "/"), c->fate != UNREACHABLE);
    assert_int_equal(traffic_count(class_origin, host, "/private"),
                     c->fate == NO_RULES);
    assert_string_equal(page_column(c->on, "/", "state"),
                        c->fate == UNREACHABLE ? "excluded" : "fetched");
    assert_string_equal(page_column(c->on, "/", "reason"),
                        c->fate == UNREACHABLE ? "robots_unreachable" : "");
    assert_string_equal(page_column(c->on, "/private", "reason"),
                        c->fate == UNREACHABLE  ? "robots_unreachable"
                        : c->fate == RULES_HOLD ? "robots"
                                                : "");
}

static void rule_names_its_line(void **state)
{
    (void)state;
    assert_string_equal(page_column(1, "/private", "rule"),
                        "robots.txt line 2: Disallow: /private");
}

static void unreachable_rule_names_the_cause(void **state)
{
    (void)state;
    assert_non_null(strstr(page_column(7, "/", "rule"), "500"));
    assert_non_null(strstr(page_column(10, "/", "rule"), "timeout"));
    assert_non_null(strstr(page_column(14, "/", "rule"), "redirect"));
}

static void robots_has_no_row_in_urls(void **state)
{
    (void)state;
    assert_int_equal(
        program_number(
            &class_run,
            "SELECT count(*) FROM urls WHERE url LIKE '%robots%' OR url LIKE '%/r_'"),
        0);
    assert_int_equal(
        program_number(&class_run, "SELECT count(*) FROM robots WHERE outcome = 'ok'"),
        8);
}

static void no_host_is_asked_sooner_than_its_delay(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        char host[32];

        snprintf(host, sizeof host, "127.0.0.%u", classes[i].on);
        assert_true(traffic_gap_us(class_origin, host) >= 20000);
    }
}

/* Exit code 0 allowed, 1 disallowed: for / and for /private what the crawl did. */
static void the_command_says_what_a_crawl_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        const struct class *c = &classes[i];
        char url[64];

        for (int is_private = 0; is_private < 2; is_private++) {
            bool is_allowed =
                c->fate == NO_RULES || (c->fate == RULES_HOLD && !is_private);

            snprintf(url, sizeof url, "http://127.0.0.%u:%u/%s", c->on,
                     origin_port(class_origin), is_private ? "private" : "");
            if (program_run(&class_run, ARGS{ "robots", "--allow-net", "127.0.0.0/8",
                                              "--delay", "0", "--first-byte-timeout",
                                              "300ms", url, NULL }) != !is_allowed)
                fail_msg("%s: %s", c->label, url);
        }
    }
}

/* --- every way to a forbidden URL --------------------------------------------------------- */

#define WAYS_RULES                                                                                  \
    "User-agent: *\nDisallow: /private\n\nUser-agent: crawl\nDisallow: /private\nDisallow: /ours\n" \
    "Sitemap: /map.xml\nSitemap: /moved-map.xml\nSitemap: /private/map.xml\n"

static const struct origin_route ways_routes[] = {
    { .path = "/robots.txt", .headers = PLAIN, .body = LIT(WAYS_RULES) },
    { .path = "/map.xml",
      .headers = "Content-Type: application/xml\r\n",
      .generate = origin_text,
      .arg =
          (void
               *)(uintptr_t) "<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>"
                             "<url><loc>http://127.0.0.1:$PORT/mapped</loc></url>"
                             "<url><loc>http://127.0.0.1:$PORT/private/mapped</loc></url></urlset>" },
    { .path = "/moved-map.xml",
      .status = 301,
      .headers = "Location: /private/moved-map.xml\r\n" },
    { .path = "/hop", .status = 302, .headers = "Location: /private/hop\r\n" },
    { .path = "/",
      .headers = HTML "Link: </private/header>; rel=canonical\r\n",
      .body = LIT(
          "<title>Home</title><meta http-equiv=refresh content='9; url=/private/refresh'>"
          "<a href=/private/linked>1</a><a href=/%70rivate/encoded>2</a><a href=/ours>3</a>"
          "<a href=/hop>4</a><a href=/open>5</a><a href=/x/../private/dots>6</a>") },
    { .path = "*", .headers = HTML, .body = LIT("<title>Page</title>") },
};

static void forbidden_urls_are_never_requested(void **state)
{
    struct origin *o = origin_start(&(struct origin_options){
        .routes = ways_routes, .n_routes = ARRAY_LEN(ways_routes) });
    struct program p;

    (void)state;
    program_open(&p);
    program_seeds(&p, origin_port(o),
                  "http://127.0.0.1:$PORT/\nhttp://127.0.0.1:$PORT/private/seed\n");

    assert_int_equal(
        program_crawl(&p, (const char *[]){ "seeds.txt", "--delay", "0", "-q", NULL }),
        0);

    assert_int_equal(traffic_count(o, NULL, "/private*"), 0);
    assert_int_equal(traffic_count(o, NULL, "/%70rivate*"), 0);
    assert_int_equal(traffic_count(o, NULL, "/ours"), 0);
    assert_int_equal(traffic_count(o, NULL, "/open"), 1);
    assert_int_equal(traffic_count(o, NULL, "/mapped"), 1);
    assert_int_equal(traffic_count(o, NULL, "/robots.txt"), 1);
    assert_int_equal(
        program_number(&p, "SELECT count(*) FROM urls WHERE reason = 'robots'"), 9);
    assert_int_equal(
        program_number(
            &p,
            "SELECT count(*) FROM redirects r JOIN urls u ON u.id = r.dst_id WHERE u.reason = 'robots'"),
        1);

    /* And after a restart, with the copy of robots.txt that is kept. */
    program_seeds(&p, origin_port(o),
                  "http://127.0.0.1:$PORT/private/late\nhttp://127.0.0.1:$PORT/late\n");
    assert_int_equal(
        program_crawl(&p, (const char *[]){ "seeds.txt", "--delay", "0", "-q", NULL }),
        0);
    assert_int_equal(traffic_count(o, NULL, "/private*"), 0);
    assert_int_equal(traffic_count(o, NULL, "/late"), 1);
    assert_int_equal(traffic_count(o, NULL, "/robots.txt"), 1);
    program_close(&p);
    origin_stop(o);
}

/* Where a robots.txt leads is for its server to say; what another host forbids is asked for by nobody all the same. */
static void a_robots_txt_leads_to_nothing_that_is_forbidden(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .on = 1, .headers = PLAIN, .body = RULES },
        { .path = "/private/rules", .on = 1, .headers = PLAIN, .body = RULES },
        { .path = "/robots.txt", .on = 2, .status = 302, .delay_ms = 3000, /* by then the other one is known */
          .headers = "Location: http://127.0.0.1:$PORT/private/rules\r\n" },
        { .path = "/robots.txt", .on = 3, .status = 302, .delay_ms = 3000,
          .headers = "Location: http://127.0.0.1:$PORT/robots.txt\r\n" },
        { .path = "/", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 3, "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/\nhttp://127.0.0.3:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(traffic_count(g.o, "127.0.0.1", "/private/rules"), 0);
    assert_string_equal(rig_url(&g, "http://127.0.0.1:%", "state"), "fetched");
    assert_string_equal(rig_url(&g, "http://127.0.0.2:%", "rule"),
                        "robots.txt: redirect to what robots.txt forbids there");
    assert_string_equal(rig_url(&g, "http://127.0.0.3:%", "state"), "fetched");
    rig_close(&g);
}

static void rules_are_read_again_after_a_day_and_decide_again(void **state)
{
    const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .headers = PLAIN,
          .body = LIT("User-agent: *\nDisallow: /a\n"),
          .uses = 1 },
        { .path = "/robots.txt",
          .headers = PLAIN,
          .body = LIT("User-agent: *\nDisallow: /b\n") },
        { .path = "*", .headers = HTML, .body = LIT("<title>Page</title>") },
    };
    struct origin *o = origin_start(
        &(struct origin_options){ .routes = routes, .n_routes = ARRAY_LEN(routes) });
    const char *const args[] = { "seeds.txt", "--delay", "0", "-q", NULL };
    struct program p;

    (void)state;
    program_open(&p);
    program_seeds(&p, origin_port(o),
                  "http://127.0.0.1:$PORT/a\nhttp://127.0.0.1:$PORT/b\n");
    assert_int_equal(program_crawl(&p, args), 0);
    program_change(&p, "UPDATE robots SET expires_at = 1000");
    assert_int_equal(program_crawl(&p, args), 0);

    assert_int_equal(traffic_count(o, NULL, "/robots.txt"), 2);
    assert_int_equal(traffic_count(o, NULL, "/a"), 1);
    assert_int_equal(traffic_count(o, NULL, "/b"), 1);
    assert_string_equal(
        program_text(&p, "SELECT reason FROM urls WHERE url LIKE '%/b'"), "robots");
    program_close(&p);
    origin_stop(o);
}

static void list_pages(void *arg, const struct origin_request *r, int *io_status, struct buf *out)
{
    (void)arg;
    (void)r;
    (void)io_status;
    for (int i = 0; i < 45; i++)
        BUG_IF(buf_printf(out, "<a href=/%d>x</a>", i) != OK);
}

/* What the old ones forbade and the new ones do not is asked for by the same start. */
static void rules_that_change_in_the_middle_of_a_run_decide_again(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("User-agent: *\nDisallow: /a\n"), .uses = 1 },
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("User-agent: *\nDisallow: /b\n") },
        { .path = "/", .headers = HTML, .generate = list_pages },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\nhttp://127.0.0.1:$PORT/a\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "--depth", "0", "-q", NULL }), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/a"), 0);
    /* Fresh at the start of the next run, and not at its end. */
    program_change(&g.p, "UPDATE robots SET expires_at = (strftime('%s', 'now') + 2) * 1000");

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "60ms", "-q", NULL }), 0);

    assert_int_equal(traffic_count(g.o, NULL, "/robots.txt"), 2);
    assert_int_equal(traffic_count(g.o, NULL, "/a"), 1);
    rig_close(&g);
}

/* --- more rules than memory -------------------------------------------------------------- */

#define MANY_RULES_HOSTS 16

/* 300 KB of rules, which take about 1 MB. */
static void make_many_rules(void *arg, const struct origin_request *r, int *io_status,
                            struct buf *out)
{
    (void)arg;
    (void)io_status;
    BUG_IF(buf_printf(out,
                      "User-agent: *\nDisallow: /no\nSitemap: http://%s/map.xml\n",
                      r->host) != OK);
    for (int i = 0; i < 15000; i++)
        BUG_IF(buf_printf(out, "Disallow: /z%05d/\n", i) != OK);
}

static void make_next(void *arg, const struct origin_request *r, int *io_status,
                      struct buf *out)
{
    int64_t n;

    (void)arg;
    (void)io_status;
    BUG_IF(!span_parse_i64(span_str(r->path + 2), &n));
    BUG_IF(buf_printf(out, "<title>P</title><a href=/no/%lld>no</a>", (long long)n) != OK);
    if (n < 5)
        BUG_IF(buf_printf(out, "<a href=/p%lld>next</a>", (long long)n + 1) != OK);
}

static void make_map(void *arg, const struct origin_request *r, int *io_status,
                     struct buf *out)
{
    (void)io_status;
    BUG_IF(buf_printf(out,
                      strcmp(arg, "index") == 0
                          ? "<sitemapindex><sitemap><loc>http://%s/child.xml</loc>"
                            "</sitemap></sitemapindex>"
                          : "<urlset><url><loc>http://%s/mapped</loc></url></urlset>",
                      r->host) != OK);
}

#define MAP_OF(what) \
    .headers = XML, .generate = make_map, .arg = (void *)(uintptr_t)(what)

static void rules_that_memory_does_not_hold_hold_all_the_same(void **state)
{
    const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .generate = make_many_rules },
        { .path = "/p*", .headers = HTML, .generate = make_next },
        /* When it comes, its host was forgotten. */
        { .path = "/map.xml", .delay_ms = 1000, MAP_OF("index") },
        { .path = "/child.xml", MAP_OF("urlset") },
        { .path = "*", .headers = HTML, .body = LIT("<title>Page</title>") },
    };
    struct origin *o =
        origin_start(&(struct origin_options){ .routes = routes,
                                               .n_routes = ARRAY_LEN(routes),
                                               .n_addresses = MANY_RULES_HOSTS });
    char seeds[MANY_RULES_HOSTS * 32] = "";
    struct program p;

    (void)state;
    for (int i = 1; i <= MANY_RULES_HOSTS; i++)
        snprintf(seeds + strlen(seeds), 32, "http://127.0.0.%d:$PORT/p0\n", i);
    program_open(&p);
    program_seeds(&p, origin_port(o), seeds);
    assert_int_equal(program_crawl(&p, ARGS{ "seeds.txt", "--delay", "0", "-q",
                                             "--max-memory", "64M", NULL }),
                     0);
    assert_int_equal(traffic_count(o, NULL, "/no*"), 0);
    assert_int_equal(traffic_count(o, NULL, "/p*"), 6 * MANY_RULES_HOSTS);
    assert_int_equal(traffic_count(o, NULL, "/map.xml"), MANY_RULES_HOSTS);
    assert_int_equal(traffic_count(o, NULL, "/mapped"), MANY_RULES_HOSTS);
    assert_int_equal(traffic_count(o, NULL, "/robots.txt"), MANY_RULES_HOSTS);
    assert_int_equal(
        program_number(&p, "SELECT count(*) FROM urls WHERE reason = 'robots'"),
        6 * MANY_RULES_HOSTS);
    program_close(&p);
    origin_stop(o);
}

/* As many rules, and a pause between any two requests. */
static void make_slow_rules(void *arg, const struct origin_request *r, int *io_status,
                            struct buf *out)
{
    (void)arg;
    (void)r;
    (void)io_status;
    BUG_IF(buf_append(out, SPAN("User-agent: *\nCrawl-delay: 1\nDisallow: /no\n")) != OK);
    for (int i = 0; i < 15000; i++)
        BUG_IF(buf_printf(out, "Disallow: /z%05d/\n", i) != OK);
}

/* Who comes back from the database was not asked: its pause does not begin again. */
static void forgotten_rules_do_not_put_their_host_off(void **state)
{
    const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .generate = make_slow_rules },
        { .path = "*", .headers = HTML, .body = LIT("<title>Page</title>") },
    };
    struct origin *o =
        origin_start(&(struct origin_options){ .routes = routes,
                                               .n_routes = ARRAY_LEN(routes),
                                               .n_addresses = MANY_RULES_HOSTS });
    char seeds[MANY_RULES_HOSTS * 64] = "";
    struct program p;

    (void)state;
    for (int i = 1; i <= MANY_RULES_HOSTS; i++)
        snprintf(seeds + strlen(seeds), 64,
                 "http://127.0.0.%d:$PORT/a\nhttp://127.0.0.%d:$PORT/b\n", i, i);
    program_open(&p);
    program_seeds(&p, origin_port(o), seeds);
    assert_int_equal(program_crawl(&p, ARGS{ "seeds.txt", "--delay", "0", "-q",
                                             "--max-memory", "64M", "--max-time",
                                             "20s", NULL }),
                     0);
    assert_int_equal(traffic_count(o, NULL, "/a"), MANY_RULES_HOSTS);
    assert_int_equal(traffic_count(o, NULL, "/b"), MANY_RULES_HOSTS);
    assert_int_equal(traffic_count(o, NULL, "/robots.txt"), MANY_RULES_HOSTS);
    program_close(&p);
    origin_stop(o);
}

/* --- asked once, crawl-delay, size, switched off ---------------------------------------------- */

static char long_rules[FILLER + 128];

static void fill_long_rules(void)
{
    size_t n = (size_t)snprintf(long_rules, sizeof long_rules,
                                "User-agent: *\nDisallow: /early\n");

    while (n < FILLER)
        n += (size_t)snprintf(long_rules + n, sizeof long_rules - n,
                              "# nothing to see in this line\n");
    snprintf(long_rules + n, sizeof long_rules - n, "Disallow: /late\n");
}

static void one_request_serves_all_who_wait_and_crawl_delay_is_kept(void **state)
{
    struct origin_route routes[] = {
        { .path = "/robots.txt", .on = 1, .status = 404, .delay_ms = 400 },
        { .path = "/robots.txt",
          .on = 2,
          .headers = PLAIN,
          .body = LIT("User-agent: *\nCrawl-delay: 0.6\n") },
        { .path = "/robots.txt",
          .on = 3,
          .headers = PLAIN,
          .body = LIT("User-agent: *\nCrawl-delay: 7200\n") },
        { .path = "/robots.txt", .on = 4, .headers = PLAIN },
        { .path = "*", .headers = HTML, .body = LIT("<title>Page</title>") },
    };
    struct origin *o;
    struct program p;
    char seeds[4096];
    size_t n = 0;

    (void)state;
    fill_long_rules();
    routes[3].body = span_str(long_rules);
    o = origin_start(&(struct origin_options){
        .routes = routes, .n_routes = ARRAY_LEN(routes), .n_addresses = 4 });
    program_open(&p);
    for (int i = 0; i < 40; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n,
                              "http://127.0.0.1:$PORT/%d\n", i);
    snprintf(
        seeds + n, sizeof seeds - n,
        "http://127.0.0.2:$PORT/a\nhttp://127.0.0.2:$PORT/b\nhttp://127.0.0.2:$PORT/c\nhttp://127.0.0.3:$PORT/\n"
        "http://127.0.0.4:$PORT/early\nhttp://127.0.0.4:$PORT/late\n");
    program_seeds(&p, origin_port(o), seeds);

    /* The third host would make it wait a minute. */
    assert_int_equal(
        program_crawl(&p, (const char *[]){ "seeds.txt", "--delay", "0", "--max-time",
                                            "3s", "-q", NULL }),
        5);

    assert_int_equal(traffic_count(o, "127.0.0.1", "/robots.txt"), 1);
    assert_int_equal(traffic_count(o, "127.0.0.1", NULL), 41);
    assert_int_equal(traffic_count(o, "127.0.0.2", NULL), 4);
    assert_true(traffic_gap_us(o, "127.0.0.2") >= 600000);
    assert_int_equal(
        program_number(&p, "SELECT crawl_delay_ms FROM hosts WHERE host = '127.0.0.2'"),
        600);
    assert_int_equal(traffic_count(o, "127.0.0.3", "/"), 0);
    assert_int_equal(
        program_number(&p,
                       "SELECT count(*) FROM events WHERE event = 'crawl-delay-cut'"),
        1);
    assert_int_equal(
        program_number(&p, "SELECT crawl_delay_ms FROM hosts WHERE host = '127.0.0.3'"),
        60000);
    assert_int_equal(traffic_count(o, "127.0.0.4", "/early"), 0);
    assert_int_equal(traffic_count(o, "127.0.0.4", "/late"), 1);
    program_close(&p);
    origin_stop(o);
}

static bool has_printed(const struct rig *g, const char *text)
{
    struct span out = buf_span(&g->p.out);

    return span_find_span(out, span_str(text)) < out.len;
}

/* RFC 9309 §2.5: a limit of ours on pages is none on robots.txt, which counts for 500 KiB. */
static void max_size_cuts_no_rules(void **state)
{
    const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .headers = PLAIN,
          .body = LIT("User-agent: *\n# a line of a comment\nDisallow: /late\n") },
        { .path = "*", .headers = HTML, .body = LIT("<title>Page</title>") },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/late\nhttp://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "-q",
                                               "--max-size", "20", NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, "/late"), 0);
    assert_string_equal(rig_url(&g, "%/late", "rule"),
                        "robots.txt line 3: Disallow: /late");
    assert_string_equal(rig_url(&g, "%/", "state"), "fetched");

    /* And so it is told, from the server and from the database. */
    assert_int_equal(
        program_run(&g.p, ARGS{ "robots", "--allow-net", "127.0.0.0/8", "--max-size",
                                "20", origin_url(g.o, "/late/x"), NULL }),
        1);
    assert_true(has_printed(&g, "is disallowed by line 3"));
    assert_int_equal(
        program_run(&g.p, ARGS{ "explain", "--allow-net", "127.0.0.0/8", "--max-size",
                                "20", origin_url(g.o, "/late/x"), NULL }),
        0);
    assert_true(has_printed(&g, "line 3: Disallow: /late"));
    rig_close(&g);
}

/* A file in Latin-1, and one that fills its 500 KiB: as good from the database as from the host. */
static void rules_hold_after_a_restart_whatever_their_bytes(void **state)
{
    struct origin_route routes[] = {
        { .path = "/robots.txt",
          .on = 1,
          .headers = PLAIN,
          .body = LIT("User-agent: *\nDisallow: /caf\xe9\n") },
        { .path = "/robots.txt", .on = 2, .headers = PLAIN },
        { .path = "*", .headers = HTML, .body = LIT("<title>Page</title>") },
    };
    static char text[ROBOTS_MAX_BYTES + 8];
    size_t n = ROBOTS_MAX_BYTES - sizeof "\nAllow: /" + 1;
    struct rig g;

    (void)state;
    memset(text, '#', n);
    memcpy(text, "User-agent: *\nDisallow: /\n", 26);
    memcpy(text + n, "\nAllow: /public", 15);
    routes[1].body = span_make(text, n + 15);
    RIG_OPEN(&g, routes, 2,
             "http://127.0.0.1:$PORT/caf%E9\nhttp://127.0.0.2:$PORT/x\n");
    for (int run = 0; run < 2; run++)
        assert_int_equal(
            program_crawl(&g.p, ARGS{ "seeds.txt", "--delay", "0", "-q", NULL }), 0);

    assert_int_equal(traffic_count(g.o, NULL, "/caf*"), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/x"), 0);
    rig_close(&g);
}

static void no_robots_is_an_event_and_a_warning(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt",
          .headers = PLAIN,
          .body = LIT("User-agent: *\nDisallow: /\n") },
        { .path = "*", .headers = HTML, .body = LIT("<title>Page</title>") },
    };
    struct origin *o = origin_start(
        &(struct origin_options){ .routes = routes, .n_routes = ARRAY_LEN(routes) });
    struct program p;

    (void)state;
    program_open(&p);
    assert_int_equal(program_crawl(&p, (const char *[]){ origin_url(o, "/"), "--delay",
                                                         "0", "--no-robots", NULL }),
                     0);

    assert_int_equal(traffic_count(o, NULL, "/robots.txt"), 0);
    assert_int_equal(traffic_count(o, NULL, "/"), 1);
    assert_true(program_said(&p, "robots.txt is not obeyed"));
    assert_int_equal(
        program_number(
            &p,
            "SELECT count(*) FROM events WHERE event = 'no-robots' AND level = 'warn'"),
        1);
    program_close(&p);
    origin_stop(o);
}

#define N_LARGE   120
#define LARGE_HALF (512 * 1024)

/* A lack of room for bodies is ours: the site is asked again, and its pages are not lost. */
static void without_room_robots_txt_is_asked_for_again(void **state)
{
    static char half[LARGE_HALF];
    struct origin_step large[] = {
        { .kind = ORIGIN_SEND,
          .bytes = LIT("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n") },
        { .kind = ORIGIN_SEND, .bytes = { half, sizeof half } },
        { .kind = ORIGIN_PAUSE, .n = 300 },
        { .kind = ORIGIN_SEND, .bytes = { half, sizeof half } },
        { .kind = ORIGIN_CLOSE },
    };
    const struct origin_route routes[] = {
        { .path = "/robots.txt", .script = large, .n_steps = ARRAY_LEN(large) },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    char seeds[8192];
    struct rig g;
    size_t n = 0;

    (void)state;
    memset(half, '\n', sizeof half);
    for (int i = 1; i <= N_LARGE; i++)
        n += (size_t)snprintf(seeds + n, sizeof seeds - n, "http://127.0.0.%d:$PORT/\n",
                              i);
    RIG_OPEN(&g, routes, N_LARGE, seeds);

    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--max-memory", "64M", NULL }),
                     0);

    assert_true(traffic_count(g.o, NULL, "/robots.txt") > N_LARGE);
    /* A page may find no room either, and is asked for again. */
    assert_in_range(traffic_count(g.o, NULL, "/"), N_LARGE, SIZE_MAX);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM fetches WHERE outcome = 'ok'"),
                     N_LARGE);
    rig_close(&g);
}

/* --- much that is no rule ------------------------------------------------------------------- */

#define FLOOD_HOSTS 200
#define FLOOD_LINES 280 /* of a kilobyte */

/* Answers that say nothing, at length, and are to be asked again in a minute. */
static void what_hosts_said_is_not_kept_while_they_pause(void **state)
{
    static char lines[FLOOD_LINES * 1000 + 64] = "Retry-After: 60\r\n";
    const struct origin_route routes[] = {
        { .path = "/robots.txt", .status = 503, .headers = lines },
    };
    char seeds[FLOOD_HOSTS * 40] = "";
    struct program p;
    struct origin *o;
    int64_t mib;

    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* its shadow is memory, too */
#endif
    for (int i = 0; i < FLOOD_LINES; i++)
        snprintf(lines + strlen(lines), 1000, "X-%03d: %0990d\r\n", i, i);
    for (int i = 1; i <= FLOOD_HOSTS; i++)
        snprintf(seeds + strlen(seeds), 40, "http://127.0.0.%d:$PORT/\n", i);
    o = origin_start(&(struct origin_options){ .routes = routes,
                                               .n_routes = ARRAY_LEN(routes),
                                               .n_addresses = FLOOD_HOSTS });
    program_open(&p);
    program_seeds(&p, origin_port(o), seeds);
    program_start_crawl(&p, ARGS{ "seeds.txt", "-q", "-c", "8", "--max-memory", "64M",
                                  "--max-time", "5s", NULL });
    mib = program_peak_mib(&p);
    assert_int_equal(program_wait(&p), 5);

    assert_int_equal(traffic_count(o, NULL, "/robots.txt"), FLOOD_HOSTS);
    print_message("    peak resident %d MiB\n", (int)mib);
    assert_true(mib < 50);
    program_close(&p);
    origin_stop(o);
}

int main(void)
{
    static struct CMUnitTest rows[ARRAY_LEN(classes) + 5];
    const struct CMUnitTest others[] = {
        cmocka_unit_test(forbidden_urls_are_never_requested),
        cmocka_unit_test(a_robots_txt_leads_to_nothing_that_is_forbidden),
        cmocka_unit_test(rules_are_read_again_after_a_day_and_decide_again),
        cmocka_unit_test(rules_that_change_in_the_middle_of_a_run_decide_again),
        cmocka_unit_test(rules_that_memory_does_not_hold_hold_all_the_same),
        cmocka_unit_test(forgotten_rules_do_not_put_their_host_off),
        cmocka_unit_test(what_hosts_said_is_not_kept_while_they_pause),
        cmocka_unit_test(one_request_serves_all_who_wait_and_crawl_delay_is_kept),
        cmocka_unit_test(max_size_cuts_no_rules),
        cmocka_unit_test(rules_hold_after_a_restart_whatever_their_bytes),
        cmocka_unit_test(no_robots_is_an_event_and_a_warning),
        cmocka_unit_test(without_room_robots_txt_is_asked_for_again),
    };
    size_t n = 0;
    int failed;

    for (; n < ARRAY_LEN(classes); n++)
        rows[n] = (struct CMUnitTest){ classes[n].label, answer_means, NULL, NULL,
                                       (void *)(uintptr_t)&classes[n] };
    rows[n++] = (struct CMUnitTest)cmocka_unit_test(rule_names_its_line);
    rows[n++] = (struct CMUnitTest)cmocka_unit_test(unreachable_rule_names_the_cause);
    rows[n++] = (struct CMUnitTest)cmocka_unit_test(robots_has_no_row_in_urls);
    rows[n++] =
        (struct CMUnitTest)cmocka_unit_test(no_host_is_asked_sooner_than_its_delay);
    rows[n++] = (struct CMUnitTest)cmocka_unit_test(the_command_says_what_a_crawl_does);
    failed = cmocka_run_group_tests_name("flow/robots: answer", rows, crawl_every_class,
                                         end_classes);
    return failed + cmocka_run_group_tests_name("flow/robots", others, NULL, NULL);
}
