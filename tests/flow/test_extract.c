/* SPDX-License-Identifier: MIT */
/*
 * Extraction rules and facts through the whole program: sections of crawl.conf
 * in a crawl, their views, `crawl extract`, `crawl inspect extract`, --facts.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/kit/rig.h"

#define QUICK "--delay", "0", "-q"
#define CONF                                                             \
    "delay = 0\n[extract \"product\"]\nurl = /p/[0-9]+$\ntitle = //h1\n" \
    "price = number //span[@class='price']\ntags = list //li\nseen = date //time\n"

static const struct origin_route shop[] = {
    { .path = "/robots.txt", .on = 3, .status = 500 },
    MOVED_TO("/to-closed", "http://127.0.0.3:$PORT/p/1"),
    { .path = "/robots.txt",
      .headers = PLAIN,
      .body = LIT("User-agent: *\nDisallow: /secret\n") },
    { .path = "/",
      .headers = HTML,
      .body = LIT(
          "<h1>Shop</h1><a href=/p/1>1</a><a href=/p/2>2</a><a href=/p/3>3</a><a href=/about>a</a>") },
    { .path = "/p/1",
      .headers = HTML,
      .body = LIT(
          "<title>One</title><meta property=og:title content=One><h1> Thing <i>one</i></h1><span class=price>1.299,50 \xe2\x82\xac</span>"
          "<ul><li>a<li>b</ul><time>2024-05-01</time>"
          "<script type=application/ld+json>{\"@type\":\"Product\"}</script>") },
    { .path = "/p/2",
      .headers = "Content-Type: text/html; charset=windows-1252\r\n",
      .body = LIT("<h1>\xdcml\xe4ut \"&amp;\"</h1>") },
    { .path = "/p/3",
      .status = 404,
      .headers = HTML,
      .body = LIT("<h1>Not found</h1>") },
    { .path = "/about",
      .headers = HTML,
      .body = LIT("<h1>About</h1><span class=price>1</span>") },
    { .path = "/secret", .headers = HTML, .body = PAGE },
    MOVED_TO("/moved", "/p/1"),
    MOVED_TO("/to-secret", "/secret"),
    MOVED_TO("/to-other", "http://127.0.0.2:$PORT/p/1"),
    MOVED_TO("/loop", "/loop"),
    { .path = "/evil",
      .headers = HTML,
      .body = LIT("<h1>\x1b[2J \xe2\x80\xaexyz \xc2\x85</h1>") },
};

static void open_shop(struct rig *g)
{
    RIG_OPEN(g, shop, 3, "http://127.0.0.1:$PORT/\n");
}

static bool printed(const struct rig *g, const char *text)
{
    struct span all = buf_span(&g->p.out);

    return span_find_span(all, span_str(text)) < all.len;
}

/* --- in a crawl ----------------------------------------------------------------------------- */

static void sections_fill_facts_and_views(void **state)
{
    struct rig g;

    (void)state;
    open_shop(&g);
    program_write(&g.p, "crawl.conf", SPAN(CONF));
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", "-q", NULL }), 0);
    assert_string_equal(
        program_text(
            &g.p,
            "SELECT facts FROM pages p JOIN urls u ON u.id = url_id WHERE u.url LIKE '%/p/1'"),
        "{\"extract\":{\"product\":{\"title\":\"Thing one\",\"price\":1299.50,\"tags\":[\"a\",\"b\"],"
        "\"seen\":\"2024-05-01T00:00:00Z\"}}}");
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM pages WHERE facts IS NOT NULL"), 2);
    assert_string_equal(
        program_text(
            &g.p,
            "SELECT group_concat(name) FROM pragma_table_info('extract_product')"),
        "url,fetched_at,title,price,tags,seen");
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM extract_product"), 2);
    assert_string_equal(
        program_text(
            &g.p,
            "SELECT title || '|' || typeof(price) || '|' || tags FROM extract_product WHERE url LIKE '%/1'"),
        "Thing one|real|[\"a\",\"b\"]");
    assert_string_equal(
        program_text(&g.p, "SELECT title FROM extract_product WHERE url LIKE '%/2'"),
        "\xc3\x9cml\xc3\xa4ut \"&\"");
    assert_int_equal(
        program_run(&g.p, ARGS{ "sql", "--format", "csv",
                                "SELECT title, price FROM extract_product ORDER BY url",
                                NULL }),
        0);
    assert_true(printed(&g, "\"Thing one\",1299.5"));
    assert_int_equal(program_run(&g.p, ARGS{ "verify", NULL }), 0);
    rig_close(&g);
}

static void changed_sections_hold_from_the_next_run_on(void **state)
{
    struct rig g;

    (void)state;
    open_shop(&g);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM pages WHERE facts IS NOT NULL"), 0);
    program_write(&g.p, "crawl.conf", SPAN("[extract \"any\"]\nurl = .\nh = //h1\n"));
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM extract_any"), 4);
    program_write(
        &g.p, "crawl.conf",
        SPAN("[extract \"any\"]\nurl = about\nh = //h1\nn = number //span\n"));
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);
    assert_int_equal(program_number(&g.p, "SELECT count(*) FROM extract_any"), 1);
    assert_int_equal(program_number(&g.p, "SELECT n FROM extract_any"), 1);
    rig_close(&g);
}

static void mistakes_in_sections_end_it_before_anything_is_asked(void **state)
{
    static const struct {
        const char *text, *said;
    } cases[] = {
        { "[extract \"p\"]\nurl = /p/\na = //h1[\n",
          "crawl.conf:3: a: '//h1[' is no XPath 1.0 expression" },
        { "[extract \"p\"]\nurl = (\na = //h1\n", "crawl.conf:2: url '('" },
        { "[extract \"p\"]\nurl = /p/\na = nubmer //h1\n",
          "crawl.conf:3: 'nubmer' is no type" },
        { "[extract \"p-q\"]\n", "crawl.conf:1: [extract \"p-q\"]" },
        { "[extract \"p\"]\na = //h1\n",
          "crawl.conf:1: [extract \"p\"] needs a line url" },
    };
    struct rig g;

    (void)state;
    open_shop(&g);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        program_write(&g.p, "crawl.conf", span_str(cases[i].text));
        assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 2);
        assert_true(program_said(&g.p, cases[i].said));
    }
    assert_int_equal(access(program_path(&g.p, "crawl.db"), F_OK), -1);
    assert_int_equal(traffic_count(g.o, NULL, NULL), 0);
    rig_close(&g);
}

/* Nodes enough that this rule takes longer than a parser may. */
static void fill_wide_page(void *arg, const struct origin_request *r, int *io_status,
                           struct buf *out)
{
    (void)arg;
    (void)r;
    (void)io_status;
    if (buf_append(out, SPAN("<title>Wide</title><a href=/leaf>x</a>")))
        abort();
    for (int i = 0; i < 40000; i++)
        if (buf_append(out, SPAN("<div><p>x</p><i>y</i></div>")))
            abort();
}

static void a_rule_that_takes_too_long_costs_its_values_not_the_page(void **state)
{
    static const struct origin_route routes[] = {
        NO_ROBOTS,
        { .path = "/", .headers = HTML, .generate = fill_wide_page },
        { .path = "*", .headers = HTML, .body = PAGE },
    };
    struct rig g;

    (void)state;
    RIG_OPEN(&g, routes, 1, "http://127.0.0.1:$PORT/\n");
    program_write(&g.p, "crawl.conf",
                  SPAN("[extract \"w\"]\nurl = /$\nn = count(//*//*//*)\n"));
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, NULL }), 0);
    assert_string_equal(
        program_text(
            &g.p,
            "SELECT title || ' ' || parse_outcome || ' ' || coalesce(facts, 'none') FROM pages WHERE title = 'Wide'"),
        "Wide ok none");
    assert_string_equal(rig_url(&g, "%/leaf", "state"), "fetched");
    assert_int_equal(
        program_number(
            &g.p, "SELECT count(*) FROM events WHERE event = 'page-not-extracted'"),
        1);
    rig_close(&g);
}

/* --- facts ------------------------------------------------------------------------------------------ */

static void facts_are_kept_when_asked_for(void **state)
{
    struct rig g;

    (void)state;
    open_shop(&g);
    assert_int_equal(program_crawl(&g.p, ARGS{ "seeds.txt", QUICK, "--facts", NULL }),
                     0);
    assert_string_equal(
        program_text(
            &g.p,
            "SELECT facts FROM pages p JOIN urls u ON u.id = url_id WHERE u.url LIKE '%/p/1'"),
        "{\"json_ld\":[{\"type\":\"Product\",\"data\":{\"@type\":\"Product\"}}],\"opengraph\":{\"title\":\"One\"}}");
    assert_int_equal(
        program_number(&g.p, "SELECT count(*) FROM pages WHERE facts IS NOT NULL"), 1);
    rig_close(&g);
}

/* --- crawl extract ------------------------------------------------------------------------------------ */

/* Runs `crawl extract` on a path of host 1, with up to two more arguments. */
static int extract(struct rig *g, const char *path, const char *a, const char *b)
{
    const char *args[] = {
        "extract", "--allow-net", "127.0.0.0/8",          "--dns", "127.0.0.1:1",
        "--delay", "0",           origin_url(g->o, path), a,       a ? b : NULL,
        NULL
    };

    return program_run(&g->p, args);
}

static void a_page_is_tried_with_the_sections_that_match(void **state)
{
    struct rig g;

    (void)state;
    open_shop(&g);
    program_write(&g.p, "crawl.conf", SPAN(CONF));
    assert_int_equal(extract(&g, "/p/1", NULL, NULL), 0);
    assert_true(printed(
        &g,
        ",\"status\":200,\"extract\":{\"product\":{\"title\":\"Thing one\",\"price\":1299.50,"));
    assert_string_equal(traffic_nth(g.o, NULL, NULL, 0)->path, "/robots.txt");
    assert_int_equal(extract(&g, "/moved", NULL, NULL), 0);
    assert_true(printed(
        &g, "/p/1\",\"status\":200,\"extract\":{\"product\":{\"title\":\"Thing one\""));
    assert_int_equal(extract(&g, "/about", NULL, NULL), 1);
    assert_true(program_said(&g.p, "no [extract] section matches it"));
    assert_int_equal(extract(&g, "/p/3", NULL, NULL), 1);
    assert_true(program_said(&g.p, "/p/3 answered 404"));
    rig_close(&g);
}

static void a_rule_of_the_command_line_stands_in_for_all(void **state)
{
    struct rig g;

    (void)state;
    open_shop(&g);
    program_write(&g.p, "crawl.conf", SPAN(CONF));
    assert_int_equal(extract(&g, "/about", "--rule", "t=//h1"), 0);
    assert_true(printed(&g, "\"extract\":{\"rule\":{\"t\":\"About\"}}}\n"));
    assert_int_equal(extract(&g, "/about", "--rule=n=number //span", "--rule=t = //h1"),
                     0);
    assert_true(printed(&g, "\"extract\":{\"rule\":{\"n\":1,\"t\":\"About\"}}}\n"));
    assert_int_equal(extract(&g, "/p/1", "--rule=t=//h1", "--facts"), 0);
    assert_true(printed(&g, "\"opengraph\":{\"title\":\"One\"}"));
    assert_int_equal(extract(&g, "/about", "--rule", "//h1"), 2);
    assert_int_equal(extract(&g, "/about", "--rule", "t=//h1["), 2);
    assert_true(program_said(&g.p, "--rule: t: '//h1[' is no XPath 1.0 expression"));
    assert_int_equal(extract(&g, "/about", "--rule", NULL), 2);
    rig_close(&g);
}

static void trying_obeys_robots_on_every_hop(void **state)
{
    struct rig g;

    (void)state;
    open_shop(&g);
    assert_int_equal(extract(&g, "/secret", "--rule", "t=//title"), 1);
    assert_true(
        program_said(&g.p, "may not be fetched: robots.txt line 2: Disallow: /secret"));
    assert_int_equal(extract(&g, "/to-secret", "--rule", "t=//title"), 1);
    assert_int_equal(traffic_count(g.o, NULL, "/secret"), 0);
    assert_int_equal(extract(&g, "/to-other", "--rule", "t=//title"), 0);
    assert_string_equal(traffic_nth(g.o, "127.0.0.2", NULL, 0)->path, "/robots.txt");
    assert_int_equal(traffic_count(g.o, "127.0.0.2", "/p/1"), 1);
    assert_int_equal(extract(&g, "/to-closed", "--rule", "t=//title"), 1);
    assert_true(program_said(&g.p, "its robots.txt cannot be had"));
    assert_int_equal(traffic_count(g.o, "127.0.0.3", "/p/1"), 0);
    assert_int_equal(extract(&g, "/loop", "--rule", "t=//title"), 1);
    assert_true(program_said(&g.p, "more redirects than --max-redirects"));
    rig_close(&g);
}

static void trying_refuses_private_addresses_and_what_is_no_url(void **state)
{
    struct rig g;

    (void)state;
    open_shop(&g);
    assert_int_equal(
        program_run(&g.p, ARGS{ "extract", "--dns", "127.0.0.1:1", "--rule",
                                "t=//title", origin_url(g.o, "/"), NULL }),
        1);
    assert_int_equal(traffic_count(g.o, NULL, NULL), 0);
    assert_int_equal(program_run(&g.p, ARGS{ "extract", "--rule", "t=//title",
                                             "ftp://127.0.0.1/", NULL }),
                     2);
    assert_int_equal(program_run(&g.p, ARGS{ "extract", "--rule", "t=//title", NULL }),
                     2);
    rig_close(&g);
}

static void what_a_terminal_must_not_see_is_escaped(void **state)
{
    struct rig g;

    (void)state;
    open_shop(&g);
    assert_int_equal(extract(&g, "/evil", "--rule", "t=//h1"), 0);
    assert_true(printed(&g, "\"t\":\"\\u001b[2J \\u202exyz \\u0085\""));
    rig_close(&g);
}

/* --- crawl inspect extract ------------------------------------------------------------------------------ */

static void inspect_answers_for_a_page_at_hand(void **state)
{
    static const struct {
        const char *request, *answer;
    } lines[] = {
        { "{\"id\":1,\"url\":\"http://e.org/\",\"body\":\"<h1>a <b>b</b></h1>1,50\",\"rules\":[{\"name\":\"t\",\"xpath\":\"//h1\"},"
          "{\"name\":\"n\",\"type\":\"number\",\"xpath\":\"/html/body\"}]}",
          "{\"id\":1,\"extract\":{\"t\":\"a b\",\"n\":1.5}}\n" },
        { "{\"id\":2,\"body_b64\":\"PGgxPng8L2gxPg==\",\"content_type\":\"text/html\",\"rules\":[{\"name\":\"t\",\"type\":\"html\",\"xpath\":\"//h1\"}]}",
          "{\"id\":2,\"extract\":{\"t\":\"<h1>x</h1>\"}}\n" },
        /* C1 controls, what turns the direction, DEL, and a tag beyond the first plane */
        { "{\"id\":8,\"body\":\"<h1>\xc2\x9b[2J \xe2\x80\xae \x7f \xf3\xa0\x80\x81\",\"rules\":[{\"name\":\"t\",\"xpath\":\"//h1\"}]}",
          "{\"id\":8,\"extract\":{\"t\":\"\\u009b[2J \\u202e \\u007f \\udb40\\udc01\"}}\n" },
        { "{\"id\":3,\"body\":\"<h1>x\",\"rules\":[{\"name\":\"t\",\"xpath\":\"//h1[\"}]}",
          "{\"id\":3,\"error\":\"rule 't': no XPath 1.0 expression: //h1[\"}\n" },
        { "{\"id\":4,\"body\":\"<h1>x\",\"rules\":[{\"name\":\"t\",\"type\":\"strin\",\"xpath\":\"//h1\"}]}",
          "{\"id\":4,\"error\":\"rule 't': a type must be" },
        { "{\"id\":5,\"body\":\"<h1>x\"}", "{\"id\":5,\"extract\":null}\n" },
        { "{\"id\":6,\"body\":\"<meta property=og:title content=x>\",\"facts\":true}",
          "{\"id\":6,\"opengraph\":{\"title\":\"x\"}}\n" },
        { "{\"id\":7,\"body\":\"x\",\"rules\":[{\"name\":\"n\",\"type\":\"number\",\"xpath\":\"'123456789012345678901234567890'\"}],"
          "\"content_type\":\"text/html\"}",
          "{\"id\":7,\"extract\":{\"n\":1.23456789012346e29}}\n" },
    };
    struct program p;
    struct buf in;
    int file, old = dup(STDIN_FILENO);

    (void)state;
    program_open(&p);
    buf_init(&in, (size_t)MIB);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        assert_int_equal(buf_printf(&in, "%s\n", lines[i].request), OK);
    program_write(&p, "in", buf_span(&in));
    file = open(program_path(&p, "in"), O_RDONLY | O_CLOEXEC);
    assert_true(file >= 0 && dup2(file, STDIN_FILENO) == STDIN_FILENO);
    program_run(&p, ARGS{ "inspect", "extract", NULL });
    dup2(old, STDIN_FILENO);
    close(old);
    close(file);
    assert_int_equal(p.exit_code, 0);
    for (size_t i = 0; i < ARRAY_LEN(lines); i++)
        if (span_find_span(buf_span(&p.out), span_str(lines[i].answer)) == p.out.len)
            fail_msg("%.*s\nhas no %s", SPAN_ARG(buf_span(&p.out)), lines[i].answer);
    buf_clear(&in);
    program_close(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sections_fill_facts_and_views),
        cmocka_unit_test(changed_sections_hold_from_the_next_run_on),
        cmocka_unit_test(mistakes_in_sections_end_it_before_anything_is_asked),
        cmocka_unit_test(a_rule_that_takes_too_long_costs_its_values_not_the_page),
        cmocka_unit_test(facts_are_kept_when_asked_for),
        cmocka_unit_test(a_page_is_tried_with_the_sections_that_match),
        cmocka_unit_test(a_rule_of_the_command_line_stands_in_for_all),
        cmocka_unit_test(trying_obeys_robots_on_every_hop),
        cmocka_unit_test(trying_refuses_private_addresses_and_what_is_no_url),
        cmocka_unit_test(what_a_terminal_must_not_see_is_escaped),
        cmocka_unit_test(inspect_answers_for_a_page_at_hand),
    };

    return cmocka_run_group_tests_name("flow/extract", tests, NULL, NULL);
}
