/* SPDX-License-Identifier: MIT */
/*
 * A query evaluated without FTS5, over lists of store/postings.h: which documents match, and how well, as MATCH and
 * relevance(page_text) would say. It goes through the words one by one and holds for each document that is wanted what
 * was found there, so a word costs a few ns a document of the file, and a list is read to the wanted documents' end
 * only. Memory: 4 bytes for each wanted document and term of the query, for phrases 9 more and the first word's
 * places; SIEVE_MAX_BYTES at most.
 */
#pragma once

#include "store/match.h"
#include "store/postings.h"

#define SIEVE_MAX_BYTES ((size_t)256 * MIB)

/* Of as many documents, the first ones, a word's worth is concluded if they do: all that a third of them have. */
#define SIEVE_FIRST_DOCUMENTS 65536

struct sieve;

/* Both must outlive *out. ERR_IO. */
enum err sieve_new(struct postings *p, const struct match *m, struct sieve **out) MUST_USE;
void sieve_free(struct sieve *s); /* NULL is fine */

#define SIEVE_ALL_COLUMNS ((1u << POSTINGS_COLUMNS) - 1)
#define SIEVE_TITLE       1u

/*
 * Finds the documents of domain that match in those columns (a bit each). What domain->bits points to is not held.
 * ERR_TOO_LARGE: it would take too much memory; the errors of postings_walk.
 */
enum err sieve_run(struct sieve *s, const struct postings_domain *domain, unsigned columns) MUST_USE;

/* How many the last run found, and the first of them with an id of at least from, or -1. */
int64_t sieve_n_found(const struct sieve *s);
int64_t sieve_next(const struct sieve *s, int64_t from);

/* How well a document that the last run found fits. The errors of sieve_run. */
enum err sieve_score(struct sieve *s, int64_t id, double *out) MUST_USE;
