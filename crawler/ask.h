/* SPDX-License-Identifier: MIT */
/*
 * A request on behalf of the crawl: the fetcher's call with everything that
 * settings say about this host put in (headers, authorisation, certificate
 * checks, keep-alive) and the permits per address around it. Pages, robots.txt
 * and sitemaps all go through here, so none can forget a rule.
 */
#pragma once

#include "crawler/crawl.h"
#include "parse/url.h"

struct ask {
    const struct url *url;
    struct span etag, last_modified;
    bool is_page;    /* stops after the headers of types that are not wanted */
    size_t min_body_bytes; /* read at least so far, whatever --max-size says */
    bool wants_fresh; /* a new connection: a kept one went under it, and others may be as dead, or was the wrong one */
    size_t room;     /* see ask_note_cut */
    enum fetch_keep keep; /* the connection */
};

/* A page's connection: more of the host is queued, or what the page links to may be. */
enum fetch_keep ask_keep_for(const struct crawl *c, const struct ticket *t);

/*
 * Suspends until it is answered or failed. The caller holds a permit of the
 * site and gives it back. Spans of *out live in mem; out->body is the caller's.
 * ERR_CANCELLED, ERR_TIMEOUT.
 */
enum err ask_send(struct crawl *c, const struct ask *r, struct arena *mem,
                  deadline until, struct fetch_result *out) MUST_USE;

/*
 * An answer that was cut off for want of memory, if it was, must find more before it is asked for again: *io_room
 * bytes. The site sends the same again each time; as the room grows to a multiple of what came, it does so a few times.
 */
void ask_note_cut(const struct fetch_result *got, size_t *io_room);

/*
 * --rate: takes the next place among all requests and returns its moment, which
 * may have come. ask_unpace gives it back when no request was made.
 */
deadline ask_pace(struct crawl *c);
void ask_unpace(struct crawl *c);

/* Would a page of this type be read to its end? Text and XML types, and missing ones. */
bool ask_wants_type(const struct settings *s, struct span content_type);

/* The rule of a URL that was excluded for its content type, and the type again. */
struct span ask_rule_of_type(struct arena *mem, struct span content_type);
struct span ask_type_of_rule(struct span rule);

/* Frees the address permits. */
void ask_clear(struct crawl *c);
