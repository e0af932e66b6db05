/* SPDX-License-Identifier: MIT */
/*
 * The links that were written since the store was opened, in memory as the metrics want them: at the end of a run
 * they need not be read from the file, which costs 90 ns each. Four bytes a link, and four a set of them (links.h).
 *
 * Sets follow each other as their rows do, without a gap; all from the first one on are there or none is. What does
 * not fit into the bound, nor a number of 31 bits, makes it forget all for good: a file of so many links has them read.
 */
#pragma once

#include "config/base.h"

struct recall;

/* Keeps up to max_bytes. Heap; the caller frees it. */
struct recall *recall_new(size_t max_bytes);
/* NULL is fine. */
void recall_free(struct recall *r);

/* The links that come next are those of this set. */
void recall_begin(struct recall *r, int64_t set_id);
/* One of them, in their order; the target's id, and whether it passes rank on. */
void recall_add(struct recall *r, int64_t dst_id, bool passes_rank);

/* The first set that is there; 0 without any. And how many there are. */
int64_t recall_first(const struct recall *r);
size_t recall_n_sets(const struct recall *r);

/* A link, borrowed until the next call of recall_begin or recall_add. */
struct recall_link {
    uint32_t word;
};

/* Those of the i-th set, from 0; *out_n of them. */
const struct recall_link *recall_links(const struct recall *r, size_t i, int64_t *out_set_id, size_t *out_n);

static inline int64_t recall_dst(struct recall_link link)
{
    return link.word >> 1;
}

static inline bool recall_passes_rank(struct recall_link link)
{
    return link.word & 1;
}
