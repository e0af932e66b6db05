/* SPDX-License-Identifier: MIT */
/*
 * Hands what the crawl found to the store's writer and takes the answers back
 * on the loop: new URLs go to the frontier, ids to the memory of known URLs.
 * So store/ never hears of coroutines, and the crawl never of SQL.
 *
 * Nothing here suspends: room is kept by the dispatcher, which starts no
 * request while crawl->answered is at OUTBOX_LIMIT.
 */
#pragma once

#include "crawler/crawl.h"

/* Answered pages that may wait for their commit. */
#define OUTBOX_LIMIT 256

/*
 * Takes done ops and runs their on_done; called on the loop after a commit, and again in
 * its next turn when there were many.
 */
void outbox_collect(struct crawl *c);

/* Gives op to the writer; op->on_done and arg are the caller's. */
void outbox_submit(struct crawl *c, struct store_op *op);

/*
 * A stored offer's consequences in memory: a row that became queued goes to the
 * frontier, a known URL into the cache.
 */
void outbox_learn(struct crawl *c, const struct store_offer *offer);

/* The rows that became queued elsewhere as a consequence. */
void outbox_learn_extra(struct crawl *c, const struct store_op *op);

/* Asks for the next part of h's queue (a frontier_refill_fn). */
void outbox_refill(void *arg, struct host *h, size_t room);

/* Writes that h's queued URLs are excluded for its park_reason; again when more came meanwhile. */
void outbox_park(struct crawl *c, struct host *h);

/*
 * Stores h's politeness state, and its robots.txt when robots is given (copied). What another
 * text of robots.txt excluded is queued again.
 */
void outbox_save_host(struct crawl *c, const struct host *h,
                      const struct store_host_state *robots);

/* As outbox_save_host; suspends until it is done. */
enum err outbox_save_robots(struct crawl *c, const struct host *h,
                            const struct store_host_state *robots) MUST_USE;

/*
 * Suspends until op is done; the caller looks at op->result and frees op. What STORE_OFFERS
 * found is learnt by then. On
 * ERR_CANCELLED or ERR_TIMEOUT op is abandoned: it is freed when it is done.
 */
enum err outbox_wait(struct crawl *c, struct store_op *op, deadline until) MUST_USE;
