/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "crawler/warc.h"
#include "crawler/warc_http.h"
#include "crawler/warc_index.h"
#include "tests/kit/warcread.h"

#define DATE        INT64_C(1795252800123) /* 2026-11-21T09:20:00.123Z */
#define LINES(text) SPAN(text)

/* --- a directory of our own ------------------------------------------------------ */

struct place {
    char dir[64];
    struct warc *warc;
};

static void place_open(struct place *p)
{
    *p = (struct place){ .dir = "/tmp/crawl-warc-XXXXXX" };
    assert_non_null(mkdtemp(p->dir));
}

static void start(struct place *p, int64_t max_file_bytes)
{
    struct warc_options o = { .dir = p->dir,
                              .max_file_bytes = max_file_bytes,
                              .software = SPAN("crawl/test"),
                              .user_agent = SPAN("crawl/test (+mailto:a@example.org)"),
                              .robots = SPAN("obey"),
                              .settings = SPAN("{\"depth\":3}") };
    struct err_note note;

    assert_int_equal(warc_open(&o, &p->warc, &note), OK);
}

static void stop(struct place *p)
{
    struct err_note note;

    assert_int_equal(warc_close(p->warc, &note), OK);
    p->warc = NULL;
}

static void place_close(struct place *p)
{
    char path[512];
    DIR *list = opendir(p->dir);

    for (struct dirent *entry = readdir(list); entry; entry = readdir(list)) {
        snprintf(path, sizeof path, "%s/%s", p->dir, entry->d_name);
        unlink(path);
    }
    closedir(list);
    assert_int_equal(rmdir(p->dir), 0);
}

/* An exchange like any other; tests change what they are about. */
static struct warc_exchange exchange(const char *url, struct span payload)
{
    return (struct warc_exchange){ .url = span_str(url),
                                   .date_ms = DATE,
                                   .ip = SPAN("127.0.0.1"),
                                   .request_headers =
                                       LINES("Host: a.test\r\nAccept: */*\r\n"),
                                   .status_code = 200,
                                   .http_version = SPAN("1.1"),
                                   .headers = LINES("Content-Type: text/html\r\n"),
                                   .has_payload = true,
                                   .payload = payload,
                                   .outcome = SPAN("ok"),
                                   .total_ms = 12 };
}

static void put(struct place *p, const struct warc_exchange *x)
{
    struct err_note note;

    assert_int_equal(warc_write(p->warc, x, &note), OK);
}

static void put_page(struct place *p, const char *url, struct span payload)
{
    struct warc_exchange x = exchange(url, payload);

    put(p, &x);
}

/* What the directory holds; every file must be whole. */
static struct warcread *read_all(struct place *p)
{
    struct warcread *w = warcread_folder(p->dir, ".warc.gz");

    if (w->problem)
        fail_msg("%s", w->problem);
    return w;
}

static void assert_span(struct span got, const char *want)
{
    if (!span_eq(got, span_str(want)))
        fail_msg("got '%.*s', want '%s'", SPAN_ARG(got), want);
}

/* --- HTTP framing ---------------------------------------------------------------- */

static const struct framing {
    const char *label;
    int status;
    const char *version, *in;
    int64_t payload_len;
    bool is_decoded;
    const char *want, *source;
} framings[] = {
    { "a plain answer stays as it was received", 200, "1.1",
      "Server: x\r\nContent-Length: 5\r\nContent-Type: text/html\r\n", 5, false,
      "HTTP/1.1 200 OK\r\nServer: x\r\nContent-Length: 5\r\nContent-Type: text/html\r\n\r\n",
      "RFC 9112 §2" },
    { "a chunked answer is told by its length", 200, "1.1",
      "transfer-encoding: chunked\r\n", 7, false,
      "HTTP/1.1 200 OK\r\nX-Crawl-Original-transfer-encoding: chunked\r\nContent-Length: 7\r\n\r\n",
      "RFC 9112 §6.1" },
    { "an answer that ended with its connection gets a length", 200, "1.0",
      "Server: x\r\n", 3, false,
      "HTTP/1.0 200 OK\r\nServer: x\r\nContent-Length: 3\r\n\r\n", "RFC 9112 §6.3" },
    { "coded bytes keep their coding", 200, "1.1",
      "Content-Encoding: gzip\r\nContent-Length: 9\r\n", 9, false,
      "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 9\r\n\r\n",
      "RFC 9110 §8.4" },
    { "decoded bytes lose coding and length", 200, "1.1",
      "Content-Encoding: gzip\r\nContent-Length: 9\r\nETag: \"a\"\r\n", 20, true,
      "HTTP/1.1 200 OK\r\nX-Crawl-Original-Content-Encoding: gzip\r\n"
      "X-Crawl-Original-Content-Length: 9\r\nETag: \"a\"\r\nContent-Length: 20\r\n\r\n",
      "RFC 9110 §8.6" },
    { "a length that was not reached is kept under another name", 200, "1.1",
      "Content-Length: 100\r\n", 10, false,
      "HTTP/1.1 200 OK\r\nX-Crawl-Original-Content-Length: 100\r\nContent-Length: 10\r\n\r\n",
      "RFC 9112 §6.3" },
    { "two equal lengths become one", 200, "1.1",
      "Content-Length: 5\r\nContent-Length: 5\r\n", 5, false,
      "HTTP/1.1 200 OK\r\nX-Crawl-Original-Content-Length: 5\r\nX-Crawl-Original-Content-Length: 5\r\n"
      "Content-Length: 5\r\n\r\n",
      "RFC 9110 §8.6" },
    { "HTTP/2 is written as 1.1", 404, "2", "server: x\r\n", 0, false,
      "HTTP/1.1 404 Not Found\r\nserver: x\r\nContent-Length: 0\r\n\r\n",
      "RFC 9113 §8.1" },
    { "204 has no length", 204, "1.1", "Server: x\r\n", 0, false,
      "HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n", "RFC 9110 §8.6" },
    { "a head alone stays as it is", 304, "1.1",
      "Content-Length: 500\r\nTransfer-Encoding: x\r\n", -1, false,
      "HTTP/1.1 304 Not Modified\r\nContent-Length: 500\r\nTransfer-Encoding: x\r\n\r\n",
      "RFC 9110 §15.4.5" },
    { "an unknown status has no phrase", 999, "1.1", "", 0, false,
      "HTTP/1.1 999 \r\nContent-Length: 0\r\n\r\n", "RFC 9112 §4" },
    { "lines without a colon, bare LF and blank lines do no harm", 200, "1.1",
      "odd line\nA: b\n\r\nTransfer-Encoding : chunked\r\n", 1, false,
      "HTTP/1.1 200 OK\r\nodd line\r\nA: b\r\nX-Crawl-Original-Transfer-Encoding : chunked\r\n"
      "Content-Length: 1\r\n\r\n",
      "RFC 9112 §2.2" },
};

static void framing_row(void **state)
{
    const struct framing *row = *state;
    const struct warc_http_answer a = { row->status, span_str(row->version),
                                        span_str(row->in), row->payload_len,
                                        row->is_decoded };
    struct buf out;

    buf_init(&out, (size_t)MIB);
    assert_int_equal(warc_http_format_answer(&a, &out), OK);
    assert_span(buf_span(&out), row->want);
    buf_clear(&out);
}

static void a_request_begins_with_path_and_query(void **state)
{
    static const char *const rows[][2] = {
        { "https://a.test/x/y?q=1&r=/",
          "GET /x/y?q=1&r=/ HTTP/1.1\r\nHost: a.test\r\n\r\n" },
        { "http://a.test:8080/", "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n" },
        { "http://a.test", "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n" },
    };
    struct buf out;

    (void)state;
    buf_init(&out, (size_t)MIB);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        buf_reset(&out);
        assert_int_equal(warc_http_format_request(span_str(rows[i][0]),
                                                  SPAN("Host: a.test\r\n"), &out),
                         OK);
        assert_span(buf_span(&out), rows[i][1]);
    }
    buf_clear(&out);
}

/* --- keys of the index ----------------------------------------------------------- */

static const struct key {
    const char *label, *in, *want;
} keys[] = {
    { "the host is turned round", "http://a.example.org/x", "org,example,a)/x" },
    { "www is dropped", "https://www.example.org/", "org,example)/" },
    { "www2 too", "https://www2.example.org/", "org,example)/" },
    { "but not wwwx", "https://wwwx.example.org/", "org,example,wwwx)/" },
    { "everything is in lower case", "http://example.org/Path?Q=A",
      "org,example)/path?q=a" },
    { "a port stays", "http://example.org:8080/", "org,example:8080)/" },
    { "query parts are sorted", "http://example.org/?b=2&a=1&c",
      "org,example)/?a=1&b=2&c" },
    { "an address of version 6", "http://[::1]:80/", "[::1]:80)/" },
    { "a colon in the path is no port", "http://example.org/a:80",
      "org,example)/a:80" },
    { "a query behind no path", "http://example.org?x", "org,example)/?x" },
    { "no path", "http://example.org", "org,example)/" },
    { "a slash ends no path", "http://example.org/dir/", "org,example)/dir" },
    { "nor one before a query", "http://example.org/dir/?a", "org,example)/dir?a" },
    { "slashes in a row are one", "http://example.org//a///b//", "org,example)/a/b" },
    { "nothing but slashes", "http://example.org//", "org,example)/" },
    { "an empty query is none", "http://example.org/x?", "org,example)/x" },
    { "names come before values", "http://example.org/?id2=1&id=2&id-x=3&id",
      "org,example)/?id&id=2&id-x=3&id2=1" },
    { "what need not be escaped is not", "http://example.org/%7Eme/%41?%61=%2f",
      "org,example)/~me/a?a=/" },
    { "what must be, once", "http://example.org/%2541%2520%20\xe6?%2525",
      "org,example)/a%20%20%e6?%25" },
    { "half an escape", "http://example.org/%4%zz%", "org,example)/%254%25zz%25" },
    { "another scheme stays", "dns:example.org", "dns:example.org" },
};

static void key_row(void **state)
{
    const struct key *row = *state;
    struct buf out;

    buf_init(&out, (size_t)MIB);
    assert_int_equal(warc_index_surt(span_str(row->in), &out), OK);
    assert_span(buf_span(&out), row->want);
    buf_clear(&out);
}

/* --- records --------------------------------------------------------------------- */

static void an_exchange_is_a_response_and_its_request(void **state)
{
    const struct warcread_record *info, *response, *request;
    struct warcread *w;
    struct place p;

    (void)state;
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    put_page(&p, "http://a.test/x?y", SPAN("abc"));
    stop(&p);

    w = read_all(&p);
    assert_int_equal(w->n, 3);
    info = &w->records[0];
    response = &w->records[1];
    request = &w->records[2];
    assert_span(warcread_field(info, "WARC-Type"), "warcinfo");
    assert_span(info->block,
                "software: crawl/test\r\nformat: WARC File Format 1.1\r\n"
                "conformsTo: http://iipc.github.io/warc-specifications/specifications/"
                "warc-format/warc-1.1/\r\nrobots: obey\r\n"
                "http-header-user-agent: crawl/test (+mailto:a@example.org)\r\n"
                "settings: {\"depth\":3}\r\n");
    assert_span(warcread_field(response, "WARC-Type"), "response");
    assert_span(warcread_field(response, "WARC-Target-URI"), "http://a.test/x?y");
    assert_span(warcread_field(response, "WARC-Date"), "2026-11-21T09:20:00.123Z");
    assert_span(warcread_field(response, "WARC-IP-Address"), "127.0.0.1");
    assert_span(warcread_field(response, "Content-Type"),
                "application/http;msgtype=response");
    assert_span(
        response->block,
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nabc");
    assert_span(warcread_field(request, "WARC-Type"), "request");
    assert_span(request->block,
                "GET /x?y HTTP/1.1\r\nHost: a.test\r\nAccept: */*\r\n\r\n");
    assert_true(span_eq(warcread_field(request, "WARC-Concurrent-To"),
                        warcread_field(response, "WARC-Record-ID")));
    assert_true(span_eq(warcread_field(response, "WARC-Concurrent-To"),
                        warcread_field(request, "WARC-Record-ID")));
    assert_true(span_eq(warcread_field(response, "WARC-Warcinfo-ID"),
                        warcread_field(info, "WARC-Record-ID")));
    warcread_free(w);
    place_close(&p);
}

/* SHA-1 and SHA-256 of "abc": FIPS 180-4; in base32: RFC 4648. */
static void digests_are_those_of_payload_and_block(void **state)
{
    struct warcread *w;
    struct place p;

    (void)state;
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    put_page(&p, "http://a.test/", SPAN("abc"));
    stop(&p);

    w = read_all(&p);
    assert_span(warcread_field(&w->records[1], "WARC-Payload-Digest"),
                "sha1:VGMT4NSHA2AWVOR6EVYXQUGCNSONBWE5");
    assert_span(
        warcread_field(&w->records[1], "X-Crawl-Payload-Digest"),
        "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_span(warcread_field(&w->records[1], "WARC-Block-Digest"),
                "sha1:HNMSV3HPNEXIGBHYLFMOLW2NNCUJFUPP");
    warcread_free(w);
    place_close(&p);
}

static void the_same_payload_again_is_a_revisit(void **state)
{
    const struct warcread_record *r;
    struct warcread *w;
    struct warc_exchange again = exchange("http://a.test/2", SPAN("same"));
    struct place p;

    (void)state;
    again.date_ms = DATE + 1000;
    again.headers = LINES("Transfer-Encoding: chunked\r\nX: 2\r\n");
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    put_page(&p, "http://a.test/1", SPAN("same"));
    put(&p, &again);
    put_page(&p, "http://a.test/3", SPAN(""));
    put_page(&p, "http://a.test/4", SPAN(""));
    stop(&p);

    w = read_all(&p);
    r = warcread_find(w, "revisit", "http://a.test/2");
    assert_non_null(r);
    assert_span(warcread_field(r, "WARC-Profile"),
                "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest");
    assert_span(warcread_field(r, "WARC-Refers-To-Target-URI"), "http://a.test/1");
    assert_span(warcread_field(r, "WARC-Refers-To-Date"), "2026-11-21T09:20:00.123Z");
    assert_true(span_eq(
        warcread_field(r, "WARC-Payload-Digest"),
        warcread_field(warcread_find(w, "response", NULL), "WARC-Payload-Digest")));
    assert_span(
        r->block,
        "HTTP/1.1 200 OK\r\nX-Crawl-Original-Transfer-Encoding: chunked\r\nX: 2\r\n"
        "Content-Length: 4\r\n\r\n");
    assert_int_equal(warcread_count(w, "response", NULL),
                     3); /* empty payloads are no copies */
    warcread_free(w);
    place_close(&p);
}

static void a_cut_payload_says_so_and_is_never_referred_to(void **state)
{
    struct warc_exchange cut = exchange("http://a.test/cut", SPAN("half"));
    struct warcread *w;
    struct place p;

    (void)state;
    cut.truncated = "disconnect";
    cut.headers = LINES("Content-Length: 8\r\n");
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    put(&p, &cut);
    put_page(&p, "http://a.test/whole", SPAN("half"));
    put(&p, &cut);
    stop(&p);

    w = read_all(&p);
    assert_int_equal(warcread_count(w, "response", NULL), 3);
    assert_span(warcread_field(&w->records[1], "WARC-Truncated"), "disconnect");
    assert_span(
        w->records[1].block,
        "HTTP/1.1 200 OK\r\nX-Crawl-Original-Content-Length: 8\r\nContent-Length: 4\r\n\r\nhalf");
    assert_false(warcread_field(warcread_find(w, "response", "http://a.test/whole"),
                                "WARC-Truncated")
                     .len);
    warcread_free(w);
    place_close(&p);
}

static void a_304_is_a_revisit_of_the_same_page(void **state)
{
    struct warc_exchange x = exchange("http://a.test/", SPAN(""));
    const struct warcread_record *r;
    struct warcread *w;
    struct place p;

    (void)state;
    x.status_code = 304;
    x.refers_to_date_ms = DATE - 86400000;
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    put(&p, &x);
    stop(&p);

    w = read_all(&p);
    r = warcread_find(w, "revisit", "http://a.test/");
    assert_non_null(r);
    assert_span(warcread_field(r, "WARC-Profile"),
                "http://netpreserve.org/warc/1.1/revisit/server-not-modified");
    assert_span(warcread_field(r, "WARC-Refers-To-Date"), "2026-11-20T09:20:00.123Z");
    assert_span(r->block,
                "HTTP/1.1 304 Not Modified\r\nContent-Type: text/html\r\n\r\n");
    warcread_free(w);
    place_close(&p);
}

static void without_a_body_there_is_metadata(void **state)
{
    struct warc_exchange none = exchange("http://a.test/none", SPAN_NONE);
    struct warc_exchange unkept = exchange("http://a.test/unkept", SPAN_NONE);
    const struct warcread_record *r;
    struct warcread *w;
    struct place p;

    (void)state;
    none.status_code = 0;
    none.headers = none.request_headers = SPAN_NONE;
    none.outcome = SPAN("dns_failed");
    none.error = SPAN("no such name\r\nWARC-Type: forged");
    unkept.has_payload = false;
    unkept.via = SPAN("http://a.test/from");
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    put(&p, &none);
    put(&p, &unkept);
    stop(&p);

    w = read_all(&p);
    assert_int_equal(w->n, 4);
    r = warcread_find(w, "metadata", "http://a.test/none");
    assert_non_null(r);
    assert_span(warcread_field(r, "Content-Type"), "application/warc-fields");
    assert_false(warcread_field(r, "WARC-Concurrent-To").len);
    assert_span(
        r->block,
        "outcome: dns_failed\r\nerror: no such name  WARC-Type: forged\r\nfetchTimeMs: 12\r\n");
    r = warcread_find(w, "metadata", "http://a.test/unkept");
    assert_non_null(r);
    assert_span(
        r->block,
        "via: http://a.test/from\r\noutcome: ok\r\nfetchTimeMs: 12\r\nstatusCode: 200\r\n"
        "responseHeader: Content-Type: text/html\r\n");
    assert_int_equal(warcread_count(w, "request", NULL), 1);
    warcread_free(w);
    place_close(&p);
}

static void every_record_has_an_id_of_its_own(void **state)
{
    struct warcread *w;
    struct place p;

    (void)state;
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    for (int i = 0; i < 20; i++)
        put_page(&p, "http://a.test/",
                 span_make("0123456789012345678901234567890", (size_t)i));
    stop(&p);

    w = read_all(&p);
    for (size_t i = 0; i < w->n; i++) {
        struct span id = warcread_field(&w->records[i], "WARC-Record-ID");

        assert_int_equal(id.len, 47);
        assert_true(span_starts(id, SPAN("<urn:uuid:")));
        assert_int_equal(id.ptr[24], '4'); /* RFC 9562 §5.4 */
        for (size_t k = 0; k < i; k++)
            assert_false(span_eq(id, warcread_field(&w->records[k], "WARC-Record-ID")));
    }
    warcread_free(w);
    place_close(&p);
}

/* --- files ----------------------------------------------------------------------- */

/* Bytes that do not shrink. */
static void fill_noise(char *out, size_t n, uint32_t seed)
{
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        out[i] = (char)(seed >> 24);
    }
}

static void a_full_file_is_followed_by_another(void **state)
{
    static char noise[40000];
    struct warcread *w;
    struct stat st;
    struct place p;
    char name[256], path[512];

    (void)state;
    place_open(&p);
    start(&p, 100000);
    for (uint32_t i = 0; i < 5; i++) {
        fill_noise(noise, sizeof noise, i);
        put_page(&p, "http://a.test/", span_make(noise, sizeof noise));
    }
    stop(&p);

    assert_int_equal(warcread_names(p.dir, ".warc.gz", name), 3); /* two, two, one */
    assert_int_equal(warcread_names(p.dir, ".cdxj", NULL), 3);
    assert_int_equal(warcread_names(p.dir, ".open", NULL), 0);
    w = read_all(&p);
    assert_int_equal(warcread_count(w, "warcinfo", NULL), 3);
    assert_int_equal(warcread_count(w, "response", NULL), 5);
    assert_int_equal(warcread_count(w, "request", NULL), 5);
    snprintf(path, sizeof path, "%s/%s", p.dir, name);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_true(st.st_size <= 100000);
    warcread_free(w);
    place_close(&p);
}

static void a_record_larger_than_a_file_has_one_alone(void **state)
{
    static char noise[50000];
    struct warcread *w;
    struct place p;

    (void)state;
    place_open(&p);
    start(&p, 10000);
    for (uint32_t i = 0; i < 2; i++) {
        fill_noise(noise, sizeof noise, i);
        put_page(&p, "http://a.test/", span_make(noise, sizeof noise));
    }
    stop(&p);

    w = read_all(&p);
    assert_int_equal(warcread_names(p.dir, ".warc.gz", NULL), 2);
    assert_int_equal(warcread_count(w, "response", NULL), 2);
    warcread_free(w);
    place_close(&p);
}

static void without_records_there_is_no_file(void **state)
{
    struct place p;

    (void)state;
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    stop(&p);
    assert_int_equal(warcread_names(p.dir, "", NULL), 2); /* . and .. */
    place_close(&p);
}

/* The text of the only file with this suffix. */
static void read_text(struct place *p, const char *suffix, struct buf *out)
{
    char name[256], path[512];
    struct err_note note;

    assert_int_equal(warcread_names(p->dir, suffix, name), 1);
    snprintf(path, sizeof path, "%s/%s", p->dir, name);
    buf_init(out, (size_t)64 * MIB);
    assert_int_equal(io_read_file(path, out, &note), OK);
}

static void the_index_is_sorted_and_leads_to_the_records(void **state)
{
    struct span rest, line, previous = SPAN_NONE;
    struct warcread *w;
    struct buf index;
    size_t n = 0;
    struct place p;

    (void)state;
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    put_page(&p, "http://z.test/", SPAN("1"));
    put_page(&p, "http://a.test/\"x", SPAN("2"));
    put_page(&p, "http://m.test/", SPAN("1"));
    stop(&p);

    w = read_all(&p);
    read_text(&p, ".cdxj", &index);
    rest = buf_span(&index);
    while (span_split(&rest, '\n', &line)) {
        char want[64];

        assert_true(span_cmp(previous, line) < 0);
        previous = line;
        for (size_t i = 0; i < w->n; i++) {
            snprintf(want, sizeof want, "\"length\": \"%lld\", \"offset\": \"%lld\",",
                     (long long)w->records[i].length, (long long)w->records[i].offset);
            if (span_find_span(line, span_str(want)) < line.len)
                n += !warcread_is(&w->records[i], "WARC-Type", "request");
        }
    }
    assert_int_equal(n, 3);
    assert_true(span_starts(
        buf_span(&index),
        SPAN("test,a)/\"x 20261121092000 {\"url\": \"http://a.test/\\\"x\", \"mime\": "
             "\"text/html\", \"status\": \"200\", \"digest\": \"3JFZEN52ZTG7DHAHMDFLPLWEVA2ZAEFQ\", ")));
    assert_true(span_find_span(buf_span(&index), SPAN("\"mime\": \"warc/revisit\"")) <
                index.len);
    buf_clear(&index);
    warcread_free(w);
    place_close(&p);
}

/* --- what a dead writer left ----------------------------------------------------- */

/* Makes a finished file into a leftover of its first n bytes; the index goes. */
static void leave(struct place *p, struct span whole, size_t n, char *name)
{
    char path[512];
    struct err_note note;

    snprintf(path, sizeof path, "%s/%s.open", p->dir, name);
    assert_int_equal(io_replace_file(path, span_slice(whole, 0, n), &note), OK);
}

static void forget(struct place *p)
{
    place_close(p);
    assert_int_equal(mkdir(p->dir, 0700), 0);
}

/*
 * Every place close to the end of a record, and every fourth elsewhere: each costs a
 * few writes to the disk.
 */
static bool is_worth_a_cut(const struct warcread *w, size_t cut)
{
    for (size_t i = 0; i < w->n; i++) {
        int64_t from_end = (int64_t)cut - w->records[i].offset - w->records[i].length;

        if (from_end >= -9 && from_end <= 9)
            return true;
    }
    return cut % 4 == 0;
}

static void a_leftover_is_cut_after_its_last_whole_record(void **state)
{
    struct warcread *before, *after;
    struct buf whole, index, mended;
    struct place p;
    char name[256];

    (void)state;
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    put_page(&p, "http://a.test/1", SPAN("one"));
    put_page(&p, "http://a.test/2", SPAN("two"));
    stop(&p);
    before = read_all(&p);
    warcread_names(p.dir, ".warc.gz", name);
    read_text(&p, ".warc.gz", &whole);
    read_text(&p, ".cdxj", &index);

    for (size_t cut = 0; cut <= whole.len; cut++) {
        size_t n_whole = 0;

        if (!is_worth_a_cut(before, cut))
            continue;
        while (n_whole < before->n &&
               before->records[n_whole].offset + before->records[n_whole].length <=
                   (int64_t)cut)
            n_whole++;
        forget(&p);
        leave(&p, buf_span(&whole), cut, name);
        start(&p, WARC_MAX_FILE_BYTES);
        stop(&p);

        after = read_all(&p);
        assert_int_equal(after->n, n_whole);
        assert_int_equal(warcread_names(p.dir, ".open", NULL), 0);
        assert_int_equal(warcread_names(p.dir, ".cdxj", NULL), n_whole > 0);
        warcread_free(after);
    }
    read_text(&p, ".cdxj", &mended);
    assert_true(span_eq(buf_span(&index), buf_span(&mended)));
    buf_clear(&mended);
    buf_clear(&index);
    buf_clear(&whole);
    warcread_free(before);
    place_close(&p);
}

static void a_damaged_leftover_keeps_what_is_before_the_damage(void **state)
{
    struct warcread *before, *after;
    struct buf whole;
    struct place p;
    char name[256];

    (void)state;
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    put_page(&p, "http://a.test/1", SPAN("one"));
    put_page(&p, "http://a.test/2", SPAN("two"));
    stop(&p);
    before = read_all(&p);
    warcread_names(p.dir, ".warc.gz", name);
    read_text(&p, ".warc.gz", &whole);
    whole.ptr[before->records[3].offset + before->records[3].length - 6] ^=
        1; /* its CRC */
    forget(&p);
    leave(&p, buf_span(&whole), whole.len, name);
    start(&p, WARC_MAX_FILE_BYTES);
    stop(&p);

    after = read_all(&p);
    assert_int_equal(after->n, 3);
    warcread_free(after);
    warcread_free(before);
    buf_clear(&whole);
    place_close(&p);
}

static void a_file_that_somebody_writes_is_left_alone(void **state)
{
    struct place p, other;

    (void)state;
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    put_page(&p, "http://a.test/1", SPAN("one"));
    other = p;
    start(&other, WARC_MAX_FILE_BYTES);
    assert_int_equal(warcread_names(p.dir, ".open", NULL), 1);
    put_page(&other, "http://a.test/2", SPAN("two"));
    put_page(&p, "http://a.test/3", SPAN("three"));
    stop(&other);
    stop(&p);
    assert_int_equal(warcread_names(p.dir, ".warc.gz", NULL), 2);
    warcread_free(read_all(&p));
    place_close(&p);
}

static void assert_untouched(const struct place *p, const char *name)
{
    struct stat st;
    char path[512];

    snprintf(path, sizeof path, "%s/%s", p->dir, name);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 8);
}

/* "crawl-N-00000.warc.gz.open" that stands for name in another way. */
static void plant(struct place *p, const char *name, char number,
                  int (*make)(const char *from, const char *to))
{
    struct err_note note;
    char victim[512], path[512];

    snprintf(victim, sizeof victim, "%s/%s", p->dir, name);
    assert_int_equal(io_replace_file(victim, SPAN("precious"), &note), OK);
    snprintf(path, sizeof path, "%s/crawl-%c-00000.warc.gz.open", p->dir, number);
    assert_int_equal(make(victim, path), 0);
}

static void links_and_other_names_are_left_alone(void **state)
{
    struct place p;

    (void)state;
    place_open(&p);
    plant(&p, "behind-a-symbolic-link", '1', symlink);
    plant(&p, "with-two-names", '2', link);
    start(&p, WARC_MAX_FILE_BYTES);
    stop(&p);
    assert_untouched(&p, "behind-a-symbolic-link");
    assert_untouched(&p, "with-two-names");
    assert_int_equal(warcread_names(p.dir, ".open", NULL), 2);
    place_close(&p);
}

/* --- what can go wrong ----------------------------------------------------------- */

static void a_write_error_names_the_file_and_leaves_it_whole(void **state)
{
    static char noise[200000];
    struct rlimit before, small;
    struct warc_exchange x;
    struct err_note note = { "" };
    struct warcread *w;
    struct place p;
    enum err e;

    (void)state;
    fill_noise(noise, sizeof noise, 1);
    x = exchange("http://a.test/large", span_make(noise, sizeof noise));
    place_open(&p);
    start(&p, WARC_MAX_FILE_BYTES);
    put_page(&p, "http://a.test/1", SPAN("one"));
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before);
    small = (struct rlimit){ 50000, before.rlim_max };
    setrlimit(RLIMIT_FSIZE, &small);
    e = warc_write(p.warc, &x, &note);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, SIG_DFL);

    assert_int_equal(e, ERR_IO);
    assert_non_null(strstr(note.text, p.dir));
    assert_non_null(strstr(note.text, "-00000.warc.gz.open: File too large"));
    put_page(&p, "http://a.test/2", SPAN("two"));
    stop(&p);
    w = read_all(&p);
    assert_int_equal(warcread_count(w, "response", NULL), 2);
    assert_int_equal(w->n, 5);
    warcread_free(w);
    place_close(&p);
}

static void a_directory_that_is_none_is_refused(void **state)
{
    static const char *const paths[] = { "/dev/null", "/nonexistent/here" };
    struct err_note note;
    struct warc *w;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct warc_options o = { .dir = paths[i],
                                  .max_file_bytes = WARC_MAX_FILE_BYTES };

        assert_int_not_equal(warc_open(&o, &w, &note), OK);
        assert_non_null(strstr(note.text, paths[i]));
    }
}

#define ROWS(table, fn)                                                  \
    for (size_t i = 0; i < ARRAY_LEN(table); i++)                        \
        tests[n++] = (struct CMUnitTest)                                 \
        {                                                                \
            table[i].label, fn, NULL, NULL, (void *)(uintptr_t)&table[i] \
        }

int main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(a_request_begins_with_path_and_query),
        cmocka_unit_test(an_exchange_is_a_response_and_its_request),
        cmocka_unit_test(digests_are_those_of_payload_and_block),
        cmocka_unit_test(the_same_payload_again_is_a_revisit),
        cmocka_unit_test(a_cut_payload_says_so_and_is_never_referred_to),
        cmocka_unit_test(a_304_is_a_revisit_of_the_same_page),
        cmocka_unit_test(without_a_body_there_is_metadata),
        cmocka_unit_test(every_record_has_an_id_of_its_own),
        cmocka_unit_test(a_full_file_is_followed_by_another),
        cmocka_unit_test(a_record_larger_than_a_file_has_one_alone),
        cmocka_unit_test(without_records_there_is_no_file),
        cmocka_unit_test(the_index_is_sorted_and_leads_to_the_records),
        cmocka_unit_test(a_leftover_is_cut_after_its_last_whole_record),
        cmocka_unit_test(a_damaged_leftover_keeps_what_is_before_the_damage),
        cmocka_unit_test(a_file_that_somebody_writes_is_left_alone),
        cmocka_unit_test(links_and_other_names_are_left_alone),
        cmocka_unit_test(a_write_error_names_the_file_and_leaves_it_whole),
        cmocka_unit_test(a_directory_that_is_none_is_refused),
    };
    static struct CMUnitTest
        tests[ARRAY_LEN(framings) + ARRAY_LEN(keys) + ARRAY_LEN(plain)];
    size_t n = 0;

    ROWS(framings, framing_row);
    ROWS(keys, key_row);
    for (size_t i = 0; i < ARRAY_LEN(plain); i++)
        tests[n++] = plain[i];
    return cmocka_run_group_tests_name("crawler/warc", tests, NULL, NULL);
}
