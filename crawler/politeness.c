/* SPDX-License-Identifier: MIT */
#include "crawler/politeness.h"

#include "config/clock.h"
#include "config/mem.h"
#include "crawler/scope.h"

#define MAX_CRAWL_DELAY_MS   INT64_C(60000)
#define MAX_RESPONSE_TERM_NS (30 * NS_PER_S)

struct politeness {
    struct loop *loop;
    const struct settings *settings;
    struct map sites;
    void (*on_change)(void *arg, struct site *site);
    void *arg;
};

struct politeness *politeness_new(struct loop *l, const struct settings *s,
                                  void (*on_change)(void *arg, struct site *site),
                                  void *arg)
{
    struct politeness *p = mem_alloc(sizeof *p);

    *p = (struct politeness){
        .loop = l, .settings = s, .on_change = on_change, .arg = arg
    };
    map_init(&p->sites);
    return p;
}

static void free_site(void *value)
{
    struct site *site = value;

    mem_free(site->key);
    mem_free(site);
}

void politeness_free(struct politeness *p)
{
    if (!p)
        return;
    map_clear_values(&p->sites, free_site);
    mem_free(p);
}

static struct site *new_site(const struct settings *s, struct span hostname,
                             struct span key)
{
    const struct host_settings *own = settings_for_host(s, hostname);
    struct site *site = mem_alloc(sizeof *site);

    site->key = mem_str_copy(key);
    site->delay_ms = own && own->delay_ms >= 0 ? own->delay_ms : s->delay_ms;
    site->per_host = own && own->per_host > 0 ? own->per_host : s->per_host;
    site->crawl_delay_ms = -1;
    waitq_init(&site->waiters);
    list_init(&site->hosts);
    return site;
}

struct site *politeness_site(struct politeness *p, struct span hostname, int32_t port)
{
    struct arena mem;
    struct span key;
    struct site *site;

    arena_init(&mem, hostname.len + (size_t)KIB); /* a name of the command line may be any length */
    key = scope_site_key(hostname, port, &mem);
    site = map_get(&p->sites, key);
    if (!site) {
        site = new_site(p->settings, hostname, key);
        map_set(&p->sites, key, site);
    }
    arena_clear(&mem);
    return site;
}

int64_t politeness_gap_ns(const struct site *site)
{
    int64_t gap = site->delay_ms * NS_PER_MS;

    if (site->delay_ms > 0)
        gap = MAX(gap, MIN(site->last_response_ns, MAX_RESPONSE_TERM_NS));
    return MAX(gap, site->crawl_delay_ms * NS_PER_MS);
}

deadline politeness_ready_at(const struct site *site)
{
    /* Whoever waits in politeness_enter goes first. */
    if (site->in_flight >= site->per_host || site->n_waiters)
        return DEADLINE_NEVER;
    return site->next_at;
}

void politeness_take(struct politeness *p, struct site *site)
{
    site->in_flight++;
    /* With several permits, starts keep their distance too. */
    site->next_at =
        MAX(site->next_at, clock_after(loop_now(p->loop), politeness_gap_ns(site)));
}

enum err politeness_enter(struct politeness *p, struct site *site, deadline until)
{
    enum err e = OK;

    site->n_waiters++;
    p->on_change(p->arg, site);
    while (!e &&
           (site->in_flight >= site->per_host || site->next_at > loop_now(p->loop))) {
        if (site->in_flight >= site->per_host)
            e = waitq_wait(&site->waiters, until);
        else if (site->next_at > until)
            e = ERR_TIMEOUT;
        else
            e = coro_sleep_until(site->next_at);
    }
    site->n_waiters--;
    if (!e)
        politeness_take(p, site);
    else
        waitq_wake_one(&site->waiters); /* a permit may have been meant for us */
    p->on_change(p->arg, site);
    return e;
}

void politeness_leave(struct politeness *p, struct site *site, int64_t started_ns,
                      bool did_ask)
{
    int64_t now = clock_now_ns(), gap;

    BUG_IF(site->in_flight <= 0);
    site->in_flight--;
    if (did_ask) {
        site->last_response_ns = now - started_ns;
        gap = politeness_gap_ns(site);
        /* Without a gap it may be asked in this very turn of the loop, whose clock stands a little before now. */
        if (gap)
            site->floor_at = MAX(site->floor_at, clock_after(now, gap));
        site->next_at = site->floor_at;
    } else if (!site->in_flight) {
        /* Nobody was asked: the turn was not used up. */
        site->next_at = site->floor_at;
    }
    waitq_wake_one(&site->waiters);
    p->on_change(p->arg, site);
}

void politeness_hold(struct politeness *p, struct site *site, deadline until)
{
    site->floor_at = MAX(site->floor_at, until);
    site->next_at = MAX(site->next_at, until);
    p->on_change(p->arg, site);
}

static int64_t left_ms(int64_t wall_ms)
{
    return wall_ms > 0 ? wall_ms - clock_wall_ms() : 0;
}

bool politeness_is_impossible(const struct politeness *p, int64_t wall_ms)
{
    /* A pause longer than --max-wait is stored as a moment more than that. */
    return left_ms(wall_ms) - 1 > MAX(POLITENESS_MAX_PAUSE_MS, p->settings->max_wait_ms);
}

deadline politeness_moment(const struct politeness *p, int64_t now_ns, int64_t wall_ms)
{
    int64_t ms = politeness_is_impossible(p, wall_ms) ? POLITENESS_MAX_PAUSE_MS : left_ms(wall_ms);

    return ms > 0 ? clock_after(now_ns, MIN(ms, INT64_MAX / NS_PER_MS) * NS_PER_MS) : 0;
}

void politeness_back_off(struct politeness *p, struct site *site, deadline until)
{
    site->backoff_until = MAX(site->backoff_until, until);
    politeness_hold(p, site, until);
}

bool politeness_set_crawl_delay(struct politeness *p, struct site *site,
                                int64_t delay_ms)
{
    bool is_cut = delay_ms > MAX_CRAWL_DELAY_MS;
    int64_t ms = is_cut ? MAX_CRAWL_DELAY_MS : delay_ms;
    bool is_longer = ms > site->crawl_delay_ms;

    site->crawl_delay_ms = ms;
    /*
     * robots.txt itself was the last request: its answer binds from its end. What was known
     * before binds from there already. It may come from the database, too, with nobody asked:
     * a pause that began anew each time rules were forgotten would never end.
     */
    if (is_longer)
        politeness_hold(p, site, clock_after(loop_now(p->loop), ms * NS_PER_MS));
    return is_cut;
}
