/* SPDX-License-Identifier: MIT */
/*
 * Which keys are there for certain not: a Bloom filter in blocks of half a cache line (Putze, Sanders, Singler:
 * Cache-, Hash- and Space-Efficient Bloom Filters, 2007), a bit in each of a block's eight words. At ten bits a
 * key one of a hundred absent keys may seem to be there.
 *
 * Such a filter cannot grow by itself. When there are more keys than it is good for, its owner tells all of them again
 * for a larger one, a few at a time, while the old one answers.
 */
#pragma once

#include "config/base.h"

struct filter;

/* It has no keys and knows nothing: all may be there. secret: others may choose keys. Heap, as it fills. */
struct filter *filter_new(uint64_t secret, size_t max_bytes);
/* NULL is fine. */
void filter_free(struct filter *f);

/* A key came, or is told again. */
void filter_add(struct filter *f, uint64_t key);

/* False: key was never there. */
bool filter_may_have(const struct filter *f, uint64_t key);

/*
 * Is one being made? Where there are n_keys and that is more than it is good for, one is begun: is_new, and all keys
 * that came before are to be told again, then filter_finish.
 */
bool filter_is_making(struct filter *f, int64_t n_keys, bool *is_new);
void filter_finish(struct filter *f);
