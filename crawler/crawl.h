/* SPDX-License-Identifier: MIT */
/*
 * The crawl: its parts, put together. Everything that is not passed by value
 * hangs off this struct; there are no globals. The parts know each other only
 * through it, and only inside crawler/.
 */
#pragma once

#include <stdatomic.h>

#include "config/settings.h"
#include "crawler/dictionary.h"
#include "crawler/frontier.h"
#include "crawler/known.h"
#include "crawler/pool.h"
#include "crawler/scope.h"
#include "fetch/address.h"
#include "fetch/fetcher.h"
#include "fetch/retry.h"
#include "fetch/sync.h"
#include "store/store.h"

/* Why the crawl ends. */
enum stop_reason {
    STOP_NONE,     /* it goes on */
    STOP_FINISHED, /* nothing is left to do */
    STOP_MAX_PAGES,
    STOP_MAX_BYTES,
    STOP_MAX_TIME,
    STOP_SIGNAL,
    STOP_STORE, /* the database cannot be written */
    STOP_POOL,  /* no parser process can be started */
    STOP_WARC,  /* the WARC file cannot be written */
    N_STOP_REASONS
};

/*
 * What the summary and the progress line show; counts of this start. Of what came into the file: what was counted
 * and then could not be stored is taken back.
 */
struct crawl_counts {
    int64_t answered; /* page requests that got an answer */
    int64_t requests; /* page requests made */
    int64_t by_outcome[N_FETCH_OUTCOMES];
    int64_t http_errors; /* 4xx, 5xx */
    int64_t retries;
    int64_t robots_requests, sitemap_requests;
    int64_t hosts_reached; /* whose robots.txt request got an answer of any kind */
    int64_t bytes;         /* of page bodies, as sent */
    int64_t not_stored;    /* page requests that were made and are not in the file */
    int64_t parse_failures;
    int64_t hosts_given_up; /* as they did not answer any more, or their robots.txt could not be read */
    int64_t bad_seeds, seeds;
};

struct crawl {
    const struct settings *settings;
    struct span user_agent, product_token;
    struct address_policy addresses;
    struct retry_options retry;
    struct arena mem;      /* of the settings that were worked out at start */
    struct arena rule_mem; /* of the last rule handed to the store */
    int64_t concurrency;   /* as set, or what the limit of open files leaves */

    struct loop *loop;
    struct sched *sched;
    struct group *group; /* visits, preparations, the dispatcher; detached */
    struct bodies *bodies;
    struct dns *dns;
    struct fetcher *fetcher;
    struct pool *pool;
    struct dictionary dictionary;
    struct quarantine *quarantine; /* NULL without a database */
    struct store *store;
    struct archive *archive; /* --warc; else NULL */
    struct scope *scope;
    struct extract *extract;
    struct credentials *credentials;
    struct known *known;
    struct frontier *frontier;
    struct rulebook *rulebook;
    struct sem large_robots; /* robots.txt files of size that are being taken in */
    struct loop_wakeup *store_wakeup;
    struct sem sitemap_answers; /* sitemaps whose entries are in memory */
    struct idmap sitemaps_seen; /* hashes of the URLs of sitemaps read in this run */
    uint64_t sitemaps_seed;
    struct map ip_permits;    /* address -> struct ip_permit */
    deadline names_fail_until; /* descriptors were short: until then a lookup that fails says nothing */

    int64_t n_heard;           /* answers of any kind */
    deadline network_until;    /* 0: there is a network; else how long it is waited for */
    bool has_told_no_network;

    struct store_run run;
    enum stop_reason stop;
    int stop_signal;
    int n_signals;
    atomic_bool must_hurry; /* a signal came; read by the store's thread */
    int64_t started_ns;
    deadline
        give_up_at; /* when a stop was asked for: transfers still running are cancelled then */
    deadline stop_at;       /* --max-time */
    deadline next_start_at; /* --rate */
    /* budgets */
    int64_t pages_done, pages_reserved, bytes_done;
    /* under way */
    struct sem permits;  /* --concurrency: one for each request in flight */
    int64_t in_flight;   /* requests that hold one */
    int64_t waiting_aside; /* requests that gave it back until their address is free or there is a network */
    int64_t recent_peak; /* of in_flight, in the last seconds */
    int64_t recent_peak_at;
    int64_t answered; /* answered pages whose commit is still to come */
    int64_t n_tasks;  /* coroutines of the crawl but the dispatcher */
    bool has_wider_scope; /* than what was excluded was decided by: a seed redirected (crawler/rescope.h) */
    bool is_learning; /* a coroutine takes the links of one commit; later commits wait for it */
    struct crawl_counts counts;
    char missed_seed[400]; /* with exit code 4: a seed and why nothing came from it, unescaped; may be empty */
};

/* The word for `runs.stop_reason` and the summary. */
const char *crawl_stop_word(enum stop_reason r);

/*
 * Runs a whole crawl. operands are seeds: files, "-", URLs. Returns the exit
 * code (crawl --man, EXIT STATUS); prints what a person must know to standard error.
 */
int crawl_run(const struct settings *s, char **operands, size_t n_operands);

/* Asks for the end: no new requests; the rest is finished or cancelled. The first reason stands. */
void crawl_stop(struct crawl *c, enum stop_reason reason);

/*
 * Takes the signals over, for this thread and those started after it: a thread
 * that did not block them would end the program. Before the writer starts.
 */
enum err crawl_watch_signals(struct crawl *c) MUST_USE;

/* Has a signal asked for a stop? Looks for one that the loop, which does not run yet, has not taken. */
bool crawl_looks_for_signal(struct crawl *c);

/* Something became fewer or free: the dispatcher looks again. */
void crawl_poke(struct crawl *c);

/*
 * Runs the scheduler with this coroutine, which ends it with sched_stop. Not as a member
 * of c's group, which may be cancelled. False when there was no memory to start it; that
 * was said.
 */
bool crawl_run_alone(struct crawl *c, const char *name, coro_fn *fn, void *arg);

/* Starts a coroutine of this crawl; counts as work. False when none can be had. */
bool crawl_spawn(struct crawl *c, const char *name, coro_fn *fn, void *arg);
/* Its end; every function given to crawl_spawn calls it last. */
void crawl_task_done(struct crawl *c);

/* Records an event in the database and, at that level, in the log. level: "info", "warn", "error". */
void crawl_event(struct crawl *c, const char *level, const char *component,
                 const char *event, int64_t url_id, const char *fmt, ...)
    PRINTF_LIKE(6, 7);

/* Wall-clock milliseconds of a moment on our clock. */
int64_t crawl_wall_of(const struct crawl *c, deadline at);
