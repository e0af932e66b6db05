/* SPDX-License-Identifier: MIT */
/*
 * What a person types into a search, made into a query of the full-text index.
 *
 *   word word        pages with both           "some words"   in this order, side by side
 *   word*            words that begin so       title:word     in the title only (or description:, text:)
 *   a OR b, a AND b, a NOT b, ( )              operators in capitals; NOT takes away the next term
 *   a -b                                       the same as a NOT b
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

enum match_kind {
    MATCH_TERM,
    MATCH_AND,
    MATCH_OR,
    MATCH_NOT, /* the former one without the latter one */
};

#define MATCH_ANY_COLUMN (-1)

/* A part of a query: a term, or what joins the two parts before it that nothing has joined yet. */
struct match_step {
    enum match_kind kind;
    struct match_term term;
    int column; /* of a term: which one of page_text, or MATCH_ANY_COLUMN */
};

struct match {
    struct span expression; /* for MATCH */
    /* The same for who evaluates it without FTS5: 2 * MATCH_MAX_TERMS - 1 at most. */
    const struct match_step *steps;
    size_t n_steps;
    const struct match_term *terms;
    size_t n_terms;
    size_t wrong_at; /* ERR_USAGE: the byte of the query where it went wrong */
};

/*
 * Everything in *out lies in mem; wrong_at is set on ERR_USAGE only, whose note says what is wrong there.
 * ERR_TOO_LARGE: more than MATCH_MAX_TERMS terms.
 */
#define MATCH_MAX_TERMS 100
enum err match_parse(struct words *w, struct span query, struct arena *mem, struct match *out,
                     struct err_note *note) MUST_USE;
