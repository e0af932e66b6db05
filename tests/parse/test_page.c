/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <zlib.h>

#include "config/mem.h"
#include "parse/page.h"
#include "parse/rules.h"

/* ---- what a document is taken for ---- */

static const struct sniff_row {
    const char *label, *type, *body;
    enum page_kind want;
} sniff_rows[] = {
    { "text/html is HTML", "text/html", "just words", PAGE_HTML },
    { "text/html with a charset is HTML", "text/html; charset=x", "<p>", PAGE_HTML },
    { "a PDF sent as text/html is binary", "text/html", "%PDF-1.4 <a href=x>",
      PAGE_BINARY },
    { "a control before any tag of text/html is binary", "text/html", "PK\x03\x04<p>",
      PAGE_BINARY },
    /* MIME Sniffing 7, step 2: text/html is not looked at for binary data. */
    { "a control behind a tag leaves text/html HTML", "text/html", "<html>\x01",
      PAGE_HTML },
    { "a feed sent as text/html is a feed", "text/html",
      "<?xml version='1.0'?>\n<rss version='2.0'>", PAGE_FEED },
    { "XHTML is HTML", "application/xhtml+xml", "<?xml version='1.0'?><html>",
      PAGE_HTML },
    { "XHTML is HTML whatever its root is", "application/xhtml+xml", "<section><p>",
      PAGE_HTML },
    { "XHTML sent as application/xml is HTML", "application/xml", "<!-- x --><html>",
      PAGE_HTML },
    { "RSS is a feed", "application/rss+xml", "<rss>", PAGE_FEED },
    { "Atom with a comment in front is a feed", "text/xml",
      "<?xml version='1.0'?><!-- > --><feed>", PAGE_FEED },
    { "RDF is a feed", "application/xml", "<rdf:RDF xmlns:rdf='x'>", PAGE_FEED },
    { "a sitemap is one", "text/xml", "<?xml version='1.0'?><urlset>", PAGE_SITEMAP },
    { "a sitemap index is one", "application/xml", "<sm:sitemapindex>", PAGE_SITEMAP },
    { "other XML is XML", "application/xml", "<?xml version='1.0'?><catalogue>",
      PAGE_XML },
    { "XML with a root of HTML's name is XML", "application/xml",
      "<?xml version='1.0'?><table><link href='x'/></table>", PAGE_XML },
    { "XML without a declaration too", "text/xml", "<form><a href='x'/></form>",
      PAGE_XML },
    { "SVG is XML", "image/svg+xml", "<svg><a href='x'/></svg>", PAGE_XML },
    { "text/plain is text, whatever it holds", "text/plain", "<html><a href=x>",
      PAGE_TEXT },
    { "CSS is text", "text/css", "a { b: c }", PAGE_TEXT },
    { "other text that looks like HTML is HTML", "text/x-server-parsed-html", "<html>",
      PAGE_HTML },
    { "text that only quotes a doctype is text", "text/javascript",
      "write('<!DOCTYPE html><p>')", PAGE_TEXT },
    { "no type and a doctype is HTML", "", "  <!DOCTYPE HTML>", PAGE_HTML },
    { "no type and a comment, then html", "", "<!-- x --><html>", PAGE_HTML },
    { "no type and a list is HTML", "", "<ul><li>", PAGE_HTML },
    { "no type and words is text", "", "plain words", PAGE_TEXT },
    { "no type and a control is binary", "", "plain\x02words", PAGE_BINARY },
    { "an unreadable type is no type", "html", "<html>", PAGE_HTML },
    { "an unknown type is no type", "unknown/unknown", "<html>", PAGE_HTML },
    { "an image is binary", "image/png", "<html>", PAGE_BINARY },
    { "JSON is not looked at", "application/json", "{}", PAGE_BINARY },
    { "a byte stream is not looked at", "application/octet-stream", "<html>",
      PAGE_BINARY },
    { "nothing with a type is HTML", "text/html", "", PAGE_HTML },
    { "nothing without a type is text", "", "", PAGE_TEXT },
    { "a byte order mark makes it text", "text/html", "\xef\xbb\xbf<rss>", PAGE_FEED },
    { "a broken one is looked behind", "text/html", "\xef<rss>", PAGE_FEED },
};

static void a_document_is_taken_for_what_it_is(void **state)
{
    const struct sniff_row *row = *state;

    assert_int_equal(page_sniff(span_str(row->type), span_str(row->body)), row->want);
}

static void utf16_without_a_type_is_recognised(void **state)
{
    (void)state;
    assert_int_equal(page_sniff(SPAN("text/html"), span_make("<\0h\0t\0m\0l\0>\0", 12)),
                     PAGE_HTML);
    assert_int_equal(page_sniff(SPAN(""), span_make("\xff\xfe<\0h\0t\0m\0l\0>\0", 14)),
                     PAGE_HTML);
    assert_int_equal(
        page_sniff(SPAN("text/xml"), span_make("\xfe\xff\0<\0r\0s\0s\0>", 12)),
        PAGE_FEED);
    assert_int_equal(page_sniff(SPAN("text/html"), span_make("\r\0\n\0<\0p\0>\0", 10)), PAGE_HTML);
    assert_int_equal(page_sniff(SPAN(""), span_make("\0\n\0<\0p\0>", 8)), PAGE_HTML);
    assert_int_equal(page_sniff(SPAN(""), span_make("\0\n\0\x02\0p\0>", 8)), PAGE_BINARY);
}

static void what_is_sent_as_utf16_is_no_binary(void **state)
{
    struct span letters = span_make("\x10\x04<\0a\0>\0", 8);

    (void)state;
    assert_int_equal(page_sniff(SPAN("text/html; charset=utf-16le"), letters), PAGE_HTML);
    assert_int_equal(page_sniff(SPAN("text/html; charset=UTF-16"), span_make("\n\0 \0", 4)), PAGE_HTML);
    assert_int_equal(page_sniff(SPAN("text/plain; charset=utf-16"), letters), PAGE_TEXT);
    assert_int_equal(page_sniff(SPAN("text/html; charset=utf-8"), letters), PAGE_BINARY);
    assert_int_equal(page_sniff(SPAN("text/html; charset=utf-16"), SPAN("%PDF-1.4 ")), PAGE_BINARY);
    assert_int_equal(page_sniff(SPAN("image/x; charset=utf-16"), letters), PAGE_BINARY);
}

/* ---- the pipeline ---- */

struct desk {
    struct toolbox tools;
    struct job job;
    struct page_facts facts;
};

static int set_up(void **state)
{
    struct desk *d = mem_alloc(sizeof *d);

    if (toolbox_open(64 << 20, &d->tools))
        return 1;
    d->job = (struct job){ .kind = JOB_PAGE,
                           .url = SPAN("http://example.org/dir/page"),
                           .content_type = SPAN("text/html"),
                           .product_token = SPAN("crawl"),
                           .max_decoded_bytes = 1 << 20,
                           .max_text_bytes = 1 << 16,
                           .max_links = 1000,
                           .wants_text = true,
                           .wants_body = true };
    *state = d;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *d = *state;

    toolbox_close(&d->tools);
    mem_free(d);
    return 0;
}

static enum err parse(struct desk *d, struct span body)
{
    toolbox_reset(&d->tools);
    return page_parse(&d->tools, &d->job, body, &d->facts);
}

static void assert_span(struct span got, const char *want)
{
    if (!span_eq(got, span_str(want)))
        fail_msg("got '%.*s', want '%s'", SPAN_ARG(got), want);
}

static void assert_is_sha256_of_nothing(const unsigned char *sha)
{
    static const unsigned char want[4] = { 0xe3, 0xb0, 0xc4,
                                           0x42 }; /* FIPS 180-4, empty message */

    assert_memory_equal(sha, want, sizeof want);
}

static size_t gzip(const char *text, unsigned char *out, size_t room)
{
    z_stream z = { 0 };
    size_t n;
    char *in;

    memcpy(&in, &text, sizeof in);
    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
                     Z_OK);
    z.next_in = (Bytef *)in;
    z.avail_in = (uInt)strlen(text);
    z.next_out = out;
    z.avail_out = (uInt)room;
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    n = z.total_out;
    deflateEnd(&z);
    return n;
}

static void html_gives_links_title_and_text(void **state)
{
    struct desk *d = *state;

    assert_int_equal(
        parse(d, SPAN("<title>T</title><p>some words<a href='../x'>here</a>")), OK);

    assert_int_equal(d->facts.outcome, PARSE_OK);
    assert_true(d->facts.is_text_like);
    assert_span(d->facts.title, "T");
    assert_int_equal(d->facts.n_links, 1);
    assert_span(d->facts.links[0].url, "http://example.org/x");
    assert_int_equal(d->facts.size, 52);
    assert_true(d->facts.simhash != 0);
    assert_true(d->facts.text.len > 0);
}

static void nothing_but_nuls_is_no_page(void **state)
{
    static const char zeros[2000] = "a";

    (void)state;
    assert_int_equal(page_sniff(SPAN("text/html"), span_make(zeros, sizeof zeros)),
                     PAGE_BINARY);
}

/* HTML standard 13.2.5.1 and 13.2.6.4.7: a NUL is a parse error, and nothing more. */
static void a_nul_costs_a_page_no_link(void **state)
{
    struct desk *d = *state;

    assert_int_equal(parse(d, SPAN("\0<title>T</title><p>a\0b<a href=x>here</a>")), OK);

    assert_int_equal(d->facts.outcome, PARSE_OK);
    assert_span(d->facts.text, "abhere");
    assert_int_equal(d->facts.n_links, 1);
}

static void a_gzip_body_is_unpacked_first(void **state)
{
    struct desk *d = *state;
    unsigned char coded[256];
    size_t n = gzip("<title>zipped</title>", coded, sizeof coded);

    d->job.content_encoding = SPAN("gzip");
    assert_int_equal(parse(d, span_make((char *)coded, n)), OK);

    assert_int_equal(d->facts.decode, DECODE_OK);
    assert_span(d->facts.title, "zipped");
    assert_int_equal(d->facts.size, 21);
}

static void a_cut_gzip_body_is_said_to_be_one_and_its_links_count(void **state)
{
    struct desk *d = *state;
    unsigned char coded[4096];
    char page[2048] = "<a href=/first>x</a>";
    size_t n;

    for (size_t i = strlen(page); i + 20 < sizeof page; i = strlen(page))
        snprintf(page + i, sizeof page - i, "<p>%zx %zu</p>", i * 7919, i * i);
    n = gzip(page, coded, sizeof coded);
    d->job.content_encoding = SPAN("gzip");
    assert_int_equal(parse(d, span_make((char *)coded, n - 20)), OK);

    assert_int_equal(d->facts.decode, DECODE_TRUNCATED);
    assert_int_equal(d->facts.n_links, 1);
}

static void a_broken_coding_gives_no_links(void **state)
{
    struct desk *d = *state;

    d->job.content_encoding = SPAN("gzip");
    assert_int_equal(
        parse(d, SPAN("\x1f\x8b\x08\x00nonsense that is no deflate stream")), OK);

    assert_int_equal(d->facts.decode, DECODE_BAD);
    assert_int_equal(d->facts.outcome, PARSE_NOT_HTML);
    assert_int_equal(d->facts.n_links, 0);
}

static void a_body_over_the_limit_is_cut(void **state)
{
    struct desk *d = *state;
    unsigned char coded[256];
    size_t n = gzip("<a href=/1>x</a><a href=/2>y</a>", coded, sizeof coded);

    d->job.content_encoding = SPAN("gzip");
    d->job.max_decoded_bytes = 20;
    assert_int_equal(parse(d, span_make((char *)coded, n)), OK);

    assert_int_equal(d->facts.decode, DECODE_TOO_LARGE);
    assert_int_equal(d->facts.size, 20);
    assert_int_equal(d->facts.n_links, 1);
}

static void the_charset_is_found_and_named(void **state)
{
    struct desk *d = *state;

    d->job.content_type = SPAN("text/html; charset=koi8-r");
    assert_int_equal(parse(d, SPAN("<title>\xf4\xc5\xd3\xd4</title>")), OK);

    assert_span(d->facts.charset, "koi8-r");
    assert_span(d->facts.charset_source, "transport");
    assert_span(d->facts.title, "Тест");
}

static void a_feed_gives_links_to_follow(void **state)
{
    struct desk *d = *state;

    d->job.content_type = SPAN("application/rss+xml");
    assert_int_equal(
        parse(d, SPAN("<rss><channel><title>News</title><item><title>One</title>"
                      "<link>/1</link><enclosure url='/1.mp3'/></item>"
                      "<item><link>/2</link></item></channel></rss>")),
        OK);

    assert_int_equal(d->facts.outcome, PARSE_OK);
    assert_true(d->facts.is_text_like);
    assert_span(d->facts.title, "News");
    assert_int_equal(d->facts.n_links, 3);
    assert_span(d->facts.links[0].url, "http://example.org/1");
    assert_span(d->facts.links[0].text, "One");
    assert_int_equal(d->facts.links[0].kind, LINK_FEED);
    assert_int_equal(d->facts.links[0].hop, FACT_HOP_FEED);
    assert_span(d->facts.links[1].url, "http://example.org/1.mp3");
    assert_int_equal(d->facts.links[1].hop, FACT_HOP_EMBED);
    assert_span(d->facts.links[2].url, "http://example.org/2");
}

static void a_feed_obeys_the_limit_of_links(void **state)
{
    struct desk *d = *state;

    d->job.content_type = SPAN("application/rss+xml");
    d->job.max_links = 1;
    assert_int_equal(parse(d, SPAN("<rss><channel><item><link>/1</link></item>"
                                   "<item><link>/2</link></item></channel></rss>")),
                     OK);

    assert_int_equal(d->facts.n_links, 1);
    assert_true(d->facts.links_cut);
}

static void a_sitemap_met_as_a_page_is_not_followed(void **state)
{
    struct desk *d = *state;

    d->job.content_type = SPAN("text/xml");
    assert_int_equal(
        parse(d, SPAN("<urlset><url><loc>http://example.org/x</loc></url></urlset>")),
        OK);

    assert_int_equal(d->facts.outcome, PARSE_NOT_HTML);
    assert_int_equal(d->facts.n_links, 0);
    assert_true(d->facts.is_text_like);
}

static void plain_text_has_words_but_no_links(void **state)
{
    struct desk *d = *state;

    d->job.content_type = SPAN("text/plain");
    assert_int_equal(parse(d, SPAN("three http://example.org/ words\x1b[1m")), OK);

    assert_int_equal(d->facts.outcome, PARSE_NOT_HTML);
    assert_int_equal(d->facts.n_links, 0);
    assert_int_equal(d->facts.word_count, 4);
    assert_true(d->facts.is_text_like);
}

static void controls_in_plain_text_become_spaces(void **state)
{
    struct desk *d = *state;

    d->job.content_type = SPAN("text/plain");
    assert_int_equal(parse(d, SPAN("a\x1b"
                                   "b\nc\td")),
                     OK);

    assert_span(d->facts.text, "a b\nc\td");
}

static void other_types_give_size_and_digest_only(void **state)
{
    struct desk *d = *state;

    d->job.content_type = SPAN("image/png");
    assert_int_equal(parse(d, SPAN_NONE), OK);

    assert_int_equal(d->facts.outcome, PARSE_NOT_HTML);
    assert_false(d->facts.is_text_like);
    assert_int_equal(d->facts.body.len, 0);
    assert_int_equal(d->facts.charset.len, 0);
    assert_is_sha256_of_nothing(d->facts.sha256);
}

static void header_fields_count_whatever_the_body_is(void **state)
{
    struct desk *d = *state;

    d->job.content_type = SPAN("application/pdf");
    d->job.headers = SPAN("Link: </next>; rel=next\r\nX-Robots-Tag: noindex\r\n");
    assert_int_equal(parse(d, SPAN("%PDF-1.4")), OK);

    assert_int_equal(d->facts.outcome, PARSE_NOT_HTML);
    assert_true(d->facts.is_noindex);
    assert_int_equal(d->facts.n_links, 1);
    assert_int_equal(d->facts.links[0].kind, LINK_HTTP_LINK);
    assert_span(d->facts.links[0].url, "http://example.org/next");
}

static void bodies_are_packed_when_they_are_wanted(void **state)
{
    struct desk *d = *state;
    struct span page = SPAN("<p>a page</p>");
    struct buf back;

    buf_init(&back, 1 << 16);
    assert_int_equal(parse(d, page), OK);
    assert_int_equal(pack_decompress(d->tools.pack, d->facts.body, 1 << 16, &back), OK);
    assert_true(span_eq(buf_span(&back), page));
    buf_clear(&back);

    d->job.wants_body = false;
    assert_int_equal(parse(d, page), OK);
    assert_int_equal(d->facts.body.len, 0);
}

static void images_are_packed_only_when_all_bodies_are_wanted(void **state)
{
    struct desk *d = *state;

    d->job.content_type = SPAN("image/png");
    assert_int_equal(parse(d, SPAN("\x89PNG")), OK);
    assert_int_equal(d->facts.body.len, 0);

    d->job.wants_body_all = true;
    assert_int_equal(parse(d, SPAN("\x89PNG")), OK);
    assert_true(d->facts.body.len > 0);
}

static void text_without_spaces_is_written_in_pairs(void **state)
{
    struct desk *d = *state;

    d->job.content_type = SPAN("text/html; charset=utf-8");
    assert_int_equal(parse(d, SPAN("<p>東京都")), OK);

    assert_non_null(d->facts.text.ptr);
    assert_true(span_find_span(d->facts.text, SPAN("東京 京都")) < d->facts.text.len);
}

static void without_text_the_fingerprint_stays(void **state)
{
    struct desk *d = *state;
    uint64_t with_text;

    assert_int_equal(parse(d, SPAN("<p>some words to remember")), OK);
    with_text = d->facts.simhash;
    d->job.wants_text = false;
    assert_int_equal(parse(d, SPAN("<p>some words to remember")), OK);

    assert_int_equal(d->facts.text.len, 0);
    assert_true(d->facts.simhash == with_text && with_text != 0);
}

static const struct tree_rule title_rule = { { "t", 1 }, { "//title", 7 }, TREE_STRING };

/* A page with a rule for its title; *coded is to be cleared. */
static void ask_for_title(struct desk *d, struct buf *coded)
{
    const struct tree_section section = { SPAN("s"), &title_rule, 1 };

    buf_init(coded, 1000);
    assert_int_equal(rules_write(&section, coded), OK);
    d->job.rules = buf_span(coded);
}

static void rules_and_facts_give_one_object(void **state)
{
    struct desk *d = *state;
    struct buf coded;

    ask_for_title(d, &coded);
    assert_int_equal(parse(d, SPAN("<title>x</title><meta property=og:title content=y>")), OK);
    assert_span(d->facts.facts_json, "{\"extract\":{\"s\":{\"t\":\"x\"}}}");
    d->job.wants_facts = true;
    assert_int_equal(parse(d, SPAN("<title>x</title><meta property=og:title content=y>")), OK);
    assert_span(d->facts.facts_json,
                "{\"extract\":{\"s\":{\"t\":\"x\"}},\"opengraph\":{\"title\":\"y\"}}");
    d->job.rules = SPAN_NONE;
    assert_int_equal(parse(d, SPAN("<title>x</title><meta property=og:title content=y>")), OK);
    assert_span(d->facts.facts_json, "{\"opengraph\":{\"title\":\"y\"}}");
    assert_int_equal(parse(d, SPAN("<title>x</title>")), OK);
    assert_int_equal(d->facts.facts_json.len, 0);
    buf_clear(&coded);
}

/* XML 1.0 §3.1: an empty-element tag has no content. */
static void xhtml_is_read_as_xhtml_for_facts_too(void **state)
{
    struct desk *d = *state;
    struct buf coded;

    ask_for_title(d, &coded);
    d->job.wants_facts = true;
    d->job.content_type = SPAN("application/xhtml+xml");
    assert_int_equal(parse(d, SPAN("<html><script src='a'/><title>x</title><p itemscope=''>"
                                   "<b itemprop='a'/><i itemprop='b'>y</i></p></html>")),
                     OK);
    assert_span(d->facts.facts_json,
                "{\"extract\":{\"s\":{\"t\":\"x\"}},\"microdata\":[{\"properties\":"
                "{\"a\":[\"\"],\"b\":[\"y\"]}}]}");
    buf_clear(&coded);
}

static void urls_in_facts_are_resolved_against_the_base(void **state)
{
    struct desk *d = *state;

    d->job.wants_facts = true;
    assert_int_equal(parse(d, SPAN("<base href=/b/><p itemscope><img itemprop=i src=x>")), OK);
    assert_span(d->facts.facts_json,
                "{\"microdata\":[{\"properties\":{\"i\":[\"http://example.org/b/x\"]}}]}");
}

static void only_html_is_asked_for_values(void **state)
{
    struct desk *d = *state;
    struct buf coded;

    ask_for_title(d, &coded);
    d->job.wants_facts = true;
    d->job.content_type = SPAN("text/plain");
    assert_int_equal(parse(d, SPAN("some <title>x</title>")), OK);
    assert_int_equal(d->facts.facts_json.len, 0);
    d->job.content_type = SPAN("application/rss+xml");
    assert_int_equal(parse(d, SPAN("<rss version='2.0'><channel><title>x</title></channel></rss>")), OK);
    assert_int_equal(d->facts.facts_json.len, 0);
    d->job.content_type = SPAN("text/html; charset=iso-8859-1");
    assert_int_equal(parse(d, SPAN("<title>\xe9</title>")), OK);
    assert_span(d->facts.facts_json, "{\"extract\":{\"s\":{\"t\":\"\xc3\xa9\"}}}");
    buf_clear(&coded);
}

static void a_page_too_large_for_a_tree_stays_a_page(void **state)
{
    struct desk *d = *state;
    struct buf coded, page;

    ask_for_title(d, &coded);
    buf_init(&page, 16 << 20);
    for (int i = 0; i < 1000001; i++)
        assert_int_equal(buf_append(&page, SPAN("<b>x")), OK);
    d->job.max_decoded_bytes = 16 << 20;
    assert_int_equal(parse(d, buf_span(&page)), OK);
    assert_int_equal(d->facts.outcome, PARSE_OK);
    assert_span(d->facts.facts_json, "{\"extract_error\":\"the page is too large\"}");
    buf_clear(&page);
    buf_clear(&coded);
}

static void a_url_that_is_none_is_invalid(void **state)
{
    struct desk *d = *state;

    d->job.url = SPAN("no url");

    assert_int_equal(parse(d, SPAN("<p>")), ERR_INVALID);
    assert_int_equal(d->facts.outcome, PARSE_REFUSED);
}

static void a_full_arena_is_an_error_and_not_a_crash(void **state)
{
    struct desk *d = *state;
    char *page = mem_alloc(1 << 18);
    size_t n = 0;

    for (int i = 0; i < 5000; i++)
        n += (size_t)snprintf(page + n, (1 << 18) - n, "<a href=/a%d>some text %d</a>",
                              i, i);
    d->job.max_links = 100000;
    for (size_t max = 0; max < 3 << 20; max += 50021) {
        d->tools.mem.max_bytes = max;
        enum err e = parse(d, span_make(page, n));

        assert_true(e == OK || e == ERR_TOO_LARGE || e == ERR_NO_MEMORY);
    }
    d->tools.mem.max_bytes = 64 << 20;
    assert_int_equal(parse(d, span_make(page, n)), OK);
    assert_int_equal(d->facts.n_links, 5000);
    mem_free(page);
}

#define WITH_DESK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(utf16_without_a_type_is_recognised),
        cmocka_unit_test(what_is_sent_as_utf16_is_no_binary),
        cmocka_unit_test(nothing_but_nuls_is_no_page),
        WITH_DESK(html_gives_links_title_and_text),
        WITH_DESK(a_nul_costs_a_page_no_link),
        WITH_DESK(a_gzip_body_is_unpacked_first),
        WITH_DESK(a_cut_gzip_body_is_said_to_be_one_and_its_links_count),
        WITH_DESK(a_broken_coding_gives_no_links),
        WITH_DESK(a_body_over_the_limit_is_cut),
        WITH_DESK(the_charset_is_found_and_named),
        WITH_DESK(a_feed_gives_links_to_follow),
        WITH_DESK(a_feed_obeys_the_limit_of_links),
        WITH_DESK(a_sitemap_met_as_a_page_is_not_followed),
        WITH_DESK(plain_text_has_words_but_no_links),
        WITH_DESK(controls_in_plain_text_become_spaces),
        WITH_DESK(other_types_give_size_and_digest_only),
        WITH_DESK(header_fields_count_whatever_the_body_is),
        WITH_DESK(bodies_are_packed_when_they_are_wanted),
        WITH_DESK(images_are_packed_only_when_all_bodies_are_wanted),
        WITH_DESK(text_without_spaces_is_written_in_pairs),
        WITH_DESK(without_text_the_fingerprint_stays),
        WITH_DESK(rules_and_facts_give_one_object),
        WITH_DESK(xhtml_is_read_as_xhtml_for_facts_too),
        WITH_DESK(urls_in_facts_are_resolved_against_the_base),
        WITH_DESK(only_html_is_asked_for_values),
        WITH_DESK(a_page_too_large_for_a_tree_stays_a_page),
        WITH_DESK(a_url_that_is_none_is_invalid),
        WITH_DESK(a_full_arena_is_an_error_and_not_a_crash),
    };
    struct CMUnitTest tests[ARRAY_LEN(plain) + ARRAY_LEN(sniff_rows)];
    struct sniff_row rows[ARRAY_LEN(sniff_rows)];

    memcpy(tests, plain, sizeof plain);
    memcpy(rows, sniff_rows, sizeof rows);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[ARRAY_LEN(plain) + i] =
            (struct CMUnitTest){ .name = rows[i].label,
                                 .test_func = a_document_is_taken_for_what_it_is,
                                 .initial_state = &rows[i] };
    return cmocka_run_group_tests_name("parse/page", tests, NULL, NULL);
}
