/* SPDX-License-Identifier: MIT */
/*
 * The part of parse/wire.h that carries struct page_facts: by far the most
 * frequent message, and the one whose cost counts. Scalars first, then texts,
 * then the links one behind the other. Used by parse/wire.c only.
 */
#pragma once

#include "parse/wire.h"
#include "parse/wire_io.h"

/* With may_cut: what does not fit is left out and the outcome says so; see wire_encode_cut_answer. */
void wire_page_put(struct wire_io_writer *w, const struct page_facts *page,
                   const struct wire_limits *limits, bool may_cut);
void wire_page_get(struct wire_io_reader *r, const struct wire_limits *limits,
                   struct arena *mem, struct page_facts *out);

/* url, or SPAN_NONE where the wire's rule for URLs does not hold. */
struct span wire_page_clean_url(struct span url);

/* n zeroed items, NULL for none; fails the reader with ERR_NO_MEMORY when mem gives out. */
void *wire_page_array(struct wire_io_reader *r, struct arena *mem, size_t n,
                      size_t size);
