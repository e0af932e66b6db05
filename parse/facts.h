/* SPDX-License-Identifier: MIT */
/*
 * What a parse yields: plain data, all spans into one block of memory that
 * belongs to whoever holds the facts. The worker fills it, parse/wire.h carries
 * it over the process border, and the parent treats every field as hostile:
 * wire_decode checks each bound, enum and text before anyone sees it.
 *
 * Invariant after wire_decode: every text is valid UTF-8 without NUL, every
 * URL is ASCII without white space or controls, every count is within limits.
 */
#pragma once

#include "config/span.h"

/* name, text in the database (pages.parse_outcome) */
#define PARSE_OUTCOME_TABLE(X)                                                         \
    X(PARSE_OK, "ok")                                                                  \
    X(PARSE_RECOVERED, "recovered")                                                    \
    X(PARSE_NOT_HTML, "not_html")                                                      \
    X(PARSE_TOO_DEEP, "too_deep")                                                      \
    X(PARSE_TIMEOUT, "timeout")                                                        \
    X(PARSE_CRASHED, "crashed")                                                        \
    X(PARSE_OUT_OF_MEMORY, "out_of_memory")                                            \
    X(PARSE_REFUSED, "refused")

enum parse_outcome {
#define X(name, text) name,
    PARSE_OUTCOME_TABLE(X)
#undef X
    N_PARSE_OUTCOMES
};

/* What became of the content coding (gzip, br ...). */
enum decode_outcome {
    DECODE_OK,
    DECODE_BAD,       /* broken or unknown coding: fetch outcome bad_encoding */
    DECODE_TRUNCATED, /* ended in mid-stream: fetch outcome incomplete */
    DECODE_TOO_LARGE, /* decoded size or ratio over the limit: cut, outcome too_large */
    N_DECODE_OUTCOMES
};

/* name, text in the database (links.kind) */
#define LINK_KIND_TABLE(X)                                                             \
    X(LINK_A, "a")                                                                     \
    X(LINK_AREA, "area")                                                               \
    X(LINK_LINK, "link")                                                               \
    X(LINK_IMG, "img")                                                                 \
    X(LINK_SOURCE, "source")                                                           \
    X(LINK_SCRIPT, "script")                                                           \
    X(LINK_IFRAME, "iframe")                                                           \
    X(LINK_FRAME, "frame")                                                             \
    X(LINK_EMBED, "embed")                                                             \
    X(LINK_OBJECT, "object")                                                           \
    X(LINK_VIDEO, "video")                                                             \
    X(LINK_AUDIO, "audio")                                                             \
    X(LINK_TRACK, "track")                                                             \
    X(LINK_FORM, "form")                                                               \
    X(LINK_INPUT, "input")                                                             \
    X(LINK_BUTTON, "button")                                                           \
    X(LINK_BLOCKQUOTE, "blockquote")                                                   \
    X(LINK_Q, "q")                                                                     \
    X(LINK_INS, "ins")                                                                 \
    X(LINK_DEL, "del")                                                                 \
    X(LINK_BODY, "body")                                                               \
    X(LINK_SVG_IMAGE, "image")                                                         \
    X(LINK_SVG_USE, "use")                                                             \
    X(LINK_META_REFRESH, "meta-refresh")                                               \
    X(LINK_HTTP_REFRESH, "http-refresh")                                               \
    X(LINK_HTTP_LINK, "http-link")                                                     \
    X(LINK_CSS, "css")                                                                 \
    X(LINK_FEED, "feed")                                                               \
    X(LINK_SITEMAP, "sitemap")

enum link_kind {
#define X(name, text) name,
    LINK_KIND_TABLE(X)
#undef X
    N_LINK_KINDS
};

/* What following this link would be, for urls.hop; FACT_HOP_NONE: recorded only. */
enum fact_hop {
    FACT_HOP_NONE,      /* excluded with reason "kind" */
    FACT_HOP_LINK,      /* a, area, frame, iframe, hreflang, next, prev */
    FACT_HOP_REFRESH,
    FACT_HOP_CANONICAL,
    FACT_HOP_FEED,
    FACT_HOP_EMBED,     /* img, script, stylesheet ...: followed with --embeds only */
    FACT_HOP_SITEMAP,
    N_FACT_HOPS
};

/* What inspect tells of a link beside the rest. */
struct fact_details {
    struct span title, type, media, hreflang, anchor; /* the last of LINK_HTTP_LINK only */
};

/* A page may have thousands: so this is small. */
struct fact_link {
    struct span url;  /* absolute, serialised, with its fragment */
    struct span text; /* anchor text, white space collapsed, clipped to 1 KiB */
    struct span rel;  /* lower-case tokens, one space between */
    const struct fact_details *details; /* NULL where nobody asked for them; the crawl has none */
    uint8_t kind;     /* enum link_kind */
    uint8_t hop;      /* enum fact_hop */
    bool is_nofollow; /* rel has nofollow, ugc or sponsored */
};

struct page_facts {
    uint8_t outcome;        /* enum parse_outcome */
    uint8_t decode;         /* enum decode_outcome */
    bool is_noindex;        /* meta robots or X-Robots-Tag, for our token or all */
    bool is_nofollow;       /* the same, page-wide */
    bool links_cut;         /* the page had more links than the limit */
    int64_t size;           /* decoded bytes (up to the limit) */
    int64_t word_count;
    int64_t links_other;    /* references that give no link: of other schemes (decision 0024), endless, or no URL */
    uint64_t simhash;       /* of the visible text; 0 without text */
    unsigned char sha256[32]; /* of the decoded body */
    struct span charset;        /* Encoding standard's name, lower case; empty for binary */
    struct span charset_source; /* bom, transport, meta, xml, heuristic, default */
    struct span title, description, h1;
    struct span canonical;      /* absolute; from the element, else from the Link header */
    struct span robots_meta;    /* contents of robots metas for us, joined by ", " */
    struct span x_robots_tag;   /* what headers say to us, joined by ", " */
    struct span lang;
    struct span text;       /* visible text for full-text search; runs of CJK and Thai as bigrams */
    struct span body;       /* decoded body, compressed (zstd); empty when not asked for */
    struct span dictionary; /* for bodies to come, made of those before; nearly always empty */
    struct span facts_json; /* a JSON object, or empty */
    struct fact_link *links;
    size_t n_links;
    /* The parser's own: not sent with the answer. */
    bool is_text_like; /* text or XML: worth storing under --store-bodies html */
    bool has_refresh;
    int64_t refresh_delay_s;
    struct span refresh_url;
    struct span base; /* document base URL */
};
