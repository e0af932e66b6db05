/* SPDX-License-Identifier: MIT */
/*
 * How long the URL of a link takes: parsed, resolved, normalised. Prints one
 * JSON line; each figure is the best of several rounds, in nanoseconds a URL.
 */
#include <time.h>

#include "parse/host.h"
#include "parse/url.h"
#include "tests/bench/bench.h"

#define ROUNDS 7
#define TURNS  20000

static const char *const absolute[] = {
    "https://www.example.com/",
    "https://www.example.com/news/2024/05/17/a-rather-long-headline.html",
    "http://shop.example.org:8080/item?id=123456&ref=front&utm_source=feed",
    "https://en.wikipedia.org/wiki/Percent-encoding#Types",
    "https://cdn.example.net/static/img/logo@2x.png?v=3",
    "https://example.co.uk/a/b/c/d/e/f/g/index.php?lang=en",
};

static const char *const relative[] = {
    "/",    "/about/team.html",      "../up/one.html", "page-2?sort=asc", "?page=3",
    "#top", "//other.example.com/x",
};

static const char *const odd[] = {
    "HTTP://WWW.Example.COM:80/a/./b/../c",
    "https://example.com/caf\xc3\xa9?q=\xe6\x97\xa5\xe6\x9c\xac",
    "http://127.0.0.1:8080/x",
    "https://user:secret@example.com/%7euser/%e2%82%ac",
};

static const char *const international[] = {
    "https://b\303\274cher.example/",
    "https://\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.jp/x",
};

/* One pass over the list; gives the number of bytes made so that nothing is optimised away. */
static size_t run(const char *const *list, size_t n, const struct url *base,
                  struct arena *mem)
{
    size_t bytes = 0;

    for (size_t i = 0; i < n; i++) {
        struct span key;
        struct url u;

        if (url_parse(span_str(list[i]), base, mem, &u) || url_normalize(&u, mem, &key))
            return 0;
        bytes += key.len;
    }
    arena_reset(mem);
    return bytes;
}

static double measure(const char *const *list, size_t n, const struct url *base)
{
    double best = 1e18;
    struct arena mem;

    arena_init(&mem, (size_t)MIB);
    for (int round = 0; round < ROUNDS; round++) {
        double from = bench_seconds(CLOCK_MONOTONIC) * 1e9;

        for (int turn = 0; turn < TURNS; turn++)
            if (run(list, n, base, &mem) == 0)
                return -1;
        best = MIN(best, (bench_seconds(CLOCK_MONOTONIC) * 1e9 - from) / TURNS / (double)n);
    }
    arena_clear(&mem);
    return best;
}

static double measure_registrable(void)
{
    double best = 1e18;
    size_t bytes = 0;

    for (int round = 0; round < ROUNDS; round++) {
        double from = bench_seconds(CLOCK_MONOTONIC) * 1e9;

        for (int turn = 0; turn < TURNS; turn++)
            bytes += host_registrable(SPAN("news.bbc.co.uk")).len;
        best = MIN(best, (bench_seconds(CLOCK_MONOTONIC) * 1e9 - from) / TURNS);
    }
    return bytes ? best : -1;
}

int main(void)
{
    struct arena mem;
    struct url base;

    arena_init(&mem, (size_t)MIB);
    if (url_parse(SPAN("https://www.example.com/dir/sub/page.html?x=1"), NULL, &mem,
                  &base))
        return 1;
    printf(
        "{\"bench\":\"url\",\"ns_per_url\":%.0f,\"ns_relative\":%.0f,\"ns_odd\":%.0f,"
        "\"ns_international\":%.0f,\"ns_registrable\":%.0f}\n",
        measure(absolute, ARRAY_LEN(absolute), NULL),
        measure(relative, ARRAY_LEN(relative), &base),
        measure(odd, ARRAY_LEN(odd), NULL),
        measure(international, ARRAY_LEN(international), NULL), measure_registrable());
    arena_clear(&mem);
    return 0;
}
