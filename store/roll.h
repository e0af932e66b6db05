/* SPDX-License-Identifier: MIT */
/*
 * The pages that were stored since the store was opened, in memory as the metrics want them: at the end of a run
 * their rows need not be read from the file, which costs 5 us each, as those of their answers lie elsewhere. 48 bytes
 * a page.
 *
 * All that the file has are there or none is. A page that changes or goes, or what does not fit into the bound,
 * makes it forget all for good.
 */
#pragma once

#include "config/base.h"

struct roll;

struct roll_page {
    int64_t url_id;
    int64_t links_id; /* 0: it has none */
    int64_t link_hash, simhash, word_count;
    int64_t body; /* the first eight bytes of its SHA-256; 0: not known */
};

/* Keeps up to max_bytes. Heap; the caller frees it. */
struct roll *roll_new(size_t max_bytes);
/* NULL is fine. */
void roll_free(struct roll *r);

void roll_add(struct roll *r, const struct roll_page *page);
void roll_forget(struct roll *r);

/* In the order in which they came, borrowed until the next call; NULL without any. */
const struct roll_page *roll_pages(const struct roll *r, size_t *out_n);
/* Were none added so far, and may some be? */
bool roll_is_new(const struct roll *r);
