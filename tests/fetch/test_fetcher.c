/* SPDX-License-Identifier: MIT */
/* Requests and clocks; what answers come to is in test_outcome.c, connections in test_multi.c. */
#include <netinet/in.h>
#include <unistd.h>

#include "config/clock.h"
#include "tests/kit/world.h"

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"

STEPS(SILENT, STEP(ORIGIN_HANG, "", 0));
STEPS(STALL_IN_BODY, STEP(ORIGIN_SEND, OK_HEAD "Content-Length: 100\r\n\r\nhello", 0),
      STEP(ORIGIN_HANG, "", 0));
STEPS(STALL_IN_HEAD, STEP(ORIGIN_SEND, "HTTP/1.1 200 OK\r\nX: y\r\n", 0),
      STEP(ORIGIN_HANG, "", 0));
STEPS(DRIP_HEAD, STEP(ORIGIN_DRIP, "HTTP/1.1 200 OKabcdefghijklmnopqrstuvwxyz", 100),
      STEP(ORIGIN_HANG, "", 0));
STEPS(DRIP_BODY, STEP(ORIGIN_SEND, OK_HEAD "Content-Length: 1000\r\n\r\n", 0),
      STEP(ORIGIN_DRIP, "slowslowslowslowslowslowslowslowslowslowslowslow", 50),
      STEP(ORIGIN_HANG, "", 0));
STEPS(STEADY_BODY, STEP(ORIGIN_SEND, OK_HEAD "\r\n", 0),
      STEP(ORIGIN_DRIP,
           "0123456789012345678901234567890123456789012345678901234567890123456789"
           "0123456789012345678901234567890123456789012345678901234567890123456789"
           "0123456789012345678901234567890123456789012345678901234567890123456789"
           "0123456789012345678901234567890123456789012345678901234567890123456789",
           5),
      STEP(ORIGIN_HANG, "", 0));
STEPS(BIG_UNWANTED,
      STEP(ORIGIN_SEND,
           "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n"
           "Content-Length: 100000000\r\n\r\n",
           0),
      STEP(ORIGIN_ENDLESS, "0123456789abcdef0123456789abcdef0123456789abcdef", 0));

static const struct origin_route ROUTES[] = {
    { .path = "/page*",
      .body = { "hello", 5 },
      .headers = "Content-Type: text/html; charset=x\r\n"
                 "ETag: \"v1\"\r\n"
                 "Last-Modified: yesterday\r\n" },
    { .path = "/silent*", SCRIPT(SILENT) },
    { .path = "/stall-in-body*", SCRIPT(STALL_IN_BODY) },
    { .path = "/stall-in-head", SCRIPT(STALL_IN_HEAD) },
    { .path = "/drip-head", SCRIPT(DRIP_HEAD) },
    { .path = "/drip-body", SCRIPT(DRIP_BODY) },
    { .path = "/steady-body", SCRIPT(STEADY_BODY) },
    { .path = "/video", SCRIPT(BIG_UNWANTED) },
    { .path = "/part",
      .status = 206,
      .headers = "Content-Type: video/mp4\r\n",
      .body = { "p", 1 } },
    { .path = "/empty", .headers = "Content-Type: video/mp4\r\n" },
    { .path = "/later*", .body = { "later", 5 }, .delay_ms = 300 },
    { .path = "/cookie",
      .body = { "c", 1 },
      .headers = "Set-Cookie: needle=1; Path=/\r\n" },
    { .path = "/codings",
      .body = { "c", 1 },
      .headers = "Content-Encoding: br\r\nX: y\r\ncontent-encoding: gzip\r\n" },
    { .path = "/redirect", .status = 302, .headers = "Location: /page\r\n" },
    { .path = "/altsvc",
      .body = { "a", 1 },
      .headers = "Alt-Svc: h2=\"127.0.0.9:9\"; ma=9999\r\n"
                 "Strict-Transport-Security: max-age=9999\r\n" },
};

static int open_world(void **state)
{
    const struct origin_options oo = { .routes = ROUTES,
                                       .n_routes = ARRAY_LEN(ROUTES),
                                       .n_addresses = 20 };
    struct world *w = start_world(&oo);

    fetchrig_open(&w->rig);
    *state = w;
    return 0;
}

/* The world's fetcher once more, with options changed by the test since open_world. */
static void reopen(struct world *w)
{
    (void)fetchrig_close(&w->rig);
    fetchrig_open(&w->rig);
}

static struct fetchrig_get get(struct world *w, const char *path)
{
    struct fetchrig_get g = get_of(w, path);

    fetchrig_get_each(&w->rig, &g, 1);
    assert_int_equal(g.err, OK);
    return g;
}

static void assert_body(struct world *w, const struct fetchrig_get *g, const char *want)
{
    assert_true(span_eq(bodies_view(w->rig.bodies, &g->result.body), span_str(want)));
}

static void drop(struct world *w, struct fetchrig_get *g)
{
    fetchrig_get_clear(&w->rig, g);
}

/* The log's copy of the last request's header lines. */
static const char *last_headers(struct world *w)
{
    size_t n = origin_counts(w->origin).requests;
    const struct origin_request *r = origin_request_at(w->origin, n - 1);

    return r ? r->headers : "";
}

/* --- what is sent, what is seen ------------------------------------------------------ */

static void a_page_comes_with_all_that_is_known_of_it(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g = get(w, "/page");
    const struct fetch_result *r = &g.result;

    assert_outcome(&g, FETCH_OK);
    assert_body(w, &g, "hello");
    assert_int_equal(r->status_code, 200);
    assert_true(span_eq(r->http_version, SPAN("1.1")));
    assert_true(span_eq(r->ip, SPAN("127.0.0.1")));
    assert_true(span_eq(r->content_type, SPAN("text/html; charset=x")));
    assert_true(span_eq(r->etag, SPAN("\"v1\"")));
    assert_true(span_eq(r->last_modified, SPAN("yesterday")));
    assert_int_equal(r->location.len, 0);
    assert_true(span_eq(r->headers,
                        SPAN("Content-Type: text/html; charset=x\r\nETag: \"v1\"\r\n"
                             "Last-Modified: yesterday\r\nContent-Length: 5\r\n")));
    assert_int_equal(r->wire_size, 5);
    assert_int_equal(r->timings.dns_ms, -1);
    assert_in_range(r->timings.connect_ms, 0, 1000);
    assert_int_equal(r->timings.tls_ms, -1);
    assert_in_range(r->timings.ttfb_ms, 0, 1000);
    assert_in_range(r->timings.total_ms, 0, 1000);
    assert_true(r->started_wall_ms > INT64_C(1600000000000));
    drop(w, &g);
}

/* Promise P23 and P58: our own identity, nothing that could leak, only what we can decode. */
/* RFC 9110 §5.3. */
static void codings_in_several_lines_are_one_list(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g = get(w, "/codings");

    assert_true(span_eq(g.result.content_encoding, SPAN("br, gzip")));
    drop(w, &g);
}

static void what_is_sent_is_what_is_recorded(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g = get(w, "/page");
    const char *sent = last_headers(w);

    assert_int_equal(g.result.request_headers.len, strlen(sent));
    assert_memory_equal(sent, g.result.request_headers.ptr, strlen(sent));
    assert_non_null(strstr(sent, "User-Agent: crawl-test/1 (+http://t.test)\r\n"));
    assert_non_null(strstr(sent, "Accept-Encoding: gzip, br, zstd\r\n"));
    assert_null(strstr(sent, "Referer"));
    assert_null(strstr(sent, "Cookie"));
    assert_null(strstr(sent, "Authorization"));
    drop(w, &g);
}

static void secrets_are_sent_but_not_recorded(void **state)
{
    static const struct fetch_header headers[] = {
        { { "Authorization", 13 }, { "Basic c2VjcmV0", 14 } },
        { { "cookie", 6 }, { "id=secret", 9 } },
        { { "X-Mine", 6 }, { "yes", 3 } },
        { { "Accept", 6 }, { "text/plain", 10 } },
        { { "X-Evil", 6 }, { "a\r\nX-Injected: b", 16 } },
        { { "X-Empty", 7 }, { NULL, 0 } },
    };
    struct world *w = *state;
    struct fetchrig_get g = get_of(w, "/page");

    g.request.headers = headers;
    g.request.n_headers = ARRAY_LEN(headers);
    fetchrig_get_each(&w->rig, &g, 1);
    const char *sent = last_headers(w);
    struct span recorded = g.result.request_headers;

    assert_non_null(strstr(sent, "Authorization: Basic c2VjcmV0\r\n"));
    assert_non_null(strstr(sent, "cookie: id=secret\r\n"));
    assert_non_null(strstr(sent, "X-Mine: yes\r\n"));
    assert_non_null(strstr(sent, "X-Empty:"));
    assert_non_null(strstr(sent, "Accept: text/plain\r\n"));
    assert_null(strstr(sent, "Accept: text/html"));
    assert_null(strstr(sent, "X-Injected"));
    assert_int_equal(span_find_span(recorded, SPAN("secret")), recorded.len);
    assert_int_equal(span_find_span(recorded, SPAN("c2VjcmV0")), recorded.len);
    assert_true(span_find_span(recorded, SPAN("Authorization: (withheld)\r\n")) <
                recorded.len);
    assert_true(span_find_span(recorded, SPAN("X-Mine: (withheld)\r\n")) <
                recorded.len);
    assert_true(span_find_span(recorded, SPAN("Accept: text/plain\r\n")) <
                recorded.len);
    drop(w, &g);

    /* The same handle's next request knows nothing of them. */
    g = get(w, "/page");
    assert_null(strstr(last_headers(w), "Authorization"));
    assert_null(strstr(last_headers(w), "cookie"));
    drop(w, &g);
}

/* Promise P26. */
static void conditions_are_sent(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g = get_of(w, "/page");

    g.request.etag = SPAN("\"v1\"");
    g.request.last_modified = SPAN("Sat, 21 Nov 2026 09:00:00 GMT");
    fetchrig_get_each(&w->rig, &g, 1);

    assert_non_null(strstr(last_headers(w), "If-None-Match: \"v1\"\r\n"));
    assert_non_null(strstr(last_headers(w),
                           "If-Modified-Since: Sat, 21 Nov 2026 09:00:00 GMT\r\n"));
    drop(w, &g);
}

/* Promise P45: no jar, whatever the server says. */
static void cookies_are_not_kept(void **state)
{
    struct world *w = *state;
    struct fetchrig_get first = get(w, "/cookie");
    struct fetchrig_get second = get(w, "/page");

    assert_null(strstr(last_headers(w), "needle"));
    drop(w, &first);
    drop(w, &second);
}

/* Promise P52: neither proxy variables nor .netrc nor .curlrc count. */
static void the_environment_does_not_count(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g;

    (void)setenv("http_proxy", "http://127.0.0.1:9", 1);
    (void)setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
    (void)setenv("HOME", "/nonexistent", 1);
    reopen(w);
    g = get(w, "/page");
    (void)unsetenv("http_proxy");
    (void)unsetenv("ALL_PROXY");

    assert_outcome(&g, FETCH_OK);
    drop(w, &g);
}

/* Promise P8: redirects are reported, alternative services ignored. */
static void libcurl_goes_nowhere_by_itself(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g = get(w, "/redirect");

    assert_outcome(&g, FETCH_REDIRECT);
    assert_true(span_eq(g.result.location, SPAN("/page")));
    assert_int_equal(origin_counts(w->origin).requests, 1);
    drop(w, &g);
    for (int i = 0; i < 2; i++) {
        g = get(w, "/altsvc");
        assert_outcome(&g, FETCH_OK);
        drop(w, &g);
    }
    assert_int_equal(origin_counts(w->origin).requests, 3);
}

static void paths_go_out_as_they_are(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g = get(w, "/page/../a/./b?q=%7e|x&y='z'");

    assert_string_equal(origin_request_at(w->origin, 0)->path,
                        "/page/../a/./b?q=%7e|x&y='z'");
    drop(w, &g);
}

/* Promise P8: only http and https, even where a URL got this far. */
static void other_schemes_are_never_opened(void **state)
{
    static const char *const urls[] = { "file://127.0.0.1/etc/passwd",
                                        "ftp://127.0.0.1/x", "gopher://127.0.0.1:70/1",
                                        "dict://127.0.0.1:1/d" };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct fetchrig_get g = { .request = { .url = span_str(urls[i]),
                                               .host = SPAN("127.0.0.1"),
                                               .port = origin_port(w->origin) } };

        fetchrig_get_each(&w->rig, &g, 1);
        assert_int_equal(g.err, OK);
        assert_outcome(&g, FETCH_BAD_RESPONSE);
        assert_int_equal(g.result.body.len, 0);
        drop(w, &g);
    }
    assert_int_equal(origin_counts(w->origin).connections, 0);
}

/* URLs of the store are shorter by far; one that got this far is not cut, and does not hang. */
static void a_url_without_end_is_not_sent(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g = get_of(w, "/page");
    size_t head = g.request.url.len, n = 70000;
    char *url = mem_alloc(n);

    memcpy(url, g.request.url.ptr, head);
    memset(url + head, 'x', n - head);
    g.request.url = span_make(url, n);
    g.until_ms = 20000;
    fetchrig_get_each(&w->rig, &g, 1);

    assert_int_equal(g.err, OK);
    assert_outcome(&g, FETCH_BAD_RESPONSE);
    assert_int_equal(origin_counts(w->origin).connections, 0);
    drop(w, &g);
    mem_free(url);
}

/* --- bodies nobody wants ----------------------------------------------------------------- */

struct wish {
    int n_calls;
    int status_code;
    char content_type[64];
};

static bool refuse_video(void *arg, int status_code, struct span content_type)
{
    struct wish *wish = arg;

    wish->n_calls++;
    wish->status_code = status_code;
    (void)snprintf(wish->content_type, sizeof(wish->content_type), "%.*s",
                   SPAN_ARG(content_type));
    return !span_starts(content_type, SPAN("video/"));
}

static void an_unwanted_body_is_not_read(void **state)
{
    struct world *w = *state;
    struct wish wish = { 0 };
    struct fetchrig_get g = get_of(w, "/video");
    struct fetchrig_get after;

    g.request.wants_body = refuse_video;
    g.request.arg = &wish;
    fetchrig_get_each(&w->rig, &g, 1);
    after = get(w, "/page");

    assert_outcome(&g, FETCH_OK);
    assert_true(g.result.body_skipped);
    assert_int_equal(g.result.body.len, 0);
    assert_int_equal(wish.n_calls, 1);
    assert_int_equal(wish.status_code, 200);
    assert_string_equal(wish.content_type, "video/mp4");
    assert_true(span_eq(g.result.content_type, SPAN("video/mp4")));
    assert_true(origin_counts(w->origin).bytes_sent < 16000000);
    /* Unread bytes: the connection is not used again. */
    assert_int_equal(origin_request_at(w->origin, 1)->connection, 2);
    drop(w, &g);
    drop(w, &after);
}

static void what_is_wrong_with_an_unwanted_answer_is_said_too(void **state)
{
    struct world *w = *state;
    struct wish wish = { 0 };
    struct fetchrig_get g = get_of(w, "/part");

    g.request.wants_body = refuse_video;
    g.request.arg = &wish;
    fetchrig_get_each(&w->rig, &g, 1);

    assert_outcome(&g, FETCH_INCOMPLETE);
    assert_true(span_eq(g.result.error, SPAN("partial content nobody asked for")));
    drop(w, &g);
}

static void an_empty_body_is_nothing_to_stop_for(void **state)
{
    struct world *w = *state;
    struct wish wish = { 0 };
    struct fetchrig_get g = get_of(w, "/empty");
    struct fetchrig_get after;

    g.request.wants_body = refuse_video;
    g.request.arg = &wish;
    fetchrig_get_each(&w->rig, &g, 1);
    after = get(w, "/page");

    assert_outcome(&g, FETCH_OK);
    assert_false(g.result.body_skipped);
    assert_int_equal(origin_request_at(w->origin, 1)->connection, 1);
    drop(w, &g);
    drop(w, &after);
}

/* --- clocks: promise P11 -------------------------------------------------------------------------- */

static void the_first_byte_has_its_clock(void **state)
{
    static const char *const paths[] = { "/silent", "/drip-head" };
    struct world *w = *state;

    w->rig.options.first_byte_timeout_ms = 300;
    reopen(w);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct fetchrig_get g = get(w, paths[i]);

        assert_outcome(&g, FETCH_TIMEOUT);
        assert_true(span_eq(g.result.error, SPAN("no first byte in time")));
        assert_in_range(g.took_ms, 290, 10000);
        drop(w, &g);
    }
}

static void slow_transfers_have_theirs(void **state)
{
    static const char *const paths[] = { "/stall-in-body", "/stall-in-head",
                                         "/drip-body" };
    struct world *w = *state;

    w->rig.options.low_speed_ms = 400;
    w->rig.options.low_speed_bytes = 100;
    reopen(w);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct fetchrig_get g = get(w, paths[i]);

        assert_outcome(&g, FETCH_TIMEOUT);
        assert_true(span_eq(g.result.error, SPAN("transfer too slow")));
        assert_in_range(g.took_ms, 390, 10000);
        assert_int_equal(g.result.status_code, 200);
        drop(w, &g);
    }
}

static void all_of_it_has_one_too(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g;

    w->rig.options.total_timeout_ms = 400;
    w->rig.options.low_speed_ms = 200;
    w->rig.options.low_speed_bytes = 1;
    reopen(w);
    g = get(w, "/steady-body"); /* 200 B/s: fast enough, but without end */

    assert_outcome(&g, FETCH_TIMEOUT);
    assert_true(span_eq(g.result.error, SPAN("total time exceeded")));
    assert_in_range(g.took_ms, 390, 10000);
    assert_true(g.result.body.len > 20);
    drop(w, &g);
}

/* A listener whose queue is full does not answer a SYN. */
static void connecting_has_its_clock(void **state)
{
    struct world *w = *state;
    struct sockaddr_in sin = { .sin_family = AF_INET };
    socklen_t len = sizeof(sin);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int fillers[4];
    char url[64];
    struct fetchrig_get g;

    sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(listener, (const struct sockaddr *)&sin, sizeof(sin)), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&sin, &len), 0);
    for (size_t i = 0; i < ARRAY_LEN(fillers); i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)connect(fillers[i], (const struct sockaddr *)&sin, sizeof(sin));
    }
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(sin.sin_port));
    w->rig.options.connect_timeout_ms = 300;
    reopen(w);
    g = (struct fetchrig_get){ .request = fetchrig_request(url) };
    fetchrig_get_each(&w->rig, &g, 1);

    assert_outcome(&g, FETCH_TIMEOUT);
    assert_true(span_eq(g.result.error, SPAN("connecting took too long")));
    assert_in_range(g.took_ms, 290, 10000);
    drop(w, &g);
    for (size_t i = 0; i < ARRAY_LEN(fillers); i++)
        (void)close(fillers[i]);
    (void)close(listener);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(a_page_comes_with_all_that_is_known_of_it),
        WORLD_TEST(codings_in_several_lines_are_one_list),
        WORLD_TEST(what_is_sent_is_what_is_recorded),
        WORLD_TEST(secrets_are_sent_but_not_recorded),
        WORLD_TEST(conditions_are_sent),
        WORLD_TEST(cookies_are_not_kept),
        WORLD_TEST(the_environment_does_not_count),
        WORLD_TEST(libcurl_goes_nowhere_by_itself),
        WORLD_TEST(paths_go_out_as_they_are),
        WORLD_TEST(other_schemes_are_never_opened),
        WORLD_TEST(a_url_without_end_is_not_sent),
        WORLD_TEST(an_unwanted_body_is_not_read),
        WORLD_TEST(what_is_wrong_with_an_unwanted_answer_is_said_too),
        WORLD_TEST(an_empty_body_is_nothing_to_stop_for),
        WORLD_TEST(the_first_byte_has_its_clock),
        WORLD_TEST(slow_transfers_have_theirs),
        WORLD_TEST(all_of_it_has_one_too),
        WORLD_TEST(connecting_has_its_clock),
    };

    return cmocka_run_group_tests_name("fetch/fetcher", tests, NULL, NULL);
}
