/* SPDX-License-Identifier: MIT */
/* Connections: kept, lost, dirty, refused, too many. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "config/clock.h"
#include "config/mem.h"
#include "tests/kit/fetchrig.h"
#include "tests/kit/origin.h"

#define STEP(kind, text, n)                 \
    {                                       \
        kind, { text, sizeof(text) - 1 }, n \
    }
#define OK_HEAD          "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
#define STEPS(name, ...) static const struct origin_step name[] = { __VA_ARGS__ }
#define SCRIPT(name)     .script = (name), .n_steps = ARRAY_LEN(name)

STEPS(DIE, STEP(ORIGIN_CLOSE, "", 0));
STEPS(DIE_HARD, STEP(ORIGIN_RESET, "", 0));
STEPS(TWO_ANSWERS,
      STEP(ORIGIN_SEND,
           OK_HEAD "Content-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\n"
                   "Content-Length: 5\r\n\r\nstray",
           0),
      STEP(ORIGIN_NEXT, "", 0));
STEPS(LATE_STRAY, STEP(ORIGIN_SEND, OK_HEAD "Content-Length: 2\r\n\r\nhi", 0),
      STEP(ORIGIN_PAUSE, "", 50),
      STEP(ORIGIN_SEND, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nstray", 0),
      STEP(ORIGIN_NEXT, "", 0));

static const struct origin_route ROUTES[] = {
    { .path = "/page*",
      .body = { "hello", 5 },
      .headers = "Content-Type: text/html; charset=x\r\n"
                 "ETag: \"v1\"\r\n"
                 "Last-Modified: yesterday\r\n" },
    { .path = "/once", .body = { "one", 3 }, .uses = 1 },
    { .path = "/once", SCRIPT(DIE) },
    { .path = "/once-hard", .body = { "one", 3 }, .uses = 1 },
    { .path = "/once-hard", SCRIPT(DIE_HARD) },
    { .path = "/two-answers", SCRIPT(TWO_ANSWERS) },
    { .path = "/late-stray", SCRIPT(LATE_STRAY) },
    { .path = "/empty", .headers = "Content-Type: video/mp4\r\n" },
    { .path = "/later*", .body = { "later", 5 }, .delay_ms = 300 },
    { .path = "/cookie",
      .body = { "c", 1 },
      .headers = "Set-Cookie: needle=1; Path=/\r\n" },
    { .path = "/redirect", .status = 302, .headers = "Location: /page\r\n" },
    { .path = "/altsvc",
      .body = { "a", 1 },
      .headers = "Alt-Svc: h2=\"127.0.0.9:9\"; ma=9999\r\n"
                 "Strict-Transport-Security: max-age=9999\r\n" },
};

struct world {
    struct origin *origin;
    struct fetchrig rig;
};

static int open_world(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));
    const struct origin_options oo = { .routes = ROUTES,
                                       .n_routes = ARRAY_LEN(ROUTES),
                                       .n_addresses = 20 };

    w->origin = origin_start(&oo);
    fetchrig_init(&w->rig);
    fetchrig_open(&w->rig);
    *state = w;
    return 0;
}

static int close_world(void **state)
{
    struct world *w = *state;
    size_t n_left = fetchrig_close(&w->rig);

    origin_stop(w->origin);
    mem_free(w);
    return n_left ? -1 : 0;
}

/* The world's fetcher once more, with options changed by the test since open_world. */
static void reopen(struct world *w)
{
    (void)fetchrig_close(&w->rig);
    fetchrig_open(&w->rig);
}

static struct fetchrig_get get_of(struct world *w, const char *path)
{
    return (struct fetchrig_get){ .request =
                                      fetchrig_request(origin_url(w->origin, path)) };
}

static struct fetchrig_get get(struct world *w, const char *path)
{
    struct fetchrig_get g = get_of(w, path);

    fetchrig_get_each(&w->rig, &g, 1);
    assert_int_equal(g.err, OK);
    return g;
}

static void assert_outcome(const struct fetchrig_get *g, enum fetch_outcome want)
{
    assert_string_equal(result_outcome_name(g->result.outcome),
                        result_outcome_name(want));
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

/* --- connections ----------------------------------------------------------------------------- */

static void connections_are_kept_or_not_as_asked(void **state)
{
    struct world *w = *state;
    struct fetchrig_get gets[4];

    for (int i = 0; i < 4; i++) {
        gets[i] = get_of(w, "/page");
        gets[i].request.keep_alive = i < 2;
    }
    fetchrig_get_each(&w->rig, gets, 4);

    assert_int_equal(origin_request_at(w->origin, 0)->connection, 1);
    assert_int_equal(origin_request_at(w->origin, 1)->connection, 1);
    assert_int_equal(gets[1].result.timings.connect_ms, -1);
    assert_int_equal(origin_request_at(w->origin, 2)->connection,
                     1); /* used up, then closed */
    assert_int_equal(origin_request_at(w->origin, 3)->connection, 2);
    for (int i = 0; i < 4; i++)
        drop(w, &gets[i]);
}

/* Promise P30: the kept connection dies on the second request, and that is seen, not repaired. */
static void a_lost_kept_connection_is_reported_not_retried(void **state)
{
    static const char *const paths[] = { "/once", "/once-hard" };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        uint64_t before = origin_counts(w->origin).requests;
        struct fetchrig_get first = get(w, paths[i]);
        struct fetchrig_get second = get(w, paths[i]);
        struct fetchrig_get third = get(w, "/page");

        assert_outcome(&first, FETCH_OK);
        assert_outcome(&second, FETCH_CONNECTION_LOST);
        assert_true(second.result.was_reused_and_lost);
        assert_int_equal(origin_counts(w->origin).requests, before + 3);
        assert_outcome(&third, FETCH_OK);
        drop(w, &first);
        drop(w, &second);
        drop(w, &third);
    }
}

/* On a fresh connection the same is the server's doing. */
static void a_lost_fresh_connection_is_no_lost_reuse(void **state)
{
    struct world *w = *state;
    struct fetchrig_get first = get_of(w, "/once");
    struct fetchrig_get second;

    first.request.keep_alive = false;
    fetchrig_get_each(&w->rig, &first, 1);
    second = get(w, "/once");

    assert_outcome(&second, FETCH_CONNECTION_LOST);
    assert_false(second.result.was_reused_and_lost);
    assert_int_equal(origin_counts(w->origin).requests, 2);
    drop(w, &first);
    drop(w, &second);
}

/* Promise P29. */
static void stray_bytes_never_answer_the_next_request(void **state)
{
    static const char *const paths[] = { "/two-answers", "/late-stray" };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct fetchrig_get first = get(w, paths[i]);
        struct fetchrig_get second;

        (void)usleep(100000);
        second = get(w, "/page");
        if (second.result.was_reused_and_lost) { /* seen in time: nothing was sent */
            drop(w, &second);
            second = get(w, "/page");
        }
        assert_body(w, &first, "hi");
        assert_outcome(&second, FETCH_OK);
        assert_body(w, &second, "hello");
        drop(w, &first);
        drop(w, &second);
    }
}

static void refused_connections_are_connect_failures(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g = { .request = fetchrig_request("http://127.0.0.1:1/") };

    fetchrig_get_each(&w->rig, &g, 1);

    assert_outcome(&g, FETCH_CONNECT_FAILED);
    assert_true(g.result.error.len > 0);
    assert_true(span_eq(g.result.ip, SPAN("127.0.0.1")));
    drop(w, &g);
}

/* libcurl closes sockets that never got connected without telling; they must not be counted as
 * open for ever, or no connection would be kept any more. */
static void failed_connections_do_not_wear_out_kept_ones(void **state)
{
    struct world *w = *state;
    struct fetchrig_get gets[2];

    for (int i = 0; i < 300; i++) {
        struct fetchrig_get g = { .request = fetchrig_request("http://127.0.0.1:1/") };

        fetchrig_get_each(&w->rig, &g, 1);
        assert_outcome(&g, FETCH_CONNECT_FAILED);
        drop(w, &g);
    }
    for (int i = 0; i < 2; i++)
        gets[i] = get_of(w, "/page");
    fetchrig_get_each(&w->rig, gets, 2);

    assert_int_equal(origin_request_at(w->origin, 1)->connection, 1);
    for (int i = 0; i < 2; i++)
        drop(w, &gets[i]);
}

/* Promise P7: refused before a packet is sent; a redirect or a reused handle changes nothing. */
static void private_addresses_are_refused_by_default(void **state)
{
    struct world *w = *state;
    struct fetchrig_get g;

    w->rig.policy.allows_private = false;
    g = get(w, "/page");

    assert_outcome(&g, FETCH_BLOCKED_ADDRESS);
    assert_true(span_eq(g.result.error, SPAN("loopback address")));
    assert_int_equal(origin_counts(w->origin).connections, 0);
    drop(w, &g);
}

/* Promise P32. */
static void running_out_of_descriptors_is_said_and_passes(void **state)
{
    struct world *w = *state;
    struct rlimit old, few;
    struct fetchrig_get g;
    int next_fd = dup(0);

    assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
    few = old;
    few.rlim_cur = (rlim_t)next_fd;
    assert_int_equal(close(next_fd), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    g = get(w, "/page");
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);

    assert_outcome(&g, FETCH_CONNECT_FAILED);
    assert_true(g.result.is_out_of_descriptors);
    drop(w, &g);
    g = get(w, "/page");
    assert_outcome(&g, FETCH_OK);
    assert_false(g.result.is_out_of_descriptors);
    drop(w, &g);
}

#define WORLD_TEST(f) cmocka_unit_test_setup_teardown(f, open_world, close_world)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        WORLD_TEST(connections_are_kept_or_not_as_asked),
        WORLD_TEST(a_lost_kept_connection_is_reported_not_retried),
        WORLD_TEST(a_lost_fresh_connection_is_no_lost_reuse),
        WORLD_TEST(stray_bytes_never_answer_the_next_request),
        WORLD_TEST(refused_connections_are_connect_failures),
        WORLD_TEST(failed_connections_do_not_wear_out_kept_ones),
        WORLD_TEST(private_addresses_are_refused_by_default),
        WORLD_TEST(running_out_of_descriptors_is_said_and_passes),
    };

    return cmocka_run_group_tests_name("fetch/multi", tests, NULL, NULL);
}
