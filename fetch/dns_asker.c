/* SPDX-License-Identifier: MIT */
#include "fetch/dns_asker.h"

/* Newer ones say so of what Debian 12's has nothing else for. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <netinet/in.h>
#include <string.h>

#include "config/clock.h"
#include "config/mem.h"
#include "fetch/address.h"

#define MAX_SOCKETS 64
#define RECEIVE_BUFFER_BYTES \
    (1 << 20)               /* two answers for each lookup in flight, all at once */
#define EDNS_BYTES     1232 /* answers up to this need no TCP; fits every path */
#define TRY_TIMEOUT_MS 2000
#define N_TRIES        2

/* 1.34.0 */
#define SHARES_ENDS_SINCE 0x012200

struct watched_socket {
    struct dns_asker *owner;
    ares_socket_t fd;
    loop_watch_id watch; /* 0: slot is free */
};

struct dns_asker {
    struct loop *loop;
    ares_channel channel;
    struct loop_timer expiry_timer; /* c-ares' own clock */
    struct watched_socket sockets[MAX_SOCKETS];
    bool has_own_servers; /* not those of a resolv.conf */
};

/* After every call into c-ares: its next time-out may have moved. */
static void sync_timer(struct dns_asker *a)
{
    struct timeval tv;
    const struct timeval *next = ares_timeout(a->channel, NULL, &tv);

    if (!next)
        loop_timer_clear(a->loop, &a->expiry_timer);
    else
        loop_timer_set(a->loop, &a->expiry_timer,
                       clock_after(clock_now_ns(), next->tv_sec * NS_PER_S +
                                                       next->tv_usec * NS_PER_US));
}

static void on_socket(void *arg, uint32_t events)
{
    struct watched_socket *s = arg;
    struct dns_asker *a = s->owner;
    bool is_readable = events & (EPOLLIN | EPOLLERR | EPOLLHUP);

    ares_process_fd(a->channel, is_readable ? s->fd : ARES_SOCKET_BAD,
                    events & EPOLLOUT ? s->fd : ARES_SOCKET_BAD);
    sync_timer(a);
}

static struct watched_socket *find_socket(struct dns_asker *a, ares_socket_t fd)
{
    struct watched_socket *free_slot = NULL;

    for (size_t i = 0; i < MAX_SOCKETS; i++) {
        if (a->sockets[i].watch && a->sockets[i].fd == fd)
            return &a->sockets[i];
        if (!a->sockets[i].watch)
            free_slot = &a->sockets[i];
    }
    return free_slot;
}

/* ARES_OPT_SOCK_STATE_CB. Without a free slot the query runs into its time-out. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns_asker *a = arg;
    struct watched_socket *s = find_socket(a, fd);
    uint32_t events =
        (readable ? (uint32_t)EPOLLIN : 0) | (writable ? (uint32_t)EPOLLOUT : 0);

    if (!s)
        return;
    if (!events) {
        loop_unwatch(a->loop, s->watch);
        s->watch = 0;
        return;
    }
    if (s->watch) {
        loop_watch_change(a->loop, s->watch, events);
        return;
    }
    *s = (struct watched_socket){ .owner = a, .fd = fd };
    if (loop_watch(a->loop, fd, events, on_socket, s, &s->watch))
        s->watch = 0;
}

static void on_expiry(void *arg)
{
    struct dns_asker *a = arg;

    ares_process_fd(a->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    sync_timer(a);
}

static bool is_loopback(const union address *a)
{
    return a->any.sa_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&a->v6.sin6_addr)
                                        : ntohl(a->v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

/*
 * None of the name servers can even be asked. A machine's own (systemd-resolved, or what is asked where no
 * resolv.conf is there yet) always can, and has nobody to ask itself.
 */
bool dns_asker_is_cut_off(const struct dns_asker *asker)
{
    struct ares_addr_port_node *servers = NULL;
    bool can_ask =
        address_has_way_out() || ares_get_servers_ports(asker->channel, &servers) != ARES_SUCCESS || !servers;

    for (const struct ares_addr_port_node *s = servers; s && !can_ask; s = s->next) {
        union address a = { 0 };

        a.any.sa_family = (sa_family_t)s->family;
        if (s->family == AF_INET6)
            memcpy(&a.v6.sin6_addr, &s->addr.addr6, sizeof a.v6.sin6_addr);
        else
            a.v4.sin_addr = s->addr.addr4;
        can_ask = address_has_route(&a.any) && (asker->has_own_servers || !is_loopback(&a));
    }
    ares_free_data(servers);
    return !can_ask;
}

/* --- life ------------------------------------------------------------------------------------ */

static int open_channel(struct dns_asker *a, const struct dns_asker_options *o)
{
    char lookups[] = "fb"; /* /etc/hosts, then DNS */
    struct ares_options options = { .flags = ARES_FLAG_NOSEARCH /* names in URLs are whole */ | ARES_FLAG_EDNS,
                                    .ednspsz = EDNS_BYTES,
                                    .socket_receive_buffer_size = RECEIVE_BUFFER_BYTES,
                                    .timeout = TRY_TIMEOUT_MS,
                                    .tries = N_TRIES,
                                    .lookups = lookups,
                                    .resolvconf_path = o->configuration,
                                    .sock_state_cb = on_socket_state,
                                    .sock_state_cb_data = a };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB |
               ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_RCVBUF | (o->configuration ? ARES_OPT_RESOLVCONF : 0);

#ifdef ARES_OPT_QUERY_CACHE /* from 1.31 on; ours is the only cache, and bounded */
    options.qcache_max_ttl = 0;
    mask |= ARES_OPT_QUERY_CACHE;
#endif
#ifdef ARES_OPT_UDP_MAX_QUERIES
    if (o->is_socket_for_each) {
        options.udp_max_queries = 1;
        mask |= ARES_OPT_UDP_MAX_QUERIES;
    }
#endif
    return ares_init_options(&a->channel, &options, mask);
}

int dns_asker_open(const struct dns_asker_options *o, struct dns_asker **out)
{
    struct dns_asker *a = mem_alloc(sizeof *a);
    int status;

    a->loop = o->loop;
    a->has_own_servers = o->configuration == NULL;
    loop_timer_init(&a->expiry_timer, on_expiry, a);
    status = open_channel(a, o);
    if (!status && o->servers)
        status = ares_set_servers_ports_csv(a->channel, o->servers);
    if (status)
        dns_asker_close(a);
    else
        *out = a;
    return status;
}

void dns_asker_close(struct dns_asker *a)
{
    if (!a)
        return;
    if (a->channel)
        ares_destroy(a->channel);
    loop_timer_clear(a->loop, &a->expiry_timer);
    mem_free(a);
}

bool dns_asker_shares_ends(void)
{
#ifdef ARES_OPT_UDP_MAX_QUERIES
    int version;

    (void)ares_version(&version);
    return version >= SHARES_ENDS_SINCE;
#else
    return false;
#endif
}

void dns_asker_ask(struct dns_asker *a, const char *name, dns_asker_fn *fn, void *arg)
{
    static const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
                                                      .ai_flags = ARES_AI_NOSORT };

    ares_getaddrinfo(a->channel, name, NULL, &hints, fn, arg);
}

void dns_asker_asked(struct dns_asker *a)
{
    if (a)
        sync_timer(a);
}
