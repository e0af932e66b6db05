/* SPDX-License-Identifier: MIT */
/*
 * Character references of the HTML standard (§13.2.5.72 to §13.2.5.80): all
 * 2,231 named ones with the longest-match rule, decimal and hexadecimal ones
 * with the table for C1 numbers, and the exception for attributes.
 *
 * Pure; knows nothing of tags. Text in and out is UTF-8.
 */
#pragma once

#include "config/buf.h"
#include "config/span.h"

/* What a run of raw text is, which decides what becomes of '&', NUL and CR in it. */
enum entities_mode {
    ENTITIES_TEXT,      /* data state: references; NUL is dropped (§13.2.6.4.7) */
    ENTITIES_RCDATA,    /* references; NUL becomes U+FFFD */
    ENTITIES_ATTRIBUTE, /* references but "&copy=" and "&copyx"; NUL becomes U+FFFD */
    ENTITIES_RAW,       /* no references; NUL becomes U+FFFD */
};

/* One reference: one or two code points; second is 0 for most. */
struct entities_ref {
    uint32_t first, second;
    size_t len; /* bytes of the source that it takes, '&' included */
};

/*
 * Reads the reference at the start of s, whose first byte is '&'. False when
 * there is none: the '&' stands for itself. O(longest name).
 */
bool entities_match(struct span s, bool is_attribute, struct entities_ref *out);

/*
 * Appends raw with its references decoded, NUL handled and CR LF and CR made
 * LF (§13.2.3.5). ERR_TOO_LARGE, ERR_NO_MEMORY from out.
 */
enum err entities_decode(struct span raw, enum entities_mode mode,
                         struct buf *out) MUST_USE;
