/* SPDX-License-Identifier: MIT */
/*
 * The robots.txt rules of all origins, in memory, bounded together: a file of
 * 500 KiB that is nothing but rules takes 1.7 MB, and there may be as many such
 * origins as somebody makes up names. Where a new origin's rules want more than
 * the bound, those of the origins that were not asked for longest are forgotten;
 * such an origin is new again (HOST_NEW) and prepared before its next page, as a
 * rule from the copy in the database.
 *
 * Invariants
 * 1. An origin that obeys rules is in the book, and what it takes is counted.
 * 2. Over the bound is at most the origin that came last.
 * 3. Origins that are being prepared are not forgotten, ready ones at any moment.
 *    So who takes a URL of a ready origin looks at its rules in the same step,
 *    before anything else can run.
 *
 * Single-threaded. Nothing here suspends.
 */
#pragma once

#include "crawler/frontier.h"

struct rulebook;

/* max_bytes: of the rules of all origins together, about. */
struct rulebook *rulebook_new(struct frontier *f, size_t max_bytes);
/* Before the frontier is freed. */
void rulebook_free(struct rulebook *b);

/*
 * From now on h obeys these rules (copied), which may be none, and no others; *from
 * may lie anywhere but in h. ERR_TOO_LARGE, and h is as it was before.
 */
enum err rulebook_keep(struct rulebook *b, struct host *h, const struct robots_rules *from) MUST_USE;

/* h has no rules any more and must not be asked for pages: it is parked. */
void rulebook_drop(struct rulebook *b, struct host *h);

/* As robots_allows, by the rules of h, which is ready; everything is allowed where it obeys none. */
bool rulebook_allows(struct rulebook *b, struct host *h, struct span target,
                     const struct robots_rule **out_rule);

/* What is counted now. */
size_t rulebook_bytes(const struct rulebook *b);
