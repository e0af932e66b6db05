/* SPDX-License-Identifier: MIT */
/*
 * When may a site be asked? A site is a host name and port, 80 and 443 as one,
 * so http and https origins of one name share it. Every request (pages, redirect
 * hops, retries, robots.txt, sitemaps) takes a permit here and gives it back.
 *
 * Invariants (promise P3)
 * 1. Never more requests in flight to a site than its permits.
 * 2. The next request starts no sooner after the end of the last one, nor
 *    after its start, than max(delay, Crawl-delay, last response time up to
 *    30 s); --delay 0 switches the response-time term off, never Crawl-delay,
 *    Retry-After or back-off.
 * 3. Permits taken for a hand-over are never visible to a third party.
 */
#pragma once

#include "config/map.h"
#include "config/settings.h"
#include "fetch/sync.h"

/* A Retry-After counts as this at most. */
#define POLITENESS_MAX_PAUSE_MS INT64_C(3600000)

struct politeness;

struct site {
    char *key;        /* "host" or "host:port" */
    int64_t delay_ms; /* of settings, or the host's own section */
    int64_t per_host;
    int64_t crawl_delay_ms; /* from robots.txt, capped; -1 = none */
    int64_t in_flight;
    int64_t last_response_ns;
    deadline next_at;  /* no request before */
    deadline floor_at; /* what next_at would be but for the starts of those in flight */
    deadline backoff_until; /* 429, 503, unreachable robots.txt; included in next_at */
    int failures;           /* answers in a row that asked for a pause */
    int silences;           /* requests in a row that got no answer, and how long it pauses for that (pause.h) */
    deadline silent_until;
    struct waitq waiters;   /* coroutines in politeness_enter */
    int64_t n_waiters;
    struct list_node hosts; /* the frontier's origins of this site */
};

/* on_change is called whenever a site's next_at or permits changed; it only marks and wakes. */
struct politeness *politeness_new(struct loop *l, const struct settings *s,
                                  void (*on_change)(void *arg, struct site *site),
                                  void *arg);
void politeness_free(struct politeness *p);

/* Finds or makes the site of a host name and port. Lives as long as p. */
struct site *politeness_site(struct politeness *p, struct span hostname, int32_t port);

/* When the dispatcher may start a request: a moment, or DEADLINE_NEVER while no permit is free. */
deadline politeness_ready_at(const struct site *site);

/* Takes a permit at once; only when politeness_ready_at has come. */
void politeness_take(struct politeness *p, struct site *site);

/* Suspends until a permit is free and the moment has come. ERR_TIMEOUT, ERR_CANCELLED: nothing taken. */
enum err politeness_enter(struct politeness *p, struct site *site,
                          deadline until) MUST_USE;

/* Ends a request that began at started_ns; did_ask is false when nothing went out. */
void politeness_leave(struct politeness *p, struct site *site, int64_t started_ns,
                      bool did_ask);

/* No request before then: what an earlier run or an earlier start still binds us to. */
void politeness_hold(struct politeness *p, struct site *site, deadline until);

/*
 * Is a stored wall-clock moment farther ahead than the longest pause that anybody is granted, an hour or --max-wait?
 * Then the clock was set back since, and what is left of the pause is not known.
 */
bool politeness_is_impossible(const struct politeness *p, int64_t wall_ms);

/*
 * The moment on the loop's clock that a stored wall-clock moment stands for; 0 when it has passed, an hour from now
 * when it is impossible: a wall clock that was set back must not freeze a host (promise P43).
 */
deadline politeness_moment(const struct politeness *p, int64_t now_ns, int64_t wall_ms);

/* The whole site pauses until then at least; as politeness_hold, and remembered as backoff_until. */
void politeness_back_off(struct politeness *p, struct site *site, deadline until);

/* What robots.txt says; -1 = nothing. Capped at 60 s; true when it was cut. */
bool politeness_set_crawl_delay(struct politeness *p, struct site *site,
                                int64_t delay_ms);

/* The gap that now holds between two requests, in ns. */
int64_t politeness_gap_ns(const struct site *site);
