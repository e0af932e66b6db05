/* SPDX-License-Identifier: MIT */
/*
 * The references of one page made absolute. Pages repeat their references and
 * most are plain relative paths, so there is a small cache, and a shortcut for
 * references whose resolution is a concatenation; parse/url.h decides the
 * rest. The shortcut's results are the parser's, byte for byte (tested).
 * Part of parse/html.h.
 */
#pragma once

#include "parse/url.h"

#define HTML_RESOLVE_SLOTS 128 /* a power of two */

struct html_resolved {
    struct span ref;
    struct span href; /* SPAN_NONE: does not parse */
    uint8_t scheme;   /* enum url_scheme */
};

struct html_resolver {
    const struct url *base;
    const char *charset; /* for query strings; NULL: UTF-8 */
    struct arena *mem;
    bool may_shortcut; /* base is http or https */
    size_t folder;     /* then: the length of base up to its path's last '/' */
    struct html_resolved slots[HTML_RESOLVE_SLOTS];
};

/* Starts over with another base; both must live as long as the resolver is used. */
void html_resolve_init(struct html_resolver *r, const struct url *base,
                       const char *charset, struct arena *mem);

/*
 * Resolves ref, which the cache borrows: it must stay as it is until the next
 * html_resolve_init. out->href lives in mem and may be shared with earlier results.
 * OK also for what does not parse. ERR_TOO_LARGE when mem is full.
 */
enum err html_resolve(struct html_resolver *r, struct span ref,
                      struct html_resolved *out) MUST_USE;

/* As html_resolve without cache and shortcut, with all parts. ERR_INVALID for what does not parse. */
enum err html_resolve_url(const struct html_resolver *r, struct span ref,
                          struct url *out) MUST_USE;
