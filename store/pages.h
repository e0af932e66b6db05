/* SPDX-License-Identifier: MIT */
/*
 * The latest content of a URL: its page row, its links, its text; what it was
 * before goes to page_history. A page whose body is byte for byte the same
 * keeps its text row and its links and only points at the new fetch.
 */
#pragma once

#include "store/core.h"

/* Files from this schema on have page.links_other. */
#define OTHERS_COUNTED_SINCE 10

enum pages_change {
    PAGES_NEW,     /* the first content of this URL */
    PAGES_SAME,    /* the same body */
    PAGES_CHANGED, /* another body, or one whose hash is not final */
};

/* Stores v's page (facts are there, links are applied) for this fetch. */
enum pages_change pages_put(struct core *c, const struct store_visit *v,
                            int64_t fetch_id);

/*
 * The URL has content no longer (a redirect now, another type): the page becomes
 * history.
 */
enum err pages_retire(struct core *c, int64_t url_id);

/* Does the URL have a page row? */
bool pages_has(struct core *c, int64_t url_id);
