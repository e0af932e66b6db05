/* SPDX-License-Identifier: MIT */
/*
 * HTTP field values, read as leniently as browsers read them: fields in a raw
 * header block, Content-Type, Retry-After, Link, Refresh and the robots
 * directives. Pure functions over spans.
 *
 * What is returned points into the value given; only where bytes must change
 * (a folded line, an escaped quoted-string, title*) is a copy made in mem.
 * Values are outside bytes: every function accepts anything and is linear in
 * its length. Nothing here knows of URLs, pages or the clock.
 */
#pragma once

#include "config/arena.h"
#include "config/err.h"
#include "config/span.h"

/* One field of a header block; both parts without white space around them. */
struct header_field {
    struct span name, value;
};

/*
 * Takes the next field off *rest: lines "Name: value" ended by CRLF or LF.
 * Lines that begin with white space continue the value before them (obs-fold,
 * RFC 9112 §5.2) and are joined by one space, copied into mem. Status lines and
 * lines without a colon are skipped. False at the end, or when mem is too small.
 */
bool header_next(struct span *rest, struct arena *mem, struct header_field *out);

/*
 * All values of this name joined by ", " (RFC 9110 §5.3), in mem when there are
 * several; SPAN_NONE when there is none or mem is too small.
 */
struct span header_joined(struct span raw, struct span name, struct arena *mem);

/* As written: compare both without case. SPAN_NONE where absent or not valid. */
struct header_content_type {
    struct span essence; /* "text/html" */
    struct span charset; /* "utf-8", quotes removed */
};

/*
 * Content-Type after the MIME Sniffing standard, "parse a MIME type". Several
 * values joined by commas: the last valid one counts, and one with the same
 * essence and no charset keeps the charset before it (Fetch standard, "extract
 * a MIME type"). *out is always set.
 */
void header_content_type_parse(struct span value, struct header_content_type *out);

/*
 * Retry-After (RFC 9110 §10.2.3): how long to wait from now on, in ms, never
 * negative; a moment in the past is 0, an absurd number saturates at INT64_MAX.
 * The caller caps. ERR_INVALID for negative numbers and what is no date.
 */
enum err header_retry_after(struct span value, int64_t now_wall_ms,
                            int64_t *out_ms) MUST_USE;

/*
 * One link-value (RFC 8288 §3). rel: tokens in lower case, one space between.
 * hreflang: all of them, one space between. The other parameters: the first
 * counts, title* wins over title and comes as UTF-8. SPAN_NONE where absent.
 */
struct header_link {
    struct span uri, rel, title, type, media, hreflang, anchor;
};

/*
 * Takes the next link-value off *rest, which starts as one whole Link field
 * value. Text that is no link-value is skipped. False at the end, or when mem
 * is too small.
 */
bool header_link_next(struct span *rest, struct arena *mem, struct header_link *out);

/*
 * A Refresh field or <meta http-equiv=refresh> (HTML standard, "shared
 * declarative refresh steps"): whole seconds (saturating at INT64_MAX), and the
 * URL text, unresolved; empty means the page itself. ERR_INVALID where the
 * standard returns: there is no refresh.
 */
enum err header_refresh(struct span value, int64_t *out_delay_s,
                        struct span *out_url) MUST_USE;

/* Page-wide robots directives. */
struct header_robots {
    bool is_noindex, is_nofollow;
};

/* A value of robots directives that is read part by part, from .is_for_us = true. */
struct header_robots_parts {
    struct span rest, product_token;
    bool may_have_token_prefix, is_for_us;
};

/*
 * The next part between commas that says something to us, without the prefix and
 * perhaps empty; false at the end. With may_have_token_prefix (the HTTP field),
 * "otherbot: noindex" and what follows it up to the next such prefix is left out
 * unless the name is product_token, "robots" or "*"; case is ignored.
 */
bool header_robots_next(struct header_robots_parts *io, struct span *out);

/*
 * Adds the directives of an X-Robots-Tag value or a robots meta's content
 * ("noindex, nofollow", "none") to *io, those of them that header_robots_next gives.
 */
void header_robots_merge(struct span value, struct span product_token,
                         bool may_have_token_prefix, struct header_robots *io);
