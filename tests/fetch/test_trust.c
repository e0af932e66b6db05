/* SPDX-License-Identifier: MIT */
/* Whom TLS servers are judged by, and how often that is read (trust.h); connections with TLS that are kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/io.h"
#include "config/mem.h"
#include "tests/kit/fetchrig.h"
#include "tests/kit/origin.h"

static const struct origin_route ROUTES[] = {
    { .path = "/until-close", .body = { "hello", 5 }, .framing = ORIGIN_UNTIL_CLOSE },
    { .path = "*", .body = { "hello", 5 } },
};

struct world {
    struct origin *origin;
    struct fetchrig rig;
    char ca_file[64]; /* a copy of the origin's */
};

static void copy_certificates(struct world *w)
{
    struct buf text;
    FILE *f;

    buf_init(&text, MIB);
    assert_int_equal(io_read_file(origin_ca_file(w->origin), &text, NULL), OK);
    f = fopen(w->ca_file, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.ptr, 1, text.len, f), text.len);
    assert_int_equal(fclose(f), 0);
    buf_clear(&text);
}

static int set_up(void **state)
{
    static const struct origin_options options = {
        .routes = ROUTES, .n_routes = ARRAY_LEN(ROUTES), .is_tls = true, .tls_ends_quietly = true
    };
    struct world *w = mem_alloc(sizeof(*w));

    w->origin = origin_start(&options);
    fetchrig_init(&w->rig);
    snprintf(w->ca_file, sizeof(w->ca_file), "/tmp/crawl-trust-XXXXXX");
    close(mkstemp(w->ca_file));
    copy_certificates(w);
    w->rig.options.ca_file = span_str(w->ca_file);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    size_t n_left = fetchrig_close(&w->rig);

    origin_stop(w->origin);
    (void)unlink(w->ca_file);
    mem_free(w);
    return n_left ? -1 : 0;
}

/* On a connection of its own unless it is kept. */
static void get(struct world *w, bool is_kept, bool is_insecure, enum fetch_outcome want, const char *error)
{
    struct fetchrig_get g = { .request = fetchrig_request(origin_url(w->origin, "/page")) };

    g.request.keep = is_kept ? FETCH_KEEP : FETCH_CLOSE;
    g.request.is_insecure = is_insecure;
    fetchrig_get_each(&w->rig, &g, 1);
    assert_int_equal(g.err, OK);
    assert_string_equal(result_outcome_name(g.result.outcome), result_outcome_name(want));
    if (error)
        assert_true(span_find_span(g.result.error, span_str(error)) < g.result.error.len);
    fetchrig_get_clear(&w->rig, &g);
}

static void certificates_are_read_once_for_all_connections(void **state)
{
    struct world *w = *state;

    fetchrig_open(&w->rig);
    get(w, false, false, FETCH_OK, NULL);
    assert_int_equal(unlink(w->ca_file), 0);
    get(w, false, false, FETCH_OK, NULL);
    assert_int_equal(origin_counts(w->origin).connections, 2);
}

/* Bytes that this process has read from files; what comes over sockets is not among them. */
static long n_read(void)
{
    struct buf text;
    long n = 0;

    buf_init(&text, 64 * KIB);
    assert_int_equal(io_read_file("/proc/self/io", &text, NULL), OK);
    assert_int_equal(buf_append_byte(&text, '\0'), OK);
    assert_int_equal(sscanf(text.ptr, "rchar: %ld", &n), 1);
    buf_clear(&text);
    return n;
}

/* Nor those that libcurl was built to trust: that of Debian is 200 KiB. */
static void beside_them_nothing_is_read(void **state)
{
    struct world *w = *state;
    long before = n_read();

    fetchrig_open(&w->rig);
    for (int i = 0; i < 4; i++)
        get(w, false, false, FETCH_OK, NULL);
    assert_in_range(n_read() - before, 0, 64 * KIB);
}

static void without_certificates_it_says_what_helps_and_looks_again(void **state)
{
    struct world *w = *state;

    assert_int_equal(unlink(w->ca_file), 0);
    fetchrig_open(&w->rig);
    get(w, false, false, FETCH_TLS_FAILED, w->ca_file);
    get(w, false, false, FETCH_TLS_FAILED, "install ca-certificates, or name a file with --ca-file");
    copy_certificates(w);
    get(w, false, false, FETCH_OK, NULL);
}

static void a_file_without_certificates_is_named(void **state)
{
    struct world *w = *state;
    FILE *f = fopen(w->ca_file, "w");

    assert_non_null(f);
    fputs("not a certificate\n", f);
    fclose(f);
    fetchrig_open(&w->rig);
    get(w, false, false, FETCH_TLS_FAILED, w->ca_file);
}

static void who_checks_nobody_needs_none(void **state)
{
    struct world *w = *state;

    assert_int_equal(unlink(w->ca_file), 0);
    fetchrig_open(&w->rig);
    get(w, false, true, FETCH_OK, NULL);
}

static void connections_are_kept_while_there_is_memory_for_them(void **state)
{
    struct world *w = *state;

    fetchrig_open(&w->rig);
    get(w, true, false, FETCH_OK, NULL);
    get(w, true, false, FETCH_OK, NULL);
    assert_int_equal(origin_counts(w->origin).connections, 1);
}

static void beyond_that_none_is(void **state)
{
    struct world *w = *state;

    w->rig.options.max_tls_bytes = 1;
    fetchrig_open(&w->rig);
    get(w, true, false, FETCH_OK, NULL);
    get(w, true, false, FETCH_OK, NULL);
    assert_int_equal(origin_counts(w->origin).connections, 2);
}

/* --insecure is of the host that is asked for, not of the way there. */
static void a_proxy_is_judged_by_them_whoever_is_asked_for(void **state)
{
    struct world *w = *state;

    w->rig.options.proxy = span_str(origin_url(w->origin, ""));
    fetchrig_open(&w->rig);
    for (int is_insecure = 0; is_insecure < 2; is_insecure++) {
        struct fetchrig_get g = { .request = fetchrig_request("http://anything.example/page") };

        g.request.is_insecure = is_insecure;
        fetchrig_get_each(&w->rig, &g, 1);
        assert_string_equal(result_outcome_name(g.result.outcome), "ok");
        fetchrig_get_clear(&w->rig, &g);
    }
}

static void a_proxy_without_certificates_is_no_way_to_anybody(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g = { .request = fetchrig_request("http://anything.example/page") };

    assert_int_equal(unlink(w->ca_file), 0);
    w->rig.options.proxy = span_str(origin_url(w->origin, ""));
    fetchrig_open(&w->rig);
    g.request.is_insecure = true;
    fetchrig_get_each(&w->rig, &g, 1);
    assert_string_equal(result_outcome_name(g.result.outcome), "tls_failed");
    fetchrig_get_clear(&w->rig, &g);
    assert_int_equal(origin_counts(w->origin).requests, 0);
}

static void connections_to_a_proxy_over_tls_count(void **state)
{
    struct world *w = *state;

    w->rig.options.proxy = span_str(origin_url(w->origin, ""));
    w->rig.options.max_tls_bytes = 1;
    fetchrig_open(&w->rig);
    for (int i = 0; i < 2; i++) {
        struct fetchrig_get g = { .request = fetchrig_request("http://anything.example/page") };

        g.request.keep = FETCH_KEEP;
        fetchrig_get_each(&w->rig, &g, 1);
        assert_string_equal(result_outcome_name(g.result.outcome), "ok");
        fetchrig_get_clear(&w->rig, &g);
    }
    assert_int_equal(origin_counts(w->origin).connections, 2);
}

/* A body without a length that ends with its connection, of a server that does not say so (close_notify) first. */
static void an_end_without_notice_is_one(void **state)
{
    struct world *w = *state;

    fetchrig_open(&w->rig);
    for (int is_insecure = 0; is_insecure < 2; is_insecure++) {
        struct fetchrig_get g = { .request = fetchrig_request(origin_url(w->origin, "/until-close")) };

        g.request.is_insecure = is_insecure;
        fetchrig_get_each(&w->rig, &g, 1);
        assert_string_equal(result_outcome_name(g.result.outcome), "ok");
        assert_int_equal(g.result.body.len, 5);
        fetchrig_get_clear(&w->rig, &g);
    }
}

/* --- a server of before RFC 5746 ------------------------------------------------------------- */

/* TLS 1.2 and not one extension; then it waits for what the client says. */
static const unsigned char SERVER_HELLO[] = {
    0x16, 3, 3, 0, 42, 2, 0, 0, 38, 3, 3,                                              /* record, message, version */
    1,    2, 3, 4, 5,  6, 7, 8, 9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, /* its random ... */
    23,   24, 25, 26, 27, 28, 29, 30, 31, 32,
    0,    0xc0, 0x2f, 0, /* no session; ECDHE-RSA-AES128-GCM-SHA256; no compression */
};

/* Exits with 0 when the client was silent until it closed, and 1 when it protested. */
static NORETURN void serve_one(int listener)
{
    char hello[4096];
    int fd = accept(listener, NULL, NULL);
    ssize_t n;

    if (fd < 0 || recv(fd, hello, sizeof(hello), 0) <= 0 ||
        send(fd, SERVER_HELLO, sizeof(SERVER_HELLO), 0) != (ssize_t)sizeof(SERVER_HELLO))
        _exit(2);
    n = recv(fd, hello, sizeof(hello), 0);
    _exit(n > 0);
}

static void a_server_that_knows_no_secure_renegotiation_is_spoken_to(void **state)
{
    struct world *w = *state;
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof(at);

    for (int is_insecure = 0; is_insecure < 2; is_insecure++) {
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), status;
        struct fetchrig_get g = { 0 };
        char url[64];
        pid_t pid;

        at.sin_port = 0;
        assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(listener, 1), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (!pid)
            serve_one(listener);
        if (!is_insecure) {
            w->rig.options.connect_timeout_ms = 300;
            fetchrig_open(&w->rig);
        }
        snprintf(url, sizeof(url), "https://127.0.0.1:%u/", ntohs(at.sin_port));
        g.request = fetchrig_request(url);
        g.request.is_insecure = is_insecure;
        fetchrig_get_each(&w->rig, &g, 1);
        assert_string_equal(result_outcome_name(g.result.outcome), "timeout");
        fetchrig_get_clear(&w->rig, &g);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
        close(listener);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(certificates_are_read_once_for_all_connections),
        TEST(beside_them_nothing_is_read),
        TEST(without_certificates_it_says_what_helps_and_looks_again),
        TEST(a_file_without_certificates_is_named),
        TEST(who_checks_nobody_needs_none),
        TEST(connections_are_kept_while_there_is_memory_for_them),
        TEST(beyond_that_none_is),
        TEST(a_proxy_is_judged_by_them_whoever_is_asked_for),
        TEST(a_proxy_without_certificates_is_no_way_to_anybody),
        TEST(connections_to_a_proxy_over_tls_count),
        TEST(an_end_without_notice_is_one),
        TEST(a_server_that_knows_no_secure_renegotiation_is_spoken_to),
    };

    return cmocka_run_group_tests_name("fetch/trust", tests, NULL, NULL);
}
