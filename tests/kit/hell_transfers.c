/* SPDX-License-Identifier: MIT */
/* Answers that are slow, cut, endless, contradictory, coded badly, or no answers at all. */
#include <zstd.h>

#include <zlib.h>

#include "tests/kit/hell.h"

#define BOMB    ((size_t)64 << 20)
#define FILLER  4096

#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
#define SENDS(text)                             \
    {                                           \
        .kind = ORIGIN_SEND, .bytes = LIT(text) \
    }
#define DRIPS(text)                                       \
    {                                                     \
        .kind = ORIGIN_DRIP, .bytes = LIT(text), .n = 400 \
    }
#define FOREVER(...)                                 \
    {                                                \
        .kind = ORIGIN_ENDLESS, .bytes = __VA_ARGS__ \
    }
#define HANGS               \
    {                       \
        .kind = ORIGIN_HANG \
    }
#define ENDS                 \
    {                        \
        .kind = ORIGIN_CLOSE \
    }
#define RESETS               \
    {                        \
        .kind = ORIGIN_RESET \
    }
#define NEXT                \
    {                       \
        .kind = ORIGIN_NEXT \
    }
#define MAX_STEPS 4

static char filler[FILLER];
static char chunk[6 + 0x1000 + 2]; /* "1000", and so many bytes */

struct scripted {
    const char *path;
    struct origin_step steps[MAX_STEPS];
    const char *row;
    int n_requests;
};

/* clang-format off */
static const struct scripted table[] = {
    /* P11: slow and silent. The clocks of the test: 2 s to the first byte, 100 B/s over 2 s, 6 s in all. */
    { "/mute", { HANGS }, "failed timeout timeout", 1 },
    { "/slow-head", { DRIPS(OK_HEAD "X-One: 1\r\nX-Two: 2\r\nX-Three: 3\r\n\r\n"), NEXT }, "failed timeout timeout", 1 },
    { "/slow-body", { SENDS(OK_HEAD "Content-Length: 500\r\n\r\n"), DRIPS("<title>one byte after the other</title>"), HANGS }, "failed timeout timeout 200", 1 },
    { "/stalls-in-status", { SENDS("HTTP/1."), HANGS }, "failed timeout timeout", 1 },
    { "/stalls-in-head", { SENDS(OK_HEAD "X-"), HANGS }, "failed timeout timeout 200", 1 },
    { "/stalls-in-body", { SENDS(OK_HEAD "Content-Length: 500\r\n\r\n<title>"), HANGS }, "failed timeout timeout 200", 1 },
    { "/stalls-in-chunk", { SENDS(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n40\r\n<p>"), HANGS }, "failed timeout timeout 200", 1 },
    { "/early-hints-for-ever", { FOREVER(LIT("HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n")) }, "failed bad_response bad_response 103", 1 },
    /* P2: cut at each stage, by an end and by a reset. */
    { "/end-at-once", { ENDS }, "failed connection_lost connection_lost", -1 },
    { "/reset-at-once", { RESETS }, "failed connection_lost connection_lost", -1 },
    { "/reset-in-head", { SENDS(OK_HEAD "X-"), { .kind = ORIGIN_PAUSE, .n = 50 }, RESETS }, "failed connection_lost connection_lost 200", 1 },
    { "/end-in-head", { SENDS("HTTP/1.1 200 OK\r\nContent-Type: text/"), ENDS }, "failed connection_lost connection_lost 200", 1 },
    { "/end-in-body", { SENDS(OK_HEAD "Content-Length: 500\r\n\r\n<a href=/from-half>x</a>"), ENDS }, "failed incomplete incomplete 200", 1 },
    { "/reset-in-body", { SENDS(OK_HEAD "Content-Length: 500\r\n\r\n<title>Half"), { .kind = ORIGIN_PAUSE, .n = 50 }, RESETS }, "failed incomplete incomplete 200", 1 },
    { "/end-in-chunk", { SENDS(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n<titl\r\n40\r\n<p>"), ENDS }, "failed incomplete incomplete 200", 1 },
    { "/no-last-chunk", { SENDS(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\n<titl\r\n"), ENDS }, "failed incomplete incomplete 200", 1 },
    /* P10, P28: without end. */
    { "/endless-body", { SENDS(OK_HEAD "\r\n<title>Endless</title>"), FOREVER({ filler, FILLER }) }, "fetched too_large 200 ok", 1 },
    { "/endless-chunks", { SENDS(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n"), FOREVER({ chunk, sizeof chunk }) }, "fetched too_large 200 ok", 1 },
    { "/huge-length", { SENDS(OK_HEAD "Content-Length: 1000000000000000000\r\n\r\n<title>Huge</title>"), FOREVER({ filler, FILLER }) }, "fetched too_large 200 ok", 1 },
    { "/length-beyond-64-bits", { SENDS(OK_HEAD "Content-Length: 99999999999999999999999\r\n\r\nx"), ENDS }, "failed bad_response bad_response 200", 1 },
    { "/negative-length", { SENDS(OK_HEAD "Content-Length: -5\r\n\r\nhello"), ENDS }, "failed bad_response bad_response 200", 1 },
    { "/endless-line", { SENDS(OK_HEAD "X-Long: "), FOREVER({ filler, FILLER }) }, "failed bad_response bad_response 200", 1 },
    { "/endless-head", { SENDS(OK_HEAD), FOREVER(LIT("X-More: of the same\r\n")) }, "failed bad_response bad_response 200", 1 },
    { "/endless-trailers", { SENDS(OK_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n"), FOREVER(LIT("X-Trailer: of the same\r\n")) }, "failed bad_response bad_response 200", 1 },
    { "/ten-thousand-fields", { SENDS(OK_HEAD), { .kind = ORIGIN_ENDLESS, .bytes = LIT("X: y\r\n"), .n = 10000 }, SENDS("Content-Length: 0\r\n\r\n"), NEXT }, "failed bad_response bad_response 200", 1 },
    /* P29: framing that contradicts itself, and what is no HTTP. */
    { "/two-lengths", { SENDS(OK_HEAD "Content-Length: 3\r\nContent-Length: 30\r\n\r\nabc"), ENDS }, "failed bad_response bad_response 200", 1 },
    { "/length-and-chunks", { SENDS(OK_HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"), ENDS }, "failed bad_response bad_response 200", 1 },
    { "/no-chunk-size", { SENDS(OK_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n<p>"), ENDS }, "failed bad_response bad_response 200", 1 },
    { "/chunk-beyond-64-bits", { SENDS(OK_HEAD "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\n<p>"), ENDS }, "failed bad_response bad_response 200", 1 },
    { "/http-09", { SENDS("<title>No head at all</title>"), ENDS }, "failed bad_response bad_response", 1 },
    { "/ssh-banner", { SENDS("SSH-2.0-OpenSSH_9.2p1\r\n"), ENDS }, "failed bad_response bad_response", 1 },
    { "/nul-in-head", { SENDS("HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n"), NEXT }, "failed bad_response bad_response 200", 1 },
    { "/two-answers", { SENDS(OK_HEAD "Content-Length: 0\r\n\r\n" OK_HEAD "Content-Length: 23\r\n\r\n<title>Smuggled</title>"), NEXT }, "fetched ok 200 ok", 1 },
    /* P49: statuses nobody asked for. */
    { "/s101", { SENDS("HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n"), HANGS }, NULL, -1 },
    { "/s206", { SENDS("HTTP/1.1 206 Partial Content\r\nContent-Type: text/html\r\nContent-Length: 3\r\n\r\nabc"), NEXT }, "failed incomplete incomplete 206", 1 },
    { "/s304", { SENDS("HTTP/1.1 304 Not Modified\r\n\r\n"), NEXT }, "failed bad_response bad_response 304", 1 },
    { "/s407", { SENDS("HTTP/1.1 407 Proxy\r\nProxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n"), NEXT }, "fetched http_error 407 not_html", 1 },
    { "/s999", { SENDS("HTTP/1.1 999 No\r\nContent-Length: 0\r\n\r\n"), NEXT }, "fetched http_error 999 not_html", 1 },
    { "/s99", { SENDS("HTTP/1.1 099 No\r\nContent-Length: 0\r\n\r\n"), NEXT }, "failed bad_response bad_response", 1 },
};

/* clang-format on */

static struct span deflated(struct span text, int window_bits)
{
    static char out[8][128 << 10];
    static size_t n;
    z_stream z = { .next_in = (Bytef *)(uintptr_t)text.ptr,
                   .avail_in = (uInt)text.len,
                   .next_out = (Bytef *)out[n],
                   .avail_out = sizeof out[n] };

    BUG_IF(n == ARRAY_LEN(out) ||
           deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK);
    BUG_IF(deflate(&z, Z_FINISH) != Z_STREAM_END);
    deflateEnd(&z);
    return span_make(out[n++], z.total_out);
}

/* P9, P47: a body under a name of a coding. */
static void coded(struct hell *h, const char *path, const char *headers,
                  struct span body, const char *row)
{
    hell_route(
        h, (struct origin_route){
               .path = path, .on = HELL_TRANSFERS, .headers = headers, .body = body });
    hell_case(h, HELL_TRANSFERS, path, row, 1);
}

static void add_codings(struct hell *h)
{
    static char zeros[BOMB], zstd_bomb[64 << 10];
    struct span page = SPAN("<title>Packed</title><p>good"), bomb, zipped, twice;

    zipped = deflated(page, 15 + 16);
    bomb = deflated(span_make(zeros, BOMB), 15 + 16);
    twice = deflated(bomb, 15 + 16);
    coded(h, "/gzip-bomb", HTML "Content-Encoding: gzip\r\n", bomb,
          "fetched too_large 200 not_html");
    coded(h, "/gzip-bomb-in-gzip", HTML "Content-Encoding: gzip, gzip\r\n", twice,
          "fetched too_large 200 not_html");
    coded(h, "/zstd-bomb", HTML "Content-Encoding: zstd\r\n",
          span_make(zstd_bomb,
                    ZSTD_compress(zstd_bomb, sizeof zstd_bomb, zeros, BOMB, 3)),
          "fetched too_large 200 not_html");
    coded(
        h, "/a-hundred-codings",
        HTML
        "Content-Encoding: gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip, gzip\r\n",
        zipped, "failed bad_encoding bad_encoding 200");
    coded(h, "/cut-gzip", HTML "Content-Encoding: gzip\r\n",
          span_slice(zipped, 0, zipped.len - 9), "failed incomplete incomplete 200");
    coded(h, "/broken-gzip", HTML "Content-Encoding: gzip\r\n",
          SPAN("\x1f\x8b\x08\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"),
          "failed bad_encoding bad_encoding 200");
    coded(h, "/gzip-by-name-only", HTML "Content-Encoding: gzip\r\n", page,
          "fetched ok 200 ok");
    coded(h, "/unknown-coding", HTML "Content-Encoding: rot13\r\n",
          SPAN("\x01\x02 gvgyr"), "failed bad_encoding bad_encoding 200");
    coded(h, "/broken-br", HTML "Content-Encoding: br\r\n",
          SPAN("\xff\xff\xff\xff\xff\xff"), "failed bad_encoding bad_encoding 200");
}

void hell_transfers(struct hell *h)
{
    memset(filler, 'f', sizeof filler);
    memset(chunk, 'c', sizeof chunk);
    memcpy(chunk, "1000\r\n", 6);
    memcpy(chunk + sizeof chunk - 2, "\r\n", 2);
    for (size_t i = 0; i < ARRAY_LEN(table); i++) {
        size_t n = 1;

        while (n < MAX_STEPS && (table[i].steps[n].bytes.len || table[i].steps[n].kind))
            n++;
        hell_route(h, (struct origin_route){ .path = table[i].path,
                                             .on = HELL_TRANSFERS,
                                             .script = table[i].steps,
                                             .n_steps = n });
        hell_case(h, HELL_TRANSFERS, table[i].path, table[i].row, table[i].n_requests);
    }
    add_codings(h);
}
