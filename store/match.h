/* SPDX-License-Identifier: MIT */
/*
 * What a person types into a search, made into a query of the full-text index.
 *
 *   word word        pages with both           "some words"   in this order, side by side
 *   word*            words that begin so       title:word     in the title only (or description:, text:)
 *   a OR b, a AND b, a NOT b, ( )              operators in capitals; NOT takes away the next term
 *
 * NOT binds first, then AND (also the one between two terms), then OR. Every
 * term is quoted, so nothing else in it means anything to SQLite. Runs of
 * Chinese, Japanese and Thai become the pairs that the index has; a single
 * character is looked for at the beginning of a pair.
 */
#pragma once

#include "store/words.h"

/* A term by which hits can be marked: those behind NOT are left out. */
struct match_term {
    const struct word *words; /* at least one */
    size_t n_words;
    bool is_prefix; /* the last word may go on */
};

struct match {
    struct span expression; /* for MATCH */
    /*
     * The same, but instead of each word* some words that begin so: what this finds, expression finds, too. Far
     * quicker, as FTS5 first puts the lists of all words that begin so together. SPAN_NONE: there are none.
     */
    struct span likely;
    const struct match_term *terms;
    size_t n_terms;
    size_t wrong_at; /* ERR_USAGE: the byte of the query where it went wrong */
};

/*
 * usual has words for match.likely, in any order, or is NULL. Everything in *out lies in mem; wrong_at is set on
 * ERR_USAGE only, whose note says what is wrong there. ERR_TOO_LARGE: more than MATCH_MAX_TERMS terms.
 */
#define MATCH_MAX_TERMS 100
enum err match_parse(struct words *w, struct span query, const struct word_list *usual,
                     struct arena *mem, struct match *out, struct err_note *note) MUST_USE;
