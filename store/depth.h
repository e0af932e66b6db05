/* SPDX-License-Identifier: MIT */
/*
 * Depth is the smallest over all discoveries. When that of a page falls, its
 * stored links and its redirect are offered again from here, without a new
 * fetch, so that the set of pages in the end depends on the graph alone and not
 * on the order of answers.
 *
 * The work is a list of page ids. It is done within the op that caused it, in
 * steps of bounded size; what a commit finds undone stands in depth_work and is
 * taken up again after a crash.
 */
#pragma once

#include "store/core.h"
#include "store/extra.h"

struct depth;

/* An empty list of work. Heap; the caller frees it. */
struct depth *depth_new(void);
/* NULL is fine. */
void depth_free(struct depth *d);

/* This page's depth fell. */
void depth_fell(struct core *c, int64_t url_id);

/* Is there work left? */
bool depth_has_work(const struct core *c);

/* Works until nothing is left or about max_links links were looked at. */
enum err depth_work(struct core *c, struct extra *x, size_t max_links);

/* Before a commit: writes the work that is left, or clears what was written. */
enum err depth_save(struct core *c);

/* After a start: takes up what a crash left. */
enum err depth_load(struct core *c);
