/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "config/mem.h"
#include "parse/pack.h"
#include "parse/wire.h"
#include "parse/wire_io.h"

#define REGION_BYTES ((size_t)1 << 20)
#define ID           UINT64_C(0x1122334455667788)
/* Where the first byte behind the head lies: magic, version, kind, id. */
#define HEAD_BYTES 12

struct bench {
    char *region;
    size_t len;
    struct arena mem;
    struct job job;
    struct wire_limits limits;
    struct answer out;
};

static int set_up(void **state)
{
    struct bench *b = mem_alloc(sizeof *b);

    b->region = mem_alloc(REGION_BYTES);
    arena_init(&b->mem, 64 << 20);
    b->job = (struct job){ .kind = JOB_PAGE,
                           .max_links = 100,
                           .max_text_bytes = 4096,
                           .max_decoded_bytes = 65536,
                           .wants_body = true };
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;

    arena_clear(&b->mem);
    mem_free(b->region);
    mem_free(b);
    return 0;
}

static enum err encode(struct bench *b, const struct answer *a)
{
    wire_limits_of(&b->job, &b->limits);
    return wire_encode_answer(a, ID, &b->limits, b->region, REGION_BYTES, &b->len);
}

static enum err decode(struct bench *b)
{
    return wire_decode_answer(span_make(b->region, b->len), ID, &b->limits, &b->mem,
                              &b->out);
}

static void assert_span(struct span got, const char *want)
{
    if (!span_eq(got, span_str(want)))
        fail_msg("got '%.*s', want '%s'", SPAN_ARG(got), want);
}

static struct fact_link *two_links(void)
{
    static struct fact_link links[2];

    links[0] = (struct fact_link){ .url = SPAN("http://example.org/a#f"),
                                   .text = SPAN("\xc3\xa4nchor"),
                                   .rel = SPAN("next nofollow"),
                                   .kind = LINK_A,
                                   .hop = FACT_HOP_LINK,
                                   .is_nofollow = true };
    links[1] = (struct fact_link){ .url = SPAN("http://example.org/b"),
                                   .kind = LINK_HTTP_LINK,
                                   .hop = FACT_HOP_CANONICAL };
    return links;
}

static struct answer full_page(void)
{
    struct answer a = { .kind = JOB_PAGE };

    a.page = (struct page_facts){ .outcome = PARSE_RECOVERED,
                                  .decode = DECODE_TRUNCATED,
                                  .is_nofollow = true,
                                  .size = 12345,
                                  .word_count = 99,
                                  .links_other = 98,
                                  .simhash = UINT64_MAX - 5,
                                  .charset = SPAN("utf-8"),
                                  .charset_source = SPAN("meta"),
                                  .title = SPAN("Titel \xe2\x82\xac"),
                                  .description = SPAN("d"),
                                  .h1 = SPAN("h"),
                                  .canonical = SPAN("http://example.org/c"),
                                  .robots_meta = SPAN("noindex"),
                                  .x_robots_tag = SPAN("nofollow"),
                                  .lang = SPAN("de"),
                                  .text = SPAN("all the words"),
                                  .body = SPAN("\x28\xb5\x2f\xfd\x00\xff"),
                                  .facts_json = SPAN("{\"a\":1}"),
                                  .links = two_links(),
                                  .n_links = 2 };
    memset(a.page.sha256, 0xab, sizeof a.page.sha256);
    return a;
}

/* ---- what goes in comes out ---- */

static void a_job_survives_the_way(void **state)
{
    struct job job = { .kind = JOB_SITEMAP,
                       .url = SPAN("http://example.org/"),
                       .content_type = SPAN("text/xml"),
                       .content_encoding = SPAN("gzip"),
                       .headers = SPAN("A: b\r\n"),
                       .product_token = SPAN("crawl"),
                       .command = SPAN("c"),
                       .rules = SPAN("\x01\x00r"),
                       .max_decoded_bytes = 1,
                       .max_text_bytes = 2,
                       .max_links = 3,
                       .wants_text = true,
                       .wants_details = true,
                       .wants_facts = true,
                       .region_offset = 4096,
                       .region_len = 77,
                       .inline_body = SPAN("\0body"),
                       .wants_dictionary = true,
                       .dictionary_id = 40000,
                       .dictionary_offset = 8192,
                       .dictionary_len = 99,
                       .inline_dictionary = SPAN("\0dictionary") };
    struct job out;
    struct bench *b = *state;
    uint64_t id = 0;

    assert_int_equal(wire_encode_job(&job, ID, b->region, wire_job_size(&job), &b->len),
                     OK);
    assert_int_equal(b->len, wire_job_size(&job));
    assert_int_equal(wire_decode_job(span_make(b->region, b->len), &out, &id), OK);

    assert_int_equal(id, ID);
    assert_int_equal(out.kind, JOB_SITEMAP);
    assert_span(out.url, "http://example.org/");
    assert_span(out.content_type, "text/xml");
    assert_span(out.content_encoding, "gzip");
    assert_span(out.headers, "A: b\r\n");
    assert_span(out.product_token, "crawl");
    assert_span(out.command, "c");
    assert_int_equal(out.max_decoded_bytes, 1);
    assert_int_equal(out.max_text_bytes, 2);
    assert_int_equal(out.max_links, 3);
    assert_true(out.wants_text && out.wants_details && !out.wants_body &&
                !out.wants_body_all && out.wants_facts);
    assert_true(span_eq(out.rules, job.rules));
    assert_int_equal(out.region_offset, 4096);
    assert_int_equal(out.region_len, 77);
    assert_true(span_eq(out.inline_body, job.inline_body));
    assert_true(out.wants_dictionary);
    assert_int_equal(out.dictionary_id, 40000);
    assert_int_equal(out.dictionary_offset, 8192);
    assert_int_equal(out.dictionary_len, 99);
    assert_true(span_eq(out.inline_dictionary, job.inline_dictionary));
}

static void a_job_wants_what_it_was_told_to_want_and_nothing_else(void **state)
{
    struct bench *b = *state;
    struct job out;
    uint64_t id;

    for (unsigned i = 0; i < 7; i++) {
        struct job job = { .kind = JOB_PAGE,
                           .wants_text = i == 0,
                           .wants_body = i == 1,
                           .wants_body_all = i == 2,
                           .wants_details = i == 3,
                           .wants_facts = i == 4,
                           .wants_dictionary = i == 5,
                           .dictionary_id = i == 5 ? PACK_FIRST_DICTIONARY_ID : 0 };

        assert_int_equal(wire_encode_job(&job, ID, b->region, wire_job_size(&job), &b->len), OK);
        assert_int_equal(wire_decode_job(span_make(b->region, b->len), &out, &id), OK);
        assert_int_equal(out.wants_text, i == 0);
        assert_int_equal(out.wants_body, i == 1);
        assert_int_equal(out.wants_body_all, i == 2);
        assert_int_equal(out.wants_details, i == 3);
        assert_int_equal(out.wants_facts, i == 4);
        assert_int_equal(out.wants_dictionary, i == 5);
    }
}

static void an_answer_may_be_as_long_as_its_job_lets_it(void **state)
{
    struct job job = { .kind = JOB_INSPECT, .max_decoded_bytes = 100, .max_text_bytes = 10 };
    struct wire_limits limits;

    (void)state;
    wire_limits_of(&job, &limits);
    assert_int_equal(limits.max_bytes, WIRE_MAX_INSPECT_BYTES);
    job.kind = JOB_MISBEHAVE;
    wire_limits_of(&job, &limits);
    assert_int_equal(limits.max_bytes, WIRE_MAX_INSPECT_BYTES);
    job.kind = JOB_TEXT;
    wire_limits_of(&job, &limits);
    assert_int_equal(limits.max_bytes, 10);
    job.kind = JOB_PAGE;
    wire_limits_of(&job, &limits);
    assert_int_equal(limits.max_bytes, 100);
    assert_int_equal(limits.max_body_bytes, 0);
    job.wants_body_all = true;
    wire_limits_of(&job, &limits);
    assert_true(limits.max_body_bytes > 100);
}

/* ---- dictionaries ---- */

#define DICTIONARY_ID PACK_FIRST_DICTIONARY_ID

/* n bytes that look like a dictionary with DICTIONARY_ID; owned by the caller. */
static char *make_dictionary(size_t n)
{
    char *p = mem_alloc(n);

    memset(p, 'd', n);
    memcpy(p, "\x37\xA4\x30\xEC\x00\x80\x00\x00", 8);
    return p;
}

/* Sends it as a liar would, under other limits than those it is read with; what the reader says. */
static enum err send_dictionary(struct bench *b, const char *bytes, size_t n,
                                uint32_t wanted_id)
{
    struct answer a = full_page();
    const size_t at = HEAD_BYTES;
    struct wire_io_writer w;
    size_t head = 0;
    char *found;

    /* An honest answer holds a dictionary of 9 bytes; its place is taken by these. */
    a.page.dictionary = SPAN("\x37\xA4\x30\xEC\x00\x80\x00\x00x");
    b->job.wants_dictionary = true;
    b->job.dictionary_id = DICTIONARY_ID;
    assert_int_equal(encode(b, &a), OK);
    found = memmem(b->region + at, b->len - at, a.page.dictionary.ptr, 9);
    assert_non_null(found);
    head = (size_t)(found - b->region) - 4;
    memmove(found + n, found + 9, b->len - head - 4 - 9);
    wire_io_write_to(&w, b->region + head, REGION_BYTES - head);
    wire_io_put_bytes(&w, span_make(bytes, n));
    b->len = b->len - 9 + n;
    b->job.wants_dictionary = wanted_id != 0;
    b->job.dictionary_id = wanted_id;
    wire_limits_of(&b->job, &b->limits);
    return decode(b);
}

static void a_dictionary_survives_the_way(void **state)
{
    char *bytes = make_dictionary(PACK_MAX_DICTIONARY_BYTES);
    struct bench *b = *state;
    struct answer a = full_page();

    a.page.dictionary = span_make(bytes, PACK_MAX_DICTIONARY_BYTES);
    b->job.wants_dictionary = true;
    b->job.dictionary_id = DICTIONARY_ID;
    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), OK);
    assert_true(span_eq(b->out.page.dictionary, a.page.dictionary));
    assert_int_equal(b->out.page.n_links, 2);
    mem_free(bytes);
}

static void a_dictionary_that_breaks_the_rule_is_not_sent(void **state)
{
    char *bytes = make_dictionary(PACK_MAX_DICTIONARY_BYTES + 1);
    struct bench *b = *state;
    struct answer a = full_page();

    a.page.dictionary = span_make(bytes, 1000);
    assert_int_equal(encode(b, &a), OK); /* nobody wants one */
    assert_int_equal(decode(b), OK);
    assert_int_equal(b->out.page.dictionary.len, 0);
    b->job.wants_dictionary = true;
    b->job.dictionary_id = DICTIONARY_ID;
    a.page.dictionary = span_make(bytes, PACK_MAX_DICTIONARY_BYTES + 1);
    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), OK);
    assert_int_equal(b->out.page.dictionary.len, 0);
    mem_free(bytes);
}

static void a_dictionary_that_is_too_long_foreign_or_unasked_is_refused(void **state)
{
    size_t most = PACK_MAX_DICTIONARY_BYTES;
    char *bytes = make_dictionary(most + 1);
    struct bench *b = *state;

    assert_int_equal(send_dictionary(b, bytes, most, DICTIONARY_ID), OK);
    assert_int_equal(send_dictionary(b, bytes, most + 1, DICTIONARY_ID), ERR_TOO_LARGE);
    assert_int_equal(send_dictionary(b, bytes, most, DICTIONARY_ID + 1), ERR_CORRUPT);
    assert_int_equal(send_dictionary(b, bytes, most, 0), ERR_TOO_LARGE);
    assert_int_equal(send_dictionary(b, bytes, 8, DICTIONARY_ID), ERR_CORRUPT);
    bytes[0] ^= 1;
    assert_int_equal(send_dictionary(b, bytes, most, DICTIONARY_ID), ERR_CORRUPT);
    mem_free(bytes);
}

static void a_page_survives_the_way(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();
    const struct page_facts *p = &b->out.page;

    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), OK);

    assert_int_equal(p->outcome, PARSE_RECOVERED);
    assert_int_equal(p->decode, DECODE_TRUNCATED);
    assert_true(p->is_nofollow);
    assert_false(p->is_noindex || p->links_cut);
    assert_int_equal(p->size, 12345);
    assert_int_equal(p->word_count, 99);
    assert_int_equal(p->links_other, 98);
    assert_true(p->simhash == UINT64_MAX - 5);
    assert_memory_equal(p->sha256, a.page.sha256, sizeof p->sha256);
    assert_span(p->charset, "utf-8");
    assert_span(p->charset_source, "meta");
    assert_span(p->title, "Titel \xe2\x82\xac");
    assert_span(p->description, "d");
    assert_span(p->h1, "h");
    assert_span(p->canonical, "http://example.org/c");
    assert_span(p->robots_meta, "noindex");
    assert_span(p->x_robots_tag, "nofollow");
    assert_span(p->lang, "de");
    assert_span(p->text, "all the words");
    assert_true(span_eq(p->body, a.page.body));
    assert_span(p->facts_json, "{\"a\":1}");
}

static void facts_that_are_no_json_object_are_left_out(void **state)
{
    static const char *const wrong[] = { "[1]", "{", "{\"a\":}", "{}x",
                                         "{\"a\":\"\\ud800\"}" };
    struct bench *b = *state;

    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct answer a = full_page();

        a.page.facts_json = span_str(wrong[i]);
        assert_int_equal(encode(b, &a), OK);
        assert_int_equal(decode(b), OK);
        assert_int_equal(b->out.page.facts_json.len, 0);
        arena_reset(&b->mem);
    }
}

static void links_survive_the_way(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();
    const struct fact_link *l;

    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), OK);

    assert_int_equal(b->out.page.n_links, 2);
    l = b->out.page.links;
    assert_span(l[0].url, "http://example.org/a#f");
    assert_span(l[0].text, "\xc3\xa4nchor");
    assert_span(l[0].rel, "next nofollow");
    assert_int_equal(l[0].kind, LINK_A);
    assert_int_equal(l[0].hop, FACT_HOP_LINK);
    assert_true(l[0].is_nofollow);
    assert_span(l[1].url, "http://example.org/b");
    assert_int_equal(l[1].kind, LINK_HTTP_LINK);
    assert_false(l[1].is_nofollow);
}

static void robots_rules_survive_the_way(void **state)
{
    struct bench *b = *state;
    struct robots_rule rules[] = { { SPAN("/a*$"), 3, false },
                                   { SPAN("*x"), 9, true } };
    struct span sitemaps[] = { SPAN("/s.xml") };
    struct answer a = { .kind = JOB_ROBOTS,
                        .decode = DECODE_OK,
                        .robots = { .rules = rules,
                                    .n_rules = 2,
                                    .crawl_delay_ms = -1,
                                    .sitemaps = sitemaps,
                                    .n_sitemaps = 1,
                                    .is_cut = true },
                        .robots_text = SPAN("User-agent: *\n") };

    b->job.kind = JOB_ROBOTS;
    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), OK);

    assert_int_equal(b->out.robots.n_rules, 2);
    assert_span(b->out.robots.rules[0].pattern, "/a*$");
    assert_int_equal(b->out.robots.rules[1].line, 9);
    assert_true(b->out.robots.rules[1].is_allow);
    assert_int_equal(b->out.robots.crawl_delay_ms, -1);
    assert_true(b->out.robots.is_cut);
    assert_span(b->out.robots.sitemaps[0], "/s.xml");
    assert_span(b->out.robots_text, "User-agent: *\n");
}

static void a_sitemap_survives_the_way(void **state)
{
    struct bench *b = *state;
    struct span alternates[] = { SPAN("http://example.org/de"),
                                 SPAN("http://example.org/fr") };
    struct sitemap_entry entry = { .loc = SPAN("http://example.org/x"),
                                   .lastmod = SPAN("2024-01-01"),
                                   .priority = SPAN("0.5"),
                                   .lastmod_wall_ms = -1,
                                   .alternates = alternates,
                                   .n_alternates = 2 };
    struct answer a = { .kind = JOB_SITEMAP,
                        .sitemap = {
                            .type = SITEMAP_URLSET, .urls = &entry, .n_urls = 1 } };

    b->job.kind = JOB_SITEMAP;
    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), OK);

    assert_int_equal(b->out.sitemap.type, SITEMAP_URLSET);
    assert_int_equal(b->out.sitemap.n_urls, 1);
    assert_int_equal(b->out.sitemap.n_sitemaps, 0);
    assert_span(b->out.sitemap.urls[0].loc, "http://example.org/x");
    assert_span(b->out.sitemap.urls[0].lastmod, "2024-01-01");
    assert_int_equal(b->out.sitemap.urls[0].lastmod_wall_ms, -1);
    assert_int_equal(b->out.sitemap.urls[0].n_alternates, 2);
    assert_span(b->out.sitemap.urls[0].alternates[1], "http://example.org/fr");
    assert_false(b->out.sitemap.is_cut);
}

static void a_sitemap_of_any_type_survives_the_way_and_one_of_none_does_not(void **state)
{
    struct bench *b = *state;
    struct answer a = { .kind = JOB_SITEMAP };

    b->job.kind = JOB_SITEMAP;
    for (int type = 0; type <= SITEMAP_TEXT; type++) {
        a.sitemap.type = (enum sitemap_type)type;
        assert_int_equal(encode(b, &a), OK);
        assert_int_equal(decode(b), OK);
        assert_int_equal(b->out.sitemap.type, type);
    }
    a.sitemap.type = (enum sitemap_type)(SITEMAP_TEXT + 1);
    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), ERR_CORRUPT);
}

/* ---- an honest sender is never a liar ---- */

static void broken_text_is_cut_before_it_is_sent(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();

    a.page.title = SPAN("good\xff bad");
    a.page.h1 = SPAN("good\0bad");
    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), OK);

    assert_span(b->out.page.title, "good");
    assert_span(b->out.page.h1, "good");
}

static void links_with_a_broken_url_are_left_out(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();

    a.page.links[0].url = SPAN("http://example.org/a b");
    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), OK);

    assert_int_equal(b->out.page.n_links, 1);
    assert_span(b->out.page.links[0].url, "http://example.org/b");
    assert_false(b->out.page.links_cut);
}

static void more_links_than_allowed_are_cut_and_said_so(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();

    b->job.max_links = 1;
    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), OK);

    assert_int_equal(b->out.page.n_links, 1);
    assert_true(b->out.page.links_cut);
    assert_int_equal(b->out.page.outcome, PARSE_RECOVERED);
}

static void texts_over_their_limit_are_clipped_at_a_character(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();

    b->job.max_text_bytes = 3;
    a.page.text = SPAN("ab\xc3\xa4");
    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), OK);

    assert_span(b->out.page.text, "ab");
}

static void an_answer_that_does_not_fit_says_so(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();
    size_t len;

    assert_int_equal(encode(b, &a), OK);

    for (size_t n = 0; n < b->len; n++)
        assert_int_equal(wire_encode_answer(&a, ID, &b->limits, b->region, n, &len),
                         ERR_TOO_LARGE);
}

static void a_cut_page_keeps_what_fits(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();

    wire_limits_of(&b->job, &b->limits);
    assert_int_equal(
        wire_encode_cut_answer(&a, ID, &b->limits, b->region, REGION_BYTES, &b->len),
        OK);
    assert_int_equal(
        wire_encode_cut_answer(&a, ID, &b->limits, b->region, b->len - 1, &b->len), OK);
    assert_int_equal(decode(b), OK);

    assert_int_equal(b->out.page.outcome, PARSE_REFUSED);
    assert_int_equal(b->out.page.body.len, 0);
    assert_int_equal(b->out.page.n_links, 1);
    assert_true(b->out.page.links_cut);
    assert_span(b->out.page.title, "Titel \xe2\x82\xac");
}

static void a_cut_sitemap_keeps_what_fits(void **state)
{
    struct bench *b = *state;
    struct sitemap_entry entries[3] = { 0 };
    struct answer a = {
        .kind = JOB_SITEMAP,
        .sitemap = { .type = SITEMAP_INDEX, .sitemaps = entries, .n_sitemaps = 3 }
    };

    for (size_t i = 0; i < 3; i++)
        entries[i].loc = SPAN("http://example.org/sitemap.xml");
    b->job.kind = JOB_SITEMAP;
    wire_limits_of(&b->job, &b->limits);
    assert_int_equal(wire_encode_answer(&a, ID, &b->limits, b->region, 160, &b->len),
                     ERR_TOO_LARGE);
    assert_int_equal(
        wire_encode_cut_answer(&a, ID, &b->limits, b->region, 160, &b->len), OK);
    assert_int_equal(decode(b), OK);

    assert_true(b->out.sitemap.is_cut);
    assert_int_equal(b->out.sitemap.n_sitemaps, 2);
}

/* ---- the decoder believes nothing ---- */

static void every_truncation_is_refused(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();
    size_t whole;

    assert_int_equal(encode(b, &a), OK);
    whole = b->len;

    for (b->len = 0; b->len < whole; b->len++)
        assert_int_not_equal(decode(b), OK);
}

static void bytes_left_over_are_refused(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();

    assert_int_equal(encode(b, &a), OK);
    b->len++;

    assert_int_equal(decode(b), ERR_CORRUPT);
}

static void another_id_is_refused(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();

    assert_int_equal(encode(b, &a), OK);

    assert_int_equal(wire_decode_answer(span_make(b->region, b->len), ID + 1,
                                        &b->limits, &b->mem, &b->out),
                     ERR_CORRUPT);
}

static void another_version_is_refused(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();

    assert_int_equal(encode(b, &a), OK);
    b->region[1]++;

    assert_int_equal(decode(b), ERR_VERSION);
}

static void another_kind_is_refused(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();

    assert_int_equal(encode(b, &a), OK);
    b->limits.kind = JOB_ROBOTS;

    assert_int_equal(decode(b), ERR_CORRUPT);
}

/* Writes value over the first place where the bytes of what stand. */
static void overwrite(struct bench *b, const char *what, size_t offset, int value)
{
    size_t at = span_find_span(span_make(b->region, b->len), span_str(what));

    assert_true(at + offset < b->len);
    b->region[at + offset] = (char)value;
}

static const struct byte_row {
    const char *label;
    const char *what; /* text behind which, or bytes of the head (NULL) */
    int offset;
    int value;
} byte_rows[] = {
    { "a parse outcome that does not exist", NULL, 0, N_PARSE_OUTCOMES },
    { "a decode outcome that does not exist", NULL, 1, N_DECODE_OUTCOMES },
    { "page flags that do not exist", NULL, 2, 8 },
    { "a negative size", NULL, 10, 0x80 },
    { "a negative number of words", NULL, 18, 0xff },
    { "a link kind that does not exist", "http://example.org/a#f", -9, N_LINK_KINDS },
    { "a hop that does not exist", "http://example.org/a#f", -8, N_FACT_HOPS },
    { "a nofollow that is no flag", "http://example.org/a#f", -7, 2 },
    { "a URL length beyond the message", "http://example.org/a#f", -5, 0x1f },
    { "a URL of no length", "http://example.org/a#f", -6, 0 },
    { "a URL with a space", "http://example.org/a#f", 4, ' ' },
    { "a URL with a control", "http://example.org/a#f", 5, 0x1b },
    { "a URL with a byte above ASCII", "http://example.org/a#f", 6, 0xe4 },
    { "a URL with DEL", "http://example.org/a#f", 7, 0x7f },
    { "a canonical URL with a line feed", "http://example.org/", 3, '\n' },
    { "a title that is no UTF-8", "Titel", 2, 0xc3 },
    { "a title with NUL", "Titel", 1, 0 },
    { "anchor text that is no UTF-8", "\xc3\xa4nchor", 1, 'x' },
    { "full text that is no UTF-8", "all the words", 3, 0x80 },
    { "a text length over the limit", "all the words", -1, 0x7f },
    { "a body length over the limit", "\x28\xb5\x2f\xfd", -1, 0x7f },
    { "JSON with NUL", "{\"a\":1}", 0, 0 },
};

static void a_bent_byte_is_refused(void **state)
{
    const struct byte_row *row = *state;
    struct answer a = full_page();
    void *fresh = NULL;
    struct bench *b;
    enum err e;

    set_up(&fresh);
    b = fresh;
    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), OK);

    if (row->what)
        overwrite(b, row->what, (size_t)row->offset, row->value);
    else
        b->region[HEAD_BYTES + row->offset] = (char)row->value;
    e = decode(b);

    tear_down(&fresh);
    assert_true(e == ERR_CORRUPT || e == ERR_TOO_LARGE);
}

static void a_count_that_the_bytes_cannot_hold_allocates_nothing(void **state)
{
    struct bench *b = *state;
    struct answer a = { .kind = JOB_PAGE };

    b->job.max_links = UINT32_MAX;
    assert_int_equal(encode(b, &a), OK);
    memset(b->region + b->len - 4, 0xff, 4); /* the number of links is last */
    arena_clear(&b->mem);

    assert_int_equal(decode(b), ERR_CORRUPT);
    assert_int_equal(b->mem.used_bytes, 0);
}

static void a_count_over_the_jobs_limit_is_refused(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();

    assert_int_equal(encode(b, &a), OK);
    b->limits.max_links = 1;

    assert_int_equal(decode(b), ERR_TOO_LARGE);
}

static void a_rule_that_begins_otherwise_is_refused(void **state)
{
    struct bench *b = *state;
    struct robots_rule rule = { SPAN("/path"), 1, false };
    struct answer a = { .kind = JOB_ROBOTS,
                        .robots = {
                            .rules = &rule, .n_rules = 1, .crawl_delay_ms = -1 } };

    b->job.kind = JOB_ROBOTS;
    assert_int_equal(encode(b, &a), OK);
    overwrite(b, "/path", 0, 'x');

    assert_int_equal(decode(b), ERR_CORRUPT);
}

static void a_crawl_delay_below_none_is_refused(void **state)
{
    struct bench *b = *state;
    struct answer a = { .kind = JOB_ROBOTS, .robots = { .crawl_delay_ms = -2 } };

    b->job.kind = JOB_ROBOTS;
    assert_int_equal(encode(b, &a), OK);

    assert_int_equal(decode(b), ERR_CORRUPT);
}

static void an_inspect_answer_is_one_line_of_text(void **state)
{
    static const struct span bad[] = { { "{\n}", 3 },
                                       { "\x1b[1m", 4 },
                                       { "{\"\xff\"}", 5 } };
    struct bench *b = *state;
    struct answer a = { .kind = JOB_INSPECT, .bytes = SPAN("{\"id\":1}") };

    b->job.kind = JOB_INSPECT;
    assert_int_equal(encode(b, &a), OK);
    assert_int_equal(decode(b), OK);

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        a.bytes = bad[i];
        assert_int_equal(encode(b, &a), OK);
        assert_int_equal(decode(b), ERR_CORRUPT);
    }
}

static void an_inspect_answer_that_is_too_long_is_left_out_and_said_so(void **state)
{
    struct bench *b = *state;
    struct answer a = { .kind = JOB_INSPECT, .bytes = SPAN("{\"id\":1}") };

    b->job.kind = JOB_INSPECT;
    wire_limits_of(&b->job, &b->limits);
    b->limits.max_bytes = a.bytes.len;
    assert_int_equal(wire_encode_answer(&a, ID, &b->limits, b->region, REGION_BYTES, &b->len), OK);
    assert_int_equal(decode(b), OK);
    assert_span(b->out.bytes, "{\"id\":1}");
    assert_int_equal(b->out.decode, DECODE_OK);

    b->limits.max_bytes--;
    assert_int_equal(wire_encode_answer(&a, ID, &b->limits, b->region, REGION_BYTES, &b->len), OK);
    assert_int_equal(decode(b), OK);
    assert_int_equal(b->out.bytes.len, 0);
    assert_int_equal(b->out.decode, DECODE_TOO_LARGE);
}

static void the_text_of_a_page_is_text(void **state)
{
    struct bench *b = *state;
    struct answer a = { .kind = JOB_TEXT, .bytes = SPAN("two\nlines\0and more") };

    b->job.kind = JOB_TEXT;
    b->job.max_text_bytes = 100;
    assert_int_equal(encode(b, &a), OK); /* the sender keeps to the rule */
    assert_int_equal(decode(b), OK);
    assert_int_equal(b->out.bytes.len, 9);

    b->region[b->len - 1] = '\xff'; /* another one may not */
    assert_int_equal(decode(b), ERR_CORRUPT);
}

/* Flips every single bit of a message: never a crash, never a page with a bad text or URL. */
static void every_flipped_bit_is_refused_or_harmless(void **state)
{
    struct bench *b = *state;
    struct answer a = full_page();

    assert_int_equal(encode(b, &a), OK);

    for (size_t bit = 0; bit < b->len * 8; bit++) {
        b->region[bit / 8] ^= (char)(1 << bit % 8);
        if (decode(b) == OK) {
            assert_true(wire_io_is_text(b->out.page.title));
            assert_true(wire_io_is_text(b->out.page.text));
            assert_true(b->out.page.n_links <= 100);
            for (size_t i = 0; i < b->out.page.n_links; i++)
                assert_true(wire_io_is_url(b->out.page.links[i].url));
        }
        b->region[bit / 8] ^= (char)(1 << bit % 8);
        arena_reset(&b->mem);
    }
}

static void too_many_parts_of_a_request_are_refused(void **state)
{
    struct bench *b = *state;
    struct job job = { .kind = JOB_PAGE };

    job.headers = span_make(b->region, WIRE_MAX_REQUEST_BYTES + 1);

    assert_int_equal(wire_encode_job(&job, ID, b->region, REGION_BYTES, &b->len),
                     ERR_TOO_LARGE);
}

/* ---- the characters of a URL and of a text, byte for byte ---- */

static void url_characters_are_printable_ascii(void **state)
{
    char text[33];

    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t i = 0; i < sizeof text * sizeof text; i++) {
            size_t len = 1 + i / sizeof text;

            memset(text, 'a', sizeof text);
            text[i % len] = (char)c;
            assert_int_equal(wire_io_is_url(span_make(text, len)), c >= 0x21 && c <= 0x7e);
        }
    }
    assert_true(wire_io_is_url(SPAN_NONE));
}

/* ---- and of a text ---- */

static void text_has_no_nul_and_is_utf8(void **state)
{
    char text[19];

    (void)state;
    for (int c = 0; c < 256; c++) {
        for (size_t i = 0; i < sizeof text * sizeof text; i++) {
            size_t len = 1 + i / sizeof text, at = i % len;
            bool is_good = c && c < 0x80;

            memset(text, 'a', sizeof text);
            text[at] = (char)c;
            assert_int_equal(wire_io_is_text(span_make(text, len)), is_good);
            assert_int_equal(wire_io_clean_text(span_make(text, len), sizeof text).len,
                             is_good ? len : at);
        }
    }
    assert_true(wire_io_is_text(SPAN("0123456é")));
    assert_int_equal(wire_io_clean_text(SPAN("0123456é"), 8).len, 7);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest plain[] = {
        WITH_BENCH(a_job_survives_the_way),
        WITH_BENCH(a_job_wants_what_it_was_told_to_want_and_nothing_else),
        WITH_BENCH(an_answer_may_be_as_long_as_its_job_lets_it),
        WITH_BENCH(a_page_survives_the_way),
        WITH_BENCH(a_dictionary_survives_the_way),
        WITH_BENCH(a_dictionary_that_breaks_the_rule_is_not_sent),
        WITH_BENCH(a_dictionary_that_is_too_long_foreign_or_unasked_is_refused),
        WITH_BENCH(facts_that_are_no_json_object_are_left_out),
        WITH_BENCH(links_survive_the_way),
        WITH_BENCH(robots_rules_survive_the_way),
        WITH_BENCH(a_sitemap_survives_the_way),
        WITH_BENCH(a_sitemap_of_any_type_survives_the_way_and_one_of_none_does_not),
        WITH_BENCH(broken_text_is_cut_before_it_is_sent),
        WITH_BENCH(links_with_a_broken_url_are_left_out),
        WITH_BENCH(more_links_than_allowed_are_cut_and_said_so),
        WITH_BENCH(texts_over_their_limit_are_clipped_at_a_character),
        WITH_BENCH(an_answer_that_does_not_fit_says_so),
        WITH_BENCH(a_cut_page_keeps_what_fits),
        WITH_BENCH(a_cut_sitemap_keeps_what_fits),
        WITH_BENCH(every_truncation_is_refused),
        WITH_BENCH(bytes_left_over_are_refused),
        WITH_BENCH(another_id_is_refused),
        WITH_BENCH(another_version_is_refused),
        WITH_BENCH(another_kind_is_refused),
        WITH_BENCH(a_count_that_the_bytes_cannot_hold_allocates_nothing),
        WITH_BENCH(a_count_over_the_jobs_limit_is_refused),
        WITH_BENCH(a_rule_that_begins_otherwise_is_refused),
        WITH_BENCH(a_crawl_delay_below_none_is_refused),
        WITH_BENCH(an_inspect_answer_is_one_line_of_text),
        WITH_BENCH(an_inspect_answer_that_is_too_long_is_left_out_and_said_so),
        WITH_BENCH(the_text_of_a_page_is_text),
        WITH_BENCH(every_flipped_bit_is_refused_or_harmless),
        WITH_BENCH(too_many_parts_of_a_request_are_refused),
        cmocka_unit_test(url_characters_are_printable_ascii),
        cmocka_unit_test(text_has_no_nul_and_is_utf8),
    };
    struct CMUnitTest tests[ARRAY_LEN(plain) + ARRAY_LEN(byte_rows)];
    struct byte_row rows[ARRAY_LEN(byte_rows)];

    memcpy(tests, plain, sizeof plain);
    memcpy(rows, byte_rows, sizeof rows);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        tests[ARRAY_LEN(plain) + i] =
            (struct CMUnitTest){ .name = rows[i].label,
                                 .test_func = a_bent_byte_is_refused,
                                 .initial_state = &rows[i] };
    return cmocka_run_group_tests_name("parse/wire", tests, NULL, NULL);
}
