/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fetch/head.h"

struct row {
    const char *label;
    const char *text;         /* lines with their endings */
    const char *want_refusal; /* NULL: fine */
    bool want_complete;
    int want_status;
    const char *source;
};

static const struct row ROWS[] = {
    { "an ordinary head", "HTTP/1.1 200 OK\r\nServer: x\r\n\r\n", NULL, true, 200,
      "RFC 9112 §2" },
    { "line feeds alone end lines", "HTTP/1.1 200 OK\nServer: x\n\n", NULL, true, 200,
      "RFC 9112 §2.2" },
    { "without the blank line it is not complete", "HTTP/1.1 200 OK\r\nServer: x\r\n",
      NULL, false, 200, "promise P2" },
    { "HTTP/2 as libcurl writes it", "HTTP/2 404 \r\nserver: x\r\n\r\n", NULL, true,
      404, "P48" },
    { "no reason phrase", "HTTP/1.1 204\r\n\r\n", NULL, true, 204, "RFC 9112 §4" },
    { "interim answers are not the answer",
      "HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\nHTTP/1.1 404 No\r\n\r\n", NULL, true,
      404, "RFC 9110 §15.2" },
    { "an interim answer alone is not complete", "HTTP/1.1 100 Continue\r\n\r\n", NULL,
      false, 100, "RFC 9110 §15.2" },
    { "101 is taken for final", "HTTP/1.1 101 Switch\r\n\r\n", NULL, true, 101, "P49" },
    { "a status of 999", "HTTP/1.1 999 No\r\n\r\n", NULL, true, 999, "P49" },
    { "a status that is no number", "HTTP/1.1 abc\r\n\r\n", "malformed status line",
      false, 0, "RFC 9112 §4" },
    { "a status below 100", "HTTP/1.1 099 x\r\n\r\n", "malformed status line", false, 0,
      "RFC 9112 §4" },
    { "the same length twice is one",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length:5\r\n\r\n", NULL, true,
      200, "RFC 9110 §8.6" },
    { "the same length in a list is one",
      "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", NULL, true, 200,
      "RFC 9110 §8.6" },
    { "two lengths",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
      "contradictory Content-Length", false, 200, "P29, RFC 9112 §6.3" },
    { "two lengths in a list", "HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\n",
      "contradictory Content-Length", false, 200, "P29" },
    { "a length below zero", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
      "invalid Content-Length", false, 200, "RFC 9110 §8.6" },
    { "a length with a plus sign", "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\n",
      "invalid Content-Length", false, 200, "RFC 9110 §8.6" },
    { "a length beyond 64 bits",
      "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n",
      "invalid Content-Length", false, 200, "P10" },
    { "an empty length", "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
      "invalid Content-Length", false, 200, "RFC 9110 §8.6" },
    { "length and transfer coding",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
      "both Content-Length and Transfer-Encoding", false, 200, "P29, RFC 9112 §6.1" },
    { "identity is no transfer coding",
      "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: identity\r\n\r\n",
      NULL, true, 200, "RFC 2616 §3.6" },
    { "a contradiction in an interim answer does not count",
      "HTTP/1.1 103 E\r\nContent-Length: 1\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n",
      NULL, true, 200, "RFC 9110 §15.2" },
    { "a fold before any field", "HTTP/1.1 200 OK\r\n folded\r\n\r\n",
      "header block begins with white space", false, 200, "RFC 9112 §2.2" },
    { "a line without a colon is borne", "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n", NULL,
      true, 200, "browsers" },
    { "a blank line cut before its end, which libcurl 8.23 hands on", "HTTP/1.1 200 OK\r\nA: b\r\n\r", NULL, false, 200,
      "P2" },
    { "a blank line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", "no status line", false, 0,
      "P29" },
};

/* Feeds text line by line until it is refused. */
static enum err feed(struct head *h, struct span text)
{
    enum err e = OK;

    while (!e && text.len) {
        size_t n = MIN(span_find(text, '\n') + 1, text.len);

        e = head_add_line(h, span_slice(text, 0, n));
        text = span_skip(text, n);
    }
    return e;
}

static void read_head(void **state)
{
    const struct row *row = *state;
    struct head h;

    head_init(&h, 100000, 100);
    assert_int_equal(feed(&h, span_str(row->text)),
                     row->want_refusal ? ERR_INVALID : OK);
    if (row->want_refusal)
        assert_string_equal(h.refusal, row->want_refusal);
    else
        assert_null(h.refusal);
    assert_int_equal(h.is_complete, row->want_complete);
    assert_int_equal(h.status_code, row->want_status);
    head_clear(&h);
}

static void assert_value(const struct head *h, enum head_field field, const char *want)
{
    struct span got = head_value(h, field);

    assert_int_equal(got.len, strlen(want));
    assert_memory_equal(got.len ? got.ptr : "", want, got.len);
}

static void fields_are_found_first_value_first(void **state)
{
    struct head h;

    (void)state;
    head_init(&h, 10000, 100);
    assert_int_equal(
        feed(&h, SPAN("HTTP/1.1 200 OK\r\nCONTENT-TYPE:  text/html \r\nETag: \"a\"\r\n"
                      "ETag: \"b\"\r\nLocation:\r\nRetry-After : 5\r\n\r\n")),
        OK);

    assert_value(&h, HEAD_CONTENT_TYPE, "text/html");
    assert_value(&h, HEAD_ETAG, "\"a\"");
    assert_value(&h, HEAD_LOCATION, "");
    assert_value(&h, HEAD_RETRY_AFTER, "5");
    assert_value(&h, HEAD_LAST_MODIFIED, "");
    head_clear(&h);
}

static void folded_values_are_joined(void **state)
{
    struct head h;

    (void)state;
    head_init(&h, 10000, 100);
    assert_int_equal(
        feed(&h, SPAN("HTTP/1.1 200 OK\r\nContent-Type: text/html;\r\n\tcharset=x\r\n"
                      "ETag: \"e\"\r\n\r\n")),
        OK);

    assert_value(&h, HEAD_CONTENT_TYPE, "text/html;  \tcharset=x");
    assert_value(&h, HEAD_ETAG, "\"e\"");
    assert_true(
        span_eq(buf_span(&h.lines),
                SPAN("Content-Type: text/html;  \tcharset=x\r\nETag: \"e\"\r\n")));
    head_clear(&h);
}

static void only_the_final_answers_lines_are_kept(void **state)
{
    struct head h;

    (void)state;
    head_init(&h, 10000, 100);
    assert_int_equal(feed(&h, SPAN("HTTP/1.1 103 Early\r\nETag: \"early\"\r\n\r\n"
                                   "HTTP/1.0 200 OK\nServer: x\n\nX-Trailer: t\r\n")),
                     OK);

    assert_true(span_eq(buf_span(&h.lines), SPAN("Server: x\r\n")));
    assert_value(&h, HEAD_ETAG, "");
    assert_int_equal(h.http_minor, 0);
    head_clear(&h);
}

/* Promise P28. */
static void bytes_are_bounded_over_interim_answers_and_trailers(void **state)
{
    static const char *const floods[] = { "HTTP/1.1 100 Continue\r\n\r\n",
                                          "X-T: trailer\r\n" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(floods); i++) {
        struct head h;
        size_t n = 0;

        head_init(&h, 3000, 1000000);
        if (i == 1)
            assert_int_equal(feed(&h, SPAN("HTTP/1.1 200 OK\r\n\r\n")), OK);
        while (n < 10000 && feed(&h, span_str(floods[i])) == OK)
            n++;

        assert_string_equal(h.refusal, "header fields too large");
        assert_in_range(n, 100, 3000);
        head_clear(&h);
    }
}

static void lines_are_bounded(void **state)
{
    struct head h;

    (void)state;
    head_init(&h, 1000000, 50);
    assert_int_equal(feed(&h, SPAN("HTTP/1.1 200 OK\r\n")), OK);
    for (int i = 0; i < 49; i++)
        assert_int_equal(feed(&h, SPAN("A: b\r\n")), OK);

    assert_int_equal(feed(&h, SPAN("A: b\r\n")), ERR_INVALID);
    assert_string_equal(h.refusal, "too many header lines");
    head_clear(&h);
}

/* Found by fuzzing: a value was noted before it turned out not to fit. */
static void what_did_not_fit_has_no_place(void **state)
{
    static const char *const lasts[] = { "Retry-After: 12345678901234567890\r\n",
                                         "ETag: x\r\n 12345678901234567890\r\n" };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lasts); i++) {
        struct head h;

        head_init(&h, 50, 50);
        h.max_bytes = 1000; /* the kept lines run full first */
        assert_int_equal(
            feed(&h, SPAN("HTTP/1.1 200 OK\r\nAaaaaaaaaaaaaaaa: bbbbbbbbbb\r\n")), OK);
        assert_int_equal(feed(&h, span_str(lasts[i])), ERR_INVALID);
        for (int field = 0; field < N_HEAD_FIELDS; field++) {
            struct span v = head_value(&h, (enum head_field)field);

            assert_true(!v.len || v.ptr + v.len <= h.lines.ptr + h.lines.len);
        }
        head_clear(&h);
    }
}

static void a_nul_in_a_line_is_refused(void **state)
{
    struct head h;

    (void)state;
    head_init(&h, 1000, 50);
    assert_int_equal(feed(&h, SPAN("HTTP/1.1 200 OK\r\nA: b\0c\r\n\r\n")), ERR_INVALID);
    assert_string_equal(h.refusal, "NUL in a header line");
    head_clear(&h);
}

static void reset_makes_it_new(void **state)
{
    struct head h;

    (void)state;
    head_init(&h, 100000, 50);
    assert_int_equal(
        feed(&h, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: x\r\n\r\n")), OK);
    head_reset(&h);

    assert_int_equal(h.n_bytes, 0);
    assert_false(h.is_complete);
    assert_int_equal(h.content_length, -1);
    assert_value(&h, HEAD_ETAG, "");
    assert_int_equal(feed(&h, SPAN("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n")),
                     OK);
    head_clear(&h);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(fields_are_found_first_value_first),
        cmocka_unit_test(folded_values_are_joined),
        cmocka_unit_test(only_the_final_answers_lines_are_kept),
        cmocka_unit_test(bytes_are_bounded_over_interim_answers_and_trailers),
        cmocka_unit_test(lines_are_bounded),
        cmocka_unit_test(what_did_not_fit_has_no_place),
        cmocka_unit_test(a_nul_in_a_line_is_refused),
        cmocka_unit_test(reset_makes_it_new),
    };
    struct CMUnitTest tests[ARRAY_LEN(ROWS) + ARRAY_LEN(others)];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        tests[n++] = (struct CMUnitTest){ ROWS[i].label, read_head, NULL, NULL,
                                          (void *)(uintptr_t)&ROWS[i] };
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests_name("fetch/head", tests, NULL, NULL);
}
