/* SPDX-License-Identifier: MIT */
/*
 * Redirects that lead back (decision 0023). A site that wants a cookie sends whoever has none away to fetch one, and
 * from there back: /page to /check to /page. The second answer of /page is the page. So where cookies are kept, a
 * redirect to a known URL whose last answer was a redirect asks for that once more, if
 *
 *  - it was last asked before this start, when the cookies were others, or
 *  - the redirects since this start lead from it to where this one comes from, and this one is new.
 *
 * Each such step counts for --max-redirects, so a way that never arrives ends.
 */
#pragma once

#include "store/core.h"
#include "store/extra.h"

/* v is a redirect, and its target was offered; its row in the table redirects is not written yet. */
enum err bounce_follow(struct core *c, struct extra *x, const struct store_visit *v);

/* The row is done: the next run begins with the redirects that first led to it. */
enum err bounce_end(struct core *c, int64_t url_id);
