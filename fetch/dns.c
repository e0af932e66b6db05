/* SPDX-License-Identifier: MIT */
#include "fetch/dns.h"

/* Newer ones say so of what Debian 12's has nothing else for. */
#define CARES_NO_DEPRECATED
#include <ares.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "config/clock.h"
#include "config/map.h"
#include "config/mem.h"
#include "config/small.h"
#include "fetch/address.h"
#include "fetch/dns_asker.h"

/* With 1,000 fresh questions under way answers were lost; those unanswered for PATIENCE_NS are
 * most likely dead ends and make room for others. */
#define MAX_FRESH   200
#define PATIENCE_NS (500 * NS_PER_MS)
#define MAX_ASKING  2000
#define MAX_CACHED  100000
#define MAX_ALONE   24 /* with two sockets each, and one more where a question is asked again */
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
 *   asking       waiting   on_answer, malformed: to be asked alone
 *   known        waiting   dns_resolve, when expired
 *   known        (freed)   trim, oldest first
 */
enum entry_state {
    ENTRY_WAITING,
    ENTRY_ASKING,
    ENTRY_KNOWN,
};

struct entry {
    struct list_node order; /* in waiting or suspects, in fresh or stale by age, or in known by age */
    struct list_node waiters; /* struct waiter */
    struct dns *owner;
    char *name;
    enum entry_state state;
    bool is_stale; /* asking for longer than PATIENCE_NS */
    bool is_suspect; /* the last answer was malformed: others must not suffer from the next */
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

struct dns {
    struct loop *loop;
    struct dns_asker *asker;
    struct dns_asker *alone; /* for suspects, a socket for each; NULL where none suffers from another */
    struct map entries;
    struct list_node waiting; /* entries not yet asked for */
    struct list_node suspects; /* the same, for alone */
    struct list_node fresh;   /* asking, oldest first */
    struct list_node stale;
    struct list_node known; /* oldest first */
    size_t n_asking, n_fresh, n_known, n_alone;
    struct loop_timer start_timer;  /* coroutines left something in waiting */
    char *servers;             /* NULL: those of the configuration */
    char *configuration;       /* resolv.conf(5); NULL: dns_open was given servers */
    struct stat configured_by; /* that file when it was read last; zeros: it was not there */
    bool must_configure;       /* it has changed: read it when nothing is asked */
    bool is_closing;
};

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

/* Nothing is asked just now. If other servers cannot be had, those we have stay. A code of c-ares. */
static int configure(struct dns *d)
{
    struct dns_asker_options o = { .loop = d->loop, .servers = d->servers, .configuration = d->configuration };
    struct dns_asker *asker, *alone = NULL;
    int status;

    d->must_configure = false;
    look_at_configuration(d, &d->configured_by);
    status = dns_asker_open(&o, &asker);
    if (status)
        return status;
    o.is_socket_for_each = true;
    if (dns_asker_shares_ends())
        status = dns_asker_open(&o, &alone);
    if (status) {
        dns_asker_close(asker);
        return status;
    }
    dns_asker_close(d->asker);
    dns_asker_close(d->alone);
    d->asker = asker;
    d->alone = alone;
    return ARES_SUCCESS;
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
    if (dns_asker_is_cut_off(e->owner->asker)) {
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

/* Suspects wait for their own turn. */
static void add_waiting(struct dns *d, struct entry *e)
{
    e->state = ENTRY_WAITING;
    list_add_last(e->is_suspect ? &d->suspects : &d->waiting, &e->order);
    ask_for_start(d);
}

/* ares_addrinfo_callback: the one place where a lookup ends. */
static void on_answer(void *arg, int status, int n_timeouts, struct ares_addrinfo *info)
{
    struct entry *e = arg;
    struct dns *d = e->owner;
    bool was_alone = e->is_suspect;

    (void)n_timeouts;
    d->n_asking--;
    d->n_alone -= was_alone;
    d->n_fresh -= !e->is_stale;
    list_remove(&e->order);
    e->is_suspect = status == ARES_EBADRESP && d->alone && !d->is_closing;
    if (e->is_suspect && !was_alone) { /* its own answer, or that of another? */
        add_waiting(d, e);
        return;
    }
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
    if (!d->is_closing &&
        (!list_is_empty(&d->waiting) || !list_is_empty(&d->suspects) || d->n_known > MAX_CACHED))
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
    e->state = ENTRY_ASKING;
    e->is_stale = false;
    e->asked_at = now;
    list_add_last(&d->fresh, &e->order);
    d->n_asking++;
    d->n_fresh++;
    d->n_alone += e->is_suspect;
    dns_asker_ask(e->is_suspect ? d->alone : d->asker, e->name, on_answer, e);
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
        (void)configure(d);
    age(d, now);
    while (d->n_alone < MAX_ALONE && d->n_asking < MAX_ASKING && (n = list_take_first(&d->suspects)) != NULL)
        ask_server(d, CONTAINER_OF(n, struct entry, order), now);
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
    dns_asker_asked(d->asker);
    dns_asker_asked(d->alone);
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
    add_waiting(d, e);
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
    list_init(&d->suspects);
    list_init(&d->fresh);
    list_init(&d->stale);
    list_init(&d->known);
    loop_timer_init(&d->start_timer, on_start, d);
    if (!servers.len)
        d->configuration = mem_str_copy(SPAN("/etc/resolv.conf"));
    else if (servers.ptr[0] == '/')
        d->configuration = mem_str_copy(servers);
    else
        d->servers = mem_str_copy(servers);
    look_at_configuration(d, &d->configured_by);
    if (servers.len && d->configuration && !d->configured_by.st_ino) {
        err_set_errno(note, ERR_NOT_FOUND, errno, "cannot read %s", d->configuration);
        dns_close(d);
        return ERR_NOT_FOUND;
    }
    if (!status)
        status = configure(d);
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
    dns_asker_close(d->asker); /* every lookup under way ends in on_answer */
    dns_asker_close(d->alone);
    loop_timer_clear(d->loop, &d->start_timer);
    while (!list_is_empty(&d->suspects))
        forget(d, CONTAINER_OF(d->suspects.next, struct entry, order));
    while (!list_is_empty(&d->waiting))
        forget(d, CONTAINER_OF(d->waiting.next, struct entry, order));
    while (!list_is_empty(&d->known))
        forget(d, CONTAINER_OF(d->known.next, struct entry, order));
    map_clear(&d->entries);
    ares_library_cleanup();
    mem_free(d->servers);
    mem_free(d->configuration);
    mem_free(d);
}
