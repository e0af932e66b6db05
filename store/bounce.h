/* SPDX-License-Identifier: MIT */
/*
 * Redirects that lead back (decision 0023). A site that wants a cookie sends whoever has none away to fetch one, and
 * from there back: /page to /check to /page. The second answer of /page is the page. So where cookies are kept, a
 * redirect to a known URL whose last answer was a redirect asks for that once more, if
 *
 *  - it was last asked before this start, whose cookies are its own, or
 *  - this run's redirects lead from it to where this one comes from, and this one is new: it has had nothing asked for
 *    yet that was asked in this start before. A redirect to what was to be asked for anyway, as in a new run all are,
 *    may have come before the cookie.
 *
 * Each such step counts for --max-redirects, so a way that never arrives ends.
 */
#pragma once

#include "store/core.h"
#include "store/extra.h"

struct bounce;

/* A start of this file: no redirect was followed yet. Heap; an error is in d->failed. */
struct bounce *bounce_new(struct db *d);
/* NULL is fine. */
void bounce_free(struct bounce *b);

/* v is a redirect, and its target was offered; its row in the table redirects is not written yet. */
enum err bounce_follow(struct core *c, struct extra *x, const struct store_visit *v);

/* The row is done: the next run begins with the redirects that first led to it. */
enum err bounce_end(struct core *c, int64_t url_id);
