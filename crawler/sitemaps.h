/* SPDX-License-Identifier: MIT */
/*
 * Reads the sitemaps that a host's robots.txt names, indexes down to three
 * levels, each file once a run. Their entries, and the other languages that
 * these name, are offered to the frontier at depth 1, decided like any other
 * URL. A sitemap on another origin is read only when that origin's robots.txt
 * is known to us (promise P4); until then it counts as not named. Of a file
 * that --max-size cut the part that came counts. What fails in a way that may
 * pass is tried again, as a page is.
 */
#pragma once

#include "crawler/document.h"
#include "parse/job.h"

#define SITEMAPS_MAX_LEVEL 3 /* of indexes */

/* What is remembered of them in a run: nothing yet. */
void sitemaps_open(struct crawl *c);
void sitemaps_close(struct crawl *c);

/* Starts a coroutine when h has sitemaps that were not read yet. h must be ready. */
void sitemaps_start(struct crawl *c, struct host *h);

/* Is there anything to be parsed? What --max-size cut is good as far as it goes. */
bool sitemaps_have_come(const struct document *doc);

/*
 * What counts of a parsed answer, a view of it: where --max-size or a broken
 * content coding cut the bytes, the last entry may be half of one, so it does not.
 */
struct sitemap sitemaps_whole_entries(const struct document *doc,
                                      const struct answer *answer);
