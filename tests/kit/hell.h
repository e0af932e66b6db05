/* SPDX-License-Identifier: MIT */
/*
 * The origin from hell: everything hostile that a web server can do, as routes
 * for tests/kit/origin and, beside each, what the database must say of it
 * afterwards. Each part of it stands in a file of its own; the hosts are
 * 127.0.0.N, and $PORT, $TLS and $CANARY in texts are the ports of the plain
 * origin, the one with TLS, and the one that nobody may talk to.
 */
#pragma once

#include "tests/kit/rig.h"

#define HELL_MAX_ROUTES 256
#define HELL_MAX_CASES  256

/* Hosts with a part of their own; robots variants and pauses come after them. */
enum {
    HELL_TRANSFERS = 1,
    HELL_WAYS,   /* redirects, schemes, odd links */
    HELL_TRAPS,  /* sites without end */
    HELL_MARKUP, /* pages that are hard to parse */
    HELL_MAPS,   /* sitemaps */
    HELL_FIRST_OTHER = 10,
    HELL_LAST = 40, /* so many addresses the plain origin has */
};

struct hell_case {
    const char *url; /* "/path" at host, or a whole URL with $PORT ... */
    uint32_t host;
    const char *
        row; /* "state reason outcome status parse_outcome"; what is absent is left out; "A|B": one of the two */
    int n_requests; /* of the path at that host; -1: does not matter */
};

struct hell {
    uint16_t tls_port, expired_port, mute_port, canary_port; /* set before hell_fill */
    struct origin_route routes[HELL_MAX_ROUTES];
    size_t n_routes;
    struct hell_case cases[HELL_MAX_CASES];
    size_t n_cases;
    struct buf texts; /* what generated bodies lie in */
};

/* Every part. Texts live as long as the process. */
void hell_fill(struct hell *h);

/* The parts. */
void hell_transfers(struct hell *h);
void hell_ways(struct hell *h);
void hell_markup(struct hell *h);
void hell_hosts(struct hell *h);

/* Routes for an origin with TLS that speaks HTTP/2: one misdeed an address. */
const struct origin_route *hell_h2_routes(size_t *out_n);

void hell_route(struct hell *h, struct origin_route route);
void hell_case(struct hell *h, uint32_t host, const char *url, const char *row,
               int n_requests);

/* text with the ports but $PORT filled in; lives as long as the process. */
const char *hell_text(const struct hell *h, const char *text);
/* n times piece, as a body. */
struct span hell_repeat(const char *before, const char *piece, size_t n,
                        const char *after);
