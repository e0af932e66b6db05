/* SPDX-License-Identifier: MIT */
/* How long robots_allows takes for a file of 100 rules; one JSON line. */
#include "config/arena.h"
#include "config/clock.h"
#include "parse/robots.h"

#define N_RULES  100
#define N_ROUNDS 20000

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

int main(void)
{
    struct robots_rules rules;
    struct arena mem;
    struct span file;
    int64_t from, parse_ns, match_ns;
    size_t n_allowed = 0, n = (size_t)N_ROUNDS * ARRAY_LEN(targets);

    arena_init(&mem, 64 * MIB);
    file = make_file(&mem);
    from = clock_now_ns();
    if (robots_parse(file, SPAN("crawl"), &mem, &rules))
        return 1;
    parse_ns = clock_now_ns() - from;
    from = clock_now_ns();
    for (int i = 0; i < N_ROUNDS; i++)
        for (size_t t = 0; t < ARRAY_LEN(targets); t++)
            n_allowed += robots_allows(&rules, span_str(targets[t]), NULL);
    match_ns = clock_now_ns() - from;
    printf("{\"bench\":\"robots\",\"rules\":%zu,\"allows_ns\":%.0f,\"parse_us\":%.1f,"
           "\"allowed\":%.2f}\n",
           rules.n_rules, (double)match_ns / (double)n, (double)parse_ns / 1000,
           (double)n_allowed / (double)n);
    arena_clear(&mem);
    return 0;
}
