/* SPDX-License-Identifier: MIT */
/* Whole hosts that misbehave: robots.txt, pauses, cookies, names, TLS, HTTP/2. */
#include <time.h>

#include "config/clock.h"
#include "tests/kit/hell.h"

#define ENDLESS_RULES "User-agent: *\nDisallow: /private\n"

/* --- robots.txt: P21, P22 ------------------------------------------------------------------ */

static char filler[4096];

/* clang-format off */
#define PLAIN_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
static const struct origin_step endless[] = { { .kind = ORIGIN_SEND, .bytes = LIT(PLAIN_HEAD "\r\n" ENDLESS_RULES) },
                                              { .kind = ORIGIN_ENDLESS, .bytes = { filler, sizeof filler } } };
static const struct origin_step resets[] = { { .kind = ORIGIN_RESET } };
static const struct origin_step hangs[] = { { .kind = ORIGIN_HANG } };
static const struct origin_step cut[] = { { .kind = ORIGIN_SEND, .bytes = LIT(PLAIN_HEAD "Content-Length: 500\r\n\r\nUser-agent: *\n") }, { .kind = ORIGIN_CLOSE } };

struct robots_host {
    uint32_t host;
    struct origin_route route; /* of /robots.txt */
    const char *home, *private; /* rows of / and /private */
    int n_pages;               /* requests for each of them that is fetched */
};

#define UNREACHABLE "excluded robots_unreachable"
#define FETCHED     "fetched ok 200 ok"

static const struct robots_host robots_hosts[] = {
    { 10, { .script = endless, .n_steps = 2 }, FETCHED, "excluded robots", 1 },
    { 11, { .headers = PLAIN, .body = LIT("User-agent: *\nDisallow: /*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b\n") }, FETCHED, FETCHED, 1 },
    { 12, { .headers = PLAIN, .body = LIT("\xff\xfeU\0s\0e\0r\0-\0a\0g\0e\0n\0t\0:\0 \0*\0\n\0D\0i\0s\0a\0l\0l\0o\0w\0:\0 \0/\0p\0r\0i\0") }, FETCHED, "excluded robots", 1 },
    { 13, { .status = 503 }, UNREACHABLE, UNREACHABLE, 0 },
    { 14, { .status = 302, .headers = NULL }, UNREACHABLE, UNREACHABLE, 0 }, /* to the canary; filled in below */
    { 15, { .script = resets, .n_steps = 1 }, UNREACHABLE, UNREACHABLE, 0 },
    { 16, { .script = hangs, .n_steps = 1 }, UNREACHABLE, UNREACHABLE, 0 },
    { 17, { .script = cut, .n_steps = 2 }, UNREACHABLE, UNREACHABLE, 0 },
    { 18, { .status = 302, .headers = "Location: file:///etc/passwd\r\n" }, UNREACHABLE, UNREACHABLE, 0 },
    { 19, { .status = 302, .headers = "Location: /robots.txt\r\n" }, UNREACHABLE, UNREACHABLE, 0 },
    { 20, { .status = 403 }, FETCHED, FETCHED, 1 },
    { 21, { .headers = HTML, .body = LIT("<html>Disallow: /private") }, FETCHED, FETCHED, 1 },
};

/* clang-format on */

static void add_robots(struct hell *h)
{
    memset(filler, '#', sizeof filler);
    for (size_t i = 0; i < ARRAY_LEN(robots_hosts); i++) {
        const struct robots_host *r = &robots_hosts[i];
        struct origin_route route = r->route;

        route.path = "/robots.txt";
        route.on = r->host;
        if (route.status == 302 && !route.headers)
            route.headers =
                hell_text(h, "Location: http://127.0.0.99:$CANARY/robots.txt\r\n");
        hell_route(h, route);
        hell_case(h, r->host, "/", r->home, r->n_pages);
        hell_case(h, r->host, "/private", r->private,
                  strcmp(r->private, FETCHED) ? 0 : 1);
    }
}

/* --- pauses, flapping, cookies: P14, P45 ------------------------------------------------------- */

static const char *date_in(int s)
{
    static char header[96];
    time_t at = (time_t)(clock_wall_ms() / 1000) + s;
    struct tm tm;

    gmtime_r(&at, &tm);
    strftime(header, sizeof header, "Retry-After: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
    return header;
}

static void add_pauses(struct hell *h)
{
    const struct origin_route routes[] = {
        { .path = "/",
          .on = 25,
          .status = 429,
          .headers = "Retry-After: 1\r\n",
          .uses = 1 },
        { .path = "/", .on = 26, .status = 503, .headers = date_in(3), .uses = 1 },
        { .path = "/", .on = 27, .status = 503, .headers = "Retry-After: 1\r\n" },
        { .path = "/",
          .on = 28,
          .status = 503,
          .headers = "Retry-After: 99999999999999\r\n" },
        { .path = "/",
          .on = 29,
          .status = 429,
          .headers = "Retry-After: -5\r\n",
          .uses = 1 },
        { .path = "/", .on = 30, .script = resets, .n_steps = 1, .uses = 1 },
        { .path = "/",
          .on = 31,
          .status = 302,
          .headers = "Location: /\r\nSet-Cookie: wall=31; Domain=0.0.31\r\n" },
    };

    for (size_t i = 0; i < ARRAY_LEN(routes); i++)
        hell_route(h, routes[i]);
    hell_case(h, 25, "/", FETCHED, 2);
    hell_case(h, 26, "/", FETCHED, 2);
    hell_case(h, 27, "/", "fetched http_error 503 not_html", 2);
    hell_case(h, 28, "/", "fetched http_error 503 not_html", 1);
    hell_case(h, 29, "/", FETCHED, 2);
    hell_case(h, 30, "/", FETCHED, 2);
    hell_case(h, 31, "/", "fetched redirect 302", 1);
}

/* --- names and certificates: P27, P31 ------------------------------------------------------------ */

static void add_names(struct hell *h)
{
    static const struct {
        const char *url, *row;
    } cases[] = {
        { "http://nx.test:$PORT/", UNREACHABLE },
        { "http://servfail.test:$PORT/", UNREACHABLE },
        { "http://silent.test:$PORT/", UNREACHABLE },
        { "http://garbled.test:$PORT/", UNREACHABLE },
        { "http://inside.test:$CANARY/", "failed blocked_address blocked_address" },
        { "http://turning.test:$PORT/", NULL },
        { "https://127.0.0.7:$TLS/", UNREACHABLE },
        { "https://127.0.0.1:$EXPIRED/", UNREACHABLE },
        { "https://127.0.0.1:$MUTE/", UNREACHABLE },
        { "http://127.0.0.1:$MUTE/", UNREACHABLE },
        { "https://127.0.0.9:$PORT/", UNREACHABLE },
        { "https://127.0.0.1:$TLS/", "failed connection_lost connection_lost" },
        /* libcurl of 8.14 has a name for the one, and has seen the status of the other. */
        { "https://127.0.0.2:$TLS/", "failed connection_lost connection_lost|failed bad_response bad_response" },
        { "https://127.0.0.3:$TLS/", "failed connection_lost connection_lost|failed connection_lost connection_lost 200" },
        { "https://127.0.0.4:$TLS/",
          "failed connection_lost connection_lost|failed timeout timeout" },
        { "https://127.0.0.5:$TLS/", "failed timeout timeout" },
        { "https://127.0.0.6:$TLS/", "failed connection_lost connection_lost" },
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        hell_case(h, 0, hell_text(h, cases[i].url), cases[i].row, -1);
}

void hell_hosts(struct hell *h)
{
    add_robots(h);
    add_pauses(h);
    add_names(h);
}

/* --- HTTP/2 (RFC 9113): P48 ------------------------------------------------------------------ */

/* clang-format off */
/* Our settings and the receipt for theirs; then frames of stream 1, whatever was asked. */
#define HELLO      "\0\0\0\4\0\0\0\0\0" "\0\0\0\4\1\0\0\0\0"
#define NOT_FOUND  "\0\0\1\1\5\0\0\0\1\x8d"                  /* HEADERS, END_STREAM: :status 404 */
#define GOODBYE    "\0\0\10\7\0\0\0\0\0\0\0\0\1\0\0\0\0"     /* GOAWAY after stream 1, no error */
#define UNSEEN     "\0\0\10\7\0\0\0\0\0\0\0\0\0\0\0\0\1"     /* GOAWAY, stream 1 not processed */
#define RST        "\0\0\4\3\0\0\0\0\1\0\0\0\2"              /* RST_STREAM: INTERNAL_ERROR */
#define OPEN_HEAD  "\0\0\1\1\0\0\0\0\1\x88"                  /* HEADERS without END_HEADERS */
#define MORE_HEAD  "\0\0\5\11\0\0\0\0\1\0\1a\1b"             /* CONTINUATION: a: b */
#define PING       "\0\0\10\6\0\0\0\0\0pingping"
#define NOISE      "\0\0\1\1\5\0\0\0\1\xff"                  /* HEADERS that no HPACK decoder takes */

static const struct origin_step no_rules[] = { { .kind = ORIGIN_SEND, .bytes = LIT(HELLO NOT_FOUND GOODBYE) }, { .kind = ORIGIN_CLOSE } };
static const struct origin_step rst[] = { { .kind = ORIGIN_SEND, .bytes = LIT(HELLO RST) }, { .kind = ORIGIN_HANG } };
static const struct origin_step goaway[] = { { .kind = ORIGIN_SEND, .bytes = LIT(HELLO UNSEEN) }, { .kind = ORIGIN_HANG } };
static const struct origin_step continuation[] = { { .kind = ORIGIN_SEND, .bytes = LIT(HELLO OPEN_HEAD) }, { .kind = ORIGIN_ENDLESS, .bytes = LIT(MORE_HEAD) } };
static const struct origin_step ping[] = { { .kind = ORIGIN_SEND, .bytes = LIT(HELLO) }, { .kind = ORIGIN_ENDLESS, .bytes = LIT(PING) } };
static const struct origin_step silence[] = { { .kind = ORIGIN_SEND, .bytes = LIT(HELLO) }, { .kind = ORIGIN_HANG } };
static const struct origin_step noise[] = { { .kind = ORIGIN_SEND, .bytes = LIT(HELLO NOISE) }, { .kind = ORIGIN_HANG } };
/* clang-format on */

#define H2(address, steps)                                                       \
    { .path = "*", .on = address, .script = no_rules, .n_steps = 2, .uses = 1 }, \
    {                                                                            \
        .path = "*", .on = address, .script = steps, .n_steps = ARRAY_LEN(steps) \
    }

const struct origin_route *hell_h2_routes(size_t *out_n)
{
    static const struct origin_route routes[] = {
        H2(1, rst),  H2(2, goaway),  H2(3, continuation),
        H2(4, ping), H2(5, silence), H2(6, noise),
    };

    *out_n = ARRAY_LEN(routes);
    return routes;
}
