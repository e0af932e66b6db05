/* SPDX-License-Identifier: MIT */
/*
 * Full-text search over the present content of pages. Up to SEARCH_RANKED hits
 * are ranked exactly; where more pages match, those whose titles do come first,
 * then the first SEARCH_RANKED of the others, so that an answer does not take
 * longer the more pages have a word (store/pick.h).
 */
#pragma once

#include "store/pick.h"

#define SEARCH_RANKED PICK_RANKED

struct search_question {
    struct span query;
    struct span host; /* SPAN_NONE: any */
    size_t limit;
};

/* A page; everything lies in the answer's arena. */
struct search_hit {
    int64_t url_id;
    struct span url, title, description, lang, fetched_at; /* ISO 8601 */
    double score;
    struct span content_type, codec, data; /* its stored body; empty data: none */
    int64_t size;
};

struct search_answer {
    struct words *words; /* by which hits can be marked; search_close */
    struct match match;
    struct search_hit *hits;
    size_t n_hits;
    int64_t n_found; /* pages that match; SEARCH_RANKED + 1: more than SEARCH_RANKED */
};

/*
 * Asks. ERR_USAGE: the query is wrong, at out->match.wrong_at. Otherwise the
 * errors of reader_query. search_close is due in any case; r must outlive *out.
 */
enum err search_ask(struct reader *r, const struct search_question *q,
                    struct arena *mem, struct search_answer *out,
                    struct err_note *note) MUST_USE;
void search_close(struct search_answer *a);
