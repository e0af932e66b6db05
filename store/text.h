/* SPDX-License-Identifier: MIT */
/*
 * Full text: the FTS5 table page_text (contentless; its rowid is the fetch that
 * brought the text, pages.text_id).
 *
 * Texts of a transaction wait in a list and go in together right before it
 * commits, as one segment that is written without FTS5 (segment.h). Those that no segment takes go through FTS5, which
 * would write its terms out at each statement with a statement journal in between, so they wait, too.
 * When there are many segments (MERGE_FROM in text.c), they are merged between transactions, never inside
 * one that visits wait for.
 */
#pragma once

#include "store/core.h"

struct text;

/* Nothing waits. Heap; the caller frees it. */
struct text *text_new(void);
/* NULL is fine. */
void text_free(struct text *t);

/* After the file was opened for writing: no merging inside transactions. */
enum err text_configure(struct core *c);

/*
 * A page's title, description and text are to be indexed under fetch_id; facts
 * must stay until text_flush. False when there is nothing to index.
 */
bool text_add(struct core *c, int64_t fetch_id, const struct page_facts *facts);

/* The last thing before a commit: indexes what was added. */
enum err text_flush(struct core *c);

/*
 * Between transactions: a bounded piece of merging, when there is something worth it.
 */
enum err text_merge(struct core *c);
