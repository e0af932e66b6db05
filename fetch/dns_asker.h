/* SPDX-License-Identifier: MIT */
/*
 * One channel of c-ares on the loop: names go out to the name servers, callbacks come back. What is known, how many
 * may be asked at a time and what a failure means is the business of fetch/dns.c, its only user. Nothing here suspends.
 */
#pragma once

#include "fetch/loop.h"

struct dns_asker;
struct ares_addrinfo;

/* As ares_addrinfo_callback: info, where there is one, is the taker's to free. */
typedef void dns_asker_fn(void *arg, int status, int n_timeouts, struct ares_addrinfo *info);

struct dns_asker_options {
    struct loop *loop;
    const char *servers;       /* "127.0.0.1:5353"; NULL: those of the configuration */
    char *configuration;       /* resolv.conf(5), NULL where servers are given; is not written to */
    bool is_socket_for_each;   /* no question shares its socket; no more than 24 names at a time then */
};

/* A code of c-ares. */
int dns_asker_open(const struct dns_asker_options *o, struct dns_asker **out) MUST_USE;
/* Every lookup under way ends in its callback. NULL is fine. */
void dns_asker_close(struct dns_asker *a);

/* fn is called once, perhaps before this returns. After the last of several: dns_asker_asked. */
void dns_asker_ask(struct dns_asker *a, const char *name, dns_asker_fn *fn, void *arg);
/* Minds the time from now on. NULL is fine. */
void dns_asker_asked(struct dns_asker *a);

/*
 * From c-ares 1.34 on one malformed answer ends, as malformed (ARES_EBADRESP), all questions that went out through
 * the socket on which it came, of other names as well.
 */
bool dns_asker_shares_ends(void);

/* No name server can even be asked. */
bool dns_asker_is_cut_off(const struct dns_asker *a);
