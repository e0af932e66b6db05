/* SPDX-License-Identifier: MIT */
/*
 * robots.txt of an origin: before the first page of an origin is asked for,
 * one coroutine prepares it, however many URLs wait. It loads what the
 * database knows of the host, reads robots.txt (or the copy that is less than
 * a day old), decides after RFC 9309 §2.3 what the answer means, and starts
 * its sitemaps.
 *
 *   answer                                   means
 *   2xx                                      the rules in it
 *   4xx but 429                              no rules
 *   429, 5xx, no answer, cut, redirect loop  everything disallowed: three tries, or as many as
 *                                            --max-wait leaves room for, then the host is parked
 *                                            as robots_unreachable; as deferred where the answer
 *                                            itself asks for a longer pause
 *
 * When a refresh fails, the old rules go on holding (RFC 9309 §2.4).
 */
#pragma once

#include "crawler/crawl.h"
#include "parse/job.h"

/* After the frontier was made, and before it is freed. */
void robots_gate_open(struct crawl *c);
void robots_gate_close(struct crawl *c);

/* Starts preparing h (state HOST_PREPARING); ends with frontier_prepared. */
void robots_gate_prepare(struct crawl *c, struct host *h);

/*
 * Suspends until the rules of h, which was prepared before, are there again, h is parked,
 * or the crawl stops. ERR_CANCELLED.
 */
enum err robots_gate_await(struct crawl *c, struct host *h) MUST_USE;

/* Can a parsed robots.txt be obeyed? Of those cut short only one that we cut. */
bool robots_gate_is_whole(const struct answer *a);

/* The rule that forbade a URL, as urls.rule says it; in mem. */
struct span robots_gate_words(const struct robots_rule *rule, struct arena *mem);

/*
 * May this URL of h be fetched? When not, *out_rule (may be NULL) says which line forbids it,
 * in mem. h must be ready, so this is asked in the step that took the URL.
 */
bool robots_gate_allows(struct crawl *c, struct host *h, const struct url *u,
                        struct arena *mem, struct span *out_rule);
