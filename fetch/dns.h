/* SPDX-License-Identifier: MIT */
/*
 * Names to addresses: c-ares on the loop, a cache that respects the records'
 * TTL (clamped to 60 s .. 24 h; negative answers 5 min, a server
 * that fails half a second, longer each time up to 30 s, as where it is silent),
 * and one lookup a name however many coroutines ask. At most 200 fresh lookups
 * are in flight; those that got no answer for half a second make room. A
 * server that never answers stalls only its own names. Only dns_resolve may
 * be called on a coroutine.
 */
#pragma once

#include "config/err.h"
#include "config/span.h"
#include "fetch/address.h"
#include "fetch/sched.h"

#define DNS_MAX_ADDRESSES 16

struct dns;

enum dns_status {
    DNS_FOUND,
    DNS_NO_SUCH_NAME,  /* NXDOMAIN, or no address records */
    DNS_SERVER_FAILED, /* SERVFAIL, refused, malformed */
    DNS_NO_ANSWER,     /* timed out */
    DNS_NO_ROUTE,      /* no name server could be asked: this machine is without a network */
};

struct dns_answer {
    enum dns_status status;
    union address addresses[DNS_MAX_ADDRESSES]; /* port 0; n_addresses of them are set */
    size_t n_addresses;
    bool was_cached;
    const char *why; /* static text for people when not found */
};

/*
 * servers: "127.0.0.1:5353" for tests, or the path of a file as resolv.conf(5), empty for the system's. A file that
 * changes is read again where a lookup fails: this machine may be in another network now. ERR_NOT_FOUND, ERR_INVALID.
 */
enum err dns_open(struct sched *s, struct span servers, struct dns **out,
                  struct err_note *note) MUST_USE;
void dns_close(struct dns *d);

/*
 * Suspends until the name is resolved (or found in the cache, or is an IP
 * literal, which never suspends). ERR_TIMEOUT and ERR_CANCELLED concern the
 * caller only; the lookup goes on for the others.
 */
enum err dns_resolve(struct dns *d, struct span host, deadline until,
                     struct dns_answer *out) MUST_USE;
