/* SPDX-License-Identifier: MIT */
#include "fetch/route.h"

#include <errno.h>
#include <string.h>

#include "config/clock.h"
#include "config/mem.h"

#define MAX_NOTES  10000
#define NO_IPV6_NS (60 * NS_PER_S)
#define SILENT_IPV6 3

struct route_note {
    union address good;
    bool has_good;
    bool is_http1_only;
    size_t n_dead; /* addresses from the first on of which none let itself be connected to */
};

void route_book_init(struct route_book *b)
{
    map_init(&b->notes);
    b->no_ipv6_until = 0;
    b->n_silent_ipv6 = 0;
}

void route_book_clear(struct route_book *b)
{
    map_clear_values(&b->notes, mem_free);
}

static struct route_note *note_for(struct route_book *b, struct span host)
{
    struct route_note *note = map_get(&b->notes, host);

    if (note)
        return note;
    if (b->notes.len >= MAX_NOTES) {
        route_book_clear(b);
        map_init(&b->notes);
    }
    note = mem_alloc(sizeof(*note));
    map_set(&b->notes, host, note);
    return note;
}

static bool is_v6(const union address *a)
{
    return a->any.sa_family == AF_INET6;
}

static bool is_same(const union address *a, const union address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return false;
    if (is_v6(a))
        return !memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr, sizeof(a->v6.sin6_addr));
    return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

/* Into alternation of families, the wished-for family first. */
static void alternate(union address *all, size_t n, bool v6_first)
{
    union address sorted[DNS_MAX_ADDRESSES];
    size_t at[2] = { 0, 0 }; /* next candidate of each family */
    bool want_v6 = v6_first;

    for (size_t k = 0; k < n; want_v6 = !want_v6) {
        size_t *i = &at[want_v6];

        while (*i < n && is_v6(&all[*i]) != want_v6)
            ++*i;
        if (*i < n)
            sorted[k++] = all[(*i)++];
    }
    memcpy(all, sorted, n * sizeof *all);
}

/* Where a name has more addresses than are tried for a request, the next one begins behind those that were dead. */
static void take(const struct route_book *b, struct span host, const union address *all, size_t n, struct route *r)
{
    const struct route_note *note = map_get(&b->notes, host);
    size_t first = note && n > ROUTE_MAX ? note->n_dead : 0;

    for (r->n = 0; r->n < MIN(n, (size_t)ROUTE_MAX); r->n++)
        r->addresses[r->n] = all[(first + r->n) % n];
}

/* Moves what worked last to the front; puts it there when the list was cut before it. */
static void prefer_good(const struct route_book *b, struct span host,
                        const union address *all, size_t n, struct route *r)
{
    const struct route_note *note = map_get(&b->notes, host);
    size_t i = 0;
    bool is_offered = false;

    if (!note || !note->has_good)
        return;
    for (size_t k = 0; k < n; k++)
        is_offered |= is_same(&all[k], &note->good);
    if (!is_offered)
        return;
    while (i < r->n - 1 && !is_same(&r->addresses[i], &note->good))
        i++;
    for (; i > 0; i--)
        r->addresses[i] = r->addresses[i - 1];
    r->addresses[0] = note->good;
}

static void choose(const struct route_book *b, const struct address_policy *policy,
                   struct span host, const struct dns_answer *answer, struct route *r)
{
    union address allowed[DNS_MAX_ADDRESSES];
    size_t n = 0;

    for (size_t i = 0; i < answer->n_addresses; i++) {
        const union address *a = &answer->addresses[i];
        const char *why = address_refusal(policy, &a->any);

        if (why)
            r->why = why;
        else
            allowed[n++] = *a;
    }
    if (!n) {
        r->outcome = FETCH_BLOCKED_ADDRESS;
        return;
    }
    alternate(allowed, n, b->no_ipv6_until <= clock_now_ns());
    take(b, host, allowed, n, r);
    prefer_good(b, host, allowed, n, r);
}

enum err route_find(struct route_book *b, struct dns *dns,
                    const struct address_policy *policy, struct span host,
                    deadline until, struct route *out)
{
    struct dns_answer answer;
    int64_t started_at = clock_now_ns();
    struct route r = { .dns_ms = -1, .outcome = FETCH_DNS_FAILED };
    enum err e = dns_resolve(dns, host, until, &answer);

    if (e)
        return e;
    if (!answer.was_cached)
        r.dns_ms =
            (int32_t)MIN((clock_now_ns() - started_at) / NS_PER_MS, (int64_t)INT32_MAX);
    r.why = answer.why;
    r.is_cut_off = answer.status == DNS_NO_ROUTE;
    r.is_name_unknown = answer.status == DNS_NO_SUCH_NAME;
    if (answer.status == DNS_FOUND)
        choose(b, policy, host, &answer, &r);
    *out = r;
    return OK;
}

void route_note_success(struct route_book *b, struct span host, const struct route *r,
                        size_t i)
{
    struct route_note *note;

    if (is_v6(&r->addresses[i]))
        b->n_silent_ipv6 = 0;
    /* The first one is tried first anyway. */
    if (i == 0)
        return;
    note = note_for(b, host);
    note->good = r->addresses[i];
    note->has_good = true;
}

static bool has_both_families(const struct route *r)
{
    size_t n_v6 = 0;

    for (size_t i = 0; i < r->n; i++)
        n_v6 += is_v6(&r->addresses[i]);
    return n_v6 > 0 && n_v6 < r->n;
}

/* Behind many a router IPv6 has addresses and leads nowhere: each new host would cost the time of a connection. */
static void note_ipv6_failure(struct route_book *b, const struct route *r, int os_errno)
{
    bool is_absent = os_errno == ENETUNREACH || os_errno == EAFNOSUPPORT;

    if (!is_absent && os_errno != ECONNREFUSED && has_both_families(r))
        b->n_silent_ipv6++;
    if (is_absent || b->n_silent_ipv6 >= SILENT_IPV6)
        b->no_ipv6_until = clock_after(clock_now_ns(), NO_IPV6_NS);
}

void route_note_failure(struct route_book *b, struct span host, const struct route *r,
                        size_t i, int os_errno)
{
    struct route_note *note = map_get(&b->notes, host);

    if (note && note->has_good && is_same(&note->good, &r->addresses[i]))
        note->has_good = false;
    if (i == ROUTE_MAX - 1) /* the last that was tried: there may be more */
        note_for(b, host)->n_dead += ROUTE_MAX;
    if (is_v6(&r->addresses[i]))
        note_ipv6_failure(b, r, os_errno);
}

bool route_is_cut_off(const struct route *r)
{
    if (address_has_way_out())
        return false;
    for (size_t i = 0; i < r->n; i++)
        if (address_has_route(&r->addresses[i].any))
            return false;
    return r->n > 0;
}

void route_note_http1_only(struct route_book *b, struct span host)
{
    note_for(b, host)->is_http1_only = true;
}

bool route_is_http1_only(const struct route_book *b, struct span host)
{
    const struct route_note *note = b->notes.len ? map_get(&b->notes, host) : NULL;

    return note && note->is_http1_only;
}
