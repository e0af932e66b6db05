/* SPDX-License-Identifier: MIT */
/*
 * Feeds: RSS 0.9x, 1.0 (RDF) and 2.0, Atom 0.3 and 1.0, and CDF, read for what
 * a crawler wants of them: the title, and of each entry its link, title, date
 * and enclosure. Namespaces are a hint: an element counts by its local name
 * where its prefix is the feed's own, and by its namespace for Dublin Core and
 * Atom inside RSS. Broken XML is mended (parse/xml.h).
 *
 * Pure. Everything in the result lives in the arena.
 */
#pragma once

#include "config/arena.h"
#include "config/err.h"
#include "config/span.h"
#include "parse/url.h"

/* Further entries are dropped and is_cut is set. */
#define FEED_MAX_ENTRIES ((size_t)50000)
/* Titles are clipped; longer links and dates are dropped. */
#define FEED_MAX_TEXT_BYTES ((size_t)8 * 1024)

enum feed_type {
    FEED_NONE,
    FEED_RSS,
    FEED_ATOM,
};

struct feed_entry {
    struct span link;  /* absolute http(s) URL, serialised; empty when there is none */
    struct span title; /* plain text, white space collapsed */
    struct span
        published; /* RFC 3339; falls back to updated; empty when neither can be read */
    struct span enclosure;     /* as link */
    int64_t published_wall_ms; /* -1: not stated or not readable */
    int64_t updated_wall_ms;   /* -1: the same */
    bool is_date_local;        /* a time of day without a zone was read as UTC */
};

struct feed {
    enum feed_type type;
    struct span title;
    struct feed_entry *entries; /* in document order */
    size_t n_entries;
    bool is_cut; /* over FEED_MAX_ENTRIES */
};

/*
 * Reads a feed in UTF-8 (an encoding named in its XML declaration is ignored).
 * url is where it was found, against which links are resolved, xml:base
 * included. *out is always set when OK is returned; type is FEED_NONE for what
 * is no feed. ERR_TOO_LARGE when mem is too small; ERR_NO_MEMORY.
 */
enum err feed_parse(struct span body, const struct url *url, struct arena *mem,
                    struct feed *out) MUST_USE;
