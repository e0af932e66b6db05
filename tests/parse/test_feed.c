/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "config/buf.h"
#include "parse/feed.h"

#define BASE        "https://www.example.com/dir/feed.xml"
#define RSS(inner)  "<rss version=\"2.0\"><channel>" inner "</channel></rss>"
#define ATOM(inner) "<feed xmlns=\"http://www.w3.org/2005/Atom\">" inner "</feed>"
#define RDF(inner)                                                        \
    "<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" " \
    "xmlns=\"http://purl.org/rss/1.0/\">" inner "</rdf:RDF>"

/* in; the answer as "type|title", then a line per entry: link|title|published|enclosure. */
struct row {
    const char *label, *in, *want;
};

static const struct row rows[] = {
    { "RSS 2.0",
      RSS("<title>Feed</title><link>https://h/</link><item><title>One</title><link>https://h/1</link>"
          "<pubDate>Thu, 01 Jan 2004 19:48:21 GMT</pubDate><enclosure url=\"/a.mp3\" length=\"1\"/></item>"),
      "rss|Feed\nhttps://h/1|One|2004-01-01T19:48:21Z|https://www.example.com/a.mp3\n" },
    { "another vocabulary's item begins no entry",
      RSS("<item><link>https://h/1</link><media:item/><title>One</title></item>"), "rss|\nhttps://h/1|One||\n" },
    { "of two dates the first counts",
      RSS("<item><link>https://h/1</link><pubDate>01 Jan 2004 19:48:21 GMT</pubDate>"
          "<pubDate>01 Jan 2005 19:48:21 GMT</pubDate></item>"),
      "rss|\nhttps://h/1||2004-01-01T19:48:21Z|\n" },
    { "RSS 1.0",
      RDF("<channel rdf:about=\"https://h/\"><title>Feed</title></channel>"
          "<image><title>Image</title><link>https://h/image</link></image>"
          "<item rdf:about=\"https://h/1\"><title>One</title><link>https://h/one</link></item>"),
      "rss|Feed\nhttps://h/one|One||\n" },
    { "RSS 1.0 with only its name for a link",
      RDF("<item rdf:about=\"https://h/1\"><title>One</title></item>"),
      "rss|\nhttps://h/1|One||\n" },
    { "RSS 1.0 with a prefix",
      "<rdf:RDF xmlns:rdf=\"r\" xmlns:r=\"http://purl.org/rss/1.0/\"><r:channel><r:title>Feed</r:title>"
      "</r:channel><r:item><r:link>https://h/1</r:link></r:item></rdf:RDF>",
      "rss|Feed\nhttps://h/1|||\n" },
    { "Atom 1.0",
      ATOM(
          "<title>Feed</title><link href=\"https://h/\"/><entry><title>One</title><link href=\"https://h/1\"/>"
          "<id>urn:x:1</id><updated>2003-12-13T18:30:02Z</updated>"
          "<published>2003-12-12T18:30:02+01:00</published></entry>"),
      "atom|Feed\nhttps://h/1|One|2003-12-12T17:30:02Z|\n" },
    { "Atom 0.3",
      "<feed version=\"0.3\" xmlns=\"http://purl.org/atom/ns#\"><title>Feed</title><entry>"
      "<link rel=\"alternate\" type=\"text/html\" href=\"https://h/1\"/><issued>2003-12-31T10:14:55Z</issued>"
      "<modified>2004-12-31T10:14:55Z</modified></entry></feed>",
      "atom|Feed\nhttps://h/1||2003-12-31T10:14:55Z|\n" },
    { "Atom with a prefix",
      "<a:feed xmlns:a=\"http://www.w3.org/2005/Atom\"><a:title>Feed</a:title><a:entry>"
      "<a:link href=\"/1\"/></a:entry></a:feed>",
      "atom|Feed\nhttps://www.example.com/1|||\n" },
    { "CDF",
      "<CHANNEL><TITLE>Feed</TITLE><ITEM HREF=\"https://h/1\"><TITLE>One</TITLE></ITEM></CHANNEL>",
      "rss|Feed\nhttps://h/1|One||\n" },
    { "no namespaces at all", "<feed><entry><link href=\"/1\"/></entry></feed>",
      "atom|\nhttps://www.example.com/1|||\n" },
    /* RFC 4287 §4.2.7: which link */
    { "alternate is the default and the first counts",
      ATOM(
          "<entry><link rel=\"self\" href=\"/self\"/><link href=\"/a\"/><link rel=\"alternate\" href=\"/b\"/>"
          "<link rel=\"enclosure\" href=\"/e.mp4\"/><link rel=\"edit\" href=\"/c\"/></entry>"),
      "atom|\nhttps://www.example.com/a|||https://www.example.com/e.mp4\n" },
    { "a relation may be written as its registered address",
      ATOM(
          "<entry><link rel=\"http://www.iana.org/assignments/relation/self\" href=\"/s\"/>"
          "<link rel=\"http://www.iana.org/assignments/relation/alternate\" href=\"/a\"/></entry>"),
      "atom|\nhttps://www.example.com/a|||\n" },
    { "ampersands in an attribute",
      ATOM("<entry><link href=\"/?a=1&amp;b=2&c=3\"/></entry>"),
      "atom|\nhttps://www.example.com/?a=1&b=2&c=3|||\n" },
    { "an id serves where no link does", ATOM("<entry><id>https://h/1</id></entry>"),
      "atom|\nhttps://h/1|||\n" },
    { "an id that is no address does not", ATOM("<entry><id>tag:h,2004:1</id></entry>"),
      "atom|\n|||\n" },
    { "guid serves where no link does",
      RSS("<item><guid isPermaLink=\"false\">https://h/1</guid></item>"),
      "rss|\nhttps://h/1|||\n" },
    { "link beats guid",
      RSS("<item><guid>https://h/guid</guid><link>https://h/1</link></item>"),
      "rss|\nhttps://h/1|||\n" },
    { "atom:link inside RSS serves",
      RSS("<item><atom:link href=\"https://h/1\"/></item>"), "rss|\nhttps://h/1|||\n" },
    { "RSS's own link beats it",
      RSS("<item><atom:link href=\"https://h/1\"/><link>https://h/2</link></item>"),
      "rss|\nhttps://h/2|||\n" },
    { "links of other modules are others'",
      RSS("<item><l:link>https://h/no</l:link><media:title>no</media:title><link>https://h/1</link></item>"),
      "rss|\nhttps://h/1|||\n" },
    { "and so are those of RSS 1.0's own modules",
      "<rss xmlns:l=\"http://purl.org/rss/1.0/modules/link/\"><channel><item>"
      "<l:link>https://h/no</l:link></item></channel></rss>",
      "rss|\n|||\n" },
    { "an image's link is not the item's",
      RSS("<item><image><link>https://h/i</link><title>no</title></image><link>https://h/1</link></item>"),
      "rss|\nhttps://h/1|||\n" },
    { "a text input's title is not the channel's",
      RSS("<textInput><title>no</title></textInput><title>Feed</title>"),
      "rss|Feed\n" },
    { "an Atom source's title is not the entry's",
      ATOM(
          "<entry><source><title>no</title><link href=\"/no\"/></source><title>yes</title></entry>"),
      "atom|\n|yes||\n" },
    { "only the web is linked to",
      RSS("<item><link>ftp://h/x</link></item><item><link>javascript:x</link></item>"),
      "rss|\n|||\n|||\n" },
    /* XML Base */
    { "xml:base at every level",
      "<feed xml:base=\"https://h/a/\"><entry><link href=\"1\"/></entry><entry xml:base=\"b/\">"
      "<link href=\"2\"/><link rel=\"enclosure\" xml:base=\"/c/\" href=\"3\"/></entry></feed>",
      "atom|\nhttps://h/a/1|||\nhttps://h/a/b/2|||https://h/c/3\n" },
    /* Dublin Core */
    { "Dublin Core serves where the feed's own is missing",
      RSS("<item><dc:title>One</dc:title><dc:date>2003-12-31T10:14:55Z</dc:date></item>"),
      "rss|\n|One|2003-12-31T10:14:55Z|\n" },
    { "by its namespace under any prefix",
      "<rss xmlns:d=\"http://purl.org/dc/elements/1.1/\" xmlns:t=\"http://purl.org/dc/terms/\"><channel>"
      "<d:title>Feed</d:title><item><t:issued>2003-12-31T10:14:55Z</t:issued></item></channel></rss>",
      "rss|Feed\n||2003-12-31T10:14:55Z|\n" },
    { "the feed's own beats it",
      RSS("<item><dc:title>no</dc:title><title>yes</title></item>"), "rss|\n|yes||\n" },
    { "the first of two counts",
      RSS("<item><title>yes</title><title>no</title></item>"), "rss|\n|yes||\n" },
    /* dates */
    { "published beats issued",
      ATOM("<entry><issued>Thu, 01 Jan 2004 19:48:21 GMT</issued>"
           "<published>Fri, 01 Jan 2010 19:48:21 GMT</published></entry>"),
      "atom|\n||2010-01-01T19:48:21Z|\n" },
    { "updated serves where nothing else does",
      ATOM("<entry><updated>2003-12-13</updated></entry>"),
      "atom|\n||2003-12-13T00:00:00Z|\n" },
    { "a date that cannot be read does not stand in the way",
      ATOM("<entry><published>soon</published><issued>2003-12-13</issued></entry>"),
      "atom|\n||2003-12-13T00:00:00Z|\n" },
    /* text */
    { "CDATA, white space and markup in a title",
      RSS("<title> A\n <![CDATA[ & B ]]>  C </title>"), "rss|A & B C\n" },
    { "HTML names in XML",
      RSS("<title>caf&eacute;&nbsp;&mdash; x &#8217;s &notaname; y</title>"),
      "rss|caf\xc3\xa9\xc2\xa0\xe2\x80\x94 x \xe2\x80\x99s y\n" },
    { "a bare ampersand",
      RSS("<title>Q & A AT&T</title><item><link>/?a=1&b=2</link></item>"),
      "rss|Q & A AT&T\nhttps://www.example.com/?a=1&b=2|||\n" },
    { "escaped HTML in an Atom title",
      ATOM(
          "<title type=\"html\">a &lt;b&gt;bold&lt;/b&gt; &amp;amp; new &amp;lt;i&amp;gt;</title>"),
      "atom|a bold & new <i>\n" },
    { "XHTML in an Atom title",
      ATOM("<title type=\"xhtml\"><div>a <b>bold</b> one</div></title>"),
      "atom|a bold one\n" },
    { "plain text stays", ATOM("<title>1 &lt; 2</title>"), "atom|1 < 2\n" },
    /* ill-formed */
    { "a DOCTYPE in front",
      "<?xml version=\"1.0\"?><!DOCTYPE html PUBLIC \"-//W\" \"http://127.0.0.1:1/\">" RSS(
          "<title>t</title>"),
      "rss|t\n" },
    { "unclosed HTML in a description",
      RSS("<item><description><p>a<br>b<li>c</description><link>https://h/1</link></item>"
          "<item><link>https://h/2</link></item>"),
      "rss|\nhttps://h/1|||\nhttps://h/2|||\n" },
    { "an end tag missing",
      RSS("<item><title>One<link>https://h/1</link></item><item><title>Two</item>"),
      "rss|\n|Onehttps://h/1||\n|Two||\n" },
    { "an item that never ends",
      RSS("<item><link>https://h/1</link><item><link>https://h/2</link></item>"),
      "rss|\nhttps://h/1|||\nhttps://h/2|||\n" },
    { "an item begun inside an open description",
      RSS("<item><link>https://h/1</link><description>x<item><link>https://h/2</link></item>"),
      "rss|\nhttps://h/1|||\nhttps://h/2|||\n" },
    { "cut off in the middle",
      "<rss><channel><title>t</title><item><link>https://h/1</link><tit",
      "rss|t\nhttps://h/1|||\n" },
    { "items beside the channel",
      "<rss><channel><title>t</title></channel><item><link>/1</link></item></rss>",
      "rss|t\nhttps://www.example.com/1|||\n" },
    { "attributes without quotes", ATOM("<entry><link href=/1 rel=alternate></entry>"),
      "atom|\nhttps://www.example.com/1|||\n" },
    /* no feed */
    { "HTML", "<!doctype html><html><head><title>x</title></head><body><p>item</html>",
      "none|\n" },
    { "a sitemap", "<urlset><url><loc>https://h/</loc></url></urlset>", "none|\n" },
    { "nothing", "", "none|\n" },
};

static struct feed parse(struct arena *mem, struct span body)
{
    struct feed feed;
    struct url url;

    assert_int_equal(url_parse(SPAN(BASE), NULL, mem, &url), OK);
    assert_int_equal(feed_parse(body, &url, mem, &feed), OK);
    return feed;
}

static void reads_as_the_row_says(void **state)
{
    static const char *const types[] = { "none", "rss", "atom" };
    const struct row *row = *state;
    struct feed feed;
    struct arena mem;
    struct buf got;
    bool same;

    arena_init(&mem, 16 * MIB);
    buf_init(&got, MIB);
    feed = parse(&mem, span_str(row->in));

    assert_int_equal(
        buf_printf(&got, "%s|%.*s\n", types[feed.type], SPAN_ARG(feed.title)), OK);
    for (size_t i = 0; i < feed.n_entries; i++) {
        const struct feed_entry *e = &feed.entries[i];

        assert_int_equal(buf_printf(&got, "%.*s|%.*s|%.*s|%.*s\n", SPAN_ARG(e->link),
                                    SPAN_ARG(e->title), SPAN_ARG(e->published),
                                    SPAN_ARG(e->enclosure)),
                         OK);
    }
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

/* RFC 822 §5.1 wants a zone; without one the instant is a guess, and said to be. */
static void dates_are_also_numbers(void **state)
{
    struct feed feed =
        parse(*state, SPAN("<rss><item><pubDate>Thu, 01 Jan 1970 00:00:01 GMT</pubDate>"
                           "<dc:date>1970-01-01T00:00:02Z</dc:date></item>"
                           "<item><pubDate>01 Jan 1970 00:00:03</pubDate></item>"
                           "<item/></rss>"));

    assert_int_equal(feed.n_entries, 3);
    assert_int_equal(feed.entries[0].published_wall_ms, 1000);
    assert_int_equal(feed.entries[0].updated_wall_ms, 2000);
    assert_false(feed.entries[0].is_date_local);
    assert_int_equal(feed.entries[1].published_wall_ms, 3000);
    assert_true(feed.entries[1].is_date_local);
    assert_int_equal(feed.entries[2].published_wall_ms, -1);
    assert_int_equal(feed.entries[2].updated_wall_ms, -1);
}

static void entries_beyond_the_limit_are_cut(void **state)
{
    struct feed feed;
    struct buf body;

    buf_init(&body, 64 * MIB);
    assert_int_equal(buf_append(&body, SPAN("<rss><channel>")), OK);
    for (size_t i = 0; i < FEED_MAX_ENTRIES + 5; i++)
        assert_int_equal(buf_append(&body, SPAN("<item><title>x</title></item>")), OK);

    feed = parse(*state, buf_span(&body));
    assert_int_equal(feed.n_entries, FEED_MAX_ENTRIES);
    assert_true(feed.is_cut);
    buf_clear(&body);
}

/* Titles are clipped, at the edge of a character; links too long are dropped. */
static void endless_values_are_bounded(void **state)
{
    struct feed feed;
    struct buf body;

    buf_init(&body, 64 * MIB);
    assert_int_equal(buf_append(&body, SPAN("<rss><item><title>x")), OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_append(&body, SPAN("\xe2\x82\xac")), OK);
    assert_int_equal(buf_append(&body, SPAN("</title><link>https://h/a")), OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_append(&body, SPAN("\xc3\xa9")), OK);
    assert_int_equal(buf_append(&body, SPAN("</link></item></rss>")), OK);

    feed = parse(*state, buf_span(&body));
    assert_int_equal(feed.n_entries, 1);
    assert_in_range(feed.entries[0].title.len, FEED_MAX_TEXT_BYTES - 8,
                    FEED_MAX_TEXT_BYTES);
    assert_true(span_is_utf8(feed.entries[0].title));
    assert_int_equal(feed.entries[0].link.len, 0);
    buf_clear(&body);
}

/* Names and values of attributes come in any number; none of it is quadratic. */
static void many_attributes_do_no_harm(void **state)
{
    struct feed feed;
    struct buf body;

    buf_init(&body, 64 * MIB);
    assert_int_equal(buf_append(&body, SPAN("<rss")), OK);
    for (int i = 0; i < 100000; i++)
        assert_int_equal(buf_printf(&body, " a%d='&' b", i), OK);
    assert_int_equal(
        buf_append(&body, SPAN("><channel><title>t</title></channel></rss>")), OK);

    feed = parse(*state, buf_span(&body));
    assert_true(span_eq(feed.title, SPAN("t")));
    buf_clear(&body);
}

static void too_small_an_arena_is_an_error(void **state)
{
    struct arena small;
    struct feed feed;
    struct url url;

    assert_int_equal(url_parse(SPAN(BASE), NULL, *state, &url), OK);
    arena_init(&small, 64);
    assert_int_equal(feed_parse(SPAN("<rss><item><title>x</title></item></rss>"), &url,
                                &small, &feed),
                     ERR_TOO_LARGE);
    arena_clear(&small);
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        cmocka_unit_test_setup_teardown(dates_are_also_numbers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(entries_beyond_the_limit_are_cut, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(endless_values_are_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_attributes_do_no_harm, set_up, tear_down),
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
    return cmocka_run_group_tests_name("parse/feed", tests, NULL, NULL);
}
