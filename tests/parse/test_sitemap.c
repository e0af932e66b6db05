/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/buf.h"
#include "parse/sitemap.h"

#define BASE "https://www.example.com/dir/sitemap.xml"
#define URLSET(inner) \
    "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">" inner "</urlset>"
#define LOC(path) "<url><loc>https://www.example.com" path "</loc></url>"

/* in; the answer as "type", then a line per url (+ per sitemap: "S ") with loc and lastmod. */
struct row {
    const char *label, *type, *in, *want;
};

static const struct row rows[] = {
    { "a plain urlset", NULL,
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" URLSET(LOC("/a") LOC("/b")),
      "urlset\nhttps://www.example.com/a\nhttps://www.example.com/b\n" },
    { "an index", NULL,
      "<sitemapindex><sitemap><loc>https://www.example.com/1.xml</loc><lastmod>2005-01-01</lastmod>"
      "</sitemap><sitemap><loc>/2.xml.gz</loc></sitemap></sitemapindex>",
      "sitemapindex\nS https://www.example.com/1.xml 2005-01-01\nS https://www.example.com/2.xml.gz\n" },
    { "what stands behind an entry is not the entry's", NULL,
      "<sitemapindex><sitemap><loc>/1.xml</loc></sitemap><lastmod>2005-01-01</lastmod></sitemapindex>",
      "sitemapindex\nS https://www.example.com/1.xml\n" },
    { "another vocabulary's url begins no entry", NULL,
      URLSET("<url><loc>https://h/a</loc><news:url/><lastmod>2005-01-01</lastmod></url>"),
      "urlset\nhttps://h/a 2005-01-01\n" },
    { "entities and CDATA in a loc", NULL,
      URLSET(
          "<url><loc>https://h/a?x=1&amp;y=2</loc></url><url><loc>https://h/b<![CDATA[?x=1&y=2]]></loc></url>"),
      "urlset\nhttps://h/a?x=1&y=2\nhttps://h/b?x=1&y=2\n" },
    { "a bare ampersand in a loc", NULL,
      URLSET("<url><loc>https://h/a?x=1&y=2&copy=3</loc></url>"),
      "urlset\nhttps://h/a?x=1&y=2&copy=3\n" },
    { "white space around a loc", NULL,
      URLSET("<url><loc>\n\t https://h/a \n</loc></url>"), "urlset\nhttps://h/a\n" },
    { "Unicode white space around a loc", NULL,
      URLSET("<url><loc>\xc2\xa0https://h/a\xe2\x80\x80\xe3\x80\x80</loc></url>"),
      "urlset\nhttps://h/a\n" },
    { "no namespace", NULL, "<urlset>" LOC("/a") "</urlset>",
      "urlset\nhttps://www.example.com/a\n" },
    { "a wrong namespace", NULL,
      "<urlset xmlns=\"http://wrong.example/\">" LOC("/a") "</urlset>",
      "urlset\nhttps://www.example.com/a\n" },
    { "a prefix", NULL,
      "<s:urlset xmlns:s=\"x\"><s:url><s:loc>https://h/a</s:loc></s:url></s:urlset>",
      "urlset\nhttps://h/a\n" },
    { "a prefix that the root declares and does not use", NULL,
      "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\""
      " xmlns:i=\"http://www.google.com/schemas/sitemap-image/1.1\""
      " xmlns:s=\"http://www.sitemaps.org/schemas/sitemap/0.9\"><s:url><s:loc>https://h/a</s:loc>"
      "<i:loc>https://h/no</i:loc></s:url></urlset>",
      "urlset\nhttps://h/a\n" },
    { "any case", NULL,
      "<URLSET><Url><LOC>https://h/a</LOC><LastMod>2005-01-01</LastMod></Url></URLSET>",
      "urlset\nhttps://h/a 2005-01-01\n" },
    { "a byte order mark and blank lines first", NULL,
      "\xef\xbb\xbf \r\n\n<?xml version=\"1.0\"?>" URLSET(LOC("/a")),
      "urlset\nhttps://www.example.com/a\n" },
    { "a warning before the document", NULL,
      "<br />\n<b>Warning</b>: x in /y on line 3<br />\n<?xml version=\"1.0\"?>" URLSET(
          LOC("/a")),
      "urlset\nhttps://www.example.com/a\n" },
    { "another encoding declared", NULL,
      "<?xml version=\"1.0\" encoding=\"UTF-16\"?>" URLSET(
          "<url><loc>https://h/\xc3\xa9</loc></url>"),
      "urlset\nhttps://h/%C3%A9\n" },
    { "cut off inside a tag", NULL, "<urlset>" LOC("/a") "<url><loc>https://h/b</lo",
      "urlset\nhttps://www.example.com/a\nhttps://h/b\n" },
    { "cut off before an address", NULL, "<urlset>" LOC("/a") "<url><lo",
      "urlset\nhttps://www.example.com/a\n" },
    { "an end tag too many", NULL,
      "<urlset></url>" LOC("/a") "</url></foo>" LOC("/b") "</urlset>",
      "urlset\nhttps://www.example.com/a\nhttps://www.example.com/b\n" },
    { "end tags missing", NULL,
      "<urlset><url><loc>https://h/a<lastmod>2005-01-01</lastmod></url><url><loc>https://h/b</url></urlset>",
      "urlset\nhttps://h/a 2005-01-01\nhttps://h/b\n" },
    { "entries that never end", NULL,
      "<urlset><url><loc>https://h/a<url><loc>https://h/b",
      "urlset\nhttps://h/a\nhttps://h/b\n" },
    { "an entry inside a loc", NULL,
      "<urlset><url><loc><url>https://h/a</url></loc></url></urlset>",
      "urlset\nhttps://h/a\n" },
    { "a stray less-than", NULL, "<urlset>1 < 2" LOC("/a") "</urlset>",
      "urlset\nhttps://www.example.com/a\n" },
    { "bytes that are no UTF-8", NULL,
      "<urlset>\xff\x01" LOC("/a\xff") LOC("/b") "</urlset>",
      "urlset\nhttps://www.example.com/a%EF%BF%BD\nhttps://www.example.com/b\n" },
    { "several locs in one entry", NULL,
      "<urlset><url><loc>https://h/a</loc><loc>https://h/b</loc><lastmod>2005-01-01</lastmod></url></urlset>",
      "urlset\nhttps://h/a\nhttps://h/b 2005-01-01\n" },
    { "an address without loc", NULL,
      "<sitemapindex><sitemap>\nhttps://h/a?b&amp;c\n</sitemap></sitemapindex>",
      "sitemapindex\nS https://h/a?b&c\n" },
    { "prose without loc", NULL, "<urlset><url>hello</url></urlset>", "urlset\n" },
    { "a loc without entry", NULL,
      "<urlset><loc>https://h/a</loc><loc>https://h/b</loc></urlset>",
      "urlset\nhttps://h/a\nhttps://h/b\n" },
    { "a relative loc", NULL,
      "<urlset><url><loc>page.html</loc></url><url><loc>//h/x</loc></url></urlset>",
      "urlset\nhttps://www.example.com/dir/page.html\nhttps://h/x\n" },
    { "words in a loc", NULL, "<urlset><url><loc>not a url</loc></url></urlset>",
      "urlset\n" },
    { "other schemes are dropped", NULL,
      "<urlset><url><loc>ftp://h/a</loc></url><url><loc>file:///etc/passwd</loc></url>"
      "<url><loc>javascript:alert(1)</loc></url><url><loc>https://</loc></url></urlset>",
      "urlset\n" },
    { "a sitemap in a urlset", NULL,
      "<urlset>" LOC("/a") "<sitemap><loc>https://h/s</loc></sitemap></urlset>",
      "urlset\nhttps://www.example.com/a\nS https://h/s\n" },
    { "video and news do not hide the loc", NULL,
      "<urlset><url><video:video><video:loc>https://h/v</video:loc></video:video>"
      "<news:news><news:title>t</news:title></news:news><loc>https://h/a</loc></url></urlset>",
      "urlset\nhttps://h/a\n" },
    { "dates that cannot be read", NULL,
      "<urlset><url><loc>https://h/a</loc><lastmod>soon</lastmod></url>"
      "<url><loc>https://h/b</loc><lastmod> 2005-01-01T10:00:00&#43;01:00 </lastmod></url></urlset>",
      "urlset\nhttps://h/a\nhttps://h/b 2005-01-01T10:00:00+01:00\n" },
    /* XML 1.0 §4: nothing is loaded, nothing is expanded */
    { "an external entity gives nothing", NULL,
      "<!DOCTYPE urlset [ <!ENTITY x SYSTEM \"file:///etc/hostname\"> ]><urlset>"
      "<url><loc>&x;</loc></url>" LOC("/a") "</urlset>",
      "urlset\nhttps://www.example.com/a\n" },
    { "an internal entity gives nothing", NULL,
      "<!DOCTYPE urlset [ <!ENTITY x \"https://evil/\"> ]><urlset><url><loc>&x;</loc></url></urlset>",
      "urlset\n" },
    { "a billion laughs are silent", NULL,
      "<!DOCTYPE x [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;\"><!ENTITY c \"&b;&b;&b;\">]>"
      "<urlset><url><loc>https://h/&c;a</loc></url></urlset>",
      "urlset\nhttps://h/a\n" },
    { "an external DTD is passed over", NULL,
      "<!DOCTYPE urlset PUBLIC \"a>b\" \"http://127.0.0.1:1/x.dtd\"><urlset>" LOC(
          "/a") "</urlset>",
      "urlset\nhttps://www.example.com/a\n" },
    { "XInclude is an element like others", NULL,
      "<urlset><url><loc><xi:include href=\"file:///etc/hostname\" parse=\"text\"/></loc></url></urlset>",
      "urlset\n" },
    /* text */
    { "a list of addresses", "text/plain",
      "https://h/a\r\nhttps://h/b?c=d\n\n  https://h/e  ",
      "text\nhttps://h/a\nhttps://h/b?c=d\nhttps://h/e\n" },
    { "a list with a byte order mark", NULL, "\xef\xbb\xbfhttp://h/a\n",
      "text\nhttp://h/a\n" },
    { "a list with a heading, sent as text", "text/plain; charset=utf-8",
      "# pages\nhttp://h/a\nnonsense\n", "text\nhttp://h/a\n" },
    { "prose with an address below", "application/octet-stream", "see\nhttp://h/a\n",
      "-\n" },
    { "prose", NULL, "this is no sitemap", "-\n" },
    { "HTML", "text/html",
      "<!doctype html><title>x</title><a href=https://h/>https://h/</a>", "-\n" },
    { "nothing", NULL, "", "-\n" },
    /* feeds */
    { "RSS", NULL,
      "<rss version=\"2.0\"><channel><link>https://h/</link><item><link>https://h/1</link>"
      "<pubDate>Sun, 06 Sep 2009 16:20:00 +0000</pubDate></item>"
      "<item><guid>https://h/2</guid><pubDate>06 Sep 2009 16:20:00</pubDate></item>"
      "<item><title>no link</title></item></channel></rss>",
      "rss\nhttps://h/1 2009-09-06T16:20:00Z\nhttps://h/2\n" },
    { "Atom", NULL,
      "<feed xmlns=\"http://www.w3.org/2005/Atom\"><entry><link href=\"/e\"/>"
      "<published>2003-01-01T00:00:00Z</published><updated>2004-01-01T00:00:00Z</updated></entry></feed>",
      "atom\nhttps://www.example.com/e 2004-01-01T00:00:00Z\n" },
};

static struct url base_url(struct arena *mem)
{
    struct url url;

    assert_int_equal(url_parse(SPAN(BASE), NULL, mem, &url), OK);
    return url;
}

static struct sitemap parse(struct arena *mem, struct span body, const char *type)
{
    struct url url = base_url(mem);
    struct sitemap map;

    assert_int_equal(sitemap_parse(body, span_str(type), &url, mem, &map), OK);
    return map;
}

static void print_entries(struct buf *out, const char *mark,
                          const struct sitemap_entry *e, size_t n)
{
    for (size_t i = 0; i < n; i++)
        assert_int_equal(buf_printf(out, "%s%.*s%s%.*s\n", mark, SPAN_ARG(e[i].loc),
                                    e[i].lastmod.len ? " " : "",
                                    SPAN_ARG(e[i].lastmod)),
                         OK);
}

static void reads_as_the_row_says(void **state)
{
    const struct row *row = *state;
    struct sitemap map;
    struct arena mem;
    struct buf got;
    bool same;

    arena_init(&mem, 16 * MIB);
    buf_init(&got, MIB);
    map = parse(&mem, span_str(row->in), row->type);

    assert_int_equal(
        buf_printf(&got, "%s\n",
                   map.type == SITEMAP_NONE ? "-" : sitemap_type_name(map.type)),
        OK);
    print_entries(&got, "", map.urls, map.n_urls);
    print_entries(&got, "S ", map.sitemaps, map.n_sitemaps);
    same = span_eq(buf_span(&got), span_str(row->want));
    if (!same)
        print_error("got:\n%.*s", SPAN_ARG(buf_span(&got)));
    buf_clear(&got);
    arena_clear(&mem);
    assert_true(same);
}

static int set_up(void **state)
{
    struct arena *mem = calloc(1, sizeof *mem);

    arena_init(mem, 256 * MIB);
    *state = mem;
    return 0;
}

static int tear_down(void **state)
{
    arena_clear(*state);
    free(*state);
    return 0;
}

static void assert_span(struct span got, const char *want)
{
    if (!span_eq(got, span_str(want)))
        print_error("got '%.*s', want '%s'\n", SPAN_ARG(got), want);
    assert_true(span_eq(got, span_str(want)));
}

/* sitemaps.org protocol, "XML tag definitions" */
static void optional_parts_are_kept_as_written(void **state)
{
    struct sitemap map =
        parse(*state,
              SPAN("<urlset><url><loc>https://h/a</loc><lastmod>2004-12-23T18:00:15Z"
                   "</lastmod><changefreq> Weekly</changefreq><priority>0.3</priority>"
                   "</url><url><loc>https://h/b</loc></url></urlset>"),
              NULL);

    assert_int_equal(map.n_urls, 2);
    assert_span(map.urls[0].changefreq, "Weekly");
    assert_span(map.urls[0].priority, "0.3");
    assert_int_equal(map.urls[0].lastmod_wall_ms, INT64_C(1103824815000));
    assert_int_equal(map.urls[1].changefreq.len, 0);
    assert_int_equal(map.urls[1].lastmod_wall_ms, -1);
}

/* Image extension: image:image/image:loc, with or without its prefix. */
static void images_are_collected(void **state)
{
    struct sitemap map = parse(
        *state,
        SPAN(
            "<urlset><url><loc>https://h/a</loc><image:image><image:loc>https://h/1.jpg</image:loc>"
            "<image:title>t</image:title></image:image><image><loc>/2.jpg</loc></image></url>"
            "<url><loc>https://h/b</loc></url></urlset>"),
        NULL);

    assert_int_equal(map.n_urls, 2);
    assert_span(map.urls[0].loc, "https://h/a");
    assert_int_equal(map.urls[0].n_images, 2);
    assert_span(map.urls[0].images[0], "https://h/1.jpg");
    assert_span(map.urls[0].images[1], "https://www.example.com/2.jpg");
    assert_int_equal(map.urls[1].n_images, 0);
}

/* Localised versions: xhtml:link rel=alternate hreflang. */
static void alternates_are_collected(void **state)
{
    struct sitemap map = parse(
        *state,
        SPAN(
            "<urlset><url><loc>https://h/a</loc><xhtml:link rel='alternate' hreflang='de' "
            "href='https://h/de'/><xhtml:link rel=\"alternate\" href=/fr hreflang=fr>"
            "<xhtml:link rel='stylesheet' href='/x.css'/></url></urlset>"),
        NULL);

    assert_int_equal(map.n_urls, 1);
    assert_int_equal(map.urls[0].n_alternates, 2);
    assert_span(map.urls[0].alternates[0], "https://h/de");
    assert_span(map.urls[0].alternates[1], "https://www.example.com/fr");
}

/* sitemaps.org: at most 50,000 URLs. */
static void entries_beyond_the_limit_are_cut(void **state)
{
    struct sitemap map;
    struct buf body;

    buf_init(&body, 64 * MIB);
    assert_int_equal(buf_append(&body, SPAN("<urlset>")), OK);
    for (size_t i = 0; i < SITEMAP_MAX_ENTRIES + 5; i++)
        assert_int_equal(buf_printf(&body, "<url><loc>https://h/%zu</loc></url>", i),
                         OK);

    map = parse(*state, buf_span(&body), NULL);
    assert_int_equal(map.n_urls, SITEMAP_MAX_ENTRIES);
    assert_true(map.is_cut);
    assert_span(map.urls[SITEMAP_MAX_ENTRIES - 1].loc, "https://h/49999");
    buf_clear(&body);
}

/* A loc that no one would fetch is dropped, and only it. */
static void endless_values_are_dropped(void **state)
{
    struct sitemap map;
    struct buf body;

    buf_init(&body, 64 * MIB);
    assert_int_equal(buf_append(&body, SPAN("<urlset><url><loc>https://h/")), OK);
    for (int i = 0; i < 3 * 1024 * 1024; i++)
        assert_int_equal(buf_append_byte(&body, 'a'), OK);
    assert_int_equal(buf_append(&body, SPAN("</loc></url>" LOC("/b") "</urlset>")), OK);

    map = parse(*state, buf_span(&body), NULL);
    assert_int_equal(map.n_urls, 1);
    assert_span(map.urls[0].loc, "https://www.example.com/b");
    buf_clear(&body);
}

/* Nesting is bounded, and what comes behind it is still read. */
static void deep_nesting_does_no_harm(void **state)
{
    struct sitemap map;
    struct buf body;

    buf_init(&body, 64 * MIB);
    assert_int_equal(buf_append(&body, SPAN("<urlset><junk>")), OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_append(&body, SPAN("<a>")), OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_append(&body, SPAN("</a>")), OK);
    assert_int_equal(buf_append(&body, SPAN("</junk>" LOC("/b") "</urlset>")), OK);

    map = parse(*state, buf_span(&body), NULL);
    assert_int_equal(map.n_urls, 1);
    buf_clear(&body);
}

/* Pieces of the mending must not be cut inside a reference, a sequence or "]]>". */
static void edges_of_pieces_do_not_show(void **state)
{
    static const char *const probes[] = { "&amp;", "\xe2\x82\xac", "&#x20AC;" };
    struct sitemap map;
    struct buf body;

    for (size_t shift = 0; shift < 12; shift++) {
        for (size_t p = 0; p < ARRAY_LEN(probes); p++) {
            buf_init(&body, MIB);
            assert_int_equal(buf_append(&body, SPAN("<urlset><url><junk>")), OK);
            for (size_t i = 0; i < 64 * 1024 - shift; i++)
                assert_int_equal(buf_append_byte(&body, '.'), OK);
            assert_int_equal(
                buf_printf(&body, "%s</junk><loc>https://h/%s</loc></url><x><![CDATA[",
                           probes[p], probes[p]),
                OK);
            for (size_t i = 0; i < 64 * 1024 - shift; i++)
                assert_int_equal(buf_append_byte(&body, '.'), OK);
            assert_int_equal(buf_append(&body, SPAN("]]></x>" LOC("/b") "</urlset>")),
                             OK);

            map = parse(*state, buf_span(&body), NULL);
            assert_int_equal(map.n_urls, 2);
            assert_span(map.urls[0].loc, p ? "https://h/%E2%82%AC" : "https://h/&");
            buf_clear(&body);
        }
    }
}

static void too_small_an_arena_is_an_error(void **state)
{
    struct sitemap map;
    struct arena small;
    struct url url = base_url(*state);

    arena_init(&small, 256);
    assert_int_equal(sitemap_parse(SPAN("<urlset>" LOC("/a") LOC("/b") "</urlset>"),
                                   SPAN_NONE, &url, &small, &map),
                     ERR_TOO_LARGE);
    assert_int_equal(
        sitemap_parse(SPAN("http://h/a\nhttp://h/b\n"), SPAN_NONE, &url, &small, &map),
        ERR_TOO_LARGE);
    arena_clear(&small);
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test_setup_teardown(optional_parts_are_kept_as_written, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(images_are_collected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(alternates_are_collected, set_up, tear_down),
        cmocka_unit_test_setup_teardown(entries_beyond_the_limit_are_cut, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(endless_values_are_dropped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(deep_nesting_does_no_harm, set_up, tear_down),
        cmocka_unit_test_setup_teardown(edges_of_pieces_do_not_show, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_small_an_arena_is_an_error, set_up,
                                        tear_down),
    };
    struct CMUnitTest tests[ARRAY_LEN(rows) + ARRAY_LEN(single)];

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const void *row = &rows[i];

        tests[i] = (struct CMUnitTest){ .name = rows[i].label,
                                        .test_func = reads_as_the_row_says };
        memcpy(&tests[i].initial_state, &row, sizeof row);
    }
    memcpy(tests + ARRAY_LEN(rows), single, sizeof single);
    return cmocka_run_group_tests_name("parse/sitemap", tests, NULL, NULL);
}
