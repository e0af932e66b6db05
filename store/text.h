/* SPDX-License-Identifier: MIT */
/*
 * Full text: the FTS5 table page_text (contentless; its rowid is the fetch that
 * brought the text, pages.text_id). Terms gather in memory during a
 * transaction and become one segment at its commit; segments are merged
 * between transactions, never inside one that visits wait for.
 */
#pragma once

#include "store/core.h"

/* After the file was opened for writing: no merging inside transactions. */
enum err text_configure(struct core *c);

/* Indexes a page's title, description and text under fetch_id. False when there is nothing to index. */
bool text_add(struct core *c, int64_t fetch_id, const struct page_facts *facts);

/* A bounded piece of merging (about max_pages pages of the file written), in a transaction of its own. */
enum err text_merge(struct core *c, int max_pages);
