/* SPDX-License-Identifier: MIT */
/*
 * How long robots_allows takes for a file of 100 rules: one JSON line, the best
 * of several rounds.
 */
#include "config/arena.h"
#include "config/clock.h"
#include "parse/robots.h"

#define N_RULES  100
#define N_ROUNDS 7
#define N_TURNS  4000

static const char *const targets[] = {
    "/",
    "/section42/item/12345?page=2&sort=price",
    "/blog/2024/05/01/a-rather-long-title-of-an-article-about-nothing.html",
    "/search?q=one+two&lang=en",
    "/section99/private/report.pdf",
    "/%C3%BCber/uns?x=%7Euser",
};

/* Plain prefixes, wildcards and anchors in the proportions that real files have. */
static struct span make_file(struct arena *mem)
{
    struct span text = SPAN("User-agent: *\n");

    for (int i = 0; i < N_RULES; i++) {
        struct span pattern = i % 10 == 7   ? arena_format(mem, "/*/private%d/", i)
                              : i % 10 == 3 ? arena_format(mem, "/*.ext%d$", i)
                                            : arena_format(mem, "/section%d/item/", i);
        text = arena_format(mem, "%.*s%s: %.*s\n", SPAN_ARG(text),
                            i % 5 ? "Disallow" : "Allow", SPAN_ARG(pattern));
    }
    return text;
}

/* Nanoseconds for N_TURNS times all targets. */
static int64_t one_round(const struct robots_rules *rules, size_t *out_allowed)
{
    int64_t from = clock_now_ns();
    size_t n = 0;

    for (int i = 0; i < N_TURNS; i++)
        for (size_t t = 0; t < ARRAY_LEN(targets); t++)
            n += robots_allows(rules, span_str(targets[t]), NULL);
    *out_allowed = n;
    return clock_now_ns() - from;
}

int main(void)
{
    struct robots_rules rules;
    struct arena mem;
    struct span file;
    int64_t from, parse_ns, match_ns = INT64_MAX;
    size_t n_allowed = 0;
    double n = (double)N_TURNS * ARRAY_LEN(targets);

    arena_init(&mem, 64 * MIB);
    file = make_file(&mem);
    from = clock_now_ns();
    if (robots_parse(file, SPAN("crawl"), &mem, &rules))
        return 1;
    parse_ns = clock_now_ns() - from;
    for (int i = 0; i < N_ROUNDS; i++) {
        int64_t took = one_round(&rules, &n_allowed);

        match_ns = MIN(match_ns, took);
    }
    printf("{\"bench\":\"robots\",\"rules\":%zu,\"allows_ns\":%.0f,\"parse_us\":%.1f,"
           "\"allowed\":%.2f}\n",
           rules.n_rules, (double)match_ns / n, (double)parse_ns / 1000,
           (double)n_allowed / n);
    arena_clear(&mem);
    return 0;
}
