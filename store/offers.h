/* SPDX-License-Identifier: MIT */
/*
 * A URL that somebody pointed at meets the table. The verdict (scope, depth,
 * nofollow ...) comes with the offer; here it is held against what is known.
 *
 *   known as                     offered as       becomes
 *   (unknown)                    any              a row: queued or excluded
 *   excluded: decided by a rule  may be queued    queued (change: queued)
 *     that looks at the link or the URL (kind, nofollow, depth, scope ...)
 *   excluded: kind > nofollow    a nearer miss    the nearer miss: the offer's reason,
 *     > depth                                     rule and depth
 *   excluded: scope              too deep, by the the offer's reason, rule and depth
 *                                nearest link
 *   any other                    may be queued    itself; the smaller depth (change:
 *                                                 shallower)
 *   any other                    excluded         itself
 */
#pragma once

#include "store/core.h"
#include "store/extra.h"

/*
 * What is decided when a URL is offered, and so may be decided otherwise by a later
 * offer or start.
 */
bool offers_decide_reason(enum url_reason r);

/* Applies o, discovered on src (0 = nowhere), and writes its out fields. */
enum err offers_apply(struct core *c, struct extra *x, struct store_offer *o,
                      int64_t src_id);

/* STORE_OFFERS: all of them, with the seeds and sitemaps rows. */
enum err offers_apply_op(struct core *c, struct extra *x, struct store_op *op);
