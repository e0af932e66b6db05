/* SPDX-License-Identifier: MIT */
/*
 * relevance(page_text): how well a row of a full-text query fits, larger is
 * better. BM25 as FTS5's own (k1 1.2, b 0.75) with the title counting ten
 * times, the description four times; but how rare a word is is found out from
 * its first RANK_LOOKED_AT rows, so that a query costs the same on any number of pages.
 */
#pragma once

#include <sqlite3.h>
#include <stdint.h>

#include "config/err.h"

#define RANK_LOOKED_AT 20000 /* rows from which a word's share of all is concluded */

/* What a place in a column of page_text counts. */
double rank_weight(int column);

/*
 * What a word (or phrase) is worth of which n rows are known, the last of them with the id last, among n_rows: all
 * that have it, or the first RANK_LOOKED_AT.
 */
double rank_worth(int64_t n, int64_t last, int64_t n_rows);

/*
 * What it adds to the score of a row of size words, where the mean is mean_size: frequency is the sum of what its
 * places there count.
 */
double rank_part(double worth, double frequency, double size, double mean_size);

/* ERR_UNSUPPORTED: this SQLite has no FTS5. */
enum err rank_register(sqlite3 *handle) MUST_USE;
