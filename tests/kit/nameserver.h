/* SPDX-License-Identifier: MIT */
/*
 * A name server on loopback (UDP, RFC 1035) in a child process, with scripted
 * answers: addresses, TTLs, errors, silence, answers that change. A kit for
 * tests: what fails here aborts.
 */
#pragma once

#include "config/base.h"

enum nameserver_code {
    NAMESERVER_OK = 0,
    NAMESERVER_SERVFAIL = 2,
    NAMESERVER_NXDOMAIN = 3,
    NAMESERVER_REFUSED = 5,
};

struct nameserver_record {
    const char *name;      /* "a.test", or "*.dead.test" for all below */
    const char *addresses; /* parted by spaces, IPv4 and IPv6; NULL: none */
    const char *cname;     /* an alias in front of the addresses */
    uint32_t ttl_s;
    enum nameserver_code code;
    bool is_silent;  /* never answers */
    bool is_garbled; /* answers with bytes that are no message */
    int uses; /* answers so many queries (a lookup makes two: A and AAAA); 0: no end */
};

struct nameserver;

/* Records are tried in order; a name in none of them does not exist. */
struct nameserver *nameserver_start(const struct nameserver_record *records, size_t n);
/* At an IPv4 address and port; NULL: it cannot be had. */
struct nameserver *nameserver_start_at(const char *address, uint16_t port, const struct nameserver_record *records,
                                       size_t n);
void nameserver_stop(struct nameserver *ns);

/* "127.0.0.1:port", for dns_open. */
const char *nameserver_text(const struct nameserver *ns);

/* Queries seen, all in all and those that met the ith record. */
size_t nameserver_n_queries(const struct nameserver *ns);
size_t nameserver_n_met(const struct nameserver *ns, size_t i);
