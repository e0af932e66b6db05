/* SPDX-License-Identifier: MIT */
/*
 * The queue as the frontier sees it: the queued URLs of a host in order, a
 * window at a time. The order is that of the partial index url_queue
 * (host_id, priority, depth, id) where state is queued; ORDER_DFS walks it
 * backwards inside a priority, ORDER_PRIORITY has an index of its own that is
 * made when first needed.
 */
#pragma once

#include "store/core.h"

/* The index of ORDER_PRIORITY. */
#define QUEUE_PLAIN "url_queue_plain"
#define QUEUE_PLAIN_SQL \
    "CREATE INDEX IF NOT EXISTS " QUEUE_PLAIN " ON url (host_id, priority, id) WHERE state = 0"

/*
 * STORE_REFILL: fills items and has_more from behind the cursor. Items live in op->mem.
 */
enum err queue_refill(struct core *c, struct store_op *op);

/*
 * One queued row with its validators, texts in mem (host fields are left out). False
 * when it is not queued.
 */
bool queue_item(struct core *c, int64_t url_id, struct arena *mem,
                struct store_item *out);

/* STORE_HOST_PARK: all queued URLs of the host become excluded for park.reason. */
enum err queue_park(struct core *c, struct store_op *op);
/* What robots.txt of the host excluded is queued again, to be decided anew; how many. */
enum err queue_requeue_robots(struct core *c, int64_t host_id, int64_t *out_n);

/* Every origin that has queued URLs. */
enum err queue_each_host(struct core *c,
                         void (*fn)(void *arg, const struct store_origin *origin),
                         void *arg);

/* Every origin whose robots.txt named sitemaps. */
enum err queue_each_sitemap_host(struct core *c, bool only_unread,
                                 void (*fn)(void *arg, const struct store_origin *origin),
                                 void *arg);
