/* SPDX-License-Identifier: MIT */
/* What a worker does with a job, without the process around it; that is tests/crawler/test_pool.c. */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <zlib.h>

#include "config/mem.h"
#include "parse/inspect.h"
#include "parse/worker.h"
#include "tests/kit/training.h"

struct desk {
    struct worker_kit kit;
    struct job job;
    struct answer out;
};

static int set_up(void **state)
{
    struct desk *d = mem_alloc(sizeof *d);

    if (toolbox_open(64 << 20, &d->kit.tools))
        return 1;
    d->job = (struct job){ .url = SPAN("http://example.org/dir/file"),
                           .product_token = SPAN("crawl"),
                           .max_decoded_bytes = 1 << 20 };
    *state = d;
    return 0;
}

static int tear_down(void **state)
{
    struct desk *d = *state;

    toolbox_close(&d->kit.tools);
    mem_free(d);
    return 0;
}

static enum err work(struct desk *d, enum job_kind kind, struct span body)
{
    toolbox_reset(&d->kit.tools);
    d->job.kind = (uint8_t)kind;
    d->job.inline_body = body;
    return worker_do(&d->kit, &d->job, &d->out);
}

static void assert_span(struct span got, const char *want)
{
    if (!span_eq(got, span_str(want)))
        fail_msg("got '%.*s', want '%s'", SPAN_ARG(got), want);
}

/* ---- bodies ---- */

static void a_body_in_the_region_is_found(void **state)
{
    struct desk *d = *state;
    struct span body;

    d->kit.bodies = SPAN("0123456789");
    d->job.region_offset = 3;
    d->job.region_len = 7;

    assert_int_equal(worker_body(&d->kit, &d->job, &body), OK);
    assert_span(body, "3456789");
}

static void a_body_outside_the_region_is_refused(void **state)
{
    static const uint64_t rows[][2] = {
        { 10, 1 }, { 4, 7 }, { 11, 1 }, { UINT64_MAX, 2 }, { 2, UINT64_MAX },
    };
    struct desk *d = *state;
    struct span body;

    d->kit.bodies = SPAN("0123456789");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        d->job.region_offset = rows[i][0];
        d->job.region_len = rows[i][1];
        assert_int_equal(worker_body(&d->kit, &d->job, &body), ERR_INVALID);
    }
}

/* ---- robots.txt ---- */

static void robots_gives_rules_and_text(void **state)
{
    struct desk *d = *state;

    assert_int_equal(
        work(d, JOB_ROBOTS, SPAN("\xef\xbb\xbfUser-agent: crawl\nDisallow: /x\n")), OK);

    assert_int_equal(d->out.robots.n_rules, 1);
    assert_span(d->out.robots.rules[0].pattern, "/x");
    assert_int_equal(d->out.decode, DECODE_OK);
    assert_true(span_find_span(d->out.robots_text, SPAN("Disallow: /x")) <
                d->out.robots_text.len);
}

static void robots_text_is_clean_whatever_came(void **state)
{
    struct desk *d = *state;

    assert_int_equal(
        work(d, JOB_ROBOTS, SPAN("# \xff\0 x\nUser-agent: *\nDisallow: /\n")), OK);

    assert_int_equal(d->out.robots.n_rules, 1);
    assert_true(span_is_utf8(d->out.robots_text));
    assert_int_equal(span_find(d->out.robots_text, '\0'), d->out.robots_text.len);
}

/* RFC 9309 §2.2.2: an octet outside ASCII and its escape are the same in a rule. */
static void robots_text_gives_the_same_rules_again(void **state)
{
    struct desk *d = *state;

    assert_int_equal(work(d, JOB_ROBOTS,
                          SPAN("user-agent: *\n# caf\xe9\nDisallow: /caf\xe9\0\n")),
                     OK);
    assert_span(d->out.robots.rules[0].pattern, "/caf%E9%00");
    assert_span(d->out.robots_text, "user-agent: *\n# caf%E9\nDisallow: /caf%E9%00\n");
}

static void robots_in_utf16_with_a_mark_is_read(void **state)
{
    static const char ascii[] = "User-agent: *\nDisallow: /y\n";
    struct desk *d = *state;
    char wide[2 + 2 * sizeof ascii] = "\xff\xfe";

    for (size_t i = 0; i < sizeof ascii - 1; i++)
        wide[2 + 2 * i] = ascii[i];
    assert_int_equal(work(d, JOB_ROBOTS, span_make(wide, 2 * sizeof ascii)), OK);

    assert_int_equal(d->out.robots.n_rules, 1);
    assert_span(d->out.robots.rules[0].pattern, "/y");
}

static void robots_beyond_its_limit_is_cut(void **state)
{
    struct desk *d = *state;
    char *text = mem_alloc(ROBOTS_MAX_BYTES + 100);

    memset(text, '#', ROBOTS_MAX_BYTES + 100);
    assert_int_equal(work(d, JOB_ROBOTS, span_make(text, ROBOTS_MAX_BYTES + 100)), OK);

    assert_true(d->out.robots.is_cut);
    assert_int_equal(d->out.robots_text.len, ROBOTS_MAX_BYTES);
    mem_free(text);
}

/* ---- sitemaps, stored bodies ---- */

static void a_sitemap_in_a_gzip_file_is_read(void **state)
{
    /* RFC 1952: a member of one stored block (RFC 1951 §3.2.4) */
    static const char text[] =
        "<urlset><url><loc>http://example.org/a</loc></url></urlset>";
    char file[128] = "\x1f\x8b\x08\0\0\0\0\0\0\x03\x01";
    const uint32_t tail[2] = { (uint32_t)crc32(0, (const Bytef *)text, sizeof text - 1),
                               sizeof text - 1 };
    struct desk *d = *state;
    size_t n = 11;

    file[n++] = (char)(sizeof text - 1);
    file[n++] = 0;
    file[n++] = (char)~(sizeof text - 1);
    file[n++] = (char)0xff;
    memcpy(file + n, text, sizeof text - 1);
    n += sizeof text - 1;
    memcpy(file + n, tail, sizeof tail);
    assert_int_equal(work(d, JOB_SITEMAP, span_make(file, n + sizeof tail)), OK);

    assert_int_equal(d->out.decode, DECODE_OK);
    assert_int_equal(d->out.sitemap.type, SITEMAP_URLSET);
    assert_int_equal(d->out.sitemap.n_urls, 1);
    assert_span(d->out.sitemap.urls[0].loc, "http://example.org/a");
}

static void a_sitemap_needs_a_url(void **state)
{
    struct desk *d = *state;

    d->job.url = SPAN("");
    assert_int_equal(work(d, JOB_SITEMAP, SPAN("<urlset/>")), ERR_INVALID);
}

static void a_stored_body_is_unpacked(void **state)
{
    struct desk *d = *state;
    struct buf packed;

    buf_init(&packed, 4096);
    assert_int_equal(
        pack_compress(d->kit.tools.pack, SPAN("stored"), PACK_LEVEL, &packed), OK);
    assert_int_equal(work(d, JOB_UNPACK, buf_span(&packed)), OK);
    assert_span(d->out.bytes, "stored");
    assert_int_equal(d->out.decode, DECODE_OK);

    d->job.max_decoded_bytes = 3;
    assert_int_equal(work(d, JOB_UNPACK, buf_span(&packed)), OK);
    assert_int_equal(d->out.decode, DECODE_TOO_LARGE);
    assert_int_equal(d->out.bytes.len, 0);
    buf_clear(&packed);

    assert_int_equal(work(d, JOB_UNPACK, SPAN("damaged")), OK);
    assert_int_equal(d->out.decode, DECODE_BAD);
}

static void a_stored_page_gives_its_text_as_it_is_read(void **state)
{
    struct desk *d = *state;
    struct buf packed;

    buf_init(&packed, 4096);
    assert_int_equal(pack_compress(d->kit.tools.pack,
                                   SPAN("<title>T</title><p>\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd <b>caf\xc3\xa9</b>"),
                                   PACK_LEVEL, &packed),
                     OK);
    d->job.content_type = SPAN("text/html; charset=utf-8");
    d->job.max_text_bytes = 4096;
    assert_int_equal(work(d, JOB_TEXT, buf_span(&packed)), OK);
    assert_int_equal(d->out.decode, DECODE_OK);
    assert_span(d->out.bytes, "\xe6\x9d\xb1\xe4\xba\xac\xe9\x83\xbd caf\xc3\xa9");

    d->job.wants_text = true; /* as the index has it */
    assert_int_equal(work(d, JOB_TEXT, buf_span(&packed)), OK);
    assert_span(d->out.bytes, "\xe6\x9d\xb1\xe4\xba\xac \xe4\xba\xac\xe9\x83\xbd caf\xc3\xa9");
    d->job.wants_text = false;

    d->job.max_text_bytes = 7; /* at a character */
    assert_int_equal(work(d, JOB_TEXT, buf_span(&packed)), OK);
    assert_span(d->out.bytes, "\xe6\x9d\xb1\xe4\xba\xac");
    buf_clear(&packed);
}

/* ---- dictionaries ---- */

#define ID PACK_FIRST_DICTIONARY_ID

/* Parses page n, whose body is wanted. */
static void parse_page(struct desk *d, int n, struct buf *page)
{
    struct span body = training_page(n, page);

    d->job.content_type = SPAN("text/html");
    d->job.max_links = 1000;
    d->job.wants_body = true;
    assert_int_equal(work(d, JOB_PAGE, body), OK);
    assert_true(d->out.page.body.len > 0);
}

static void a_worker_makes_one_dictionary_when_it_has_seen_enough(void **state)
{
    struct desk *d = *state;
    struct buf page;
    int made_at = 0, n_made = 0;

    buf_init(&page, 1 << 20);
    d->job.wants_dictionary = true;
    d->job.dictionary_id = ID;
    for (int n = 1; n <= 3 * TRAINER_SAMPLES; n++) {
        parse_page(d, n, &page);
        assert_int_equal(pack_dictionary_id(d->out.page.body), 0);
        if (!d->out.page.dictionary.len)
            continue;
        assert_true(pack_is_dictionary(d->out.page.dictionary, ID));
        made_at = n;
        n_made++;
    }
    assert_int_equal(n_made, 1);
    assert_int_equal(made_at, TRAINER_SAMPLES);
    buf_clear(&page);
}

static void of_many_workers_the_first_makes_the_dictionary(void **state)
{
    struct desk *d = *state;
    struct buf page;

    buf_init(&page, 1 << 20);
    d->kit.index = 1;
    d->job.wants_dictionary = true;
    d->job.dictionary_id = ID;
    for (int n = 1; n <= TRAINER_SAMPLES; n++) {
        parse_page(d, n, &page);
        assert_int_equal(d->out.page.dictionary.len, 0);
    }
    buf_clear(&page);
}

static void a_worker_samples_html_that_is_stored_and_only_when_asked(void **state)
{
    struct desk *d = *state;
    struct buf page;

    buf_init(&page, 1 << 20);
    d->job.dictionary_id = ID;
    for (int n = 1; n < TRAINER_SAMPLES; n++) {
        d->job.wants_dictionary = true;
        parse_page(d, n, &page);
    }
    d->job.wants_body = false;
    d->job.inline_body = training_page(1000, &page);
    assert_int_equal(work(d, JOB_PAGE, d->job.inline_body), OK);
    assert_int_equal(d->out.page.dictionary.len, 0);
    d->job.wants_body = true;
    d->job.content_type = SPAN("text/plain");
    assert_int_equal(work(d, JOB_PAGE, SPAN("plain text")), OK);
    assert_int_equal(d->out.page.dictionary.len, 0);
    d->job.wants_dictionary = false; /* there is one now: what was kept goes */
    parse_page(d, 1001, &page);
    d->job.wants_dictionary = true;
    parse_page(d, 1002, &page);
    assert_int_equal(d->out.page.dictionary.len, 0);
    buf_clear(&page);
}

static void bodies_go_and_come_with_the_dictionary_that_the_job_names(void **state)
{
    struct desk *d = *state;
    struct buf page, dictionary, packed;

    buf_init(&page, 1 << 20);
    buf_init(&dictionary, 1 << 20);
    buf_init(&packed, 1 << 20);
    d->kit.bodies = training_dictionary(ID, &dictionary);
    d->job.dictionary_id = ID;
    d->job.dictionary_len = d->kit.bodies.len;
    parse_page(d, 5000, &page);
    assert_int_equal(pack_dictionary_id(d->out.page.body), ID);
    assert_int_equal(buf_append(&packed, d->out.page.body), OK);

    d->job.dictionary_len = 0;
    d->job.inline_dictionary = buf_span(&dictionary);
    assert_int_equal(work(d, JOB_UNPACK, buf_span(&packed)), OK);
    assert_int_equal(d->out.decode, DECODE_OK);
    assert_true(span_eq(d->out.bytes, buf_span(&page)));

    d->job.max_text_bytes = 4096;
    assert_int_equal(work(d, JOB_TEXT, buf_span(&packed)), OK);
    assert_int_equal(d->out.decode, DECODE_OK);
    assert_true(span_find_span(d->out.bytes, SPAN("Heading")) < d->out.bytes.len);

    d->job.dictionary_id = 0;
    d->job.inline_dictionary = SPAN_NONE;
    assert_int_equal(work(d, JOB_TEXT, buf_span(&packed)), OK);
    assert_int_equal(d->out.decode, DECODE_BAD);
    assert_int_equal(d->out.bytes.len, 0);
    assert_int_equal(work(d, JOB_UNPACK, buf_span(&packed)), OK);
    assert_int_equal(d->out.decode, DECODE_BAD);
    parse_page(d, 5001, &page);
    assert_int_equal(pack_dictionary_id(d->out.page.body), 0);
    buf_clear(&page);
    buf_clear(&dictionary);
    buf_clear(&packed);
}

static void a_dictionary_outside_the_region_is_refused(void **state)
{
    struct desk *d = *state;

    d->kit.bodies = SPAN("0123456789");
    d->job.dictionary_id = ID;
    d->job.dictionary_offset = 4;
    d->job.dictionary_len = 7;
    assert_int_equal(work(d, JOB_PAGE, SPAN("<p>x")), ERR_INVALID);
    d->job.dictionary_offset = UINT64_MAX;
    d->job.dictionary_len = 2;
    assert_int_equal(work(d, JOB_PAGE, SPAN("<p>x")), ERR_INVALID);
}

static void misbehaviour_is_no_job(void **state)
{
    struct desk *d = *state;

    assert_int_equal(work(d, JOB_MISBEHAVE, SPAN("")), ERR_INVALID);
    assert_int_equal(work(d, N_JOB_KINDS, SPAN("")), ERR_INVALID);
}

/* ---- inspect ---- */

static const struct inspect_row {
    const char *label, *command, *request, *want; /* part of the answer */
} inspect_rows[] = {
    { "url: serialised, with its key", "url",
      "{\"id\":\"7\",\"input\":\"HTTP://a.TEST:80/%7e?\"}",
      "\"normalized\":\"http://a.test/~\"" },
    { "the id comes back", "url", "{\"id\":\"7\",\"input\":\"http://a.test/\"}",
      "\"id\":\"7\"" },
    { "url: what does not parse is not ok", "url",
      "{\"id\":\"1\",\"input\":\"http://\"}", "\"ok\":false" },
    { "url: resolved against a base", "url",
      "{\"id\":\"1\",\"input\":\"b\",\"base\":\"http://a.test/x/\"}",
      "\"href\":\"http://a.test/x/b\"" },
    { "robots: decided by the longest rule", "robots",
      "{\"id\":\"1\",\"robots\":\"user-agent: *\\ndisallow: /a\\nallow: /ab\\ncrawl-delay: 2\","
      "\"user_agent\":\"x\",\"url\":\"http://a.test/abc\"}",
      "\"allowed\":true,\"crawl_delay\":2" },
    { "robots: as base64", "robots",
      "{\"id\":\"1\",\"robots_b64\":\"dXNlci1hZ2VudDogKgpkaXNhbGxvdzogLw==\",\"user_agent\":\"x\","
      "\"url\":\"http://a.test/abc\"}",
      "\"allowed\":false" },
    { "robots: a path alone is judged", "robots",
      "{\"id\":\"1\",\"robots\":\"user-agent: *\\ndisallow: /a\",\"user_agent\":\"x\",\"url\":\"/ab\"}",
      "\"allowed\":false" },
    { "robots: what is no URL and no path is not judged", "robots",
      "{\"id\":\"1\",\"robots\":\"user-agent: *\\ndisallow: /a\",\"user_agent\":\"x\",\"url\":\"h.test/a\"}",
      "\"error\":\"'url' is missing or no absolute URL\"" },
    { "robots: sitemaps are absolute and named once", "robots",
      "{\"id\":\"1\",\"robots\":\"sitemap: /s\\nsitemap: http://a.test/s\",\"user_agent\":\"x\","
      "\"url\":\"http://a.test/\"}",
      "\"sitemaps\":[\"http://a.test/s\"]" },
    { "charset: a label", "charset", "{\"id\":\"1\",\"label\":\" Latin1 \"}",
      "\"encoding\":\"windows-1252\"" },
    { "charset: no such label", "charset", "{\"id\":\"1\",\"label\":\"utf-7\"}",
      "\"encoding\":null" },
    { "charset: a byte order mark", "charset",
      "{\"id\":\"1\",\"body_b64\":\"77u/eA==\"}", "\"source\":\"bom\"" },
    { "links: kind, text, rel", "links",
      "{\"id\":\"1\",\"url\":\"http://a.test/\",\"content_type\":\"text/html\","
      "\"body\":\"<a rel=nofollow href=b>T</a>\"}",
      "{\"url\":\"http://a.test/b\",\"kind\":\"a\",\"rel\":[\"nofollow\"],\"text\":\"T\",\"nofollow\":true}" },
    { "links: from header fields", "links",
      "{\"id\":\"1\",\"url\":\"http://a.test/\",\"content_type\":\"text/html\",\"body\":\"\","
      "\"headers\":[[\"Refresh\",\"3; url=/c\"]]}",
      "\"refresh\":{\"delay\":3,\"url\":\"http://a.test/c\"}" },
    { "links: no refresh is null", "links",
      "{\"id\":\"1\",\"url\":\"http://a.test/\",\"content_type\":\"text/html\",\"body\":\"\"}",
      "\"refresh\":null" },
    { "links: a line break in a header adds no field", "links",
      "{\"id\":\"1\",\"url\":\"http://a.test/\",\"content_type\":\"text/html\",\"body\":\"\","
      "\"headers\":[[\"X\",\"a\\r\\nRefresh: 3\"]]}",
      "\"refresh\":null" },
    { "text: title and words", "text",
      "{\"id\":\"1\",\"url\":\"http://a.test/\",\"content_type\":\"text/html\","
      "\"body\":\"<html lang=de-AT><title>T</title><p>words\"}",
      "\"lang\":\"de\"" },
    { "sitemap: entries", "sitemap",
      "{\"id\":\"1\",\"url\":\"http://a.test/\",\"body\":\"<urlset><url><loc>/x</loc>"
      "<priority>0.8</priority></url></urlset>\"}",
      "\"priority\":0.8" },
    { "feed: entries", "feed",
      "{\"id\":\"1\",\"url\":\"http://a.test/\",\"body\":\"<rss><channel><title>N</title><item>"
      "<link>/1</link></item></channel></rss>\"}",
      "\"title\":\"N\",\"entries\":[{\"link\":\"http://a.test/1\"" },
    { "domain: suffix plus one", "domain", "{\"id\":\"1\",\"host\":\"www.a.co.uk\"}",
      "\"registrable\":\"a.co.uk\"" },
    { "domain: a suffix has none", "domain", "{\"id\":\"1\",\"host\":\"co.uk\"}",
      "\"registrable\":null" },
    { "no JSON is an error with no id", "url", "{\"id\":", "{\"id\":null,\"error\":" },
    { "no object is an error", "url", "[1]", "{\"id\":null,\"error\":" },
    { "no base64 is an error with its id", "charset",
      "{\"id\":\"9\",\"body_b64\":\"*\"}",
      "{\"id\":\"9\",\"error\":\"what should be base64 is not\"" },
    { "a page without a URL is an error", "links", "{\"id\":\"9\",\"body\":\"\"}",
      "{\"id\":\"9\",\"error\":\"'url' is missing or no absolute URL\"" },
    { "NUL in a text is read", "url",
      "{\"id\":\"1\",\"input\":\"http://a.test/\\u0000x\"}", "http://a.test/%00x" },
};

static void inspect_answers(void **state)
{
    const struct inspect_row *row = *state;
    void *desk = NULL;
    struct desk *d;
    bool is_there;
    enum err e;

    assert_int_equal(set_up(&desk), 0);
    d = desk;
    d->job.command = span_str(row->command);
    e = work(d, JOB_INSPECT, span_str(row->request));
    is_there =
        !e && span_find_span(d->out.bytes, span_str(row->want)) < d->out.bytes.len;
    if (!e && !is_there)
        print_message("answer: %.*s\n", SPAN_ARG(d->out.bytes));
    tear_down(&desk);

    assert_int_equal(e, OK);
    assert_true(is_there);
}

static void an_unknown_command_is_invalid(void **state)
{
    struct desk *d = *state;

    d->job.command = SPAN("nonsense");

    assert_int_equal(work(d, JOB_INSPECT, SPAN("{}")), ERR_INVALID);
    assert_false(inspect_knows(SPAN("nonsense")));
    assert_true(inspect_knows(SPAN("links")));
}

#define WITH_DESK(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest plain[] = {
        WITH_DESK(a_body_in_the_region_is_found),
        WITH_DESK(a_body_outside_the_region_is_refused),
        WITH_DESK(robots_gives_rules_and_text),
        WITH_DESK(robots_text_is_clean_whatever_came),
        WITH_DESK(robots_text_gives_the_same_rules_again),
        WITH_DESK(robots_in_utf16_with_a_mark_is_read),
        WITH_DESK(robots_beyond_its_limit_is_cut),
        WITH_DESK(a_sitemap_in_a_gzip_file_is_read),
        WITH_DESK(a_sitemap_needs_a_url),
        WITH_DESK(a_stored_body_is_unpacked),
        WITH_DESK(a_stored_page_gives_its_text_as_it_is_read),
        WITH_DESK(a_worker_makes_one_dictionary_when_it_has_seen_enough),
        WITH_DESK(of_many_workers_the_first_makes_the_dictionary),
        WITH_DESK(a_worker_samples_html_that_is_stored_and_only_when_asked),
        WITH_DESK(bodies_go_and_come_with_the_dictionary_that_the_job_names),
        WITH_DESK(a_dictionary_outside_the_region_is_refused),
        WITH_DESK(misbehaviour_is_no_job),
        WITH_DESK(an_unknown_command_is_invalid),
    };
    struct CMUnitTest tests[ARRAY_LEN(plain) + ARRAY_LEN(inspect_rows)];
    struct inspect_row rows[ARRAY_LEN(inspect_rows)];

    memcpy(tests, plain, sizeof plain);
    memcpy(rows, inspect_rows, sizeof rows);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[ARRAY_LEN(plain) + i] = (struct CMUnitTest){ .name = rows[i].label,
                                                           .test_func = inspect_answers,
                                                           .initial_state = &rows[i] };
    return cmocka_run_group_tests_name("parse/worker", tests, NULL, NULL);
}
