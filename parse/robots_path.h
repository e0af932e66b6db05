/* SPDX-License-Identifier: MIT */
/*
 * Path patterns of robots.txt: one normal form for patterns and targets, so
 * that spellings which mean the same compare equal, and the match itself (RFC
 * 9309 §2.2.2, §2.2.3). Private to parse/robots.c.
 *
 * In the normal form '*' is always the wildcard and a '$' at the end always the
 * end of the target; literal ones are %2A and %24.
 */
#pragma once

#include "config/span.h"

/*
 * Writes the normal form to out, which has room for three bytes for each of s,
 * and returns its length; NULL: only counts. Escapes of unreserved characters
 * are decoded, other escapes put in upper case, and what a URI cannot hold raw
 * is escaped. In a target '*' and '$' mean themselves. Behind '?', an
 * apostrophe is written as the URL standard sends it: %27.
 */
size_t robots_path_normalize(struct span s, bool is_pattern, char *out);

/*
 * A target that patterns are held against. Which bytes it has, and which pairs of them, is
 * known before any is looked for: what no pattern of a decent robots.txt has in common with
 * a URL costs nothing. What was searched all the same is counted, in bytes of the target.
 */
struct robots_look {
    struct span target; /* in the normal form */
    size_t searched;
    bool is_indexed;
    uint64_t bytes[4], pairs[64]; /* one bit each; of pairs a hash's */
};

/* Nothing was searched yet. */
void robots_look_init(struct robots_look *l, struct span target);

/*
 * Does a pattern match the beginning of target, or all of it behind '$'? Both
 * in the normal form. Linear: each piece between wildcards is looked for behind
 * the one before it, leftmost.
 */
bool robots_look_matches(struct robots_look *l, struct span pattern);
