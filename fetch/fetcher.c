/* SPDX-License-Identifier: MIT */
#include "fetch/fetcher.h"

#include <sys/resource.h>

#include "config/clock.h"
#include "config/mem.h"
#include "config/small.h"
#include "fetch/address.h"
#include "fetch/answer.h"
#include "fetch/request.h"
#include "fetch/transfer.h"
#include "fetch/versions.h"

/* Of an open connection, with HTTP/2; 44 KiB without, and 3 without TLS. */
#define TLS_BYTES               (88 * KIB)
#define STARTS_A_LOOK           16  /* at the clock */
#define MAX_POOLED              256 /* idle transfers kept beyond those in flight */
#define MIN_TICK_NS             (5 * NS_PER_MS)
#define MAX_TICK_NS             NS_PER_S
#define SHORT_OF_DESCRIPTORS_NS (5 * NS_PER_S)

struct fetcher {
    struct dns *dns;
    struct transfer_shared shared;
    struct route_book book;
    struct list_node active; /* queued and running, oldest start first */
    struct list_node pool;   /* idle */
    size_t n_pooled;
    struct list_node
        starting; /* transfer.queue: to be started in the loop's next turn */
    struct list_node stopping; /* ... and to be stopped */
    struct loop_timer queue_timer;
    struct loop_timer clock_timer;
    int64_t tick_ns;
    uint64_t hash_seed;
    char *user_agent, *proxy;
};

/* --- the loop's side: libcurl lives here ------------------------------------------- */

static void release(struct fetcher *f, struct transfer *t)
{
    transfer_release(t);
    list_remove(&t->active);
    list_add_first(&f->pool, &t->active);
    f->n_pooled++;
}

/* A transfer is over: hands it back to who waits for it. */
static void finish(struct fetcher *f, struct transfer *t, CURLcode result)
{
    list_remove(&t->queue);
    list_remove(&t->active);
    f->shared.stats.in_flight--;
    transfer_finish(t, result);
    if (t->is_abandoned)
        release(f, t);
    else
        coro_wake(t->waiter, 0);
}

/* multi_done_fn */
static void on_done(void *arg, CURL *easy, CURLcode result)
{
    struct transfer *t = NULL;

    BUG_IF(curl_easy_getinfo(easy, CURLINFO_PRIVATE, &t) != CURLE_OK);
    finish(arg, t, result);
}

/* A few at a time, as each may begin a TLS handshake; the rest in the next turn where this one has lasted its time. */
static void start_queued(struct fetcher *f)
{
    do {
        struct list_node *n;

        for (int i = 0; i < STARTS_A_LOOK && (n = list_take_first(&f->starting)) != NULL; i++) {
            struct transfer *t = CONTAINER_OF(n, struct transfer, queue);

            if (transfer_start(t, route_is_http1_only(&f->book, t->request->host)))
                finish(f, t, CURLE_URL_MALFORMAT);
        }
        multi_kick(f->shared.multi);
    } while (!list_is_empty(&f->starting) && !loop_is_late(f->shared.loop));
    if (!list_is_empty(&f->starting))
        loop_timer_set(f->shared.loop, &f->queue_timer, 0);
}

/* Starts and stops what coroutines and clocks asked for since the last turn. */
static void on_queue(void *arg)
{
    struct fetcher *f = arg;
    struct list_node *n;

    for (n = list_take_first(&f->stopping); n; n = list_take_first(&f->stopping)) {
        struct transfer *t = CONTAINER_OF(n, struct transfer, queue);

        transfer_stop(t);
        finish(f, t, CURLE_ABORTED_BY_CALLBACK);
    }
    start_queued(f);
    while (f->n_pooled > MAX_POOLED + f->shared.stats.in_flight) {
        f->n_pooled--;
        transfer_free(CONTAINER_OF(list_take_first(&f->pool), struct transfer, active));
    }
}

static void enqueue(struct fetcher *f, struct list_node *queue, struct transfer *t)
{
    list_add_last(queue, &t->queue);
    if (!heap_has(&f->queue_timer.node))
        loop_timer_set(f->shared.loop, &f->queue_timer, 0);
}

/* Marks a running transfer to be stopped; the first reason counts. */
static void ask_to_stop(struct fetcher *f, struct transfer *t, enum transfer_stop why)
{
    if (t->stop != TRANSFER_NO_STOP || t->state != TRANSFER_RUNNING)
        return;
    t->stop = why;
    enqueue(f, &f->stopping, t);
}

static void on_clock(void *arg)
{
    struct fetcher *f = arg;
    int64_t now = loop_now(f->shared.loop);

    LIST_EACH(n, &f->active) {
        struct transfer *t = CONTAINER_OF(n, struct transfer, active);
        const char *why =
            t->state == TRANSFER_RUNNING ? transfer_overdue(t, now) : NULL;

        if (why) {
            t->late_why = why;
            ask_to_stop(f, t, TRANSFER_STOP_LATE);
        }
    }
    if (!list_is_empty(&f->active))
        loop_timer_set(f->shared.loop, &f->clock_timer, clock_after(now, f->tick_ns));
}

/* --- the coroutine's side ------------------------------------------------------------- */

/* An idle transfer, or a new one, which gets its handle when the loop starts it. */
static struct transfer *take_transfer(struct fetcher *f)
{
    struct list_node *n = list_take_first(&f->pool);

    if (!n)
        return transfer_new(&f->shared);
    f->n_pooled--;
    return CONTAINER_OF(n, struct transfer, active);
}

/* The caller is gone: nothing of it may be touched any more. */
static void abandon(struct fetcher *f, struct transfer *t)
{
    t->is_abandoned = true;
    if (t->state == TRANSFER_RUNNING) {
        if (t->stop == TRANSFER_NO_STOP) {
            t->stop = TRANSFER_STOP_ABANDONED;
            enqueue(f, &f->stopping, t);
        }
        return;
    }
    if (t->state == TRANSFER_QUEUED) {
        list_remove(&t->queue);
        f->shared.stats.in_flight--;
    }
    release(f, t);
}

/* One attempt. After an error t is no longer the caller's. */
static enum err run(struct fetcher *f, struct transfer *t, deadline until)
{
    struct fetcher_stats *stats = &f->shared.stats;
    intptr_t unused;
    enum err e;

    list_add_last(&f->active, &t->active);
    stats->in_flight++;
    stats->peak_in_flight = MAX(stats->peak_in_flight, stats->in_flight);
    if (!heap_has(&f->clock_timer.node))
        loop_timer_set(f->shared.loop, &f->clock_timer,
                       clock_after(loop_now(f->shared.loop), f->tick_ns));
    t->waiter = coro_waiter_prepare();
    enqueue(f, &f->starting, t);
    e = coro_wait(t->waiter, until, &unused);
    if (e)
        abandon(f, t);
    else if (t->is_out_of_descriptors)
        f->shared.short_of_descriptors_until =
            clock_after(loop_now(f->shared.loop), SHORT_OF_DESCRIPTORS_NS);
    return e;
}

/* run, with the address's permit around it. After an error t is no longer the caller's. */
static enum err run_with_permit(struct fetcher *f, struct transfer *t,
                                const struct fetch_request *r, deadline until)
{
    char text[ADDRESS_TEXT_SIZE];
    struct span ip = span_str(address_format(&t->address.any, text));
    int64_t asked_at = clock_now_ns(), waited;
    enum err e;

    if (!r->enter_address || !t->has_resolved)
        return run(f, t, until);
    e = r->enter_address(r->arg, ip, until);
    if (e) {
        t->state = TRANSFER_IDLE;
        release(f, t);
        return e;
    }
    /* The wait may be long, and is none of the request's: its clock stood still. */
    waited = clock_now_ns() - asked_at;
    t->waited_ns += waited;
    t->total_at = clock_after(t->total_at, waited);
    e = run(f, t, until);
    if (r->leave_address)
        r->leave_address(r->arg, ip);
    return e;
}

/* Address after address until one lets itself be connected to, each with its share of the time
 * left for connecting. After an error t is no longer the caller's. */
static enum err try_route(struct fetcher *f, struct transfer *t,
                          const struct fetch_request *r, const struct route *route,
                          deadline until)
{
    int64_t budget = f->shared.options.connect_timeout_ms * NS_PER_MS;
    size_t n = MAX(route->n, (size_t)1); /* none: the proxy finds the way */

    for (size_t i = 0; i < n; i++) {
        int64_t share = budget / (int64_t)(n - i);
        enum err e;

        transfer_prepare(t, r, route->n ? &route->addresses[i].any : NULL, share);
        e = run_with_permit(f, t, r, until);
        if (e)
            return e;
        if (!route->n)
            return OK;
        if (!t->is_connect_failure) {
            if (t->was_sent)
                route_note_success(&f->book, r->host, route, i);
            break;
        }
        route_note_failure(&f->book, r->host, route, i, t->os_errno);
        budget -= MIN(t->ended_at - t->started_at, share);
    }
    /* Refused on a fresh connection: HTTP/2 is not for this host, then. */
    if (t->was_reused_and_lost && !t->is_reused && r->is_https)
        route_note_http1_only(&f->book, r->host);
    return OK;
}

/* A request that ended before any transfer: no such name, or an address that is refused. */
static void refuse(const struct route *route, struct fetch_result *r)
{
    r->outcome = route->outcome;
    r->error = span_str(route->why);
    r->is_name_unknown = route->is_name_unknown;
    r->is_cut_off = route->is_cut_off;
    r->ended_ns = clock_now_ns();
}

static enum err find_route(struct fetcher *f, const struct fetch_request *r,
                           deadline total_at, deadline until, struct route *out)
{
    const struct fetcher_options *o = &f->shared.options;
    union address literal;
    enum err e;

    if (o->proxy.len) {
        /* The proxy resolves names; what can be judged here is a literal. */
        *out = (struct route){ .dns_ms = -1, .outcome = FETCH_BLOCKED_ADDRESS };
        if (address_parse(r->host, &literal))
            out->why = address_refusal(o->addresses, &literal.any);
        return OK;
    }
    e = route_find(&f->book, f->dns, o->addresses, r->host, MIN(until, total_at), out);
    if (e == ERR_TIMEOUT && total_at < until) {
        *out = (struct route){ .dns_ms = -1,
                               .outcome = FETCH_DNS_FAILED,
                               .why = "looking up the name took too long" };
        return OK;
    }
    return e;
}

static uint64_t hash_host(const struct fetcher *f, const struct fetch_request *r)
{
    return map_hash(r->host, f->hash_seed) + r->port;
}

enum err fetcher_fetch(struct fetcher *f, const struct fetch_request *request,
                       struct arena *mem, deadline until, struct fetch_result *out)
{
    const struct fetcher_options *o = &f->shared.options;
    int64_t started_at = clock_now_ns();
    deadline total_at = clock_after(started_at, o->total_timeout_ms * NS_PER_MS);
    struct fetch_result r = { .started_wall_ms = clock_wall_ms(),
                              .timings = { -1, -1, -1, -1, -1 } };
    struct route route;
    struct transfer *t;
    enum err e = find_route(f, request, total_at, until, &route);

    if (e)
        return e;
    r.timings.dns_ms = route.dns_ms;
    if (route.n || (o->proxy.len && !route.why)) {
        t = take_transfer(f);
        t->host_hash = hash_host(f, request);
        t->total_at = total_at;
        t->waited_ns = 0;
        e = try_route(f, t, request, &route, until);
        if (e)
            return e;
        answer_take(t, mem, &r);
        r.is_cut_off = t->is_connect_failure && t->outcome == FETCH_CONNECT_FAILED && route_is_cut_off(&route);
        r.waited_ns = t->waited_ns;
        r.started_wall_ms += t->waited_ns / NS_PER_MS;
        release(f, t);
        /* Without a network nothing was sent, and mem is for many tries. */
        if (r.is_cut_off || request_record(o, request, mem, &r.request_headers))
            r.request_headers = SPAN_NONE;
    } else {
        refuse(&route, &r);
    }
    /* Rounded as libcurl's are: cut, it would end before its first byte. */
    r.timings.total_ms =
        (int32_t)MIN((r.ended_ns - started_at - r.waited_ns + NS_PER_MS / 2) / NS_PER_MS,
                     (int64_t)INT32_MAX);
    *out = r;
    return OK;
}

void fetcher_shed(struct fetcher *f, size_t n)
{
    /* What was asked for in this turn of the loop still holds its room. */
    LIST_EACH(at, &f->stopping)
        n -= n > 0 && CONTAINER_OF(at, struct transfer, queue)->stop == TRANSFER_STOP_NO_ROOM;
    for (struct list_node *at = f->active.prev; n > 0 && at != &f->active;
         at = at->prev) {
        struct transfer *t = CONTAINER_OF(at, struct transfer, active);

        if (t->state != TRANSFER_RUNNING || t->stop != TRANSFER_NO_STOP || t->reserved)
            continue;
        ask_to_stop(f, t, TRANSFER_STOP_NO_ROOM);
        n--;
    }
}

void fetcher_get_stats(const struct fetcher *f, struct fetcher_stats *out)
{
    *out = f->shared.stats;
    out->cut = multi_n_cut(f->shared.multi);
}

/* --- life ------------------------------------------------------------------------------- */

/*
 * Few transfers a shard: libcurl walks a shard's connections whenever one of its transfers
 * ends. Few shards where little is in flight: each has two descriptors of its own.
 */
static size_t shards_for(size_t concurrency)
{
    size_t n = 1;

    while (n < 64 && concurrency / n > (n < 8 ? 16 : 128))
        n *= 2;
    return n;
}

size_t fetcher_descriptors(size_t concurrency)
{
    return 2 * shards_for(concurrency);
}

/* From libcurl 8.7 on all transfers of a multi handle share one buffer (CURLOPT_BUFFERSIZE(3)). */
#define SHARES_A_BUFFER 0x080700u

/* Small where many are in flight and each has its own: the buffer of a waiting transfer is memory too. */
static long buffer_for(size_t concurrency)
{
    if (concurrency <= 256 || versions_libcurl() >= SHARES_A_BUFFER)
        return 64 * KIB;
    if (concurrency <= 1024)
        return 32 * KIB;
    return concurrency <= 4096 ? 16 * KIB : 4 * KIB;
}

/* Connections that may be open in all: twice what is in flight, but others need descriptors
 * too (promise P32). A shard's own limit is the same, as one host may need it all. */
static size_t max_open_for(size_t concurrency)
{
    struct rlimit limit = { 1024, 1024 };

    (void)getrlimit(RLIMIT_NOFILE, &limit);
    return MIN(concurrency * 2 + 16, (size_t)limit.rlim_cur / 2);
}

static void copy_options(struct fetcher *f, const struct fetcher_options *o)
{
    struct fetcher_options *mine = &f->shared.options;

    *mine = *o;
    f->user_agent = mem_str_copy(o->user_agent);
    f->proxy = mem_str_copy(o->proxy);
    mine->user_agent = span_str(f->user_agent);
    mine->proxy = span_str(f->proxy);
    mine->ca_file = SPAN_NONE; /* the trust store's */
}

/* An eighth of the shortest clock, so that none is late by much. */
static int64_t tick_for(const struct fetcher_options *o)
{
    int64_t shortest = MIN(MIN(o->connect_timeout_ms, o->first_byte_timeout_ms),
                           MIN(o->total_timeout_ms, o->low_speed_ms));

    return MIN(MAX(shortest * NS_PER_MS / 8, MIN_TICK_NS), MAX_TICK_NS);
}

/*
 * With our allocator: what libcurl asks for is small, so its lack of memory is ours, and ends
 * us (promise P33). CURLE_OUT_OF_MEMORY then only means a header line beyond its limit.
 */
static bool init_library(void)
{
    small_start();
    return curl_global_init_mem(CURL_GLOBAL_DEFAULT, small_alloc, small_free, small_resize,
                                small_copy, small_zeroed) == CURLE_OK;
}

/* What all requests say, made once. NULL without memory; free with curl_slist_free_all. */
static struct curl_slist *constant_headers(void)
{
    struct curl_slist *list = NULL;
    struct request_line line;
    char text[256];

    for (size_t i = 0; request_constant(i, &line); i++) {
        (void)snprintf(text, sizeof(text), "%.*s: %.*s", SPAN_ARG(line.name),
                       SPAN_ARG(line.value));

        struct curl_slist *longer = curl_slist_append(list, text);

        if (!longer) {
            curl_slist_free_all(list);
            return NULL;
        }
        list = longer;
    }
    return list;
}

enum err fetcher_open(struct sched *s, const struct fetcher_options *options,
                      struct dns *dns, struct bodies *bodies, struct fetcher **out,
                      struct err_note *note)
{
    size_t n_shards = shards_for(options->concurrency);
    struct fetcher *f = mem_alloc(sizeof(*f));
    size_t max_open = max_open_for(options->concurrency);
    struct multi_options mo = { n_shards, max_open, on_done, f };
    enum err e;

    f->dns = dns;
    f->tick_ns = tick_for(options);
    f->shared.loop = sched_loop(s);
    f->shared.bodies = bodies;
    f->shared.max_open = max_open;
    f->shared.max_tls = options->max_tls_bytes / TLS_BYTES;
    f->shared.buffer_bytes = buffer_for(options->concurrency);
    copy_options(f, options);
    route_book_init(&f->book);
    f->hash_seed = f->book.notes.seed;
    list_init(&f->active);
    list_init(&f->pool);
    list_init(&f->starting);
    list_init(&f->stopping);
    loop_timer_init(&f->queue_timer, on_queue, f);
    loop_timer_init(&f->clock_timer, on_clock, f);
    if (!init_library()) {
        e = err_set(note, ERR_NO_MEMORY, "cannot initialise libcurl");
        goto out;
    }
    f->shared.trust = trust_new(options->ca_file);
    f->shared.constant_headers = constant_headers();
    e = f->shared.constant_headers
            ? multi_open(f->shared.loop, &mo, &f->shared.multi, note)
            : err_set(note, ERR_NO_MEMORY, "cannot set up libcurl");
out:
    if (e)
        fetcher_close(f);
    else
        *out = f;
    return e;
}

void fetcher_close(struct fetcher *f)
{
    struct list_node *n;

    if (!f)
        return;
    /* Abandoned transfers may still wait to be stopped. */
    if (f->shared.multi)
        do
            on_queue(f);
        while (!list_is_empty(&f->starting));
    BUG_IF(!list_is_empty(&f->active));
    for (n = list_take_first(&f->pool); n; n = list_take_first(&f->pool))
        transfer_free(CONTAINER_OF(n, struct transfer, active));
    loop_timer_clear(f->shared.loop, &f->queue_timer);
    loop_timer_clear(f->shared.loop, &f->clock_timer);
    multi_close(f->shared.multi);
    curl_slist_free_all(f->shared.constant_headers);
    trust_free(f->shared.trust);
    route_book_clear(&f->book);
    mem_free(f->user_agent);
    mem_free(f->proxy);
    mem_free(f);
    curl_global_cleanup();
}
