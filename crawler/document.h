/* SPDX-License-Identifier: MIT */
/*
 * Fetches a file that is no page: robots.txt, a sitemap. Follows redirects
 * itself, each hop under the politeness of its own site. Such files have no
 * row in urls and count as no page.
 */
#pragma once

#include "crawler/ask.h"

/* From a robots.txt (RFC 9309 §2.3.1.2) or a sitemap. */
#define DOCUMENT_MAX_REDIRECTS 5

struct document {
    struct fetch_result result; /* of the last hop; body owned by the caller, none of a redirect */
    struct url url;             /* of the last hop, in mem */
    int64_t retry_after_ms;     /* -1: not stated */
    const char *problem;        /* static; why it is no answer, or NULL */
};

/* What a document may lead to. */
struct document_way {
    int max_redirects;
    size_t min_body_bytes; /* read at least so far, whatever --max-size says */
    /* Why this hop must not be asked for (static text), or NULL. NULL: every hop may. */
    const char *(*refusal)(void *arg, const struct url *u, struct arena *mem);
    void *arg;
};

/*
 * Suspends until the last hop is answered, or failed, or way->max_redirects are
 * used up (problem "redirect loop"). A hop that way->refusal is against is not
 * asked for, nor is one of a host in a pause beyond --max-wait (problem "the host asked
 * for a pause"). A target that is not http(s) ends it (problem "redirect to another
 * scheme"), as does one longer than any URL taken. ERR_CANCELLED, ERR_TIMEOUT: nothing to free.
 */
enum err document_fetch(struct crawl *c, const struct url *url,
                        const struct document_way *way, struct arena *mem,
                        deadline until, struct document *out) MUST_USE;
