/* SPDX-License-Identifier: MIT */
/*
 * Which addresses to try for a host, and in which order: literals as they are,
 * names through fetch/dns.h, refused addresses left out, IPv6 and IPv4 in
 * turns, the one that worked last first; where a name has more than are tried for one request and none of those
 * answered, the next request begins behind them. The book remembers what deviates from
 * the ordinary and is bounded: it forgets everything when full.
 *
 * No libcurl here. Only route_find suspends.
 */
#pragma once

#include "config/map.h"
#include "fetch/address.h"
#include "fetch/dns.h"
#include "fetch/result.h"

#define ROUTE_MAX 4 /* addresses tried for one request */

struct route {
    union address addresses[ROUTE_MAX];
    size_t n;
    int32_t dns_ms; /* -1: nobody was asked */
    /* When n is 0: */
    enum fetch_outcome outcome;
    const char *why; /* static */
    bool is_name_unknown;
    bool is_cut_off; /* this machine knows no way to a name server */
};

struct route_book {
    struct map notes; /* host -> struct route_note */
    deadline no_ipv6_until; /* until then IPv4 is tried first */
    int n_silent_ipv6;      /* addresses in a row that did not answer at all, of hosts that have others */
};

void route_book_init(struct route_book *b);
void route_book_clear(struct route_book *b);

/* Suspends while the name is looked up. ERR_TIMEOUT, ERR_CANCELLED; everything else is in *out. */
enum err route_find(struct route_book *b, struct dns *dns,
                    const struct address_policy *policy, struct span host,
                    deadline until, struct route *out) MUST_USE;

/* The ith address of r let itself be connected to. */
void route_note_success(struct route_book *b, struct span host, const struct route *r,
                        size_t i);

/* It did not; os_errno tells whether this machine has no IPv6 at all. That it leads nowhere shows in its silence. */
void route_note_failure(struct route_book *b, struct span host, const struct route *r,
                        size_t i, int os_errno);

/* Is this machine offline, and knows no way to any address of r? */
bool route_is_cut_off(const struct route *r);

/* Hosts that take requests over HTTP/1.1 only, whatever TLS negotiates. */
void route_note_http1_only(struct route_book *b, struct span host);
bool route_is_http1_only(const struct route_book *b, struct span host);
