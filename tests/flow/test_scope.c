/* SPDX-License-Identifier: MIT */
/*
 * Which URLs belong to a crawl: seeds and scopes, include and exclude,
 * redirects of seeds, sitemaps, feeds, embeds; and who gets our headers,
 * cookies and trust.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <zlib.h>

#include "tests/kit/nameserver.h"
#include "tests/kit/rig.h"

#define NEVER_HEARD(rig, host) assert_int_equal(traffic_count((rig).o, host, NULL), 0)

/* --- scopes --------------------------------------------------------------------------------------- */

static const struct nameserver_record names[] = {
    { .name = "*.example.com", .addresses = "127.0.0.1", .ttl_s = 60 },
    { .name = "example.com", .addresses = "127.0.0.1", .ttl_s = 60 },
    { .name = "other.org", .addresses = "127.0.0.1", .ttl_s = 60 },
};

static const struct origin_route spread[] = {
    NO_ROBOTS,
    { .path = "/docs/",
      .host = "www.example.com",
      .headers = HTML,
      TEXT_OF(
          "<a href=page>1</a><a href=/docs/sub/deep>2</a><a href=/other/>3</a><a href=/docsish>4</a>"
          "<a href=http://blog.example.com:$PORT/>5</a><a href=http://other.org:$PORT/>6</a><a href=http://www.example.com:1/>7</a>"
          "<a href=HTTP://WWW.EXAMPLE.COM:$PORT/docs/page>8</a>") },
    { .path = "*", .headers = HTML, .body = PAGE },
};

static const struct {
    const char *scope, *paths; /* what is fetched beside the seed, in order */
} scopes[] = {
    { "host", "www /docs/page,www /docs/sub/deep,www /docsish,www /other/" },
    { "prefix", "www /docs/page,www /docs/sub/deep" },
    { "domain", "blog /,www /docs/page,www /docs/sub/deep,www /docsish,www /other/" },
    { "any",
      "blog /,other /,www /docs/page,www /docs/sub/deep,www /docsish,www /other/" },
};

static void scope_decides_what_is_followed(void **state)
{
    struct nameserver *ns = nameserver_start(names, ARRAY_LEN(names));

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++) {
        struct rig g;

        RIG_OPEN(&g, spread, 1, "http://www.example.com:$PORT/docs/\n");
        assert_int_equal(
            program_crawl(&g.p,
                          ARGS{ "seeds.txt", "-q", "--delay", "0", "--dns",
                                nameserver_text(ns), "--scope", scopes[i].scope,
                                "--connect-timeout", "1s", "--exclude", ":1/", NULL }),
            0);
        assert_string_equal(
            program_text(
                &g.p,
                "SELECT group_concat(what, ',') FROM (SELECT CASE WHEN url LIKE '%other.org%' THEN 'other'"
                " WHEN url LIKE '%blog%' THEN 'blog' ELSE 'www' END || ' ' || substr(url, instr(substr(url, 9), '/') + 8)"
                " AS what FROM urls WHERE state = 'fetched' AND hop <> 'seed' ORDER BY 1)"),
            scopes[i].paths);
        assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls"), 8);
        rig_close(&g);
    }
    nameserver_stop(ns);
}

/* With --scope prefix other paths of a seed's host are out of scope, and it is no other host. */
static void other_hosts_are_those_that_were_not_asked(void **state)
{
    struct nameserver *ns = nameserver_start(names, ARRAY_LEN(names));
    char own[64];
    struct rig g;

    (void)state;
    RIG_OPEN(&g, spread, 1, "http://www.example.com:$PORT/docs/\n");
    snprintf(own, sizeof own, "\"www.example.com\",\"port\":%u,", origin_port(g.o));
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--dns",
                                  nameserver_text(ns), "--scope", "prefix", NULL }),
        0);
    assert_string_equal(rig_url(&g, "%/docsish", "reason"), "scope");
    assert_int_equal(
        program_run(&g.p, ARGS{ "sql", "-f", "jsonl", "other-hosts", NULL }), 0);
    assert_true(span_find_span(buf_span(&g.p.out), SPAN("\"blog.example.com\"")) <
                g.p.out.len);
    assert_int_equal(span_find_span(buf_span(&g.p.out), span_str(own)), g.p.out.len);
    rig_close(&g);
    nameserver_stop(ns);
}

static void last_matching_rule_wins(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body =
              LIT("<a href=/a.zip>1</a><a href=/keep.zip>2</a><a href=/b.html>3</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--include", "/$|html", "--exclude",
                                               "\\.zip$", "--include", "keep", NULL }),
                     0);
    assert_string_equal(rig_url(&g, "%/a.zip", "reason || ' ' || rule"),
                        "include_exclude --exclude '\\.zip$'");
    assert_string_equal(rig_url(&g, "%/keep.zip", "state"), "fetched");
    assert_string_equal(rig_url(&g, "%/b.html", "state"), "fetched");
    rig_close(&g);
}

/* A page full of URLs made for a pattern: told once, not asked for, and the loop goes on. */
static void a_pattern_that_takes_too_long_is_told_once(void **state)
{
#define LONG "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT("<a href=/" LONG "1!>1</a><a href=/" LONG "2!>2</a><a href=/b.html>3</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    program_write(&g.p, "crawl.conf", SPAN("[extract \"x\"]\nurl = (a+)+z|b.html$|(\\w+)+!\nt = //title\n"));
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--exclude", "/(\\w+)+$", NULL }), 0);
    assert_string_equal(program_text(&g.p, "SELECT group_concat(reason || ' ' || rule, '|') FROM urls"
                                           " WHERE url LIKE '%!'"),
                        "include_exclude --exclude '/(\\w+)+$' could not be decided|"
                        "include_exclude --exclude '/(\\w+)+$' could not be decided");
    assert_string_equal(rig_url(&g, "%/b.html", "state"), "fetched");
    assert_string_equal(program_text(&g.p, "SELECT component || ' ' || substr(detail, 1, 46) FROM events"
                                           " WHERE event = 'slow-pattern'"),
                        "scope --exclude '/(\\w+)+$' takes too many steps over");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--revisit", "all", NULL }), 0);
    assert_string_equal(program_text(&g.p, "SELECT group_concat((url_id IS NOT NULL) || ' ' || detail) FROM events"
                                           " WHERE event = 'slow-pattern' AND component = 'extract'"),
                        "1 the url of [extract \"x\"] takes too many steps over some URLs;"
                        " there its rules are not applied");
    rig_close(&g);
#undef LONG
}

#define HOSTILE_LINKS 256
#define HOSTILE_BYTES 8000

/* Links over each of which a pattern takes as long as it may. */
static void make_hostile_page(void *arg, const struct origin_request *r, int *io_status, struct buf *out)
{
    (void)arg;
    (void)io_status;
    if (strcmp(r->path, "/") != 0)
        return;
    for (int i = 0; i < HOSTILE_LINKS; i++)
        BUG_IF(buf_printf(out, "<a href=/%0*d!>x</a>", HOSTILE_BYTES, i) != OK);
}

/* Promise P57: in between others have their turn. */
static void many_urls_made_for_a_slow_pattern_do_not_hold_up_the_loop(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .generate = make_hostile_page },
    };
    struct rig g;
    char json[8192] = "";
    const char *longest;
    long ms;
    FILE *f;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--exclude", "/(\\w+)+$",
                                               "--json-summary", "sum.json", NULL }),
                     0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM urls WHERE rule LIKE '%could not be decided'"),
                     HOSTILE_LINKS);
    f = fopen(program_path(&g.p, "sum.json"), "r");
    assert_non_null(f);
    assert_true(fread(json, 1, sizeof json - 1, f) > 0);
    fclose(f);
    longest = strstr(json, "\"longest_step_ms\":");
    assert_non_null(longest);
    ms = strtol(longest + strlen("\"longest_step_ms\":"), NULL, 10);
    print_message("    longest step %ld ms\n", ms);
    assert_true(ms < 400); /* 700 and more without */
    rig_close(&g);
}

static void redirect_of_a_seed_brings_its_host_along(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .on = 1,
          .status = 301,
          .headers = "Location: http://127.0.0.2:$PORT/\r\n" },
        { .path = "/",
          .on = 2,
          .status = 301,
          .headers = "Location: http://127.0.0.3:$PORT/home\r\n" },
        { .path = "/home",
          .on = 3,
          .headers = HTML,
          .body = LIT("<a href=/in>1</a><a href=/out>2</a>") },
        { .path = "/out",
          .on = 3,
          .status = 302,
          .headers = "Location: http://127.0.0.4:$PORT/never\r\n" },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 4, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/in", "state"), "fetched");
    assert_string_equal(rig_url(&g, "%/never", "state || ' ' || reason || ' ' || hop"),
                        "excluded scope redirect");
    NEVER_HEARD(g, "127.0.0.4");
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM events WHERE component = 'scope'"),
        2);

    /* The next start knows it too, before it has asked anything. */
    program_change(&g.p, "DELETE FROM url WHERE url LIKE '%/in'");
    assert_int_equal(program_crawl(&g.p, ARGS{ "-q", "--delay", "0", NULL }), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/in"), 2);
    rig_close(&g);
}

static void order_is_breadth_first_unless_told_otherwise(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT("<a href=/x>x</a><a href=/y>y</a>") },
        { .path = "/x", .headers = HTML, .body = LIT("<a href=/x1>x1</a>") },
        { .path = "/y", .headers = HTML, .body = LIT("<a href=/y1>y1</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };

    static const struct {
        const char *order, *paths;
    } rows[] = { { "bfs", "/ /x /y /x1 /y1 " }, { "dfs", "/ /y /y1 /x /x1 " } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char seen[128];
        struct rig g;
        size_t n = 0;

        RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
        /* With some delay each page's links are known before the next request. */
        assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "80ms",
                                                   "--order", rows[i].order, NULL }),
                         0);
        for (size_t k = 1; origin_request_at(g.o, k); k++)
            n += (size_t)snprintf(seen + n, sizeof seen - n, "%s ",
                                  origin_request_at(g.o, k)->path);
        assert_string_equal(seen, rows[i].paths);
        rig_close(&g);
    }
}

/* --- sitemaps and feeds ------------------------------------------------------------------------------ */

#define MAP(...)                                                                                                     \
    "<?xml version='1.0' encoding='UTF-8'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>" __VA_ARGS__ \
    "</urlset>"
#define INDEX(...)                                                                   \
    "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>" __VA_ARGS__ \
    "</sitemapindex>"
#define ENTRY(at) "<url><loc>http://127.0.0." at "</loc></url>"
#define CHILD(at) "<sitemap><loc>http://127.0.0." at "</loc></sitemap>"

static char zipped_map[512];

static void zip_map(struct origin_route *route, const char *text)
{
    z_stream z = { .next_in = (Bytef *)(uintptr_t)text,
                   .avail_in = (uInt)strlen(text),
                   .next_out = (Bytef *)zipped_map,
                   .avail_out = sizeof zipped_map };

    if (deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK ||
        deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    deflateEnd(&z);
    route->body = span_make(zipped_map, z.total_out);
}

static void sitemaps_named_by_robots_are_read(void **state)
{
    struct origin_route routes[] = {
        { .path = "/robots.txt",
          .on = 1,
          .headers = PLAIN,
          TEXT_OF(
              "User-agent: *\nDisallow: /no\nSitemap: http://127.0.0.1:$PORT/index.xml\nSitemap: http://127.0.0.2:$PORT/foreign.xml\n"
              "Sitemap: /zipped.xml.gz\nSitemap: /list.txt\nSitemap: /gone.xml\nSitemap: /broken.xml\nSitemap: /index.xml\n") },
        { .path = "/robots.txt", .status = 404 },
        { .path = "/index.xml",
          .headers = XML,
          TEXT_OF(INDEX(CHILD("1:$PORT/map1.xml") CHILD("1:$PORT/index.xml")
                            CHILD("1:$PORT/index2.xml"))) },
        { .path = "/index2.xml",
          .headers = XML,
          TEXT_OF(INDEX(CHILD("1:$PORT/index3.xml"))) },
        { .path = "/index3.xml",
          .headers = XML,
          TEXT_OF(INDEX(CHILD("1:$PORT/index4.xml") CHILD("1:$PORT/map1.xml"))) },
        { .path = "/map1.xml",
          .headers = XML,
          TEXT_OF(MAP(ENTRY("1:$PORT/m1") ENTRY("1:$PORT/no/m2")
                          ENTRY("3:$PORT/elsewhere"))) },
        { .path = "/zipped.xml.gz",
          .headers = "Content-Type: application/gzip\r\n",
          .body = { zipped_map, 0 } },
        { .path = "/list.txt",
          .headers = PLAIN,
          TEXT_OF("http://127.0.0.1:$PORT/from-text\n") },
        { .path = "/broken.xml",
          .headers = XML,
          .body = LIT("<urlset><url><loc>http") },
        { .path = "/gone.xml", .status = 404 },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    zip_map(
        &routes[6],
        MAP(ENTRY(
            "1:1/from-zip"))); /* another port, as ours is not known yet: the row is enough */
    RIG_OPEN(&g, routes, 3, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);

    assert_string_equal(rig_url(&g, "%/m1", "state || ' ' || hop || ' ' || depth"),
                        "fetched sitemap 1");
    assert_string_equal(rig_url(&g, "%/no/m2", "reason"), "robots");
    assert_string_equal(rig_url(&g, "%/elsewhere", "reason"), "scope");
    assert_string_equal(rig_url(&g, "%/from-text", "state"), "fetched");
    assert_string_equal(rig_url(&g, "%/from-zip", "hop"), "sitemap");
    assert_int_equal(traffic_count(g.o, NULL, "/index.xml"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/map1.xml"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/index3.xml"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/index4.xml"), 0); /* a fourth level */
    NEVER_HEARD(g, "127.0.0.2");
    NEVER_HEARD(g, "127.0.0.3");
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM urls WHERE url LIKE '%.xml%' OR url LIKE '%.txt'"),
        0);
    assert_int_equal(
        program_number(&g.p,
                       "SELECT entries FROM sitemaps WHERE url LIKE '%/map1.xml'"),
        3);
    assert_int_equal(
        program_number(&g.p,
                       "SELECT status_code FROM sitemaps WHERE url LIKE '%/gone.xml'"),
        404);
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM sitemaps WHERE url LIKE '%/foreign.xml' AND status_code IS NULL"),
        1);
    assert_string_equal(program_text(&g.p, "SELECT stop_reason FROM runs"), "finished");
    rig_close(&g);
}

static void no_sitemaps_reads_none_and_unnamed_ones_are_left_alone(void **state)
{
    static const struct origin_route routes[] = {
        { .path = "/robots.txt", .headers = PLAIN, .body = LIT("Sitemap: /map.xml\n") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0",
                                               "--no-sitemaps", NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, "/map.xml"), 0);
    assert_int_equal(traffic_count(g.o, NULL, "/sitemap.xml"), 0);
    rig_close(&g);
}

static void feeds_give_their_entries(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT("<a href=/rss>r</a><a href=/atom>a</a>") },
        { .path = "/rss",
          .headers = "Content-Type: application/rss+xml\r\n",
          TEXT_OF(
              "<rss version='2.0'><channel><title>R</title><link>http://127.0.0.1:$PORT/channel</link>"
              "<item><title>1</title><link>http://127.0.0.1:$PORT/item</link></item></channel></rss>") },
        { .path = "/atom",
          .headers = "Content-Type: application/ATOM+XML\r\n",
          TEXT_OF(
              "<feed xmlns='http://www.w3.org/2005/Atom'><title>A</title><entry><title>e</title><link href='/entry'/></entry></feed>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/item", "state || ' ' || hop || ' ' || depth"),
                        "fetched feed 1");
    assert_string_equal(rig_url(&g, "%/entry", "state || ' ' || hop || ' ' || depth"),
                        "fetched feed 1");
    rig_close(&g);
}

/* --- options that widen or narrow -------------------------------------------------------------------- */

static void embeds_and_rel_nofollow_by_option(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT(
              "<img src=/img><script src=/script></script><form action=/form></form>"
              "<a rel=nofollow href=/nf>1</a><a rel=ugc href=/ugc>2</a><a rel=sponsored href=/sp>3</a><a href=/plain>4</a>") },
        { .path = "/img",
          .headers = "Content-Type: image/png\r\n",
          .body = LIT("png") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--embeds",
                                  "--respect-rel-nofollow", NULL }),
        0);
    assert_int_equal(traffic_count(g.o, NULL, "/img"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/script"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/form"), 0);
    assert_string_equal(rig_url(&g, "%/img", "reason || ' ' || hop"),
                        "content_type embed");
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM urls WHERE reason = 'nofollow'"), 3);
    assert_int_equal(traffic_count(g.o, NULL, "/plain"), 1);
    rig_close(&g);
}

/*
 * What a wider scope, fewer patterns or more depth let in is asked for only where a link leads there that may be
 * followed: not the target of a form, nor an image without --embeds, nor what only a page of nofollow links to.
 */
static void wider_rules_let_in_only_what_a_link_leads_to(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          TEXT_OF("<form action=http://127.0.0.2:$PORT/form></form><img src=http://127.0.0.2:$PORT/image>"
                  "<a href=http://127.0.0.2:$PORT/page>p</a><img src=http://127.0.0.2:$PORT/page><a href=/silent>s</a>") },
        { .path = "/silent",
          .headers = HTML,
          TEXT_OF("<meta name=robots content=nofollow><a href=http://127.0.0.2:$PORT/barred>b</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    static const char *const narrow[][3] = {
        { "--scope", "host", NULL }, { "--scope", "any", "--exclude=127.0.0.2" }, { "--scope", "any", "--depth=0" }
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(narrow); i++) {
        struct rig g;

        RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\n");
        assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", narrow[i][0], narrow[i][1],
                                                   narrow[i][2], NULL }),
                         0);
        assert_int_equal(traffic_count(g.o, "127.0.0.2", NULL), 0);
        assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--scope", "any", "--revisit",
                                                   "none", NULL }),
                         0);
        assert_int_equal(traffic_count(g.o, "127.0.0.2", "/page"), 1);
        assert_string_equal(rig_url(&g, "%/page", "state || ' ' || depth"), "fetched 1");
        assert_int_equal(traffic_count(g.o, "127.0.0.2", "/form"), 0);
        assert_int_equal(traffic_count(g.o, "127.0.0.2", "/image"), 0);
        assert_int_equal(traffic_count(g.o, "127.0.0.2", "/barred"), 0);
        assert_string_equal(rig_url(&g, "%/form", "reason || ' ' || rule"), "kind not followed: this kind of link");
        assert_string_equal(rig_url(&g, "%/image", "reason"), "kind");
        assert_string_equal(rig_url(&g, "%/barred", "reason"), "nofollow");
        rig_close(&g);
    }
}

/* A row tells of the first link to it only; what others allow under other settings is asked for all the same. */
static void settings_that_follow_more_links_look_at_all_of_them(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT("<form action=/sent></form><form action=/form></form><a href=/says>s</a><a href=/asks>a</a>"
                      "<a href=/ways>w</a>") },
        { .path = "/says",
          .headers = HTML "X-Robots-Tag: nofollow\r\n",
          .body = LIT("<a href=/barred>b</a><a href=/shown>s</a><a href=/never>n</a>") },
        { .path = "/asks", .headers = HTML, .body = LIT("<a rel=nofollow href=/barred>b</a>") },
        { .path = "/ways", .headers = HTML, .body = LIT("<img src=/sent><img src=/shown>") },
        { .path = "/sent", .headers = HTML, .body = PAGE },
        { .path = "/shown", .headers = HTML, .body = PAGE },
        { .path = "/barred", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    /* One after the other: which of two pages is met first says why. */
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--respect-rel-nofollow", "--workers",
                                               "1", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/sent", "reason"), "kind");
    assert_string_equal(rig_url(&g, "%/shown", "reason || ' ' || rule"), "nofollow page says nofollow");
    assert_string_equal(rig_url(&g, "%/barred", "reason || ' ' || rule"), "nofollow page says nofollow");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--respect-rel-nofollow", "--embeds",
                                               "--revisit", "none", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/sent", "state || ' ' || depth"), "fetched 2");
    assert_string_equal(rig_url(&g, "%/shown", "state || ' ' || depth"), "fetched 2");
    assert_string_equal(rig_url(&g, "%/barred", "reason || ' ' || rule"), "nofollow page says nofollow");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--revisit", "none", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/barred", "state || ' ' || depth"), "fetched 2");
    assert_string_equal(rig_url(&g, "%/form", "reason || ' ' || rule"), "kind not followed: this kind of link");
    assert_string_equal(rig_url(&g, "%/never", "reason || ' ' || rule"), "nofollow page says nofollow");
    rig_close(&g);
}

/* A row keeps the depth at which it was met first while it is out of scope; a link nearer to a seed counts later. */
static void a_wider_scope_counts_the_nearest_link(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML, .body = LIT("<a href=/near>n</a><a href=/1>1</a>") },
        { .path = "/near",
          .headers = HTML,
          TEXT_OF("<a href=http://127.0.0.2:$PORT/page>p</a>"),
          .delay_ms = 300 },
        { .path = "/1", .headers = HTML, .body = LIT("<a href=/2>2</a>") },
        { .path = "/2", .headers = HTML, TEXT_OF("<a href=http://127.0.0.2:$PORT/page>p</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "4", "-d", "2", NULL }),
                     0);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--scope", "any", "--depth", "2",
                                               "--revisit", "none", NULL }),
                     0);
    assert_string_equal(rig_url(&g, "%/page", "state || ' ' || depth"), "fetched 2");
    rig_close(&g);
}

/* Its pages need not be asked again for that: they may say that nothing changed. */
static void nofollow_that_is_respected_no_more_lets_in_what_it_kept_out(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT("<a rel=nofollow href=/link>1</a><a rel=nofollow href=/deep>d</a><a href=/page>p</a>"
                      "<a href=/1>1</a>") },
        { .path = "/page", .headers = HTML, .body = LIT("<meta name=robots content=nofollow><a href=/barred>b</a>") },
        { .path = "/1", .headers = HTML, .body = LIT("<a href=/deep>d</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-d", "1", "--respect-rel-nofollow",
                                               NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, "/link"), 0);
    assert_string_equal(rig_url(&g, "%/deep", "reason || ' ' || depth"), "depth 2");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-d", "1", "--revisit", "none",
                                               NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, "/link"), 1);
    assert_string_equal(rig_url(&g, "%/deep", "state || ' ' || depth"), "fetched 1");
    assert_int_equal(traffic_count(g.o, NULL, "/barred"), 0);
    rig_close(&g);
}

/*
 * Two pages were read before a seed moves to another host: what they link to there is fetched all the same, at
 * the depth of the nearest link; what only a form or a page of nofollow leads to is not.
 */
static void what_was_found_before_a_seed_moved_is_fetched_too(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .on = 1, .headers = HTML, TEXT_OF("<a href=/far>f</a><a href=/near>n</a><a href=/silent>s</a>") },
        { .path = "/far", .headers = HTML, .body = LIT("<a href=/farther>f</a>") },
        { .path = "/farther", .headers = HTML, TEXT_OF("<a href=http://127.0.0.3:$PORT/page>p</a>") },
        { .path = "/near",
          .headers = HTML,
          TEXT_OF("<a href=http://127.0.0.3:$PORT/page>p</a><form action=http://127.0.0.3:$PORT/form></form>"),
          .delay_ms = 200 },
        { .path = "/silent",
          .headers = HTML "X-Robots-Tag: nofollow\r\n",
          TEXT_OF("<a href=http://127.0.0.3:$PORT/barred>p</a><a href=http://127.0.0.4:$PORT/else>e</a>") },
        { .path = "/moved", .status = 301, .headers = "Location: http://127.0.0.3:$PORT/\r\n", .delay_ms = 1200 },
        { .path = "/page", .headers = HTML, .body = LIT("<a href=/behind>b</a>") },
        { .path = "/behind", .headers = HTML, .body = LIT("<a href=/too-far>t</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 4, "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/moved\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--per-host", "4", "-d", "3", NULL }),
                     0);
    assert_string_equal(rig_url(&g, "%/page", "state || ' ' || depth"), "fetched 2");
    assert_string_equal(rig_url(&g, "%/behind", "state || ' ' || depth"), "fetched 3");
    assert_string_equal(rig_url(&g, "%/too-far", "state || ' ' || reason"), "excluded depth");
    assert_string_equal(rig_url(&g, "%/form", "state"), "excluded");
    assert_string_equal(rig_url(&g, "%/barred", "state"), "excluded");
    assert_string_equal(rig_url(&g, "%/else", "state || ' ' || reason"), "excluded scope");
    assert_int_equal(traffic_count(g.o, NULL, "/page"), 1);
    rig_close(&g);
}

/* After a seed moved, a link far away is the first to let a page in that a near one had met before. */
static void what_a_far_link_let_in_is_as_deep_as_the_nearest_says(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .on = 1, .headers = HTML, TEXT_OF("<a href=/1>1</a><a href=http://127.0.0.3:$PORT/page>p</a>") },
        { .path = "/1", .headers = HTML, .body = LIT("<a href=/2>2</a>") },
        { .path = "/2", .headers = HTML, TEXT_OF("<a href=http://127.0.0.3:$PORT/page>p</a>"), .delay_ms = 1200 },
        { .path = "/moved", .status = 301, .headers = "Location: http://127.0.0.3:$PORT/\r\n", .delay_ms = 300 },
        { .path = "/page", .headers = HTML, .body = LIT("<a href=/behind>b</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 3, "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/moved\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-d", "3", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/page", "state || ' ' || depth"), "fetched 1");
    assert_string_equal(rig_url(&g, "%/behind", "state || ' ' || depth"), "fetched 2");
    rig_close(&g);
}

/* What the scope lets in comes nearer to a page that had been met before: so do its links to what was too deep. */
static void what_is_too_deep_when_a_seed_moved_may_be_near_enough_later(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .on = 1, .headers = HTML, TEXT_OF("<a href=/1>1</a><a href=http://127.0.0.3:$PORT/in>i</a>") },
        { .path = "/1", .headers = HTML, .body = LIT("<a href=/2>2</a>") },
        { .path = "/2", .headers = HTML, .body = LIT("<a href=/3>3</a>") },
        { .path = "/3",
          .headers = HTML,
          TEXT_OF("<a href=http://127.0.0.3:$PORT/deep>d</a>") },
        { .path = "/moved", .status = 301, .headers = "Location: http://127.0.0.3:$PORT/\r\n", .delay_ms = 1200 },
        { .path = "/in", .headers = HTML, TEXT_OF("<a href=http://127.0.0.1:$PORT/3>3</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 3, "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/moved\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-d", "3", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/3", "state || ' ' || depth"), "fetched 2");
    assert_string_equal(rig_url(&g, "%/deep", "state || ' ' || depth"), "fetched 3");
    rig_close(&g);
}

/* What a run that ended between a seed's move and that has still to decide, the next start does. */
static void so_it_is_where_the_run_ends_before_that(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .on = 1, .headers = HTML, TEXT_OF("<a href=http://127.0.0.3:$PORT/page>p</a>") },
        { .path = "/moved", .status = 301, .headers = "Location: http://127.0.0.3:$PORT/\r\n", .delay_ms = 300 },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 4, "http://127.0.0.1:$PORT/\nhttp://127.0.0.2:$PORT/moved\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "-n", "2", NULL }), 5);
    assert_string_equal(rig_url(&g, "%/page", "state || ' ' || reason"), "excluded scope");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/page", "state || ' ' || depth"), "fetched 1");
    assert_int_equal(program_number(&g.p, "SELECT max(run_id) FROM fetches"), 1);
    rig_close(&g);
}

static void bodies_are_stored_as_asked(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .headers = HTML,
          .body = LIT("<title>T</title><a href=/pdf>p</a>") },
        { .path = "/pdf",
          .headers = "Content-Type: application/pdf\r\n",
          .body = LIT("%PDF-1.4 not really") },
    };

    static const struct {
        const char *which;
        int n;
    } rows[] = { { "none", 0 }, { "html", 1 }, { "all", 2 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct rig g;

        RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
        assert_int_equal(
            program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--no-text",
                                      "--store-bodies", rows[i].which, NULL }),
            0);
        assert_int_equal(program_number(&g.p, "SELECT count(*) FROM bodies"),
                         rows[i].n);
        assert_int_equal(program_number(&g.p, "SELECT count(*) FROM page_text"), 0);
        assert_string_equal(rig_url(&g, "%/pdf", "state"),
                            i == 2 ? "fetched" : "excluded");
        rig_close(&g);
    }
}

/* --- who gets what ----------------------------------------------------------------------------------- */

static const char *headers_of(const struct rig *g, const char *host)
{
    const struct origin_request *r =
        traffic_nth(g->o, host, "/*", 1); /* behind robots.txt */

    return r ? r->headers : "";
}

static void headers_credentials_and_cookies_stay_where_they_belong(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/",
          .on = 1,
          .headers = HTML "Set-Cookie: crumb=needle\r\n",
          TEXT_OF("<a href=/again>1</a><a href=http://127.0.0.2:$PORT/>2</a>") },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;
    char auth[128];

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\n");
    snprintf(auth, sizeof auth, "http://127.0.0.1:%u user:secret\n", origin_port(g.o));
    program_write(&g.p, "auth", span_str(auth));
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--scope", "any",
                                  "--header", "X-Key: xyzzy", "--auth-file", "auth",
                                  "--cookies", "--user-agent",
                                  "tester/2 (+http://x.test)", NULL }),
        0);
    assert_non_null(strstr(headers_of(&g, "127.0.0.1"), "X-Key: xyzzy"));
    assert_non_null(
        strstr(headers_of(&g, "127.0.0.1"), "Authorization: Basic dXNlcjpzZWNyZXQ="));
    assert_non_null(strstr(traffic_nth(g.o, "127.0.0.1", "/again", 0)->headers,
                           "Cookie: crumb=needle"));
    assert_non_null(
        strstr(headers_of(&g, "127.0.0.2"), "User-Agent: tester/2 (+http://x.test)"));
    assert_null(strstr(headers_of(&g, "127.0.0.2"), "X-Key"));
    assert_null(strstr(headers_of(&g, "127.0.0.2"), "Authorization"));
    assert_null(strstr(headers_of(&g, "127.0.0.2"), "Cookie"));
    assert_string_equal(
        program_text(&g.p, "SELECT h.value ->> 1 FROM fetches f, json_each(f.headers) h"
                           " WHERE h.value ->> 0 = 'Set-Cookie'"),
        "crumb=(withheld)");
    assert_int_equal(
        program_number(
            &g.p,
            "SELECT count(*) FROM fetches WHERE request_headers LIKE '%secret%' OR request_headers LIKE '%dXNlc%'"
            " OR request_headers LIKE '%xyzzy%'"),
        0);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM runs WHERE settings LIKE '%xyzzy%'"),
        0);
    rig_close(&g);
}

/* 80 --header and a line of the auth file. */
static void many_headers_all_go_out(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    char lines[80][8], auth[128];
    const char *args[2 * ARRAY_LEN(lines) + 8] = { "seeds.txt",   "-q",  "--delay", "0",
                                                   "--auth-file", "auth" };
    size_t n = 6;
    struct rig g;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        snprintf(lines[i], sizeof lines[i], "A%zu: b", i);
        args[n++] = "--header";
        args[n++] = lines[i];
    }
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    snprintf(auth, sizeof auth, "http://127.0.0.1:%u user:secret\n", origin_port(g.o));
    program_write(&g.p, "auth", span_str(auth));
    assert_int_equal(program_crawl(&g.p, args), 0);
    assert_non_null(strstr(headers_of(&g, "127.0.0.1"), "A0: b"));
    assert_non_null(strstr(headers_of(&g, "127.0.0.1"), "A79: b"));
    assert_non_null(
        strstr(headers_of(&g, "127.0.0.1"), "Authorization: Basic dXNlcjpzZWNyZXQ="));
    rig_close(&g);
}

static void certificates_are_checked_unless_told_otherwise(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS, { .path = "*", .headers = HTML, .body = PAGE }
    };
    struct rig g;

    (void)state;
    rig_open(
        &g, &(struct origin_options){ .routes = routes, .n_routes = 2, .is_tls = true },
        "https://127.0.0.1:$PORT/\n");
    assert_int_equal(
        program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 4);
    assert_int_equal(traffic_count(g.o, NULL, NULL), 0);
    assert_string_equal(rig_url(&g, "%", "reason"), "robots_unreachable");
    assert_non_null(strstr(rig_url(&g, "%", "rule"), "tls_failed"));

    assert_int_equal(program_crawl(&g.p, ARGS{ "-q", "--delay", "0", "--ca-file",
                                               origin_ca_file(g.o), NULL }),
                     0);
    assert_string_equal(rig_url(&g, "%", "state"), "fetched");
    assert_int_equal(program_crawl(&g.p, ARGS{ "-q", "--delay", "0", "--insecure",
                                               "127.0.0.1", NULL }),
                     0);
    assert_int_equal(traffic_count(g.o, NULL, "/"), 2);
    rig_close(&g);
}

/* One night a seed led elsewhere. What it led to is left alone again once the seed is a page. */
static void a_redirect_that_ended_leaves_the_scope(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .on = 1, .status = 302, .headers = "Location: http://127.0.0.2:$PORT/back-soon\r\n", .uses = 1 },
        { .path = "/", .on = 1, .status = 500, .uses = 1 },
        { .path = "/", .on = 1, .headers = HTML, TEXT_OF("<a href=http://127.0.0.2:$PORT/other>1</a>") },
        { .path = "*", .headers = HTML, .body = LIT("<a href=/more>1</a>") },
    };
    static const size_t asked[] = { 2, 4, 7, 7, 7 }; /* of the stranger's pages, robots.txt left out */
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\n");
    for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
        assert_int_equal(
            program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", "--retries", "0", NULL }), 0);
        assert_int_equal(traffic_count(g.o, "127.0.0.2", NULL) - 1, asked[i]);
    }
    assert_string_equal(rig_url(&g, "%/back-soon", "state || ' ' || reason"), "excluded scope");
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
    rig_close(&g);
}

/* A site's page that becomes a seed later is one, also where it redirects. */
static void a_seed_that_was_a_link_first_redirects_as_a_seed(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .on = 1, .headers = HTML, .body = LIT("<a href=/go>go</a>") },
        { .path = "/go", .on = 1, .headers = HTML, .body = PAGE, .uses = 1 },
        MOVED_TO("/go", "http://127.0.0.2:$PORT/there"),
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 2, "http://127.0.0.1:$PORT/\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/go", "state || ' ' || hop"), "fetched link");
    program_seeds(&g.p, origin_port(g.o), "http://127.0.0.1:$PORT/\nhttp://127.0.0.1:$PORT/go\n");
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", "--delay", "0", NULL }), 0);
    assert_string_equal(rig_url(&g, "%/there", "state"), "fetched");
    rig_close(&g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_redirect_that_ended_leaves_the_scope),
        cmocka_unit_test(a_seed_that_was_a_link_first_redirects_as_a_seed),
        cmocka_unit_test(scope_decides_what_is_followed),
        cmocka_unit_test(other_hosts_are_those_that_were_not_asked),
        cmocka_unit_test(last_matching_rule_wins),
        cmocka_unit_test(a_pattern_that_takes_too_long_is_told_once),
        cmocka_unit_test(many_urls_made_for_a_slow_pattern_do_not_hold_up_the_loop),
        cmocka_unit_test(redirect_of_a_seed_brings_its_host_along),
        cmocka_unit_test(order_is_breadth_first_unless_told_otherwise),
        cmocka_unit_test(sitemaps_named_by_robots_are_read),
        cmocka_unit_test(no_sitemaps_reads_none_and_unnamed_ones_are_left_alone),
        cmocka_unit_test(feeds_give_their_entries),
        cmocka_unit_test(embeds_and_rel_nofollow_by_option),
        cmocka_unit_test(wider_rules_let_in_only_what_a_link_leads_to),
        cmocka_unit_test(settings_that_follow_more_links_look_at_all_of_them),
        cmocka_unit_test(a_wider_scope_counts_the_nearest_link),
        cmocka_unit_test(what_was_found_before_a_seed_moved_is_fetched_too),
        cmocka_unit_test(what_a_far_link_let_in_is_as_deep_as_the_nearest_says),
        cmocka_unit_test(what_is_too_deep_when_a_seed_moved_may_be_near_enough_later),
        cmocka_unit_test(so_it_is_where_the_run_ends_before_that),
        cmocka_unit_test(nofollow_that_is_respected_no_more_lets_in_what_it_kept_out),
        cmocka_unit_test(bodies_are_stored_as_asked),
        cmocka_unit_test(headers_credentials_and_cookies_stay_where_they_belong),
        cmocka_unit_test(many_headers_all_go_out),
        cmocka_unit_test(certificates_are_checked_unless_told_otherwise),
    };

    return cmocka_run_group_tests_name("flow/scope", tests, NULL, NULL);
}
