/* SPDX-License-Identifier: MIT */
/* What a page and its header fields say about the page, and about its links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/kit/html_kit.h"

static void metadata_is_found(void **state)
{
    struct html_kit k;

    (void)state;
    html_kit_open(&k);
    html_kit_parse(
        &k,
        SPAN("<!doctype html><html lang=' de-CH '><title></title><title> A &amp;\n B "
             "</title><title>C</title><meta name=generator content=g><meta name=Description content=' a  b '>"
             "<meta name=description content=second>"
             "<link rel='x Canonical' href=/c><h1> </h1><h1>One <i>two</i></h1>"
             "<h1>three</h1>"));
    assert_true(html_kit_is(k.facts.title, "A & B"));
    assert_true(html_kit_is(k.facts.description, "a b"));
    assert_true(html_kit_is(k.facts.canonical, "http://h.test/c"));
    assert_true(html_kit_is(k.facts.h1, "One two"));
    assert_true(html_kit_is(k.facts.lang, "de-CH"));
    assert_true(html_kit_is(k.facts.base, "http://h.test/d/p.html"));
    assert_int_equal(k.facts.word_count, 3);
    assert_int_equal(k.facts.links[0].hop, FACT_HOP_CANONICAL);
    html_kit_parse(&k, SPAN("<video><title>T</title></video>"));
    assert_true(html_kit_is(k.facts.title, "T"));
    html_kit_close(&k);
}

/* §13.2.6.4.7: a heading ends an open one, and with what it stands in. */
static void an_h1_left_open_ends_where_a_browser_ends_it(void **state)
{
    static const struct {
        const char *in, *h1;
    } cases[] = {
        { "<h1>One<h1>two</h1>", "One" },
        { "<h1>One<h2>two</h2></h1>", "One" },
        { "<div><h1>One</div>two<h2>three</h2>", "One" },
        { "<table><tr><td><h1>One<td>two</table><h2>three</h2>", "One" },
        { "<h1>One</p>and <div>two</div> and<br>three</h1>", "One and two and three" },
        { "<h1><p>One<p>two</h1>three", "One two" },
        { "<h1>One</h3>two", "One" },
        { "<h1><svg><g></g></svg>One", "One" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct html_kit k;
        html_kit_open(&k);
        html_kit_parse(&k, span_str(cases[i].in));
        assert_true(html_kit_is(k.facts.h1, cases[i].h1));
        html_kit_close(&k);
    }
}

static void titles_and_descriptions_are_clipped(void **state)
{
    struct html_kit k;
    struct buf in;

    (void)state;
    html_kit_open(&k);
    buf_init(&in, 1 << 20);
    assert_int_equal(buf_append(&in, SPAN("<title>x")), OK);
    for (int i = 0; i < 3000; i++)
        assert_int_equal(buf_append(&in, SPAN("\u20AC")), OK);
    assert_int_equal(buf_append(&in, SPAN("</title>")), OK);
    html_kit_parse(&k, buf_span(&in));
    assert_int_equal(k.facts.title.len, 1 + 341 * 3);
    assert_true(span_is_utf8(k.facts.title));
    buf_clear(&in);
    html_kit_close(&k);
}

static void the_first_base_with_a_reference_counts(void **state)
{
    static const struct {
        const char *in, *base, *links;
    } cases[] = {
        { "<a href=x>t</a><base target=_top><base href=/b/><base href=/c/>",
          "http://h.test/b/", "a:/b/x(t)" },
        { "<base href=data:x><base href=/b/><a href=x>t</a>", "http://h.test/d/p.html",
          "a:x(t)" },
        { "<base href=javascript:x><a href=x>t</a>", "http://h.test/d/p.html",
          "a:x(t)" },
        { "<base href=ftp://h.test/b/><a href=x>t</a><a href=//h.test/y>u</a>",
          "ftp://h.test/b/", "a:ftp://h.test/b/x(t) a:ftp://h.test/y(u)" },
        { "<base href=about:blank><a href=x>t</a><a href=http://h.test/y>u</a>",
          "about:blank", "a:/y(u)" },
        { "<base href=''><a href=x>t</a>", "http://h.test/d/p.html", "a:x(t)" },
        { "<base href='http://[/'><a href=x>t</a>", "http://h.test/d/p.html",
          "a:x(t)" },
        { "<template><base href=/b/></template><svg><base href=/c/></svg><a href=x>t</a>",
          "http://h.test/d/p.html", "a:x(t)" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct html_kit k;
        html_kit_open(&k);
        html_kit_parse(&k, span_str(cases[i].in));
        assert_true(html_kit_is(k.facts.base, cases[i].base));
        assert_true(html_kit_is(html_kit_links(&k), cases[i].links));
        html_kit_close(&k);
    }
}

static void robots_metas_for_us_count(void **state)
{
    static const struct {
        const char *in, *text;
        bool is_noindex, is_nofollow;
    } cases[] = {
        { "<meta name=robots content=NoIndex>", "NoIndex", true, false },
        { "<meta name=Crawl content='nofollow'>", "nofollow", false, true },
        { "<meta name=other content=none>", "", false, false },
        { "<meta name=robots content='none'>", "none", true, true },
        { "<meta name=robots content=noindex><meta name=crawl content=nofollow>",
          "noindex, nofollow", true, true },
        { "<!-- <meta name=robots content=none> -->", "", false, false },
        { "<svg><desc><meta name=robots content=none>", "none", true, true },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct html_kit k;
        html_kit_open(&k);
        html_kit_parse(&k, span_str(cases[i].in));
        assert_true(html_kit_is(k.facts.robots_meta, cases[i].text));
        assert_int_equal(k.facts.is_noindex, cases[i].is_noindex);
        assert_int_equal(k.facts.is_nofollow, cases[i].is_nofollow);
        html_kit_close(&k);
    }
}

static void header_fields_count_like_elements(void **state)
{
    struct html_kit k;

    (void)state;
    html_kit_open(&k);
    k.in.headers = SPAN("Link: <x>; rel=\"next NoFollow\", </c>; rel=canonical\r\n"
                        "Link: <s.css>; rel=preload\r\nX-Robots-Tag: crawl: noindex\r\n"
                        "X-Robots-Tag: other: nofollow\r\nRefresh: 3; url=r\r\n"
                        "Content-Language: fr\r\n");
    html_kit_parse(&k, SPAN("<base href=/b/><p>t"));
    assert_true(
        html_kit_is(html_kit_links(&k),
                    "!http-link:x http-link:/c http-link:s.css http-refresh:r"));
    assert_true(html_kit_is(k.facts.canonical, "http://h.test/c"));
    assert_true(html_kit_is(k.facts.lang, "fr"));
    assert_true(html_kit_is(k.facts.x_robots_tag, "noindex"));
    assert_true(html_kit_is(k.facts.refresh_url, "http://h.test/d/r"));
    assert_int_equal(k.facts.refresh_delay_s, 3);
    assert_true(k.facts.is_noindex);
    assert_false(k.facts.is_nofollow);
    assert_int_equal(k.facts.links[0].hop, FACT_HOP_LINK);
    assert_int_equal(k.facts.links[1].hop, FACT_HOP_CANONICAL);
    assert_int_equal(k.facts.links[2].hop, FACT_HOP_EMBED);
    assert_int_equal(k.facts.links[3].hop, FACT_HOP_REFRESH);
    html_kit_close(&k);
}

/* RFC 8288 §3.2: anchor names the resource that a link is from. */
static void a_canonical_of_another_resource_is_not_ours(void **state)
{
    static const struct {
        const char *headers, *body, *canonical;
    } cases[] = {
        { "Link: </c>; rel=canonical; anchor=\"/other\"\r\n", "", "" },
        { "Link: </c>; rel=canonical; anchor=\"#part\"\r\n", "", "" },
        { "Link: </c>; rel=canonical; anchor=\"http://[\"\r\n", "", "" },
        { "Link: </c>; rel=canonical; anchor=\"../d/p.html\"\r\n", "",
          "http://h.test/c" },
        { "Link: </c>; rel=canonical; anchor=\"\"\r\n", "", "http://h.test/c" },
        { "Link: </b>; rel=canonical; anchor=\"/b2\", </c>; rel=canonical\r\n", "",
          "http://h.test/c" },
        { "", "<link rel=canonical imagesrcset='/x 2x'><link rel=canonical href=/c>",
          "http://h.test/c" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct html_kit k;
        html_kit_open(&k);
        k.in.headers = span_str(cases[i].headers);
        html_kit_parse(&k, span_str(cases[i].body));
        assert_true(html_kit_is(k.facts.canonical, cases[i].canonical));
        html_kit_close(&k);
    }
}

static void broken_bytes_in_header_fields_are_mended(void **state)
{
    static const char raw[] = "X-Robots-Tag: a\0b\xE9"
                              "c\r\nLink: <x>; rel=\"p\0q\"\r\n";
    struct html_kit k;

    (void)state;
    html_kit_open(&k);
    k.in.headers = span_make(raw, sizeof raw - 1);
    html_kit_parse(&k, SPAN("t"));
    assert_true(html_kit_is(k.facts.x_robots_tag, "a b\uFFFDc"));
    assert_true(html_kit_is(k.facts.links[0].rel, "p q"));
    html_kit_close(&k);
}

static void the_elements_win_over_the_header(void **state)
{
    struct html_kit k;

    (void)state;
    html_kit_open(&k);
    k.in.headers = SPAN("Link: </c>; rel=canonical\r\nContent-Language: fr\r\n");
    html_kit_parse(&k, SPAN("<html lang=en><link rel=canonical href=/e>"));
    assert_true(html_kit_is(k.facts.canonical, "http://h.test/e"));
    assert_true(html_kit_is(k.facts.lang, "en"));
    html_kit_close(&k);
}

static void a_content_language_of_one_language_is_the_pages(void **state)
{
    static const struct {
        const char *in, *lang;
    } cases[] = {
        { "<meta http-equiv=Content-Language content=de>", "de" },
        { "<meta http-equiv=content-language content=de><meta http-equiv=content-language content=it>", "de" },
        { "<meta http-equiv=content-language content='de, en'>", "fr" },
        { "<meta http-equiv=content-language content='de, en'><meta http-equiv=content-language content=it>", "it" },
        { "<html lang=en><meta http-equiv=content-language content=de>", "en" },
        { "<meta http-equiv=other content=de>", "fr" },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct html_kit k;
        html_kit_open(&k);
        k.in.headers = SPAN("Content-Language: fr\r\n");
        html_kit_parse(&k, span_str(cases[i].in));
        assert_true(html_kit_is(k.facts.lang, cases[i].lang));
        html_kit_close(&k);
    }
}

static void the_first_valid_refresh_counts(void **state)
{
    struct html_kit k;

    (void)state;
    html_kit_open(&k);
    html_kit_parse(
        &k, SPAN("<meta http-equiv=refresh content=x><meta http-equiv=Refresh "
                 "content='5;URL=&quot;y&quot;'><meta http-equiv=refresh content=1>"));
    assert_true(k.facts.has_refresh);
    assert_int_equal(k.facts.refresh_delay_s, 5);
    assert_true(html_kit_is(k.facts.refresh_url, "http://h.test/d/y"));
    assert_true(html_kit_is(html_kit_links(&k), "meta-refresh:y"));

    html_kit_parse(&k, SPAN("<meta http-equiv=refresh content=7>"));
    assert_true(html_kit_is(k.facts.refresh_url, "http://h.test/d/p.html"));
    assert_int_equal(k.facts.n_links, 0);

    html_kit_parse(&k, SPAN("<meta http-equiv=refresh content='0;url=javascript:x'>"));
    assert_false(k.facts.has_refresh);

    html_kit_parse(&k, SPAN("<base href=about:blank><meta http-equiv=refresh content='0;url=x'>"));
    assert_false(k.facts.has_refresh);
    assert_int_equal(k.facts.n_links, 0);

    html_kit_parse(&k, SPAN("<meta http-equiv=refresh content='0;url=http://['>"
                            "<meta http-equiv=refresh content='0;url=javascript:x'>"
                            "<meta http-equiv=refresh content='1;url=z'>"));
    assert_true(html_kit_is(k.facts.refresh_url, "http://h.test/d/z"));
    assert_true(html_kit_is(html_kit_links(&k), "meta-refresh:z"));
    html_kit_close(&k);
}

static void relations_decide_what_is_followed(void **state)
{
    static const struct {
        const char *in;
        enum fact_hop hop;
    } cases[] = {
        { "<a href=x>", FACT_HOP_LINK },
        { "<a href=x rel=canonical>", FACT_HOP_LINK },
        { "<area href=x>", FACT_HOP_LINK },
        { "<iframe src=x>", FACT_HOP_LINK },
        { "<frame src=x>", FACT_HOP_LINK },
        { "<link rel=alternate hreflang=de href=x>", FACT_HOP_LINK },
        { "<link rel='alternate stylesheet' hreflang=de href=x>", FACT_HOP_EMBED },
        { "<link rel=alternate href=x>", FACT_HOP_EMBED },
        { "<link rel=Next href=x>", FACT_HOP_LINK },
        { "<link rel=prev href=x>", FACT_HOP_LINK },
        { "<link rel=canonical href=x>", FACT_HOP_CANONICAL },
        { "<link rel=stylesheet href=x>", FACT_HOP_EMBED },
        { "<link rel=preconnect href=x>", FACT_HOP_NONE },
        { "<link href=x>", FACT_HOP_NONE },
        { "<img src=x>", FACT_HOP_EMBED },
        { "<script src=x>", FACT_HOP_EMBED },
        { "<form action=x>", FACT_HOP_NONE },
        { "<button formaction=x>", FACT_HOP_NONE },
        { "<meta http-equiv=refresh content='0;url=x'>", FACT_HOP_REFRESH },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct html_kit k;
        html_kit_open(&k);
        html_kit_parse(&k, span_str(cases[i].in));
        assert_int_equal(k.facts.n_links, 1);
        if (k.facts.links[0].hop != cases[i].hop)
            fail_msg("%s: hop %d, want %d", cases[i].in, k.facts.links[0].hop,
                     cases[i].hop);
        html_kit_close(&k);
    }
}

static void details_come_when_asked_for(void **state)
{
    struct html_kit k;

    (void)state;
    html_kit_open(&k);
    k.in.headers = SPAN(
        "Link: <x>; rel=a; title=t; type=b/c; media=m; hreflang=de; anchor=\"#f\"\r\n");
    html_kit_parse(&k, SPAN("<a href=y title=u>"));
    assert_null(k.facts.links[0].details);
    assert_null(k.facts.links[1].details);
    k.in.wants_details = true;
    html_kit_parse(&k, SPAN("<a href=y title=' u  v'>"));
    assert_true(html_kit_is(k.facts.links[0].details->title, "t"));
    assert_true(html_kit_is(k.facts.links[0].details->type, "b/c"));
    assert_true(html_kit_is(k.facts.links[0].details->media, "m"));
    assert_true(html_kit_is(k.facts.links[0].details->hreflang, "de"));
    assert_true(html_kit_is(k.facts.links[0].details->anchor, "#f"));
    assert_true(html_kit_is(k.facts.links[1].details->title, "u v"));
    html_kit_close(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_is_found),
        cmocka_unit_test(an_h1_left_open_ends_where_a_browser_ends_it),
        cmocka_unit_test(titles_and_descriptions_are_clipped),
        cmocka_unit_test(the_first_base_with_a_reference_counts),
        cmocka_unit_test(robots_metas_for_us_count),
        cmocka_unit_test(header_fields_count_like_elements),
        cmocka_unit_test(a_canonical_of_another_resource_is_not_ours),
        cmocka_unit_test(broken_bytes_in_header_fields_are_mended),
        cmocka_unit_test(the_elements_win_over_the_header),
        cmocka_unit_test(a_content_language_of_one_language_is_the_pages),
        cmocka_unit_test(the_first_valid_refresh_counts),
        cmocka_unit_test(relations_decide_what_is_followed),
        cmocka_unit_test(details_come_when_asked_for),
    };

    return cmocka_run_group_tests_name("parse/html_meta", tests, NULL, NULL);
}
