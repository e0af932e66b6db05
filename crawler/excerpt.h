/* SPDX-License-Identifier: MIT */
/*
 * The part of a text that shows best why a search found it, and where the words
 * searched for stand in it. Words are those of the full-text index, so what is
 * marked is what was found.
 */
#pragma once

#include "store/match.h"

struct excerpt_mark {
    size_t from, to; /* bytes of the excerpt's text */
};

struct excerpt {
    struct span text;           /* one line: line feeds and tabs are spaces */
    struct excerpt_mark *marks; /* in order, not overlapping */
    size_t n_marks;
    bool is_cut_before, is_cut_after;
};

/*
 * At most columns of text (0: all of it), chosen so that as many different terms
 * as can be stand in it; without any, its beginning. *out lies in mem.
 * ERR_TOO_LARGE: mem is full.
 */
enum err excerpt_make(struct words *w, const struct match *match, struct span text,
                      int columns, struct arena *mem, struct excerpt *out) MUST_USE;
