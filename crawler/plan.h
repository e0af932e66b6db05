/* SPDX-License-Identifier: MIT */
/*
 * What a crawl of these seeds would be: for each of their hosts robots.txt and the
 * sitemaps it names are read, as politely as a crawl reads them and nothing else, and
 * pages, bytes and time are estimated from that and from what a database knows. Nothing
 * is written. What cannot be known is said to be unknown.
 */
#pragma once

#include "crawler/seeds.h"
#include "store/reader.h"

struct settings;

/* What an estimate of pages is made of. */
enum plan_basis {
    PLAN_SEEDS,    /* the allowed seeds: a lower bound */
    PLAN_SITEMAPS, /* and what sitemaps list */
    PLAN_DATABASE, /* what a start would ask for of what the database knows */
    PLAN_BOTH,     /* and what seeds and sitemaps name beyond that */
};

/* An origin of the seeds. Numbers are -1 where nothing is known. */
struct plan_host {
    struct url url; /* one of its seeds */
    bool is_https;
    int64_t port;
    const char *robots; /* "rules", "none", "unreachable", "unreadable", "not obeyed" */
    int64_t allowed,
        disallowed;   /* seeds; all are disallowed while robots.txt cannot be had */
    int64_t sitemaps; /* that could be read */
    int64_t listed;   /* different URLs in them that would be fetched */
    int64_t known;    /* pages in the database */
    int64_t due;      /* URLs in it that a start with this --revisit asks for */
    int64_t
        delay_ms; /* between requests: the longest of --delay, the host's section, Crawl-delay */
    int64_t pages; /* while the host is asked: seeds that no sitemap lists */
    enum plan_basis basis;
    int64_t bytes, duration_ms;
    /* working state */
    int64_t mean_bytes, mean_ms;
    int64_t urls; /* in the database and not excluded for good */
    struct plan_host *next;
};

struct plan {
    struct arena mem;
    struct plan_host *hosts; /* in the order of their first seeds */
    size_t n_hosts;
    int64_t pages, bytes,
        duration_ms; /* all together; hosts take their time side by side */
};

/* The origins of the seeds. Free with plan_clear. */
void plan_init(struct plan *p, const struct seeds *seeds);
void plan_clear(struct plan *p);

/* What the database knows of them, and would ask for with these settings. Errors of reader_query. */
enum err plan_read(struct plan *p, const struct settings *s, struct reader *r, struct err_note *note) MUST_USE;

/* Asks the hosts, several at a time, and estimates. No database may be open. Returns the exit code: 0, 2 or 3. */
int plan_make(struct plan *p, const struct settings *s, const struct seeds *seeds);
