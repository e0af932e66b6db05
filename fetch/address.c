/* SPDX-License-Identifier: MIT */
#include "fetch/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define V4_PREFIX_BITS 96

static const unsigned char V4_MAPPED[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct v4_rule {
    uint32_t network;
    int bits;
    const char *why;
};

/* IANA IPv4 Special-Purpose Address Registry (RFC 6890), and two cloud hosts' own. */
static const struct v4_rule V4_REFUSED[] = {
    { 0x00000000, 8, "unspecified address" },        /* 0.0.0.0/8 */
    { 0x0a000000, 8, "private address" },            /* 10.0.0.0/8, RFC 1918 */
    { 0x64400000, 10, "carrier-grade NAT address" }, /* 100.64.0.0/10, RFC 6598 */
    { 0x7f000000, 8, "loopback address" },           /* 127.0.0.0/8 */
    { 0xa83f8110, 32, "metadata address" },          /* 168.63.129.16, a public one */
    { 0xa9fea9fe, 32, "metadata address" },          /* 169.254.169.254 */
    { 0xa9fe0000, 16, "link-local address" },        /* 169.254.0.0/16, RFC 3927 */
    { 0xac100000, 12, "private address" },           /* 172.16.0.0/12, RFC 1918 */
    { 0xc0000000, 24, "reserved address" },          /* 192.0.0.0/24 */
    { 0xc0000200, 24, "documentation address" },     /* 192.0.2.0/24, RFC 5737 */
    { 0xc0586300, 24, "reserved address" },          /* 192.88.99.0/24, RFC 7526 */
    { 0xc0a80000, 16, "private address" },           /* 192.168.0.0/16, RFC 1918 */
    { 0xc6120000, 15, "benchmarking address" },      /* 198.18.0.0/15, RFC 2544 */
    { 0xc6336400, 24, "documentation address" },     /* 198.51.100.0/24 */
    { 0xcb007100, 24, "documentation address" },     /* 203.0.113.0/24 */
    { 0xe0000000, 4, "multicast address" },          /* 224.0.0.0/4 */
    { 0xf0000000, 4, "reserved address" },           /* 240.0.0.0/4 with broadcast */
};

/* What an IPv6 prefix means: refused, or judged by the IPv4 address inside. */
enum v6_kind {
    V6_REFUSED,
    V6_EMBEDS_V4, /* at the given byte */
    V6_TEREDO,    /* server in bytes 4-7, client inverted in bytes 12-15 */
};

struct v6_rule {
    unsigned char network[16];
    int bits;
    enum v6_kind kind;
    int v4_at;
    const char *why;
};

/* IANA IPv6 Special-Purpose Address Registry. First match decides. */
static const struct v6_rule V6_RULES[] = {
    { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff }, 96, V6_EMBEDS_V4, 12, NULL },
    { { 0 }, 128, V6_REFUSED, 0, "unspecified address" },
    { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 },
      128,
      V6_REFUSED,
      0,
      "loopback address" },
    { { 0x00, 0x64, 0xff, 0x9b }, 96, V6_EMBEDS_V4, 12, NULL }, /* NAT64, RFC 6052 */
    { { 0x20, 0x02 }, 16, V6_EMBEDS_V4, 2, NULL },              /* 6to4, RFC 3056 */
    { { 0x20, 0x01, 0x00, 0x00 }, 32, V6_TEREDO, 4, NULL },     /* RFC 4380 */
    { { 0x20, 0x01, 0x00 }, 23, V6_REFUSED, 0, "reserved address" }, /* RFC 2928 */
    { { 0x20, 0x01, 0x0d, 0xb8 }, 32, V6_REFUSED, 0, "documentation address" },
    { { 0x3f, 0xff, 0x00 }, 20, V6_REFUSED, 0, "documentation address" }, /* RFC 9637 */
    { { 0xfc }, 7, V6_REFUSED, 0, "private address" },                    /* RFC 4193 */
    { { 0xfe, 0x80 }, 10, V6_REFUSED, 0, "link-local address" },
    { { 0xfe, 0xc0 }, 10, V6_REFUSED, 0, "private address" }, /* RFC 3879 */
    { { 0xff }, 8, V6_REFUSED, 0, "multicast address" },
};

static bool has_prefix(const unsigned char *addr, const unsigned char *network,
                       int bits)
{
    int whole = bits / 8;
    int rest = bits % 8;

    if (memcmp(addr, network, (size_t)whole) != 0)
        return false;
    if (!rest)
        return true;
    return ((addr[whole] ^ network[whole]) >> (8 - rest)) == 0;
}

static bool is_allowed(const struct address_policy *p, const unsigned char addr[16])
{
    for (size_t i = 0; i < p->n_allowed; i++)
        if (has_prefix(addr, p->allowed[i].bytes, p->allowed[i].prefix_bits))
            return true;
    return false;
}

static const char *refusal_v4(const struct address_policy *p, const unsigned char v4[4])
{
    uint32_t ip =
        (uint32_t)v4[0] << 24 | (uint32_t)v4[1] << 16 | (uint32_t)v4[2] << 8 | v4[3];
    unsigned char mapped[16];

    memcpy(mapped, V4_MAPPED, sizeof(V4_MAPPED));
    memcpy(mapped + 12, v4, 4);
    if (is_allowed(p, mapped))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(V4_REFUSED); i++)
        if ((ip ^ V4_REFUSED[i].network) >> (32 - V4_REFUSED[i].bits) == 0)
            return V4_REFUSED[i].why;
    return NULL;
}

static const char *refusal_teredo(const struct address_policy *p,
                                  const unsigned char addr[16])
{
    unsigned char client[4];
    const char *why = refusal_v4(p, addr + 4);

    if (why)
        return why;
    for (int i = 0; i < 4; i++)
        client[i] = (unsigned char)~addr[12 + i];
    return refusal_v4(p, client);
}

static const char *refusal_v6(const struct address_policy *p,
                              const unsigned char addr[16])
{
    if (is_allowed(p, addr))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(V6_RULES); i++) {
        const struct v6_rule *r = &V6_RULES[i];

        if (!has_prefix(addr, r->network, r->bits))
            continue;
        if (r->kind == V6_EMBEDS_V4)
            return refusal_v4(p, addr + r->v4_at);
        return r->kind == V6_TEREDO ? refusal_teredo(p, addr) : r->why;
    }
    /* Only 2000::/3 is given out as global unicast (RFC 4291 §2.4, IANA). */
    return addr[0] >> 5 == 1 ? NULL : "reserved address";
}

enum err address_parse_network(struct span text, struct address_network *out)
{
    size_t slash = span_find(text, '/');
    union address a;
    struct address_network net = { .prefix_bits = 128 };
    uint64_t bits = 128;
    uint64_t base = 0;

    if (!address_parse(span_slice(text, 0, slash), &a))
        return ERR_INVALID;
    if (a.any.sa_family == AF_INET) {
        memcpy(net.bytes, V4_MAPPED, sizeof(V4_MAPPED));
        memcpy(net.bytes + 12, &a.v4.sin_addr, 4);
        base = V4_PREFIX_BITS;
    } else {
        memcpy(net.bytes, &a.v6.sin6_addr, 16);
    }
    if (slash < text.len) {
        if (!span_parse_u64(span_skip(text, slash + 1), &bits) || bits > 128 - base)
            return ERR_INVALID;
        bits += base;
    }
    net.prefix_bits = (int)bits;
    *out = net;
    return OK;
}

const char *address_refusal(const struct address_policy *p, const struct sockaddr *addr)
{
    if (addr->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)addr;
        unsigned char v4[4];

        if (p->allows_private)
            return NULL;
        memcpy(v4, &in->sin_addr, sizeof(v4));
        return refusal_v4(p, v4);
    }
    if (addr->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 =
            (const struct sockaddr_in6 *)(const void *)addr;

        return p->allows_private ? NULL : refusal_v6(p, in6->sin6_addr.s6_addr);
    }
    return "not an internet address";
}

char *address_format(const struct sockaddr *addr, char out[ADDRESS_TEXT_SIZE])
{
    const void *bytes = NULL;

    out[0] = '\0';
    if (addr->sa_family == AF_INET)
        bytes = &((const struct sockaddr_in *)(const void *)addr)->sin_addr;
    else if (addr->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
    if (bytes)
        (void)inet_ntop(addr->sa_family, bytes, out, ADDRESS_TEXT_SIZE);
    return out;
}

bool address_parse(struct span text, union address *out)
{
    char str[ADDRESS_TEXT_SIZE];
    union address v4 = { .v4 = { .sin_family = AF_INET } };
    union address v6 = { .v6 = { .sin6_family = AF_INET6 } };
    bool has_brackets =
        text.len > 2 && text.ptr[0] == '[' && text.ptr[text.len - 1] == ']';

    if (has_brackets)
        text = span_slice(text, 1, text.len - 1);
    if (!text.len || text.len >= sizeof(str) || memchr(text.ptr, '\0', text.len))
        return false;
    memcpy(str, text.ptr, text.len);
    str[text.len] = '\0';
    if (!has_brackets && inet_pton(AF_INET, str, &v4.v4.sin_addr) == 1) {
        *out = v4;
        return true;
    }
    if (inet_pton(AF_INET6, str, &v6.v6.sin6_addr) == 1) {
        *out = v6;
        return true;
    }
    return false;
}

bool address_has_route(const struct sockaddr *addr)
{
    union address to = { 0 };
    bool is_v6 = addr->sa_family == AF_INET6;
    socklen_t n = is_v6 ? sizeof to.v6 : sizeof to.v4;
    int fd = socket(addr->sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool has_route;

    if (fd < 0)
        return errno != EAFNOSUPPORT;
    memcpy(&to, addr, n);
    if (is_v6)
        to.v6.sin6_port = htons(9);
    else
        to.v4.sin_port = htons(9);
    has_route = connect(fd, &to.any, n) == 0 || (errno != ENETUNREACH && errno != ENETDOWN && errno != EADDRNOTAVAIL);
    (void)close(fd);
    return has_route;
}

bool address_has_way_out(void)
{
    /* Of documentation networks (RFC 5737, RFC 3849), which are nobody's own. */
    static const char *const elsewhere[] = { "192.0.2.1", "2001:db8::1" };
    union address a;

    for (size_t i = 0; i < ARRAY_LEN(elsewhere); i++)
        if (address_parse(span_str(elsewhere[i]), &a) && address_has_route(&a.any))
            return true;
    return false;
}
