/* SPDX-License-Identifier: MIT */
/*
 * Counters of the running transaction: URLs by state, the run's sums, and
 * pages and bytes by host. They are kept in memory and written once a
 * transaction, right before it commits, so they are exact at every commit and
 * cost nothing a page.
 */
#pragma once

#include "store/core.h"

struct tally;

/* All zero. Heap; the caller frees it. */
struct tally *tally_new(void);
/* NULL is fine. What was not flushed is lost. */
void tally_free(struct tally *t);

/* Reads the sums by state as the last commit left them. */
enum err tally_load(struct core *c) MUST_USE;

/* A row came into being in this state. */
void tally_add(struct core *c, enum url_state state);
/* One row left from for to. */
void tally_move(struct core *c, enum url_state from, enum url_state to);
/* Many rows at once did. */
void tally_shift(struct core *c, enum url_state from, enum url_state to, int64_t n);

/* A visit was stored. */
void tally_visit(struct core *c, const struct store_visit *v);

/* Writes what was counted since the last call. */
enum err tally_flush(struct core *c);

/* URLs by state, as of now. */
void tally_totals(const struct core *c, int64_t out[N_URL_STATES]);

/*
 * Are there far fewer URLs than their largest id says? We give ids one after the other, so others made that file, and
 * an array by id could be of any size.
 */
bool tally_is_sparse(const struct core *c, int64_t max_id);
