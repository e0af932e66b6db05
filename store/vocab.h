/* SPDX-License-Identifier: MIT */
/*
 * The words of the database: states, reasons, hops. The physical tables keep
 * the numbers, the public views the words; numbers are never reused.
 */
#pragma once

#include "config/base.h"

#define URL_STATE_TABLE(X)                \
    X(STATE_QUEUED, "queued")             \
    X(STATE_FETCHED, "fetched")           \
    X(STATE_NOT_MODIFIED, "not_modified") \
    X(STATE_FAILED, "failed")             \
    X(STATE_EXCLUDED, "excluded")

enum url_state {
#define X(name, text) name,
    URL_STATE_TABLE(X)
#undef X
    N_URL_STATES
};

/* Why excluded. For failed URLs the reason column holds the fetch outcome instead. */
#define URL_REASON_TABLE(X)                            \
    X(REASON_NONE, "")                                 \
    X(REASON_SCOPE, "scope")                           \
    X(REASON_INCLUDE_EXCLUDE, "include_exclude")       \
    X(REASON_DEPTH, "depth")                           \
    X(REASON_SCHEME, "scheme")                         \
    X(REASON_KIND, "kind")                             \
    X(REASON_ROBOTS, "robots")                         \
    X(REASON_ROBOTS_UNREACHABLE, "robots_unreachable") \
    X(REASON_NOFOLLOW, "nofollow")                     \
    X(REASON_CONTENT_TYPE, "content_type")             \
    X(REASON_TRAP, "trap")                             \
    X(REASON_HOST_LIMIT, "host_limit")                 \
    X(REASON_URL_TOO_LONG, "url_too_long")             \
    X(REASON_INVALID_URL, "invalid_url")               \
    X(REASON_BLOCKED_ADDRESS, "blocked_address")       \
    X(REASON_DEFERRED, "deferred")                     \
    X(REASON_DROPPED, "dropped")

enum url_reason {
#define X(name, text) name,
    URL_REASON_TABLE(X)
#undef X
    N_URL_REASONS
};

#define URL_HOP_TABLE(X)        \
    X(HOP_SEED, "seed")         \
    X(HOP_LINK, "link")         \
    X(HOP_REDIRECT, "redirect") \
    X(HOP_SITEMAP, "sitemap")   \
    X(HOP_FEED, "feed")         \
    X(HOP_EMBED, "embed")       \
    X(HOP_REFRESH, "refresh")   \
    X(HOP_CANONICAL, "canonical")

enum url_hop {
#define X(name, text) name,
    URL_HOP_TABLE(X)
#undef X
    N_URL_HOPS
};

/*
 * Outcomes of fetches that say by themselves what a URL is; the others confirm the one
 * before, or say nothing about it. For SQL's IN.
 */
#define VOCAB_ANSWERS "'ok', 'too_large', 'redirect', 'http_error'"

/* The rule of a URL that is deferred as its host is silent: unlike one that asked for a pause, it was not reached. */
#define VOCAB_SILENT_HOST "the host did not answer many times in a row"

/* SQL, of a fetch row: it says by itself what the URL was then; a 304, a failure or a server in trouble does not. */
#define VOCAB_SAYS_WHAT_IT_IS "(outcome IN ('ok', 'too_large', 'redirect') OR status_code IN (404, 410))"

/* The word; "?" for a number out of range. */
const char *vocab_state(enum url_state s);
/* The word, empty for REASON_NONE; "?" for a number out of range. */
const char *vocab_reason(enum url_reason r);
