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

/* Takes note of the tag in t->tok; sets its is_foreign and is_hidden. */
void tokenizer_foreign_track(struct tokenizer *t);
