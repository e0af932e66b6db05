/* SPDX-License-Identifier: MIT */
/*
 * The pages of one segment of FTS5's index, as fts5_index.c describes them: terms in order of their bytes, each with
 * the documents that have it and its places in them, cut into pages of shadow.page_bytes.
 *
 * A page: the offset of its first document, if that stands before its first term, and of its footer, 16 bits each; the
 * content; in the footer the offset of each term. The first term of a page is whole, others leave out what they share
 * with the one before. A list goes on in the next page, where the first document's id is whole again. FTS5 cuts them
 * at the same bytes (fts5WriteAppendTerm, fts5FlushOneHash). Only the indexes of lists of many pages are left out,
 * which no reader expects (a bit of the separator says whether there is one): the lists of a few hundred documents
 * have few pages, and merging makes the indexes.
 */
#pragma once

#include "store/shadow.h"

/* A page's own bytes before the first term. */
#define LEAVES_HEAD 4
/* Of terms: FTS5's index of whole words, not of prefixes (FTS5_MAIN_PREFIX). */
#define LEAVES_WHOLE_WORD '0'

struct leaves;

/* Heap; the caller frees it. */
struct leaves *leaves_new(void);
void leaves_free(struct leaves *l); /* NULL is fine */

/* Begins a segment, which is written into s. */
void leaves_begin(struct leaves *l, struct shadow *s, uint32_t segment);

/* A term: a word larger than the last one, of at most TOKENS_MAX_WORD bytes. */
void leaves_term(struct leaves *l, struct span word);

/*
 * A document of the term, with a larger id than the last one, and its places:
 * whole varints, the first of them their length. LEAVES_SLACK bytes behind them may be read.
 */
#define LEAVES_SLACK 16
void leaves_doc(struct leaves *l, int64_t id, const unsigned char *places, size_t n);

/* The last page; returns how many there are. */
uint32_t leaves_end(struct leaves *l);
