/* SPDX-License-Identifier: MIT */
/*
 * Where a seed redirects, the scope grows in the middle of a run. What was found before and lay out of scope is
 * decided about again when nothing else is left to do, so that what is fetched does not depend on which answer came
 * first. A start does the same with what an earlier one left (store_decide_again).
 */
#pragma once

#include "crawler/crawl.h"

/*
 * Offers again what the scope, wider now, does not exclude any more; suspends. When it returns the new URLs are in
 * the frontier. ERR_CANCELLED; else the store's error.
 */
enum err rescope(struct crawl *c) MUST_USE;

/*
 * For store_decide_again: what an excluded or queued URL is under today's rules, by which a pattern may take
 * milliseconds. arg is the crawl; out's rule is valid until the next call. False: a signal wants an end.
 */
bool rescope_decide(void *arg, const struct store_excluded *url, struct store_verdict *out);
