/* SPDX-License-Identifier: MIT */
/*
 * Which addresses may be dialled. Everything that is not public is refused
 * unless a network was allowed: loopback, private, link-local, CGNAT,
 * metadata, multicast, reserved, and IPv6 forms that embed such an IPv4
 * address (mapped, NAT64, 6to4, Teredo). Pure; decides on final socket
 * addresses, so no spelling and no DNS change gets around it (promise P7).
 */
#pragma once

#include <netinet/in.h>

#include "config/err.h"
#include "config/span.h"

#define ADDRESS_TEXT_SIZE 64

struct address_network {
    unsigned char bytes[16]; /* IPv4 as ::ffff:a.b.c.d */
    int prefix_bits;         /* of the 128 */
};

/* A socket address without the padding of sockaddr_storage. */
union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

struct address_policy {
    struct address_network *allowed; /* --allow-net */
    size_t n_allowed;
    bool allows_private; /* --allow-private: everything goes */
};

/* "10.0.0.0/8", "::1", "fd00::/8". ERR_INVALID. */
enum err address_parse_network(struct span text, struct address_network *out) MUST_USE;

/* NULL when allowed, else a static phrase such as "loopback address". */
const char *address_refusal(const struct address_policy *p,
                            const struct sockaddr *addr);

/* Does this machine know a way there? Nothing is sent: it only looks at its routes. */
bool address_has_route(const struct sockaddr *addr);

/* Does it know a way beyond its own networks, of either family? Without one it is offline, or meant to be. */
bool address_has_way_out(void);

/* "192.0.2.1" or "2001:db8::1" without port; returns out. */
char *address_format(const struct sockaddr *addr, char out[ADDRESS_TEXT_SIZE]);

/* An IP literal (IPv6 with or without brackets) into a socket address with port 0. False for names. */
bool address_parse(struct span text, union address *out);
