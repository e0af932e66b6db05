/* SPDX-License-Identifier: MIT */
/*
 * Fetch rows: one for each request that was made, with its headers as JSON and
 * a reference to its body; and what --keep-history takes away again.
 */
#pragma once

#include "config/buf.h"
#include "store/core.h"

/* Longer header values are cut. */
#define FETCHES_MAX_VALUE ((size_t)8192)

/* Inserts v's fetch row and body; scratch is for the header lists. 0 after an error. */
int64_t fetches_insert(struct core *c, const struct store_visit *v,
                       struct buf *scratch);

/*
 * Removes fetches of the URL beyond the newest options.keep_history (all of a run's tries
 * count as one), with their bodies
 * and rows of page_history and redirects; but none that its page or a kept row of its
 * history is from, nor the answer that the oldest kept fetch rests on. The last run whose
 * end can no longer be told for some URL is noted in meta ('history_lost').
 */
enum err fetches_prune(struct core *c, int64_t url_id);
