/* SPDX-License-Identifier: MIT */
/*
 * The best pages for a query, picked without FTS5 (store/sieve.h), by their present content only. Where more than
 * PICK_RANKED match, those whose titles do come first, then the others; of either the first PICK_RANKED + 1 are ranked,
 * in the order of their ids. So the file is looked at only as far as these reach. The texts of a host are gathered
 * first where it is small and many texts match; else it is looked up for each that does.
 */
#pragma once

#include "store/match.h"
#include "store/reader.h"

#define PICK_RANKED 30000

/* Is h the host that a parameter names, with its port or without? The first line is for the index. */
#define PICK_IS_HOST(parameter)                                                               \
    "h.host IN (lower(" parameter "), rtrim(rtrim(lower(" parameter "), '0123456789'), ':'))" \
    " AND lower(" parameter ") IN (h.host, h.host || ':' || h.port)"

struct pick_question {
    const struct match *match;
    struct span host; /* empty: any */
    size_t limit;
};

/* A text of page_text. */
struct pick_text {
    int64_t id;
    double score;
};

/*
 * The best ones first into out, which has room for q->limit. *n_found: how many pages match; PICK_RANKED + 1: more than
 * PICK_RANKED. On any error FTS5 is to be asked, which says the same where it is not about our reading of its tables.
 */
enum err pick_texts(struct reader *r, const struct pick_question *q, struct pick_text *out, size_t *n_out,
                    int64_t *n_found) MUST_USE;
