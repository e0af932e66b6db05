/* SPDX-License-Identifier: MIT */
/*
 * robots.txt after RFC 9309: which rules are ours, and does a path match.
 *
 * robots_parse runs in a worker; robots_allows runs in the parent over rules
 * that came back over the wire. Sitemap lines belong to no group. Crawl-delay
 * is not in the RFC; it is read because sites mean it.
 */
#pragma once

#include "config/arena.h"
#include "config/err.h"
#include "config/span.h"

/* RFC 9309 §2.5: at least 500 KiB must be parsed; we parse exactly that much. */
#define ROBOTS_MAX_BYTES ((size_t)500 * 1024)
/* How far a file is fetched and decoded: so much shows whether it is longer. */
#define ROBOTS_READ_BYTES (ROBOTS_MAX_BYTES + 1)

struct robots_rule {
    struct span pattern; /* percent-encoding normalised; begins with '/' or '*' */
    uint32_t line;       /* 1-based, in the file; 0: see robots_allows */
    bool is_allow;
};

/* The rules of the one group set that applies to us. */
struct robots_rules {
    struct robots_rule *rules;
    size_t n_rules;
    int64_t crawl_delay_ms; /* -1: none stated for us */
    struct span *sitemaps;  /* as written, in order, without repeats; not resolved */
    size_t n_sitemaps;
    bool is_cut;            /* the file was longer than ROBOTS_MAX_BYTES */
};

/*
 * Reads a robots.txt (any bytes, any line ending, BOM allowed) for a product
 * token such as "crawl" ("crawl/1.0" is cut at the first character that is not
 * a letter, '-' or '_'). Everything in *out lives in mem. ERR_TOO_LARGE when
 * mem is too small. Linear in the length of body.
 */
enum err robots_parse(struct span body, struct span product_token, struct arena *mem,
                      struct robots_rules *out) MUST_USE;

/*
 * May we fetch this path? target is the URL's path and query as sent on the
 * wire, beginning with '/'. The longest match wins and Allow wins a tie (RFC
 * 9309 §2.2.2); no match means yes; /robots.txt itself is always allowed.
 * *out_rule is the rule that decided, or NULL. out_rule may be NULL. O(pattern
 * x target) a rule at worst, with no recursion.
 *
 * Where target has parts of so many rules with wildcards that the answer would take too long
 * (a URL of 8 KB of more than a hundred), it is no, by a rule with line 0.
 */
bool robots_allows(const struct robots_rules *r, struct span target,
                   const struct robots_rule **out_rule);
