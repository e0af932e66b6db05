/* SPDX-License-Identifier: MIT */
/*
 * Where SVG and MathML content begins and ends, as far as a tokenizer must
 * know (HTML standard §13.2.6, "tree construction dispatcher", and §13.2.6.5).
 *
 * Without a tree, two things are remembered: a stack of the elements that
 * change what their content is (roots, integration points, SVG's style and
 * script), and how many elements of each name are open, which tells whether
 * an end tag inside foreign content ends something around it. Names that
 * parse/tags.h does not know and nesting beyond TOKENIZER_MAX_FOREIGN are not
 * followed.
 */
#pragma once

#include "parse/tokenizer.h"

enum tokenizer_content {
    TOKENIZER_HTML,
    TOKENIZER_SVG,
    TOKENIZER_MATH,
};

/* What the next token stands in. */
static inline enum tokenizer_content tokenizer_foreign_content(
    const struct tokenizer *t)
{
    return t->n_foreign ? (enum tokenizer_content)t->foreign[t->n_foreign - 1].content
                        : TOKENIZER_HTML;
}

/* As tokenizer_foreign_track, in content of any kind. */
void tokenizer_foreign_track_any(struct tokenizer *t);

/* Takes note of the tag in t->tok; sets its is_foreign and is_hidden. */
static inline void tokenizer_foreign_track(struct tokenizer *t)
{
    unsigned flags = tags_flags((enum tag)t->tok.tag);
    uint16_t n_open = t->n_open[t->tok.tag];

    if (t->n_foreign || (flags & TAGS_ROOT)) {
        tokenizer_foreign_track_any(t);
        return;
    }
    t->tok.is_foreign = t->tok.is_hidden = false;
    if (t->tok.type == TOKEN_END)
        n_open = (uint16_t)(n_open - (n_open > 0));
    else
        n_open = (uint16_t)(n_open + (!(flags & TAGS_VOID) && n_open < UINT16_MAX));
    t->n_open[t->tok.tag] = n_open;
}
