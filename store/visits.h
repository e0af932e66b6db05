/* SPDX-License-Identifier: MIT */
/*
 * One attempt at a URL and everything it brought: fetch row, body, page, links,
 * the URLs found, the redirect, the URL's new state and the next revisit. The
 * caller holds the transaction (invariant 1 of store.h).
 */
#pragma once

#include "config/buf.h"
#include "store/core.h"
#include "store/extra.h"

/* Stores v; scratch is memory to be used again. */
enum err visits_store(struct core *c, struct extra *x, struct store_visit *v,
                      struct buf *scratch);

/*
 * The next interval between revisits: half of the last one for a page that
 * changed, half as much again for one that did not, within the limits; a day
 * for the first. last_ms = 0: the first.
 */
int64_t visits_interval(const struct store_options *o, int64_t last_ms,
                        bool has_changed);
