/* SPDX-License-Identifier: MIT */
/*
 * relevance(page_text): how well a row of a full-text query fits, larger is
 * better. BM25 as FTS5's own (k1 1.2, b 0.75) with the title counting ten
 * times, the description four times; but how rare a word is is found out from
 * its first 20,000 rows, so that a query costs the same on any number of pages.
 */
#pragma once

#include <sqlite3.h>

#include "config/err.h"

/* ERR_UNSUPPORTED: this SQLite has no FTS5. */
enum err rank_register(sqlite3 *handle) MUST_USE;
