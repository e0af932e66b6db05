/* SPDX-License-Identifier: MIT */
/* The pieces of a report: text that means harm, figures of a run, pictures of odd figures. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "config/mem.h"
#include "crawler/report_chart.h"
#include "crawler/report_policy.h"
#include "tests/kit/markup.h"

/* As SPAN, for an initialiser of static data. */
#define LIT(text)              \
    {                          \
        text, sizeof(text) - 1 \
    }
#define MAX_OUT ((size_t)4 * MIB)

/* --- text -------------------------------------------------------------------------- */

static const struct {
    const char *label;
    struct span in;
    const char *want;
} texts[] = {
    { "markup is text", LIT("</script><b a=\"1\" b='2'>&amp;"),
      "&lt;/script&gt;&lt;b a=&quot;1&quot; b=&#39;2&#39;&gt;&amp;amp;" },
    { "the end of a CDATA section is text", LIT("]]>"), "]]&gt;" },
    { "NUL and escape are shown as their pictures", LIT("a\0b\x1b[31m"),
      "a&#x2400;b&#x241b;[31m" },
    { "white space is a space", LIT("a\tb\r\nc"), "a b  c" },
    { "marks that turn the direction are named", LIT("\u202egnp.exe\u2069"),
      "[U+202E]gnp.exe[U+2069]" },
    { "what hides is named", LIT("a\u200bb\ufeff\xc2\xad"),
      "a[U+200B]b[U+FEFF][U+00AD]" },
    { "C1 controls are named", LIT("\xc2\x85"), "[U+0085]" },
    { "joiners that scripts need stay", LIT("\u0915\u094d\u200d"),
      "\u0915\u094d\u200d" },
    { "bytes that are no UTF-8 are replaced one by one", LIT("a\xff\xc3(b"),
      "a\ufffd\ufffd(b" },
    { "what is no character is replaced", LIT("\xef\xbf\xbf"), "\ufffd" },
    { "other writing stays", LIT("\u65e5\u672c\u8a9e \u05d0"),
      "\u65e5\u672c\u8a9e \u05d0" },
};

static void text_can_do_no_harm(void **state)
{
    size_t i = (size_t)(uintptr_t)*state;
    struct report_html h;

    report_html_init(&h, MAX_OUT);
    report_html_text(&h, texts[i].in, REPORT_HTML_CLIP);

    assert_int_equal(h.e, OK);
    assert_true(span_eq(buf_span(&h.buf), span_str(texts[i].want)));
    report_html_clear(&h);
}

static void a_long_text_is_cut_between_characters(void **state)
{
    char *title = mem_alloc((size_t)64 * KIB + 1);
    struct report_html h;

    (void)state;
    for (size_t i = 0; i < (size_t)32 * KIB; i++)
        memcpy(title + 2 * i, "\u00e9", 2);
    report_html_init(&h, MAX_OUT);
    report_html_text(&h, span_make(title, (size_t)64 * KIB), REPORT_HTML_CLIP + 1);

    assert_int_equal(h.buf.len, REPORT_HTML_CLIP + strlen("\u2026"));
    assert_true(span_is_utf8(buf_span(&h.buf)));
    assert_true(span_ends(buf_span(&h.buf), SPAN("\u2026")));
    report_html_clear(&h);
    mem_free(title);
}

static const struct {
    const char *label;
    const char *url;
    bool is_link;
} urls[] = {
    { "http is linked", "http://a.example/x?y=1&z=2", true },
    { "https in capitals is linked", "HTTPS://a.example/", true },
    { "a script is not linked", "javascript:alert(1)", false },
    { "data is not linked", "data:text/html,<script>alert(1)</script>", false },
    { "white space before a scheme is not linked", " http://a.example/", false },
    { "a control within is not linked", "http://a.example/\x01", false },
    { "bidi marks within are not linked", "http://a.example/\u202e", false },
    { "a quote within a link stays within", "http://a.example/\"onclick=alert(1)",
      true },
};

static void url_is_a_link_only_if_it_is_a_plain_one(void **state)
{
    size_t i = (size_t)(uintptr_t)*state;
    struct report_html h;
    struct markup m;

    report_html_init(&h, MAX_OUT);
    report_html_url(&h, span_str(urls[i].url));
    markup_read(buf_span(&h.buf), &m);

    assert_string_equal(m.problem, "");
    assert_false(m.has_script);
    assert_int_equal(m.n_links, urls[i].is_link ? 1 : 0);
    report_html_clear(&h);
}

static void a_long_url_keeps_its_ends_and_leads_where_it_did(void **state)
{
    char url[600];
    struct report_html h;
    struct span page;

    (void)state;
    memset(url, 'x', sizeof url);
    memcpy(url, "https://a.example/begin", 23);
    memcpy(url + sizeof url - 4, "end", 4);
    report_html_init(&h, MAX_OUT);
    report_html_url(&h, span_str(url));
    page = buf_span(&h.buf);

    assert_true(span_find_span(page, span_str(url)) < page.len); /* in href, whole */
    assert_true(span_ends(page, SPAN("xxxxxend</a>")));
    assert_true(page.len < 600 + 400);
    report_html_clear(&h);
}

/* --- figures ----------------------------------------------------------------------- */

static struct report_run run_of(int64_t ms)
{
    return (struct report_run){ .id = 1, .started_at = 1000, .ended_at = 1000 + ms };
}

static struct reader_value whole(int64_t n)
{
    return (struct reader_value){ .type = READER_INTEGER, .integer = n };
}

static struct reader_value word(const char *s)
{
    return (struct reader_value){ .type = READER_TEXT, .text = span_str(s) };
}

/* A request; code 0: no answer. */
static void add(struct report_tally *t, int64_t code, int64_t at, int64_t ms,
                int64_t host)
{
    struct reader_value v[N_READER_ANSWER_COLUMNS] = { 0 };

    v[READER_ANSWER_OUTCOME] = word(code ? "ok" : "timeout");
    if (code) {
        v[READER_ANSWER_STATUS_CODE] = whole(code);
        v[READER_ANSWER_TOTAL_MS] = whole(ms);
        v[READER_ANSWER_SIZE] = whole(5000);
    }
    v[READER_ANSWER_FETCHED_AT] = whole(at);
    v[READER_ANSWER_WIRE_SIZE] = whole(1000);
    v[READER_ANSWER_DEPTH] = whole(2);
    v[READER_ANSWER_HOST_ID] = whole(host);
    v[READER_ANSWER_CONTENT_TYPE] = word("Text/HTML ; charset=utf-8");
    assert_int_equal(report_tally_row(t, NULL, v, N_READER_ANSWER_COLUMNS), OK);
}

static void a_run_is_counted_in_one_pass(void **state)
{
    struct report_run run = run_of(10000);
    struct report_tally *t = report_tally_new(&run);
    struct report_host top[2];

    (void)state;
    for (int i = 0; i < 90; i++)
        add(t, 200, 1000 + i * 100, 10, 1);
    for (int i = 0; i < 9; i++)
        add(t, 404, 1500, 300, 2);
    add(t, 0, 1500, 0, 2);

    assert_int_equal(t->requests, 100);
    assert_int_equal(t->answered, 99);
    assert_int_equal(t->bytes, 100000);
    assert_int_equal(t->by_code[404], 9);
    assert_string_equal(t->outcomes.items[0].word, "timeout");
    assert_string_equal(t->types.items[0].word, "text/html");
    assert_int_equal(t->types.len, 1);
    assert_int_equal(t->by_depth[2], 100);
    assert_int_equal(report_tally_top_hosts(t, top, 2), 2);
    assert_int_equal(top[0].id, 1);
    assert_int_equal(top[1].errors, 10);
    assert_true(t->n_slots > 1 && t->n_slots <= REPORT_TALLY_SLOTS);
    assert_int_equal(t->slots[0].requests, 2);
    report_tally_free(t);
}

static void moments_outside_the_run_have_no_slot(void **state)
{
    struct report_run run = run_of(10000);
    struct report_tally *t = report_tally_new(&run);
    int64_t in_slots = 0;

    (void)state;
    add(t, 200, INT64_MIN, 10, 1);
    add(t, 200, INT64_MAX, INT64_MAX, -5);
    add(t, 999999, 0, INT64_MIN, 1);
    for (size_t i = 0; i < t->n_slots; i++)
        in_slots += t->slots[i].requests;

    assert_int_equal(t->requests, 3);
    assert_int_equal(in_slots, 0);
    report_tally_free(t);
}

static void percentiles_are_right_to_a_part_in_64(void **state)
{
    struct report_spread *s = mem_alloc(sizeof *s);

    (void)state;
    assert_int_equal(report_tally_percentile(s, 0.5), 0);
    for (int64_t i = 1; i <= 100000; i++)
        report_tally_spread(s, i);

    for (int i = 1; i < 100; i++) {
        int64_t want = i * 1000, got = report_tally_percentile(s, i / 100.0);

        assert_in_range(got, want - want / 64 - 1, want + want / 64 + 1);
    }
    assert_int_equal(report_tally_percentile(s, 1.0), 100000);
    mem_free(s);
}

static void more_hosts_than_are_kept_count_together(void **state)
{
    struct report_run run = run_of(10000);
    struct report_tally *t = report_tally_new(&run);

    (void)state;
    for (int64_t id = 1; id <= REPORT_TALLY_HOSTS + 7; id++)
        add(t, 200, 1500, 1, id);

    assert_int_equal(t->hosts.len, REPORT_TALLY_HOSTS);
    assert_int_equal(t->other_hosts.requests, 7);
    report_tally_free(t);
}

/* As the program counts while it runs: what --max-size cut is no error. */
static void an_incomplete_answer_is_an_error(void **state)
{
    struct report_run run = run_of(10000);
    struct report_tally *t = report_tally_new(&run);
    static const char *const outcomes[] = {
        "ok", "too_large", "incomplete", "timeout", "bad_encoding", "redirect_limit"
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(outcomes); i++) {
        struct reader_value v[N_READER_ANSWER_COLUMNS] = { 0 };

        v[READER_ANSWER_OUTCOME] = word(outcomes[i]);
        v[READER_ANSWER_STATUS_CODE] = whole(200);
        v[READER_ANSWER_HOST_ID] = whole(1);
        assert_int_equal(report_tally_row(t, NULL, v, N_READER_ANSWER_COLUMNS), OK);
    }

    assert_int_equal(t->answered, 6);
    assert_int_equal(t->errors, 4);
    report_tally_free(t);
}

static void words_beyond_the_table_count_with_the_last(void **state)
{
    struct report_run run = run_of(10000);
    struct report_tally *t = report_tally_new(&run);
    int64_t sum = 0;

    (void)state;
    for (int i = 0; i < 3 * REPORT_TALLY_WORDS; i++) {
        struct reader_value v[N_READER_ANSWER_COLUMNS] = { 0 };
        char name[200];

        memset(name, 'a' + i % 26, sizeof name);
        snprintf(name, sizeof name, "odd%d", i);
        v[READER_ANSWER_OUTCOME] = word(name);
        assert_int_equal(report_tally_row(t, NULL, v, N_READER_ANSWER_COLUMNS), OK);
    }
    for (size_t i = 0; i < t->outcomes.len; i++)
        sum += t->outcomes.items[i].n;

    assert_int_equal(t->outcomes.len, REPORT_TALLY_WORDS);
    assert_int_equal(sum, 3 * REPORT_TALLY_WORDS);
    report_tally_free(t);
}

/* --- pictures ---------------------------------------------------------------------- */

/* Well formed, without a number that is none. */
static void assert_picture(struct report_html *h)
{
    struct span page = buf_span(&h->buf);
    struct markup m;

    assert_int_equal(h->e, OK);
    markup_read(page, &m);
    assert_string_equal(m.problem, "");
    assert_false(m.has_script || m.asks_outside);
    assert_int_equal(span_find_nocase(page, SPAN("nan")), page.len);
    assert_int_equal(span_find_nocase(page, SPAN("\"inf")), page.len);
    report_html_clear(h);
}

static void any_spread_is_a_picture(void **state)
{
    static const int64_t values[] = { 0, 1, 2, 49, 1000, 999999, INT64_MAX };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        for (size_t k = i; k < ARRAY_LEN(values); k++) {
            struct report_spread *s = mem_alloc(sizeof *s);
            struct report_html h;

            report_tally_spread(s, values[i]);
            report_tally_spread(s, values[k]);
            report_html_init(&h, MAX_OUT);
            report_chart_spread(&h, s, i % 2 ? figures_bytes : figures_duration);
            assert_picture(&h);
            mem_free(s);
        }
}

static void bars_take_names_from_the_web(void **state)
{
    const struct report_bar bars[] = {
        { SPAN("</text></svg><script>alert(1)</script>"), "ok", INT64_MAX, SPAN_NONE },
        { SPAN("\u202e\x01 a name that is far too long to stand beside its figures"),
          "bad", 0, SPAN("<i>note") },
    };
    struct report_html h;

    (void)state;
    report_html_init(&h, MAX_OUT);
    report_chart_bars(&h, bars, ARRAY_LEN(bars), INT64_MAX, "Name", "Count");
    report_chart_parts(&h, bars + 1, 0);
    assert_picture(&h);
}

static void columns_of_one_and_of_many_are_pictures(void **state)
{
    const int64_t counts[REPORT_TALLY_DEPTHS] = { 1, 0, 1000000 };

    (void)state;
    for (size_t n = 1; n <= REPORT_TALLY_DEPTHS; n += REPORT_TALLY_DEPTHS - 1) {
        struct report_html h;

        report_html_init(&h, MAX_OUT);
        report_chart_columns(&h, counts, n, n == REPORT_TALLY_DEPTHS);
        assert_picture(&h);
    }
}

static void progress_of_any_length_is_a_picture(void **state)
{
    static const int64_t lengths[] = { 800, 3000, 12345, 3600000,
                                       INT64_C(4000000000000) };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        struct report_run run = run_of(lengths[i]);
        struct report_tally *t = report_tally_new(&run);
        struct report_html h;

        add(t, 200, 1000, 10, 1);
        assert_true(t->slot_ms > 0);
        report_html_init(&h, MAX_OUT);
        report_chart_progress(&h, t);
        assert_picture(&h);
        report_tally_free(t);
    }
}

/* 89 requests in 3,516 ms are 25.3 a second, wherever that is said; slots of 101 ms would end after 3,535. */
static void the_mean_of_the_progress_is_over_the_run_and_no_longer(void **state)
{
    struct report_run run = run_of(3516);
    struct report_tally *t = report_tally_new(&run);
    struct report_html h;

    (void)state;
    for (int i = 0; i < 89; i++)
        add(t, 200, 1000 + i, 10, 1);
    report_html_init(&h, MAX_OUT);
    report_chart_progress(&h, t);
    assert_true(span_find_span(buf_span(&h.buf), SPAN("mean 25.3<")) < h.buf.len);
    assert_picture(&h);
    report_tally_free(t);
}

static void a_run_of_no_length_has_no_slots(void **state)
{
    struct report_run run = run_of(-5);
    struct report_tally *t = report_tally_new(&run);

    (void)state;
    add(t, 200, 995, 10, 1);

    assert_int_equal(t->slot_ms, 0);
    assert_int_equal(t->n_slots, 0);
    report_tally_free(t);
}

/* --- errors ------------------------------------------------------------------------ */

static void past_the_cap_the_first_error_stays(void **state)
{
    struct report_html h;

    (void)state;
    report_html_init(&h, 100);
    for (int i = 0; i < 100; i++)
        report_html_text(&h, SPAN("<<<<"), REPORT_HTML_CLIP);

    assert_int_equal(h.e, ERR_TOO_LARGE);
    assert_true(h.buf.len <= 100);
    report_html_clear(&h);
}

/* sha256 of "" and of "abc" (FIPS 180-4), as base64 */
static void the_policy_names_a_style_by_its_hash(void **state)
{
    char hash[REPORT_POLICY_HASH_SIZE];

    (void)state;
    assert_int_equal(report_policy_hash(SPAN(""), hash), OK);
    assert_string_equal(hash, "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    assert_int_equal(report_policy_hash(SPAN("abc"), hash), OK);
    assert_string_equal(hash, "sha256-ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

#define OTHER_TESTS 14

int main(void)
{
    struct CMUnitTest tests[OTHER_TESTS + ARRAY_LEN(texts) + ARRAY_LEN(urls)] = {
        cmocka_unit_test(a_long_text_is_cut_between_characters),
        cmocka_unit_test(a_long_url_keeps_its_ends_and_leads_where_it_did),
        cmocka_unit_test(a_run_is_counted_in_one_pass),
        cmocka_unit_test(moments_outside_the_run_have_no_slot),
        cmocka_unit_test(percentiles_are_right_to_a_part_in_64),
        cmocka_unit_test(more_hosts_than_are_kept_count_together),
        cmocka_unit_test(an_incomplete_answer_is_an_error),
        cmocka_unit_test(words_beyond_the_table_count_with_the_last),
        cmocka_unit_test(any_spread_is_a_picture),
        cmocka_unit_test(bars_take_names_from_the_web),
        cmocka_unit_test(columns_of_one_and_of_many_are_pictures),
        cmocka_unit_test(progress_of_any_length_is_a_picture),
        cmocka_unit_test(the_mean_of_the_progress_is_over_the_run_and_no_longer),
        cmocka_unit_test(a_run_of_no_length_has_no_slots),
        cmocka_unit_test(past_the_cap_the_first_error_stays),
        cmocka_unit_test(the_policy_names_a_style_by_its_hash),
    };
    size_t n = OTHER_TESTS;

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        tests[n++] = (struct CMUnitTest){ texts[i].label, text_can_do_no_harm, NULL,
                                          NULL, (void *)(uintptr_t)i };
    for (size_t i = 0; i < ARRAY_LEN(urls); i++)
        tests[n++] =
            (struct CMUnitTest){ urls[i].label, url_is_a_link_only_if_it_is_a_plain_one,
                                 NULL, NULL, (void *)(uintptr_t)i };
    return cmocka_run_group_tests_name("crawler/report", tests, NULL, NULL);
}
