/* SPDX-License-Identifier: MIT */
/* Every outcome of an answer, reached by a server that really behaves like that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "config/mem.h"
#include "tests/kit/fetchrig.h"
#include "tests/kit/origin.h"

#define MAX_BODY         40000
#define MAX_HEADER_BYTES 20000
#define MAX_HEADERS      300

#define BYTES(text)                                \
    {                                              \
        ORIGIN_SEND, { text, sizeof(text) - 1 }, 0 \
    }
#define ENDLESS(text)                                 \
    {                                                 \
        ORIGIN_ENDLESS, { text, sizeof(text) - 1 }, 0 \
    }
#define FIN                          \
    {                                \
        ORIGIN_CLOSE, { NULL, 0 }, 0 \
    }
#define RST                          \
    {                                \
        ORIGIN_RESET, { NULL, 0 }, 0 \
    }
#define NEXT                        \
    {                               \
        ORIGIN_NEXT, { NULL, 0 }, 0 \
    }
#define PAUSE(ms)                     \
    {                                 \
        ORIGIN_PAUSE, { NULL, 0 }, ms \
    }

struct row {
    const char *label; /* with the promise it keeps */
    struct origin_step script[5];
    enum fetch_outcome want;
    int want_status;
    const char *want_body; /* NULL: not looked at */
    bool is_conditional;
};

static const struct row ROWS[] = {
    /* Complete answers. */
    { "a length that is kept is ok",
      { BYTES("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"), NEXT },
      FETCH_OK,
      200,
      "hello",
      false },
    { "chunks to the end are ok",
      { BYTES(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"),
        NEXT },
      FETCH_OK,
      200,
      "hello",
      false },
    { "a body up to the end of the connection is ok",
      { BYTES("HTTP/1.0 200 OK\r\n\r\nhello"), FIN },
      FETCH_OK,
      200,
      "hello",
      false },
    { "P47: identity is no transfer coding, so the length ends the body",
      { BYTES(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nhi"),
        NEXT },
      FETCH_OK,
      200,
      "hi",
      false },
    { "P47: of no length too",
      { BYTES(
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: Identity\r\n\r\n"),
        NEXT },
      FETCH_OK,
      200,
      "",
      false },
    { "line feeds alone are ok",
      { BYTES("HTTP/1.1 200 OK\nContent-Length: 2\n\nhi"), NEXT },
      FETCH_OK,
      200,
      "hi",
      false },
    { "an interim answer first is ok",
      { BYTES("HTTP/1.1 103 Early\r\nLink: </a>\r\n\r\n"), PAUSE(20),
        BYTES("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), NEXT },
      FETCH_OK,
      200,
      "hi",
      false },
    { "P47: a coded body comes as it was sent",
      { BYTES(
            "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b??"),
        NEXT },
      FETCH_OK,
      200,
      "\x1f\x8b??",
      false },
    { "P47: an unknown coding too",
      { BYTES(
            "HTTP/1.1 200 OK\r\nContent-Encoding: aes\r\nContent-Length: 2\r\n\r\nxy"),
        NEXT },
      FETCH_OK,
      200,
      "xy",
      false },
    { "P49: 204 has no body",
      { BYTES("HTTP/1.1 204 No\r\n\r\n"), NEXT },
      FETCH_OK,
      204,
      "",
      false },
    { "P49: 205",
      { BYTES("HTTP/1.1 205 R\r\nContent-Length: 0\r\n\r\n"), NEXT },
      FETCH_OK,
      205,
      "",
      false },
    { "a redirect",
      { BYTES("HTTP/1.1 301 M\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), NEXT },
      FETCH_REDIRECT,
      301,
      "",
      false },
    { "308 is a redirect",
      { BYTES("HTTP/1.1 308 M\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"), NEXT },
      FETCH_REDIRECT,
      308,
      "",
      false },
    { "P8: a redirect to another scheme is one, and not followed",
      { BYTES(
            "HTTP/1.1 302 F\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
        NEXT },
      FETCH_REDIRECT,
      302,
      "",
      false },
    { "P49: 3xx without Location is an answer",
      { BYTES("HTTP/1.1 302 F\r\nContent-Length: 2\r\n\r\nhi"), NEXT },
      FETCH_OK,
      302,
      "hi",
      false },
    { "P44: an empty Location is none",
      { BYTES("HTTP/1.1 302 F\r\nLocation: \r\nContent-Length: 2\r\n\r\nhi"), NEXT },
      FETCH_OK,
      302,
      "hi",
      false },
    { "P26: 304 to a condition",
      { BYTES("HTTP/1.1 304 N\r\nETag: \"a\"\r\n\r\n"), NEXT },
      FETCH_NOT_MODIFIED,
      304,
      "",
      true },
    { "P26: 304 without a condition",
      { BYTES("HTTP/1.1 304 N\r\n\r\n"), NEXT },
      FETCH_BAD_RESPONSE,
      304,
      "",
      false },
    { "404",
      { BYTES("HTTP/1.1 404 N\r\nContent-Length: 2\r\n\r\nno"), NEXT },
      FETCH_HTTP_ERROR,
      404,
      "no",
      false },
    { "P49: 401 is not answered with credentials",
      { BYTES(
            "HTTP/1.1 401 U\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"),
        NEXT },
      FETCH_HTTP_ERROR,
      401,
      "",
      false },
    { "P49: 407 neither",
      { BYTES(
            "HTTP/1.1 407 P\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"),
        NEXT },
      FETCH_HTTP_ERROR,
      407,
      "",
      false },
    { "P49: 418",
      { BYTES("HTTP/1.1 418 T\r\nContent-Length: 0\r\n\r\n"), NEXT },
      FETCH_HTTP_ERROR,
      418,
      "",
      false },
    { "P49: 999",
      { BYTES("HTTP/1.1 999 D\r\nContent-Length: 0\r\n\r\n"), NEXT },
      FETCH_HTTP_ERROR,
      999,
      "",
      false },
    { "500",
      { BYTES("HTTP/1.1 500 E\r\nContent-Length: 0\r\n\r\n"), NEXT },
      FETCH_HTTP_ERROR,
      500,
      "",
      false },
    { "P49: 206 that nobody asked for is not whole",
      { BYTES(
            "HTTP/1.1 206 P\r\nContent-Range: bytes 0-1/5\r\nContent-Length: 2\r\n\r\nhe"),
        NEXT },
      FETCH_INCOMPLETE,
      206,
      "he",
      false },
    { "P49: 101 that nobody asked for is no answer",
      { BYTES("HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\nstuff"), FIN },
      FETCH_BAD_RESPONSE,
      101,
      NULL,
      false },
    { "P49: so it is where the connection stays open",
      { BYTES("HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\nstuff"), NEXT },
      FETCH_BAD_RESPONSE,
      101,
      NULL,
      false },
    /* Cut short: P2. */
    { "P2: an end before the length is reached",
      { BYTES("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), FIN },
      FETCH_INCOMPLETE,
      200,
      "hello",
      false },
    { "P2: a reset before the length is reached",
      { BYTES("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"), PAUSE(50), RST },
      FETCH_INCOMPLETE,
      200,
      "hello",
      false },
    { "P2: an end within a chunk",
      { BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello"), FIN },
      FETCH_INCOMPLETE,
      200,
      "hello",
      false },
    { "P2: an end between chunks",
      { BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        FIN },
      FETCH_INCOMPLETE,
      200,
      "hello",
      false },
    { "P2: an end within the header fields, where libcurl reports success",
      { BYTES("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nX: "), FIN },
      FETCH_CONNECTION_LOST,
      200,
      "",
      false },
    { "P2: an end before the blank line",
      { BYTES("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"), FIN },
      FETCH_CONNECTION_LOST,
      200,
      "",
      false },
    { "P2: an end within the status line",
      { BYTES("HTTP/1.1 20"), FIN },
      FETCH_CONNECTION_LOST,
      0,
      "",
      false },
    { "P2: an end after an interim answer",
      { BYTES("HTTP/1.1 100 C\r\n\r\n"), FIN },
      FETCH_CONNECTION_LOST,
      100,
      "",
      false },
    { "an end without a word", { FIN }, FETCH_CONNECTION_LOST, 0, "", false },
    { "a reset without a word", { RST }, FETCH_CONNECTION_LOST, 0, "", false },
    { "a reset within the header fields",
      { BYTES("HTTP/1.1 200 OK\r\nA: b\r\n"), PAUSE(50), RST },
      FETCH_CONNECTION_LOST,
      200,
      "",
      false },
    /* Not HTTP, or contradictory: P29. */
    { "P29: an SSH banner",
      { BYTES("SSH-2.0-OpenSSH_9.2\r\n"), PAUSE(50), FIN },
      FETCH_BAD_RESPONSE,
      0,
      "",
      false },
    { "P29: HTTP/0.9",
      { BYTES("<html>hello</html>"), FIN },
      FETCH_BAD_RESPONSE,
      0,
      "",
      false },
    { "P29: two lengths",
      { BYTES(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
        NEXT },
      FETCH_BAD_RESPONSE,
      200,
      "",
      false },
    { "P29: a length and chunks",
      { BYTES(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n0\r\n\r\n"),
        NEXT },
      FETCH_BAD_RESPONSE,
      200,
      "",
      false },
    { "P29: a length that is no number",
      { BYTES("HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nhello"), FIN },
      FETCH_BAD_RESPONSE,
      200,
      "",
      false },
    { "P29: a chunk length that is no number",
      { BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n"),
        FIN },
      FETCH_BAD_RESPONSE,
      200,
      NULL,
      false },
    { "a status that is no number",
      { BYTES("HTTP/1.1 abc OK\r\n\r\n"), FIN },
      FETCH_BAD_RESPONSE,
      0,
      "",
      false },
    /* Without measure: P10, P28. */
    { "P10: an endless body is cut at the limit",
      { BYTES("HTTP/1.1 200 OK\r\n\r\n"), ENDLESS("0123456789abcdef") },
      FETCH_TOO_LARGE,
      200,
      NULL,
      false },
    { "P10: endless chunks are cut at the limit",
      { BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        ENDLESS("4\r\nabcd\r\n") },
      FETCH_TOO_LARGE,
      200,
      NULL,
      false },
    { "P10: a length of 10^18 is cut at the limit",
      { BYTES("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000000\r\n\r\n"),
        ENDLESS("0123456789") },
      FETCH_TOO_LARGE,
      200,
      NULL,
      false },
    { "P10: a length beyond 64 bits is none",
      { BYTES("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
        ENDLESS("x") },
      FETCH_BAD_RESPONSE,
      200,
      "",
      false },
    { "P28: endless header fields",
      { BYTES("HTTP/1.1 200 OK\r\n"),
        ENDLESS("X-A: bcdefghijklmnopqrstuvwxyz0123456789\r\n") },
      FETCH_BAD_RESPONSE,
      200,
      "",
      false },
    { "P28: too many header fields",
      { BYTES("HTTP/1.1 200 OK\r\n"), ENDLESS("A: b\r\n") },
      FETCH_BAD_RESPONSE,
      200,
      "",
      false },
    { "P28: an endless header line, which libcurl calls out of memory",
      { BYTES("HTTP/1.1 200 OK\r\nX: "), ENDLESS("abcdefghijklmnopqrstuvwxyz") },
      FETCH_BAD_RESPONSE,
      200,
      "",
      false },
    { "P28: endless interim answers",
      { ENDLESS("HTTP/1.1 103 E\r\nLink: </a>\r\n\r\n") },
      FETCH_BAD_RESPONSE,
      103,
      "",
      false },
    { "P28: endless trailers",
      { BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n"),
        ENDLESS("X-Trailer: abc\r\n") },
      FETCH_BAD_RESPONSE,
      200,
      "hi",
      false },
};

/* Responses whose every prefix is tried, but the chunked one's without its very last line feed:
 * libcurl is content with that, and not a byte of the body is missing. */
static const char SHORT_LENGTH[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
static const char SHORT_CHUNKED[] =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5\r\nhello\r\n0\r\n\r\n";
#define N_CUTS (sizeof(SHORT_LENGTH) - 1 + sizeof(SHORT_CHUNKED) - 2)

struct world {
    struct origin *origin;
    struct fetchrig rig;
    struct origin_route routes[ARRAY_LEN(ROWS) + N_CUTS];
    struct origin_step cuts[N_CUTS][2];
    char paths[ARRAY_LEN(ROWS) + N_CUTS][24];
};

/* cmocka gives each test its own initial state, so the world common to all lives here. */
static struct world *world;

static void add_cut(size_t i, const char *whole, size_t n)
{
    struct origin_route *route = &world->routes[ARRAY_LEN(ROWS) + i];

    world->cuts[i][0] = (struct origin_step){ ORIGIN_SEND, span_make(whole, n), 0 };
    world->cuts[i][1] = (struct origin_step)FIN;
    *route = (struct origin_route){ .script = world->cuts[i], .n_steps = 2 };
}

static int open_world(void **state)
{
    struct origin_options oo = { .n_routes = ARRAY_LEN(ROWS) + N_CUTS };
    size_t n = 0;

    (void)state;
    world = mem_alloc(sizeof(*world));
    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        world->routes[i] =
            (struct origin_route){ .script = ROWS[i].script, .n_steps = 5 };
    for (size_t i = 0; i < sizeof(SHORT_LENGTH) - 1; i++)
        add_cut(n++, SHORT_LENGTH, i);
    for (size_t i = 0; i < sizeof(SHORT_CHUNKED) - 2; i++)
        add_cut(n++, SHORT_CHUNKED, i);
    for (size_t i = 0; i < oo.n_routes; i++) {
        (void)snprintf(world->paths[i], sizeof(world->paths[i]), "/%zu", i);
        world->routes[i].path = world->paths[i];
    }
    oo.routes = world->routes;
    world->origin = origin_start(&oo);
    fetchrig_init(&world->rig);
    world->rig.options.max_body_bytes = MAX_BODY;
    world->rig.options.max_header_bytes = MAX_HEADER_BYTES;
    world->rig.options.max_headers = MAX_HEADERS;
    fetchrig_open(&world->rig);
    return 0;
}

static int close_world(void **state)
{
    size_t n_left = fetchrig_close(&world->rig);

    (void)state;
    origin_stop(world->origin);
    mem_free(world);
    return n_left ? -1 : 0;
}

static void come_to_its_outcome(void **state)
{
    const struct row *row = *state;
    size_t i = (size_t)(row - ROWS);
    struct fetchrig_get get = { .request = fetchrig_request(
                                    origin_url(world->origin, world->paths[i])) };
    uint64_t sent_before = origin_counts(world->origin).bytes_sent;
    uint64_t requests_before = origin_counts(world->origin).requests;
    struct span body;

    get.request.is_fresh = true; /* what an earlier row did to its connection is none of this one's */
    if (row->is_conditional)
        get.request.etag = SPAN("\"a\"");
    fetchrig_get_each(&world->rig, &get, 1);
    body = bodies_view(world->rig.bodies, &get.result.body);

    assert_int_equal(get.err, OK);
    assert_string_equal(result_outcome_name(get.result.outcome),
                        result_outcome_name(row->want));
    assert_int_equal(get.result.status_code, row->want_status);
    assert_int_equal(origin_counts(world->origin).requests, requests_before + 1);
    if (row->want_body) {
        assert_int_equal(body.len, strlen(row->want_body));
        assert_memory_equal(body.len ? body.ptr : "", row->want_body, body.len);
        assert_int_equal(get.result.wire_size, body.len);
    }
    if (row->want == FETCH_TOO_LARGE) {
        assert_int_equal(body.len, MAX_BODY);
        assert_true(get.result.wire_size > MAX_BODY);
    }
    /* What says that something went wrong also says what; and no flood is listened to. */
    assert_int_equal(get.result.error.len > 0, row->want > FETCH_HTTP_ERROR);
    assert_true(origin_counts(world->origin).bytes_sent - sent_before <
                ((uint64_t)16 << 20));
    fetchrig_get_clear(&world->rig, &get);
}

/* Promise P2: cut each kind of transfer at every byte. */
static void no_cut_at_any_byte_is_ok(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_CUTS; i++) {
        struct fetchrig_get get = {
            .request = fetchrig_request(
                origin_url(world->origin, world->paths[ARRAY_LEN(ROWS) + i]))
        };

        get.request.is_fresh = true;
        fetchrig_get_each(&world->rig, &get, 1);
        fetchrig_get_clear(&world->rig, &get);
        assert_int_equal(get.err, OK);
        if (get.result.outcome != FETCH_CONNECTION_LOST &&
            get.result.outcome != FETCH_INCOMPLETE)
            fail_msg("cut %zu: %s", i, result_outcome_name(get.result.outcome));
    }
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_LEN(ROWS) + 1];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(ROWS); i++)
        tests[n++] = (struct CMUnitTest){ ROWS[i].label, come_to_its_outcome, NULL,
                                          NULL, (void *)(uintptr_t)&ROWS[i] };
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(no_cut_at_any_byte_is_ok);
    return cmocka_run_group_tests_name("fetch/outcome", tests, open_world, close_world);
}
