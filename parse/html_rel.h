/* SPDX-License-Identifier: MIT */
/*
 * Link relations: what the tokens of a rel attribute or parameter say, and
 * whether following a link of such a relation leads to a page (HTML standard
 * §4.6.6, RFC 8288, RFC 6596). Part of parse/html.h.
 */
#pragma once

#include "config/arena.h"
#include "parse/facts.h"

/* Bytes of tokens; those that come after are not read. */
#define HTML_REL_MAX 1024

struct html_rel {
    struct span tokens; /* lower case, one space between */
    unsigned flags;     /* HTML_REL_ */
};

#define HTML_REL_NOFOLLOW  0x01u /* nofollow, ugc, sponsored */
#define HTML_REL_CANONICAL 0x02u
#define HTML_REL_ALTERNATE 0x04u
#define HTML_REL_STEP      0x08u /* next, prev */
#define HTML_REL_STYLE     0x10u
#define HTML_REL_SERVICE   0x20u /* names a host or a service, nothing to fetch */

/* Reads a decoded value; the tokens are a copy in mem. ERR_TOO_LARGE. */
enum err html_rel_read(struct span value, struct arena *mem,
                       struct html_rel *out) MUST_USE;

/* What following a link element or Link field of this relation would be. */
enum fact_hop html_rel_hop(const struct html_rel *rel, bool has_hreflang);
