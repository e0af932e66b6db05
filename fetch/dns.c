/* SPDX-License-Identifier: MIT */
#include "fetch/dns.h"

/* Newer ones say so of what Debian 12's has nothing else for. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/stat.h>

#include "config/clock.h"
#include "config/map.h"
#include "config/mem.h"
#include "config/small.h"
#include "fetch/address.h"

/* With 1,000 fresh questions under way answers were lost; those unanswered for PATIENCE_NS are
 * most likely dead ends and make room for others. */
#define MAX_FRESH   200
#define PATIENCE_NS (500 * NS_PER_MS)
#define MAX_ASKING  2000
#define MAX_CACHED  100000
#define MAX_SOCKETS 64
#define RECEIVE_BUFFER_BYTES \
    (1 << 20)               /* two answers for each lookup in flight, all at once */
#define EDNS_BYTES     1232 /* answers up to this need no TCP; fits every path */
#define TRY_TIMEOUT_MS 2000
#define N_TRIES        2
#define MIN_TTL_NS     (60 * NS_PER_S)
#define MAX_TTL_NS     (INT64_C(24) * 3600 * NS_PER_S)
#define NO_NAME_TTL_NS (300 * NS_PER_S)
#define FAILURE_TTL_NS (30 * NS_PER_S)       /* what took its time, or failed again and again */
#define FIRST_FAILURE_TTL_NS (500 * NS_PER_MS) /* twice as long each time */

/*
 *   state     -> state     by
 *   (none)       waiting   dns_resolve: first one to ask
 *   waiting      asking    on_start, as far as MAX_FRESH and MAX_ASKING allow
 *   asking       known     on_answer
 *   known        waiting   dns_resolve, when expired
 *   known        (freed)   trim, oldest first
 */
enum entry_state {
    ENTRY_WAITING,
    ENTRY_ASKING,
    ENTRY_KNOWN,
};

struct entry {
    struct list_node order; /* in waiting, fresh or stale by age, or in known by age */
    struct list_node waiters; /* struct waiter */
    struct dns *owner;
    char *name;
    enum entry_state state;
    bool is_stale; /* asking for longer than PATIENCE_NS */
    int64_t asked_at;
    enum dns_status status;
    const char *why;
    int n_failures; /* of the servers, in a row */
    deadline expires_at;
    union address *addresses;
    size_t n_addresses;
};

/* On the stack of who waits. */
struct waiter {
    struct list_node node;
    struct coro_waiter coro;
    struct dns_answer *out;
};

struct watched_socket {
    struct dns *owner;
    ares_socket_t fd;
    loop_watch_id watch; /* 0: slot is free */
};

struct dns {
    struct loop *loop;
    ares_channel channel;
    struct map entries;
    struct list_node waiting; /* entries not yet asked for */
    struct list_node fresh;   /* asking, oldest first */
    struct list_node stale;
    struct list_node known; /* oldest first */
    size_t n_asking, n_fresh, n_known;
    struct loop_timer start_timer;  /* coroutines left something in waiting */
    struct loop_timer expiry_timer; /* c-ares' own clock */
    struct watched_socket sockets[MAX_SOCKETS];
    char *configuration;       /* resolv.conf(5); NULL: dns_open was given servers */
    struct stat configured_by; /* that file when it was read last; zeros: it was not there */
    bool must_configure;       /* it has changed: read it when nothing is asked */
    bool is_closing;
};

/* --- c-ares on the loop -------------------------------------------------------------- */

/* After every call into c-ares: its next time-out may have moved. */
static void sync_timer(struct dns *d)
{
    struct timeval tv;
    const struct timeval *next = ares_timeout(d->channel, NULL, &tv);

    if (!next)
        loop_timer_clear(d->loop, &d->expiry_timer);
    else
        loop_timer_set(d->loop, &d->expiry_timer,
                       clock_after(clock_now_ns(), next->tv_sec * NS_PER_S +
                                                       next->tv_usec * NS_PER_US));
}

static void on_socket(void *arg, uint32_t events)
{
    struct watched_socket *s = arg;
    struct dns *d = s->owner;
    bool is_readable = events & (EPOLLIN | EPOLLERR | EPOLLHUP);

    ares_process_fd(d->channel, is_readable ? s->fd : ARES_SOCKET_BAD,
                    events & EPOLLOUT ? s->fd : ARES_SOCKET_BAD);
    sync_timer(d);
}

static struct watched_socket *find_socket(struct dns *d, ares_socket_t fd)
{
    struct watched_socket *free_slot = NULL;

    for (size_t i = 0; i < MAX_SOCKETS; i++) {
        if (d->sockets[i].watch && d->sockets[i].fd == fd)
            return &d->sockets[i];
        if (!d->sockets[i].watch)
            free_slot = &d->sockets[i];
    }
    return free_slot;
}

/* ARES_OPT_SOCK_STATE_CB. Without a free slot the query runs into its time-out. */
static void on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct dns *d = arg;
    struct watched_socket *s = find_socket(d, fd);
    uint32_t events =
        (readable ? (uint32_t)EPOLLIN : 0) | (writable ? (uint32_t)EPOLLOUT : 0);

    if (!s)
        return;
    if (!events) {
        loop_unwatch(d->loop, s->watch);
        s->watch = 0;
        return;
    }
    if (s->watch) {
        loop_watch_change(d->loop, s->watch, events);
        return;
    }
    *s = (struct watched_socket){ .owner = d, .fd = fd };
    if (loop_watch(d->loop, fd, events, on_socket, s, &s->watch))
        s->watch = 0;
}

static void on_expiry(void *arg)
{
    struct dns *d = arg;

    ares_process_fd(d->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    sync_timer(d);
}

/* A code of c-ares. Unless servers are set, those that the configuration names now. */
static int open_channel(struct dns *d, ares_channel *out)
{
    char lookups[] = "fb"; /* /etc/hosts, then DNS */
    struct ares_options options = { .flags = ARES_FLAG_NOSEARCH /* names in URLs are whole */ | ARES_FLAG_EDNS,
                                    .ednspsz = EDNS_BYTES,
                                    .socket_receive_buffer_size = RECEIVE_BUFFER_BYTES,
                                    .timeout = TRY_TIMEOUT_MS,
                                    .tries = N_TRIES,
                                    .lookups = lookups,
                                    .resolvconf_path = d->configuration,
                                    .sock_state_cb = on_socket_state,
                                    .sock_state_cb_data = d };
    int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB |
               ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_RCVBUF | (d->configuration ? ARES_OPT_RESOLVCONF : 0);

#ifdef ARES_OPT_QUERY_CACHE /* from 1.31 on; ours is the only cache, and bounded */
    options.qcache_max_ttl = 0;
    mask |= ARES_OPT_QUERY_CACHE;
#endif
    return ares_init_options(out, &options, mask);
}

/* --- answers ------------------------------------------------------------------------------ */

static void fill(const struct entry *e, bool was_cached, struct dns_answer *out)
{
    out->status = e->status;
    out->why = e->why;
    out->was_cached = was_cached;
    out->n_addresses = e->n_addresses;
    if (e->n_addresses)
        memcpy(out->addresses, e->addresses, e->n_addresses * sizeof(*e->addresses));
}

static enum dns_status status_of(int ares_status)
{
    switch (ares_status) {
    case ARES_SUCCESS: return DNS_FOUND;
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME: return DNS_NO_SUCH_NAME;
    case ARES_ETIMEOUT: return DNS_NO_ANSWER;
    default: return DNS_SERVER_FAILED;
    }
}

static const char *why_of(enum dns_status status)
{
    switch (status) {
    case DNS_NO_SUCH_NAME: return "no such host name";
    case DNS_SERVER_FAILED: return "the name server failed";
    case DNS_NO_ROUTE: return "no route to a name server";
    case DNS_NO_ANSWER: return "no answer from the name server";
    default: return NULL;
    }
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
static bool is_cut_off(struct dns *d)
{
    struct ares_addr_port_node *servers = NULL;
    bool can_ask = address_has_way_out() || ares_get_servers_ports(d->channel, &servers) != ARES_SUCCESS || !servers;

    for (const struct ares_addr_port_node *s = servers; s && !can_ask; s = s->next) {
        union address a = { 0 };

        a.any.sa_family = (sa_family_t)s->family;
        if (s->family == AF_INET6)
            memcpy(&a.v6.sin6_addr, &s->addr.addr6, sizeof a.v6.sin6_addr);
        else
            a.v4.sin_addr = s->addr.addr4;
        can_ask = address_has_route(&a.any) && (!d->configuration || !is_loopback(&a));
    }
    ares_free_data(servers);
    return !can_ask;
}

/* --- another network, other servers --------------------------------------------------------- */

static void look_at_configuration(const struct dns *d, struct stat *out)
{
    if (!d->configuration || stat(d->configuration, out))
        *out = (struct stat){ 0 };
}

/* c-ares reads it once. Where a lookup failed: are the servers still those that this machine is to ask? */
static void check_configuration(struct dns *d)
{
    struct stat now, *was = &d->configured_by;

    look_at_configuration(d, &now);
    d->must_configure |= now.st_ino != was->st_ino || now.st_size != was->st_size ||
                         now.st_mtim.tv_sec != was->st_mtim.tv_sec || now.st_mtim.tv_nsec != was->st_mtim.tv_nsec;
}

/* Nothing is asked just now. If other servers cannot be had, those we have stay. */
static void configure_anew(struct dns *d)
{
    ares_channel next;

    d->must_configure = false;
    look_at_configuration(d, &d->configured_by);
    if (open_channel(d, &next))
        return;
    ares_destroy(d->channel);
    d->channel = next;
}

/* --- answers, remembered --------------------------------------------------------------------- */

static void keep_addresses(struct entry *e, const struct ares_addrinfo *info,
                           int64_t *ttl_ns)
{
    union address found[DNS_MAX_ADDRESSES];
    size_t n = 0;

    *ttl_ns = MAX_TTL_NS;
    for (const struct ares_addrinfo_node *a = info->nodes; a && n < DNS_MAX_ADDRESSES;
         a = a->ai_next) {
        if (a->ai_family != AF_INET && a->ai_family != AF_INET6)
            continue;
        memset(&found[n], 0, sizeof(found[n]));
        memcpy(&found[n++], a->ai_addr,
               a->ai_family == AF_INET6 ? sizeof(found->v6) : sizeof(found->v4));
        *ttl_ns = MIN(*ttl_ns, MAX(a->ai_ttl * NS_PER_S, MIN_TTL_NS));
    }
    e->n_addresses = n;
    e->addresses = n ? mem_array(n, sizeof(*found)) : NULL;
    if (n)
        memcpy(e->addresses, found, n * sizeof(*found));
}

/*
 * How long it is no use to ask again. A server that fails at once may have had a bad moment: a host whose robots.txt
 * waits for its name has three tries within seconds.
 */
static int64_t remember_failure(struct entry *e)
{
    int64_t ttl_ns = FIRST_FAILURE_TTL_NS;

    check_configuration(e->owner);
    if (is_cut_off(e->owner)) {
        e->status = DNS_NO_ROUTE;
        return ttl_ns;
    }
    if (e->owner->must_configure) /* other servers are asked next; what these said is no matter */
        return ttl_ns;
    if (e->status == DNS_NO_ANSWER)
        return FAILURE_TTL_NS;
    for (int i = 0; i < e->n_failures && ttl_ns < FAILURE_TTL_NS; i++)
        ttl_ns *= 2;
    e->n_failures++;
    return MIN(ttl_ns, FAILURE_TTL_NS);
}

static void learn(struct entry *e, int ares_status, const struct ares_addrinfo *info)
{
    int64_t ttl_ns = 0;

    mem_free(e->addresses);
    e->addresses = NULL;
    e->n_addresses = 0;
    e->status = status_of(ares_status);
    if (e->status == DNS_FOUND && info)
        keep_addresses(e, info, &ttl_ns);
    if (e->status == DNS_FOUND && !e->n_addresses)
        e->status = DNS_NO_SUCH_NAME;
    if (e->status == DNS_NO_SUCH_NAME)
        ttl_ns = NO_NAME_TTL_NS;
    if (e->status == DNS_FOUND || e->status == DNS_NO_SUCH_NAME)
        e->n_failures = 0;
    else if (!e->owner->is_closing)
        ttl_ns = remember_failure(e);
    e->why = why_of(e->status);
    e->expires_at = clock_after(clock_now_ns(), ttl_ns);
}

static void forget(struct dns *d, struct entry *e)
{
    list_remove(&e->order);
    (void)map_remove(&d->entries, span_str(e->name));
    mem_free(e->name);
    mem_free(e->addresses);
    mem_free(e);
}

static void ask_for_start(struct dns *d)
{
    loop_timer_set(d->loop, &d->start_timer, 0);
}

/* ares_addrinfo_callback: the one place where a lookup ends. */
static void on_answer(void *arg, int status, int n_timeouts, struct ares_addrinfo *info)
{
    struct entry *e = arg;
    struct dns *d = e->owner;

    (void)n_timeouts;
    d->n_asking--;
    d->n_fresh -= !e->is_stale;
    list_remove(&e->order);
    learn(e, status, info);
    if (info)
        ares_freeaddrinfo(info);
    e->state = ENTRY_KNOWN;
    list_add_last(&d->known, &e->order);
    d->n_known++;
    LIST_EACH_SAFE(n, &e->waiters) {
        struct waiter *w = CONTAINER_OF(n, struct waiter, node);

        list_remove(&w->node);
        fill(e, false, w->out);
        coro_wake(w->coro, 0);
    }
    /* Not from here: c-ares is in the middle of its own work. */
    if (!d->is_closing && (!list_is_empty(&d->waiting) || d->n_known > MAX_CACHED))
        ask_for_start(d);
}

/* What has been asked for too long no longer keeps others from asking. */
static void age(struct dns *d, int64_t now)
{
    while (!list_is_empty(&d->fresh)) {
        struct entry *e = CONTAINER_OF(d->fresh.next, struct entry, order);

        if (now - e->asked_at < PATIENCE_NS)
            return;
        list_remove(&e->order);
        list_add_last(&d->stale, &e->order);
        e->is_stale = true;
        d->n_fresh--;
    }
}

static void ask_server(struct dns *d, struct entry *e, int64_t now)
{
    static const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
                                                      .ai_flags = ARES_AI_NOSORT };

    e->state = ENTRY_ASKING;
    e->is_stale = false;
    e->asked_at = now;
    list_add_last(&d->fresh, &e->order);
    d->n_asking++;
    d->n_fresh++;
    ares_getaddrinfo(d->channel, e->name, NULL, &hints, on_answer, e);
}

/* Asks for what waits, as far as the limits allow, and drops what is too old. */
static void on_start(void *arg)
{
    struct dns *d = arg;
    int64_t now = loop_now(d->loop);
    struct list_node *n;

    if (d->must_configure && d->n_asking)
        return; /* on_answer calls again */
    if (d->must_configure)
        configure_anew(d);
    age(d, now);
    while (d->n_fresh < MAX_FRESH && d->n_asking < MAX_ASKING &&
           (n = list_take_first(&d->waiting)) != NULL)
        ask_server(d, CONTAINER_OF(n, struct entry, order), now);
    while (d->n_known > MAX_CACHED) {
        d->n_known--;
        forget(d, CONTAINER_OF(d->known.next, struct entry, order));
    }
    if (!list_is_empty(&d->waiting) && !list_is_empty(&d->fresh))
        loop_timer_set(
            d->loop, &d->start_timer,
            clock_after(CONTAINER_OF(d->fresh.next, struct entry, order)->asked_at,
                        PATIENCE_NS));
    sync_timer(d);
}

/* --- the coroutine's side ---------------------------------------------------------------- */

static struct entry *new_entry(struct dns *d, struct span host)
{
    struct entry *e = mem_alloc(sizeof(*e));

    e->owner = d;
    e->name = mem_str_copy(host);
    list_init(&e->waiters);
    map_set(&d->entries, host, e);
    return e;
}

static void start_lookup(struct dns *d, struct entry *e)
{
    if (e->state == ENTRY_KNOWN) {
        list_remove(&e->order);
        d->n_known--;
    }
    e->state = ENTRY_WAITING;
    list_add_last(&d->waiting, &e->order);
    ask_for_start(d);
}

static bool answer_literal(struct span host, struct dns_answer *out)
{
    if (!address_parse(host, &out->addresses[0]))
        return false;
    out->status = DNS_FOUND;
    out->why = NULL;
    out->was_cached = true;
    out->n_addresses = 1;
    return true;
}

/* What no name server need be asked (RFC 1035 §2.3.4). */
static bool is_hopeless(struct span host)
{
    return !host.len || host.len > 254 || memchr(host.ptr, '\0', host.len);
}

enum err dns_resolve(struct dns *d, struct span host, deadline until,
                     struct dns_answer *out)
{
    struct entry *e;
    struct waiter w = { .out = out };
    intptr_t unused;
    enum err err;

    if (answer_literal(host, out))
        return OK;
    if (is_hopeless(host)) {
        *out = (struct dns_answer){ .status = DNS_NO_SUCH_NAME,
                                    .was_cached = true,
                                    .why = "not a possible host name" };
        return OK;
    }
    e = map_get(&d->entries, host);
    if (e && e->state == ENTRY_KNOWN && clock_now_ns() < e->expires_at) {
        fill(e, true, out);
        return OK;
    }
    if (!e) {
        e = new_entry(d, host);
        start_lookup(d, e);
    } else if (e->state == ENTRY_KNOWN) {
        start_lookup(d, e);
    }
    w.coro = coro_waiter_prepare();
    list_add_last(&e->waiters, &w.node);
    err = coro_wait(w.coro, until, &unused);
    list_remove(
        &w.node); /* the entry may be gone by now; the node is in no list then */
    return err;
}

/* --- life ------------------------------------------------------------------------------------ */

enum err dns_open(struct sched *s, struct span servers, struct dns **out,
                  struct err_note *note)
{
    struct dns *d = mem_alloc(sizeof(*d));
    /* With our allocator: a lack of memory ends us; it is no name that does not exist. */
    int status = ares_library_init_mem(ARES_LIB_INIT_ALL, small_alloc, small_free,
                                       small_resize);

    d->loop = sched_loop(s);
    map_init(&d->entries);
    list_init(&d->waiting);
    list_init(&d->fresh);
    list_init(&d->stale);
    list_init(&d->known);
    loop_timer_init(&d->start_timer, on_start, d);
    loop_timer_init(&d->expiry_timer, on_expiry, d);
    if (!servers.len)
        d->configuration = mem_str_copy(SPAN("/etc/resolv.conf"));
    else if (servers.ptr[0] == '/')
        d->configuration = mem_str_copy(servers);
    look_at_configuration(d, &d->configured_by);
    if (servers.len && d->configuration && !d->configured_by.st_ino) {
        err_set_errno(note, ERR_NOT_FOUND, errno, "cannot read %s", d->configuration);
        dns_close(d);
        return ERR_NOT_FOUND;
    }
    if (!status)
        status = open_channel(d, &d->channel);
    if (!status && !d->configuration) {
        char *csv = mem_str_copy(servers);

        status = ares_set_servers_ports_csv(d->channel, csv);
        mem_free(csv);
    }
    if (status) {
        dns_close(d);
        return err_set(note, ERR_INVALID, "cannot set up name lookups: %s",
                       ares_strerror(status));
    }
    *out = d;
    return OK;
}

void dns_close(struct dns *d)
{
    if (!d)
        return;
    d->is_closing = true;
    if (d->channel)
        ares_destroy(d->channel); /* every lookup under way ends in on_answer */
    loop_timer_clear(d->loop, &d->start_timer);
    loop_timer_clear(d->loop, &d->expiry_timer);
    while (!list_is_empty(&d->waiting))
        forget(d, CONTAINER_OF(d->waiting.next, struct entry, order));
    while (!list_is_empty(&d->known))
        forget(d, CONTAINER_OF(d->known.next, struct entry, order));
    map_clear(&d->entries);
    ares_library_cleanup();
    mem_free(d->configuration);
    mem_free(d);
}
