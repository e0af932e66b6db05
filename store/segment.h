/* SPDX-License-Identifier: MIT */
/*
 * The texts of a transaction, indexed without FTS5, as FTS5 would have done it: all words get the numbers of their
 * terms (tokens.h), terms are sorted, places counted into their terms' order, and the pages of one segment written
 * (leaves.h) into the tables of page_text (shadow.h). FTS5 reads, merges and checks it as one of its own.
 *
 * A transaction with more than tokens.h has room for makes several segments. Nothing is held from one to the next
 * but memory: 33 MiB of addresses, of which a transaction touches what it needs, 8 bytes a word and about 110 a
 * term. A hash of 16 MiB in FTS5 took as much: it counts less than it allocates, 144 bytes a term at least.
 */
#pragma once

#include "store/tokens.h"

struct db;
struct segment;

/* ERR_UNSUPPORTED: this SQLite has no FTS5. Heap; d must outlive *out. */
enum err segment_new(struct db *d, struct segment **out) MUST_USE;
void segment_free(struct segment *s); /* NULL is fine */

/*
 * In the transaction that is open: may segments be written? False when the table is not as we know it or has too many
 * segments already: then FTS5 is to do it. An error sticks to d.
 */
bool segment_begin(struct segment *s);

/* Takes a document. False when it is too large, for FTS5 to do after segment_end. An error sticks to d. */
bool segment_add(struct segment *s, int64_t id, const struct span columns[TOKENS_COLUMNS]);

/* Writes what was taken. How many segments it made. */
int segment_end(struct segment *s);
