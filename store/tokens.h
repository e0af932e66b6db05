/* SPDX-License-Identifier: MIT */
/*
 * The words of a number of documents, as FTS5 would index them: each word of
 * each text by the number of its term, in order, and the terms themselves.
 *
 * unicode61 looks at nothing around a word, and an ASCII byte that is no letter and no digit ends one. So pieces of
 * ASCII are cut and folded here, eight bytes at a time; a piece with any other byte goes through SQLite's own
 * tokenizer (words.h), whatever is in it.
 *
 * All memory is fixed when it is made, 21 MiB of addresses of which only what is used is ever touched; what
 * a document needs at most is known by its bytes (tokens_fit), so nothing can be too much half-way.
 */
#pragma once

#include "config/base.h"
#include "config/err.h"
#include "config/span.h"

#define TOKENS_COLUMNS 3
/* Bytes of one document, all columns together: tokens_fit says no to more, whatever is there. */
#define TOKENS_MAX_TEXT ((size_t)512 * KIB - 8)
/* A longer word is cut, as FTS5 does it (FTS5_MAX_TOKEN_SIZE in fts5Int.h). */
#define TOKENS_MAX_WORD ((size_t)32768)

/* What they are sized for: one document of TOKENS_MAX_TEXT, every second byte of it a word, always fits. */
#define TOKENS_MAX_TERMS (TOKENS_MAX_TEXT / 2 + TOKENS_COLUMNS)
#define TOKENS_MAX       (2 * TOKENS_MAX_TERMS)
#define TOKENS_MAX_DOCS  1024

struct tokens_term {
    uint64_t head; /* its first eight bytes, the first lowest, zeros behind a shorter one; no term has a NUL */
    uint32_t hash; /* odd when it is longer than eight bytes */
    uint32_t at;   /* then: all its bytes, in bytes */
    uint32_t len;
};

struct tokens_doc {
    int64_t id;
    uint32_t ends[TOKENS_COLUMNS]; /* of each column, in numbers */
};

struct tokens {
    uint32_t *numbers; /* of terms, a word each: the columns of a document, the documents one after the other */
    size_t n_numbers;
    struct tokens_doc *docs;
    size_t n_docs;
    struct tokens_term *terms; /* by number, in order of their first word */
    size_t n_terms;
    char *bytes;
    size_t n_bytes;
    struct tokens_table *table;
};

struct sqlite3;

/* Empty. ERR_UNSUPPORTED: this SQLite has no FTS5. Heap; handle must outlive *out. */
enum err tokens_new(struct sqlite3 *handle, struct tokens **out) MUST_USE;
void tokens_free(struct tokens *t); /* NULL is fine */

/* Forgets all documents; the memory stays. */
void tokens_reset(struct tokens *t);

/* Is there room for one more document of n bytes? */
bool tokens_fit(const struct tokens *t, size_t n);

/* Adds a document, for which there is room. ERR_NO_MEMORY: SQLite's tokenizer had none. */
enum err tokens_add(struct tokens *t, int64_t id, const struct span columns[TOKENS_COLUMNS]) MUST_USE;

/* All words that were added have their numbers: to be called before anything of t is read. */
void tokens_settle(struct tokens *t);
