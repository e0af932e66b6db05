/* SPDX-License-Identifier: MIT */
/*
 * One question to one server, without a database: what `crawl robots` and
 * `crawl extract` do. It goes through the same fetcher, address guard,
 * politeness and parser processes as a crawl.
 */
#pragma once

#include "crawler/document.h"
#include "parse/robots.h"

struct lookup {
    struct crawl *c;
    struct url url;    /* that was asked about, without fragment and userinfo */
    struct arena *mem; /* of the whole question */
    int exit_code;     /* 3 until something better is known */
    const void *arg;   /* what lookup_run was given */
};

/*
 * Opens what asking a server and parsing need, runs fn, closes it all; by itself
 * it asks nobody. fn's argument is a struct lookup that holds arg, and it ends
 * with sched_stop. command is named in complaints. Returns the exit code: 2 when
 * text is no URL or a setting is wrong, 3 when something could not be set up,
 * else what fn left.
 */
int lookup_run(const struct settings *s, const char *command, const char *text,
               coro_fn *fn, const void *arg);

/* What an answer to robots.txt means (RFC 9309 §2.3.1). */
enum lookup_meaning {
    LOOKUP_RULES,
    LOOKUP_NO_RULES,    /* everything may be fetched */
    LOOKUP_UNREADABLE,  /* nothing may */
    LOOKUP_UNREACHABLE, /* nothing may */
};

struct lookup_rules {
    enum lookup_meaning meaning;
    const struct robots_rules *rules; /* NULL: nothing may be fetched */
    struct span why;                  /* of the last two; may be empty */
    struct document doc;              /* without its body */
    struct pool_job *parsed;          /* owns the rules, or NULL */
};

/* Asks for the robots.txt that governs u. Suspends. ERR_CANCELLED and what pool_run returns. */
enum err lookup_ask_robots(struct lookup *l, const struct url *u,
                           struct lookup_rules *out) MUST_USE;
void lookup_forget_robots(struct lookup_rules *r);

/*
 * Fetches and explains the robots.txt that governs url, on standard output.
 * Returns the exit code: 0 allowed, 1 disallowed, 2 usage, 3 could not be set up.
 */
int lookup_robots(const struct settings *s, const char *url);
